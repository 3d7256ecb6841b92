"""When a wait is over. Days and hours are those of the company's calendar (Europe/Paris).

A day is a day of the calendar: two days after Saturday nine o'clock is Monday nine o'clock, also
over the night in which the clocks change. Minutes and hours are counted as they pass.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils.timezone import get_default_timezone

from campaigns.automations.definition import Step, day_of


def wakes_at(step: Step, now: datetime) -> datetime:
    """Return when somebody who comes to this wait now goes on; never before now."""
    if step.kind == "wait_weekday":
        return _next_weekday(step.says, now)
    if step.kind == "wait_date":
        day = day_of(step.says["date"])
        return max(now, at_hour(day, int(step.says["hour"]))) if day else now
    amount, unit = int(step.says["amount"]), step.says["unit"]
    if unit in ("minutes", "hours"):
        # In UTC: adding to a local time would add to what the clock on the wall shows.
        return now.astimezone(UTC) + timedelta(**{unit: amount})
    local = now.astimezone(get_default_timezone())
    days = amount * (7 if unit == "weeks" else 1)
    return _moment(local.date() + timedelta(days=days), local.time())


def at_hour(day: date, hour: int) -> datetime:
    return _moment(day, time(hour))


def _moment(day: date, clock: time) -> datetime:
    # By way of UTC: an hour that a night in March leaves out becomes the one behind it.
    local = datetime.combine(day, clock.replace(tzinfo=None), tzinfo=get_default_timezone())
    return local.astimezone(UTC)


def _next_weekday(says: Mapping[str, Any], now: datetime) -> datetime:
    """The next of these days at this hour; now, if it is that hour of such a day already."""
    local = now.astimezone(get_default_timezone())
    days, hour = {int(day) for day in says["weekdays"]}, int(says["hour"])
    if local.weekday() in days and local.hour == hour:
        return now
    for ahead in range(9):
        day = local.date() + timedelta(days=ahead)
        moment = at_hour(day, hour)
        if day.weekday() in days and moment >= now:
            return moment
    return now
