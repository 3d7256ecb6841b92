"""A limit is never exceeded, wherever the stretch of time begins; the clock is passed in."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.models import Relay
from campaigns.relays import limits
from campaigns.relays.choice import limits_of, warm_up_of
from campaigns.relays.limits import LAG_SECONDS, WARM_UP, charge, refund, room, wait_seconds

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PERIODS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@settings(max_examples=150, deadline=None)
@given(
    unit=st.sampled_from(sorted(PERIODS)),
    limit=st.integers(1, 40),
    asks=st.lists(
        st.tuples(
            st.floats(0, 0.7),  # of a period since the ask before
            st.integers(0, 50),
            st.floats(0, LAG_SECONDS),  # until the message is begun
        ),
        min_size=1,
        max_size=60,
    ),
)
def test_no_stretch_of_a_period_sees_more_than_the_limit(
    unit: str, limit: int, asks: list[tuple[float, int, float]]
) -> None:
    period, seconds = PERIODS[unit], 0.0
    used: limits.Used = {}
    begun: list[float] = []
    for share, wanted, lag in asks:
        seconds += share * period
        left = room(used, {unit: limit}, after(seconds))
        assert left is not None
        count = min(wanted, left)
        used = charge(used, {unit: limit}, after(seconds), count)
        begun += [seconds + lag] * count
    begun.sort()
    for first in begun:
        inside = [at for at in begun if first <= at < first + period]
        assert len(inside) <= limit


@settings(max_examples=100, deadline=None)
@given(
    unit=st.sampled_from(sorted(PERIODS)),
    limit=st.integers(1, 20),
    earlier=st.lists(st.tuples(st.floats(0, 1.2), st.integers(1, 20)), max_size=20),
)
def test_the_wait_is_long_enough_and_no_longer_than_a_period_and_a_slice(
    unit: str, limit: int, earlier: list[tuple[float, int]]
) -> None:
    seconds = 0.0
    used: limits.Used = {}
    for share, wanted in earlier:
        seconds += share * PERIODS[unit]
        count = min(wanted, room(used, {unit: limit}, after(seconds)) or 0)
        used = charge(used, {unit: limit}, after(seconds), count)
    wait = wait_seconds(used, {unit: limit}, after(seconds))
    assert (wait == 0) == (room(used, {unit: limit}, after(seconds)) != 0)
    assert room(used, {unit: limit}, after(seconds + wait + 1e-3)) != 0
    assert wait <= PERIODS[unit] * 1.5 + 1


def test_most_of_a_limit_can_be_used() -> None:
    for unit, period in PERIODS.items():
        sent, limit = 0, 100
        used: limits.Used = {}
        for step in range(500):
            at = after(step * period / 50)
            left = room(used, {unit: limit}, at)
            assert left is not None
            used = charge(used, {unit: limit}, at, left)
            sent += left
        assert sent >= 0.7 * 10 * limit, unit
        assert len(used[unit]) <= 64


def test_what_was_not_used_comes_back_where_it_was_taken() -> None:
    units = {"second": 10, "minute": 10}
    used = charge({}, units, START, 8)
    used = charge(used, units, after(0.5), 2)
    assert room(used, units, after(0.6)) == 0
    used = refund(used, START, 5)
    assert room(used, units, after(0.6)) == 5
    # The others' are still counted when the first have gone.
    assert room(used, units, after(1.35)) == 5
    assert room(used, {"second": 10}, after(1.35)) == 8


def test_without_a_limit_everything_may_leave_and_several_limits_all_hold() -> None:
    assert room({}, {}, START) is None
    used = charge({}, {"second": 5, "hour": 7}, START, 5)
    assert room(used, {"second": 5, "hour": 7}, after(2)) == 2
    assert limits.rate_per_second({"second": 5, "hour": 7}) == 7 / 3600


def test_a_clock_that_is_set_back_gives_nothing_away() -> None:
    used = charge({}, {"minute": 10}, START, 10)
    assert room(used, {"minute": 10}, START - timedelta(minutes=5)) == 0


def warming(**words: object) -> Relay:
    plan: dict[str, object] = {
        "warm_up_from": date(2026, 11, 24),
        "warm_up_first_day": 50,
        "warm_up_growth_percent": 150,
        "warm_up_days": 4,
        **words,
    }
    return Relay(code="north", **plan)


@pytest.mark.parametrize(
    ("day", "cap"), [(23, 0), (24, 50), (25, 75), (26, 112), (27, 168), (28, None)]
)
def test_a_warm_up_grows_from_day_to_day_and_ends(day: int, cap: int | None) -> None:
    assert warm_up_of(warming(), date(2026, 11, day)) == cap


def test_a_warm_up_counts_days_of_the_calendar_here() -> None:
    late = datetime(2026, 11, 24, 22, 50, tzinfo=UTC)  # ten to midnight in Paris
    caps = limits_of(warming(), date(2026, 11, 24))
    used = charge({}, caps, late, 50)
    assert room(used, caps, late) == 0
    assert wait_seconds(used, caps, late) == 600
    assert room(used, {WARM_UP: 75}, late + timedelta(minutes=11)) == 75


def test_a_relay_without_a_plan_has_no_cap() -> None:
    assert warm_up_of(Relay(code="plain"), date(2026, 11, 24)) is None


@pytest.mark.parametrize("unit", ["warm_up", "day", "second"])
def test_where_nothing_may_leave_at_all_the_wait_is_until_another_stretch(unit: str) -> None:
    wait = wait_seconds({}, {unit: 0}, START)
    assert wait > 0
    assert room({}, {unit: 0}, START) == 0
    if unit == "warm_up":
        assert 3600 < wait <= 86400


def test_newsletters_leave_one_in_twenty_and_at_least_one() -> None:
    assert limits.without_reserve({"hour": 1000, "day": 20, "minute": 2, "second": 1}) == {
        "hour": 950, "day": 19, "minute": 1, "second": 1,
    }  # fmt: skip
    assert limits.without_reserve({"warm_up": 0}) == {"warm_up": 0}
