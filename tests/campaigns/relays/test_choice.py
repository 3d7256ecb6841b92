"""Who carries the next batch, by weight and by health: without a database."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.relays.breaker import Health
from campaigns.relays.choice import Way, pick

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LATER, BEFORE = NOW + timedelta(seconds=9), NOW - timedelta(seconds=9)


def way(
    code: str,
    *,
    weight: int = 100,
    state: str = "closed",
    open_until: datetime | None = None,
    probe_until: datetime | None = None,
    room: int | None = None,
) -> Way:
    return Way(
        code=code, url="", weight=weight, health=Health(state, open_until, probe_until), failure="",
        limits={}, service_limits={}, slowed=frozenset(), max_connections=None, room=room,
        wait_seconds=0.0,
    )  # fmt: skip


def picked(ways: list[Way], draw: float = 0.0, **words: object) -> str | None:
    found = pick(ways, at=NOW, draw=draw, **words)  # type: ignore[arg-type]
    return found.code if found else None


def test_relays_are_chosen_by_their_weight() -> None:
    ways = [way("a", weight=100), way("b", weight=300)]
    counts = Counter(picked(ways, draw=n / 1000) for n in range(1000))
    assert counts == {"a": 250, "b": 750}


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ([way("b", state="open", open_until=LATER)], "a"),
        ([way("b", state="open", open_until=BEFORE)], "b"),  # its time is over: it is tried
        ([way("b", state="half_open", probe_until=LATER)], "a"),  # somebody else is trying it
        ([way("b", state="half_open", probe_until=BEFORE)], "b"),
        ([way("b", room=0)], "a"),
    ],
)
def test_who_is_out_is_left_alone_until_it_is_time_to_try(others: list[Way], chosen: str) -> None:
    assert picked([way("a"), *others], draw=0.99) in {chosen, "a" if chosen == "a" else "b"}
    assert picked([way("a"), *others], draw=0.0) == chosen


def test_nobody_is_chosen_where_nobody_can() -> None:
    assert picked([]) is None
    assert picked([way("a", room=0), way("b", state="open", open_until=LATER)]) is None
    assert picked([way("a")], without={"a"}) is None


def test_the_last_one_is_chosen_at_the_very_end_of_the_draw() -> None:
    assert picked([way("a"), way("b")], draw=1.0) == "b"
