"""Waits and dates keep to the calendar of the company, over leap days and changed clocks."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.automations.calendar import wakes_at
from campaigns.automations.definition import Step
from campaigns.automations.occasions import origins_of

PARIS = ZoneInfo("Europe/Paris")


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=PARIS)  # type: ignore[misc, arg-type]


def after(kind: str, now: datetime, **says: Any) -> datetime:
    return wakes_at(Step("s1", kind, says), now).astimezone(PARIS)


@pytest.mark.parametrize(
    ("now", "amount", "unit", "expected"),
    [
        # The night of 28 to 29 March 2026 has no hour between two and three.
        (local(2026, 3, 28, 9), 1, "days", local(2026, 3, 29, 9)),
        (local(2026, 3, 28, 9), 24, "hours", local(2026, 3, 29, 10)),
        (local(2026, 3, 28, 2, 30), 1, "days", local(2026, 3, 29, 3, 30)),
        # In the night to 25 October that hour comes twice: the first of them counts.
        (local(2026, 10, 24, 2, 30), 1, "days", local(2026, 10, 25, 2, 30)),
        (local(2028, 2, 28, 9), 1, "days", local(2028, 2, 29, 9)),
        (local(2027, 2, 28, 9), 1, "days", local(2027, 3, 1, 9)),
        (local(2026, 12, 24, 9), 2, "weeks", local(2027, 1, 7, 9)),
        (local(2026, 11, 23, 9), 90, "minutes", local(2026, 11, 23, 10, 30)),
    ],
)
def test_a_day_is_a_day_of_the_calendar_and_an_hour_an_hour(
    now: datetime, amount: int, unit: str, expected: datetime
) -> None:
    assert after("wait", now, amount=amount, unit=unit) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (local(2026, 11, 23, 8), local(2026, 11, 24, 9)),  # Monday: Tuesday is next
        (local(2026, 11, 24, 8, 59), local(2026, 11, 24, 9)),
        (local(2026, 11, 24, 9, 30), local(2026, 11, 24, 9, 30)),  # it is that hour already
        (local(2026, 11, 24, 10), local(2026, 11, 26, 9)),
        (local(2026, 11, 26, 10), local(2026, 12, 1, 9)),
    ],
)
def test_until_tuesday_or_thursday_at_nine(now: datetime, expected: datetime) -> None:
    assert after("wait_weekday", now, weekdays=[1, 3], hour=9) == expected


def test_until_a_day_that_is_past_is_no_wait() -> None:
    now = local(2026, 11, 23, 8)
    assert after("wait_date", now, date="2026-11-20", hour=9) == now
    assert after("wait_date", now, date="2026-12-24", hour=9) == local(2026, 12, 24, 9)


SECONDS = st.integers(0, 8 * 366 * 86_400)
MOMENTS = SECONDS.map(lambda number: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=number))


@given(MOMENTS, st.sets(st.integers(0, 6), min_size=1), st.integers(0, 23))
def test_a_weekday_is_never_in_the_past_and_within_eight_days(
    now: datetime, weekdays: set[int], hour: int
) -> None:
    found = after("wait_weekday", now, weekdays=sorted(weekdays), hour=hour)
    assert now <= found <= now + timedelta(days=8)
    assert found.weekday() in weekdays


@given(MOMENTS, st.integers(1, 400), st.sampled_from(["minutes", "hours", "days", "weeks"]))
def test_a_wait_is_over_later_than_it_began(now: datetime, amount: int, unit: str) -> None:
    assert wakes_at(Step("s1", "wait", {"amount": amount, "unit": unit}), now) > now


def test_an_anniversary_of_the_leap_day_is_the_28th_in_other_years() -> None:
    assert date(2024, 2, 29) in origins_of(date(2027, 2, 28), days=0, is_yearly=True)
    assert date(2024, 2, 28) in origins_of(date(2027, 2, 28), days=0, is_yearly=True)
    assert date(2024, 2, 29) not in origins_of(date(2028, 2, 28), days=0, is_yearly=True)
    assert date(2024, 2, 29) in origins_of(date(2028, 2, 29), days=0, is_yearly=True)


DAYS = st.dates(date(2000, 1, 1), date(2030, 1, 1))


@settings(max_examples=20, deadline=None)
@given(DAYS, st.integers(1, 12), st.integers(-60, 60))
def test_everybody_has_exactly_one_anniversary_in_each_year(
    origin: date, years: int, days: int
) -> None:
    """Looked at from every day of two years around it."""
    year = origin.year + years
    begin = date(year, 1, 1) + timedelta(days=days)
    length = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    hits = [
        day
        for day in (begin + timedelta(days=number) for number in range(length))
        if origin in origins_of(day, days=days, is_yearly=True)
    ]
    assert len(hits) == 1


def test_thirty_days_before_is_asked_from_the_day_itself() -> None:
    assert origins_of(date(2026, 12, 1), days=-30, is_yearly=False) == [date(2026, 12, 31)]
