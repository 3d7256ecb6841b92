"""The hours and days of calls to consumers, against days that everybody can look up."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from crm.calling_hours import is_calling_day, may_call_consumer, next_calling_time

PARIS = ZoneInfo("Europe/Paris")


def _at(day: int, hour: int, minute: int = 0, *, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("hour", "minute", "is_allowed"),
    [(9, 59, False), (10, 0, True), (12, 59, True), (13, 0, False), (13, 59, False),
     (14, 0, True), (19, 59, True), (20, 0, False)],
)  # fmt: skip
def test_the_hours_of_a_monday(hour: int, minute: int, is_allowed: bool) -> None:
    assert may_call_consumer(_at(23, hour, minute)) is is_allowed


def test_the_clock_is_that_of_the_company() -> None:
    assert may_call_consumer(datetime(2026, 11, 23, 9, 30, tzinfo=ZoneInfo("UTC")))
    assert not may_call_consumer(datetime(2026, 7, 13, 11, 30, tzinfo=ZoneInfo("UTC")))


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 4, 6),  # Easter Monday
        date(2026, 5, 14),  # Ascension
        date(2026, 5, 25),  # Whit Monday
        date(2027, 3, 29),
        date(2024, 4, 1),
        date(2038, 4, 26),  # the latest Easter
        date(2008, 3, 24),  # one of the earliest
        date(2026, 7, 14),
        date(2026, 11, 11),
        date(2026, 12, 25),
        date(2026, 11, 28),  # a Saturday
        date(2026, 11, 29),
    ],
)
def test_nobody_is_called_on_a_day_of_rest(day: date) -> None:
    assert not is_calling_day(day)


def test_other_days_are_days_of_work() -> None:
    assert is_calling_day(date(2026, 4, 7))
    assert is_calling_day(date(2026, 11, 23))


def test_the_next_hour_is_said() -> None:
    assert next_calling_time(_at(23, 10, 30)) == _at(23, 10, 30)
    assert next_calling_time(_at(23, 8)) == _at(23, 10)
    assert next_calling_time(_at(23, 13, 30)) == _at(23, 14)
    assert next_calling_time(_at(27, 21)) == _at(30, 10)  # Friday evening to Monday
    assert next_calling_time(_at(24, 21, month=12)) == _at(28, 10, month=12)
