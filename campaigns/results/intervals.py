"""A share and how far it can be trusted."""

from dataclasses import dataclass
from math import sqrt

# The normal quantile of a two-sided interval of 95 %.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """`events` of `people`. Where there is nobody there is no share."""

    events: int
    people: int

    @property
    def rate(self) -> float | None:
        return self.events / self.people if self.people else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's score interval (1927), 95 %: it holds near 0, where newsletters live."""
        if not self.people:
            return None
        n, p, z2 = self.people, self.events / self.people, _Z * _Z
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = _Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)
