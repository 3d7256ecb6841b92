"""Comparing shares: pure functions. docs/decisions/2026-11-24-what-an-ab-test-may-say.md.

Everything is two-sided and by the normal approximation, which `enough` guards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, erfc, sqrt
from statistics import NormalDist

LEVEL, POWER = 0.05, 0.80
# Below these the normal approximation and anybody's reading of the numbers are worth nothing.
MESSAGES_LEAST, EVENTS_LEAST = 100, 5


@dataclass(frozen=True, slots=True)
class Share:
    """`events` of `messages`."""

    messages: int
    events: int

    @property
    def rate(self) -> float:
        return self.events / self.messages if self.messages else 0.0


def p_value(one: Share, other: Share) -> float:
    """The two-proportion z test with the pooled share; 1 where nothing can be said."""
    messages = one.messages + other.messages
    if not one.messages or not other.messages:
        return 1.0
    pooled = (one.events + other.events) / messages
    variance = pooled * (1 - pooled) * (1 / one.messages + 1 / other.messages)
    if variance <= 0:
        return 1.0
    return erfc(abs(one.rate - other.rate) / sqrt(2 * variance))


def wilson(share: Share, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of one share (1927)."""
    z, n, p = NormalDist().inv_cdf(1 - level / 2), share.messages, share.rate
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def difference(one: Share, other: Share, level: float = LEVEL) -> tuple[float, float]:
    """Newcombe's interval of one.rate - other.rate (1998, method 10), without correction."""
    (low1, high1), (low2, high2) = wilson(one, level), wilson(other, level)
    gap = one.rate - other.rate
    return (
        gap - sqrt((one.rate - low1) ** 2 + (high2 - other.rate) ** 2),
        gap + sqrt((high1 - one.rate) ** 2 + (other.rate - low2) ** 2),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values (1979), in the order given: all of them may be judged at once."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = highest
    return adjusted


def messages_needed(rate: float, other: float, *, comparisons: int = 1) -> int:
    """Messages per variant so that a true difference is shown in 4 of 5 tests (Fleiss 1981).

    With several comparisons each has its part of the 5 % (Bonferroni: no fewer than Holm needs).
    """
    normal = NormalDist()
    alpha, beta = normal.inv_cdf(1 - LEVEL / comparisons / 2), normal.inv_cdf(POWER)
    mean = (rate + other) / 2
    spread = alpha * sqrt(2 * mean * (1 - mean))
    spread += beta * sqrt(rate * (1 - rate) + other * (1 - other))
    return ceil((spread / (rate - other)) ** 2)


def enough(shares: Mapping[int, Share]) -> bool:
    """Whether there is enough of everything for the test to mean what it says."""
    messages = sum(share.messages for share in shares.values())
    events = sum(share.events for share in shares.values())
    if not messages or min(share.messages for share in shares.values()) < MESSAGES_LEAST:
        return False
    smallest, pooled = min(share.messages for share in shares.values()), events / messages
    return min(pooled, 1 - pooled) * smallest >= EVENTS_LEAST


@dataclass(frozen=True, slots=True)
class Pair:
    """Two variants: the difference of their shares with its interval, and the adjusted p value."""

    one: int
    other: int
    low: float
    high: float
    p: float

    @property
    def is_shown(self) -> bool:
        return self.p < LEVEL


@dataclass(frozen=True, slots=True)
class Judgement:
    """`chosen` goes on. `outcome` is one of ComparisonOutcome, but never `person`."""

    chosen: int
    outcome: str
    pairs: Sequence[Pair] = ()


def judge(shares: Mapping[int, Share], *, fewest: bool = False) -> Judgement:
    """Choose: the first variant that no other was shown to beat, once all pairs are compared.

    So the first one goes on unless another was shown to be better. With `fewest`, fewer events
    are better.
    """
    if not enough(shares):
        return Judgement(0, "too_few")
    pairs = compared(shares)
    beaten = {_loser(pair, shares, fewest) for pair in pairs if pair.is_shown}
    standing = [variant for variant in sorted(shares) if variant not in beaten]
    if not beaten:
        return Judgement(standing[0], "no_difference", pairs)
    is_alone = _beats_all(standing[0], pairs, shares, fewest)
    return Judgement(standing[0], "winner" if is_alone else "ruled_out", pairs)


def compared(shares: Mapping[int, Share]) -> list[Pair]:
    """Every pair of variants, with p values that are adjusted for how many there are."""
    chosen = list(combinations(sorted(shares), 2))
    adjusted = holm([p_value(shares[one], shares[other]) for one, other in chosen])
    return [
        Pair(one, other, *difference(shares[one], shares[other]), p)
        for (one, other), p in zip(chosen, adjusted, strict=True)
    ]


def _loser(pair: Pair, shares: Mapping[int, Share], fewest: bool) -> int:
    is_more = shares[pair.one].rate > shares[pair.other].rate
    return pair.other if is_more != fewest else pair.one


def _beats_all(
    variant: int, pairs: Sequence[Pair], shares: Mapping[int, Share], fewest: bool
) -> bool:
    own = [pair for pair in pairs if variant in (pair.one, pair.other)]
    return all(pair.is_shown and _loser(pair, shares, fewest) != variant for pair in own)
