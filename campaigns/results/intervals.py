"""A share and how far it can be trusted."""

from dataclasses import dataclass

from campaigns.planning import statistics


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
        """Wilson's score interval, 95 %: it holds near 0, where newsletters live."""
        if not self.people:
            return None
        low, high = statistics.wilson(statistics.Share(self.people, self.events))
        return max(0.0, low), min(1.0, high)
