"""Slower when asked, and faster again by itself: arithmetic without a database.

A relay or a mail service that answers "later, you are too fast" is left alone for a while, longer
each time, and then written to at half the pace; every quiet minute gives some of it back. Nothing
is lost by it: the messages wait in the queue and the try is not counted.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 15.0, 1800.0
_SLOWEST_PER_SECOND = 0.2
_QUIET_SECONDS = 60.0
_RECOVERY = 1.5
# Slower than this is still slowed down; faster, and nobody would notice.
_FORGOTTEN_PER_SECOND = 50.0


@dataclass(frozen=True, slots=True)
class Pace:
    paused_until: datetime | None = None
    storms: int = 0
    slowed_to: float | None = None
    slowed_at: datetime | None = None


def pause_seconds(times: int, *, first: float, longest: float, jitter: float) -> float:
    """Exponential: `jitter`, from 0 to 1, takes up to half of it away, so that no two come back
    at the same moment."""
    whole = min(first * math.pow(2, min(times, 30)), longest)
    return whole * (1 - jitter / 2)


def stormed(pace: Pace, *, at: datetime, per_second: float, jitter: float) -> Pace:
    """It said "later" while we wrote at `per_second`. One storm is many answers: those within
    the pause of the first change nothing."""
    if pace.paused_until is not None and pace.paused_until > at:
        return pace
    pause = pause_seconds(
        pace.storms, first=_FIRST_PAUSE_SECONDS, longest=_LONGEST_PAUSE_SECONDS, jitter=jitter
    )
    before = per_second if pace.slowed_to is None else min(per_second, pace.slowed_to)
    return Pace(
        paused_until=at + timedelta(seconds=pause),
        storms=pace.storms + 1,
        slowed_to=max(_SLOWEST_PER_SECOND, before / 2),
        slowed_at=at + timedelta(seconds=pause),
    )


def calmed(pace: Pace, *, at: datetime) -> Pace:
    """It took messages again: half as fast again after each quiet minute, until nothing is left."""
    if pace.slowed_to is None or pace.slowed_at is None:
        return pace
    quiet = (at - pace.slowed_at).total_seconds()
    if quiet < _QUIET_SECONDS:
        return pace
    faster = pace.slowed_to * _RECOVERY
    if faster >= _FORGOTTEN_PER_SECOND:
        return Pace()
    return Pace(storms=max(0, pace.storms - 1), slowed_to=faster, slowed_at=at)
