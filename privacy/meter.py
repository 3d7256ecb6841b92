"""How many people an account reads in an hour and in a day, and where it ends.

A stolen session or a curious colleague reads what the role may read, one page after the other. So
people are counted: those opened one by one, and those who stand on lists. A row per account and
hour holds both numbers; nothing is ever counted over the lines of the journal.

The limits are by calendar hour and day, so that the page can say when it goes on. Two people may
lift them for one account and one day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.utils import timezone

from privacy.approvals import standing_approval
from privacy.models import ReadMeter

READ_MORE = "read_more"
HOUR, DAY = "hour", "day"
OPENED, LISTED = "opened", "listed"


class TooManyReads(Exception):
    """An account has read as many people as its limit allows; `until` says when it goes on."""

    def __init__(self, *, kind: str, window: str, limit: int, until: datetime) -> None:
        super().__init__(f"{kind} by the {window}, limit {limit}")
        self.kind, self.window, self.limit, self.until = kind, window, limit, until


@dataclass(frozen=True)
class Readings:
    """The people an account has read: in this hour and on this day, by how."""

    opened_hour: int
    opened_day: int
    listed_hour: int
    listed_day: int


def hour_of(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def day_of(now: datetime) -> datetime:
    """Return the midnight that began the day, by the clock on the wall."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def limits() -> Mapping[tuple[str, str], int]:
    """Return (how, window) -> people."""
    return {
        (OPENED, HOUR): settings.READS_OPENED_HOUR,
        (OPENED, DAY): settings.READS_OPENED_DAY,
        (LISTED, HOUR): settings.READS_LISTED_HOUR,
        (LISTED, DAY): settings.READS_LISTED_DAY,
    }


_COUNT = """
INSERT INTO privacy_readmeter AS meter (reader_id, hour, opened, listed, refused)
VALUES (%(reader)s, %(hour)s, %(opened)s, %(listed)s, 0)
ON CONFLICT (reader_id, hour) DO UPDATE
SET opened = meter.opened + excluded.opened, listed = meter.listed + excluded.listed
"""
_SUMS = """
SELECT coalesce(sum(opened) FILTER (WHERE hour = %(hour)s), 0), coalesce(sum(opened), 0),
       coalesce(sum(listed) FILTER (WHERE hour = %(hour)s), 0), coalesce(sum(listed), 0)
FROM privacy_readmeter WHERE reader_id = %(reader)s AND hour >= %(day)s
"""
_REFUSED = """
INSERT INTO privacy_readmeter AS meter (reader_id, hour, opened, listed, refused)
VALUES (%(reader)s, %(hour)s, 0, 0, 1)
ON CONFLICT (reader_id, hour) DO UPDATE SET refused = meter.refused + 1
"""


def count_reading(*, reader_id: UUID, people: int, now: datetime) -> None:
    """Count people read at once: one is opened, several are listed. Raises TooManyReads.

    In the caller's transaction on crm, which a refusal must roll back.
    """
    is_one = people == 1
    asked: dict[str, Any] = {"reader": reader_id, "hour": hour_of(now)}
    asked |= {"opened": int(is_one), "listed": 0 if is_one else people}
    with connections["default"].cursor() as cursor:
        cursor.execute(_COUNT, asked)
    kind = OPENED if is_one else LISTED
    found = readings(reader_id=reader_id, now=now)
    for window, ends_at in ((DAY, _next_day(now)), (HOUR, hour_of(now) + timedelta(hours=1))):
        limit = limits()[kind, window]
        read = getattr(found, f"{kind}_{window}")
        if read > limit and read > limit * _factor(reader_id, now):
            raise TooManyReads(kind=kind, window=window, limit=limit, until=ends_at)


def _next_day(now: datetime) -> datetime:
    # 36 hours after midnight are noon of the next day, also when the clocks change in between.
    return day_of(day_of(now) + timedelta(hours=36))


def _factor(reader_id: UUID, now: datetime) -> int:
    reference = read_more_reference(reader_id=reader_id, now=now)
    granted = standing_approval(kind=READ_MORE, reference=reference, now=now)
    return int(settings.READS_GRANTED_FACTOR) if granted else 1


def read_more_reference(*, reader_id: UUID, now: datetime) -> dict[str, str | int]:
    """Return what an approval of `read_more` is for: one account, on one day."""
    return {"account": str(reader_id), "day": timezone.localtime(now).date().isoformat()}


def readings(*, reader_id: UUID, now: datetime) -> Readings:
    """Return what an account has read in this hour and on this day."""
    asked: dict[str, Any] = {"reader": reader_id, "hour": hour_of(now), "day": day_of(now)}
    with connections["default"].cursor() as cursor:
        cursor.execute(_SUMS, asked)
        return Readings(*(int(number) for number in cursor.fetchone() or (0, 0, 0, 0)))


def note_too_many(*, reader_id: UUID, now: datetime) -> None:
    """Note that a reading was refused for its number: the home page of those in charge says so."""
    with connections["default"].cursor() as cursor:
        cursor.execute(_REFUSED, {"reader": reader_id, "hour": hour_of(now)})


def stopped_today(*, now: datetime) -> dict[UUID, int]:
    """Return account -> how often it met its limit today."""
    rows = ReadMeter.objects.filter(hour__gte=day_of(now), refused__gt=0)
    found: dict[UUID, int] = {}
    for reader_id, refused in rows.values_list("reader_id", "refused"):
        found[reader_id] = found.get(reader_id, 0) + refused
    return found
