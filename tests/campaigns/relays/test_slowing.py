"""Slower when asked and faster again, with a clock and a jitter passed in."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.relays.slowing import Pace, calmed, pause_seconds, stormed

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "jitter", "seconds"),
    [(0, 0.0, 15), (1, 0.0, 30), (3, 0.0, 120), (3, 1.0, 60), (20, 0.0, 1800), (500, 0.5, 1350)],
)
def test_a_pause_doubles_and_is_shaken(times: int, jitter: float, seconds: float) -> None:
    assert pause_seconds(times, first=15, longest=1800, jitter=jitter) == seconds


def test_a_storm_pauses_halves_the_pace_and_counts_once() -> None:
    first = stormed(Pace(), at=START, per_second=20, jitter=0)
    assert first.paused_until == START + timedelta(seconds=15)
    assert (first.slowed_to, first.storms) == (10, 1)
    # The answers of the other workers' batches belong to the same storm.
    assert stormed(first, at=START + timedelta(seconds=3), per_second=20, jitter=0) == first
    again = stormed(first, at=START + timedelta(seconds=20), per_second=12, jitter=0)
    assert (again.slowed_to, again.storms) == (5, 2)
    assert again.paused_until == START + timedelta(seconds=50)


def test_every_quiet_minute_gives_some_of_the_pace_back() -> None:
    pace = stormed(Pace(), at=START, per_second=20, jitter=0)
    assert calmed(pace, at=START + timedelta(seconds=30)) == pace
    later = calmed(pace, at=START + timedelta(seconds=80))
    assert (later.slowed_to, later.storms) == (15, 0)
    at = START + timedelta(seconds=80)
    for _minute in range(5):
        at += timedelta(seconds=61)
        later = calmed(later, at=at)
    assert later == Pace()


@given(storms=st.lists(st.floats(0.01, 5000), min_size=1, max_size=40))
def test_it_is_never_stopped_for_good(storms: list[float]) -> None:
    pace, at = Pace(), START
    for per_second in storms:
        pace = stormed(pace, at=at, per_second=per_second, jitter=0)
        assert pace.paused_until is not None
        assert timedelta() < pace.paused_until - at <= timedelta(minutes=30)
        at = pace.paused_until + timedelta(seconds=1)
    assert pace.slowed_to is not None
    assert pace.slowed_to >= 0.2
