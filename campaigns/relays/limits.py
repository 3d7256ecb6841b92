"""How many messages may leave now: arithmetic without a database and without a clock.

A limit of L in a period holds in every stretch of that length, wherever it begins. Time is cut into
slices and what was given in each is kept; what may still be given is L less everything of the last
period, of the slice that only partly belongs to it, and of LAG_SECONDS more: for a message is begun
within that time of its allowance, or loses it. So nothing is ever exceeded, and a little is left
unused: 23 in a hundred of a limit per second, under 5 of the others.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time

from django.utils.timezone import localtime, make_aware

# From the moment an allowance is given to the moment its message is begun.
LAG_SECONDS = 0.2
# What a campaign leaves of each limit, for somebody who waits for a letter: one in so many.
_RESERVE_IN = 20

Limits = Mapping[str, int]
Used = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class _Window:
    period: float
    slice: float

    @property
    def slices(self) -> int:
        """How many slices count: the current one is the last of them."""
        return math.ceil(round((self.period + LAG_SECONDS) / self.slice, 6)) + 1


# "slow" is the unit of a relay or a service that asked us to be slower.
SLOW_SECONDS = 10
_WINDOWS: Mapping[str, _Window] = {
    "second": _Window(1, 0.1),
    "slow": _Window(SLOW_SECONDS, 1),
    "minute": _Window(60, 1),
    "hour": _Window(3600, 60),
    "day": _Window(86400, 1800),
}
# The day of a warm-up is a day of the calendar.
WARM_UP = "warm_up"
UNITS = (*_WINDOWS, WARM_UP)


def _slice(unit: str, at: datetime) -> int:
    if unit == WARM_UP:
        return localtime(at).date().toordinal()
    return math.floor(at.timestamp() / _WINDOWS[unit].slice)


def _counting(used: Used, unit: str, at: datetime) -> dict[int, int]:
    """What still counts at this moment, by slice.

    A slice that has not come yet counts as well: the clock of the database may have been set back.
    """
    slices = 1 if unit == WARM_UP else _WINDOWS[unit].slices
    oldest = _slice(unit, at) - slices + 1
    given = used.get(unit, {})
    return {int(number): count for number, count in given.items() if int(number) >= oldest}


def room(used: Used, limits: Limits, at: datetime) -> int | None:
    """Return how many more may leave now; None: as many as you like."""
    left = [limit - sum(_counting(used, unit, at).values()) for unit, limit in limits.items()]
    return max(0, min(left)) if left else None


def without_reserve(limits: Limits) -> dict[str, int]:
    """Return what newsletters may use of these limits: one in twenty, and at least one, is kept for
    required letters and answers. Of a limit of one there is nothing to keep."""
    return {
        unit: limit - max(1, limit // _RESERVE_IN) if limit > 1 else limit
        for unit, limit in limits.items()
    }


def wait_seconds(used: Used, limits: Limits, at: datetime) -> float:
    """Return how long until at least one may leave; 0 if one may now."""
    return max((_wait(used, unit, limit, at) for unit, limit in limits.items()), default=0.0)


def _wait(used: Used, unit: str, limit: int, at: datetime) -> float:
    if limit <= 0:
        # Nothing may leave in this stretch at all (a warm-up that has not begun): only another one
        # may say otherwise, and whoever waits asks again then.
        return max(0.0, (_end_of(unit, _slice(unit, at)) - at).total_seconds())
    counting = _counting(used, unit, at)
    left = limit - sum(counting.values())
    for number in sorted(counting):
        if left > 0:
            break
        left += counting[number]
        free_at = _end_of(unit, number)
        if left > 0:
            return max(0.0, (free_at - at).total_seconds())
    return 0.0


def _end_of(unit: str, number: int) -> datetime:
    """When a slice stops counting."""
    if unit == WARM_UP:
        next_day = datetime.fromordinal(number).date() + timedelta(days=1)
        return make_aware(datetime.combine(next_day, clock_time.min))
    window = _WINDOWS[unit]
    seconds = (number + window.slices) * window.slice
    return datetime.fromtimestamp(seconds, UTC)


def charge(used: Used, limits: Limits, at: datetime, count: int) -> Used:
    """Return what was given, with `count` more now; what no longer counts is forgotten."""
    charged: Used = {}
    for unit in limits:
        counting = _counting(used, unit, at)
        now = _slice(unit, at)
        counting[now] = counting.get(now, 0) + count
        charged[unit] = {str(number): total for number, total in counting.items() if total}
    return charged


def refund(used: Used, at: datetime, count: int) -> Used:
    """Take back what was given at that moment and not used: in the slice where it was given."""
    refunded: Used = {}
    for unit, given in used.items():
        key = str(_slice(unit, at))
        left = {**given, key: max(0, given[key] - count)} if key in given else dict(given)
        refunded[unit] = {number: total for number, total in left.items() if total}
    return refunded


def rate_per_second(limits: Limits) -> float:
    """Return the pace that these limits allow for long; infinite without any."""
    periods = {unit: window.period for unit, window in _WINDOWS.items()}
    return min(
        (limit / periods.get(unit, 86400.0) for unit, limit in limits.items()), default=math.inf
    )


def warm_up_limit(*, day: int, first_day: int, growth_percent: int, days: int) -> int | None:
    """Return how many may leave on day `day` (0 is the first) of a warm-up; None once it is over.

    Before its first day nothing may leave.
    """
    if day < 0:
        return 0
    if day >= days:
        return None
    # Whole numbers: the same plan gives the same numbers on every machine.
    return int(first_day * growth_percent**day // 100**day)
