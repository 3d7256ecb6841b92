"""The figures of a campaign as they are kept: numbers under codes, in a shape with a version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, TypeVar

from campaigns.models import OPEN_STATES, DeliveryState
from campaigns.results.cells import Cell
from campaigns.results.intervals import Share

VERSION = 1
# Passed its gate and given to the relay, whatever became of it.
HANDED_OVER = ("sent", "bounced", "unknown")
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Messages of one state, by reason, variant and the code of who refused them."""

    state: str
    reason: str
    variant: int
    code: str
    messages: int


@dataclass(frozen=True, slots=True)
class OptOut:
    """People who said no after the campaign, by the way they said it."""

    method: str
    variant: int
    people: int


@dataclass(frozen=True, slots=True)
class Ground:
    """What messages rested on: the basis, and the event of the ledger that permitted them."""

    basis: str
    event: str
    method: str
    messages: int


@dataclass(frozen=True, slots=True)
class Returned:
    """Messages of which something came back: its kind, the class of its reason, its code."""

    kind: str
    why: str
    status: str
    messages: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Openings and clicks of at least ten people who agree to be measured."""

    all: Cell
    groups: Mapping[str, Sequence[Cell]]
    # By day: the last of each person's, because only that one is kept.
    opened_on: Sequence[tuple[date, int]]
    clicked_on: Sequence[tuple[date, int]]
    # The address of a link, and how many followed it; those that nobody followed too.
    links: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is counted of a campaign. `measured` is none where fewer than ten agree."""

    outcomes: Sequence[Outcome]
    opt_outs: Sequence[OptOut]
    grounds: Sequence[Ground]
    returned: Sequence[Returned]
    measured: Measured | None = None
    version: int = field(default=VERSION)

    def messages(self, *states: str, variant: int | None = None) -> int:
        return sum(
            each.messages
            for each in self.outcomes
            if each.state in states and variant in (None, each.variant)
        )

    @property
    def counts(self) -> dict[str, int]:
        """Every state, zeros too: their sum is the audience."""
        return {state.label: self.messages(state.label) for state in DeliveryState}

    @property
    def audience(self) -> int:
        return sum(each.messages for each in self.outcomes)

    @property
    def open(self) -> int:
        return self.messages(*(state.label for state in OPEN_STATES))

    @property
    def variants(self) -> list[int]:
        return sorted({each.variant for each in self.outcomes})

    def reasons(self, state: str) -> dict[str, int]:
        return _summed(
            (each.reason, each.messages) for each in self.outcomes if each.state == state
        )

    def codes(self) -> dict[tuple[str, str, str], int]:
        """(state, reason, code) of what bounced or failed."""
        return _summed(
            ((each.state, each.reason, each.code), each.messages)
            for each in self.outcomes
            if each.state in ("bounced", "failed")
        )

    def ways_out(self) -> dict[str, int]:
        return _summed((each.method, each.people) for each in self.opt_outs)

    # --- shares ------------------------------------------------------------------------------

    def bounced(self, variant: int | None = None) -> Share:
        """Of what was handed over and answered."""
        bounced = self.messages("bounced", variant=variant)
        return Share(bounced, bounced + self.messages("sent", variant=variant))

    def opted_out(self, variant: int | None = None) -> Share:
        """Of those whose message was taken by the relay."""
        people = sum(each.people for each in self.opt_outs if variant in (None, each.variant))
        return Share(people, self.messages("sent", variant=variant))

    def complained(self) -> Share:
        """Of those whose message was taken by the relay."""
        complaints = sum(each.messages for each in self.returned if each.kind == "complaint")
        return Share(complaints, self.messages("sent"))

    def opened(self) -> Share | None:
        return Share(self.measured.all.opened, self.measured.all.people) if self.measured else None

    def clicked(self) -> Share | None:
        return Share(self.measured.all.clicked, self.measured.all.people) if self.measured else None


def _summed(pairs: Iterable[tuple[_Key, int]]) -> dict[_Key, int]:
    sums: dict[_Key, int] = {}
    for key, number in pairs:
        sums[key] = sums.get(key, 0) + number
    return sums


# --- as it is kept ---------------------------------------------------------------------------


def to_document(figures: Figures) -> dict[str, Any]:
    document = asdict(figures)
    if figures.measured is not None:
        for name in ("opened_on", "clicked_on"):
            days = getattr(figures.measured, name)
            document["measured"][name] = [(day.isoformat(), number) for day, number in days]
    return document


def from_document(document: Mapping[str, Any] | None) -> Figures | None:
    """Return kept figures; none where nothing is kept, or what is kept has another shape."""
    if document is None or document.get("version") != VERSION:
        return None
    return Figures(
        outcomes=[Outcome(**each) for each in document["outcomes"]],
        opt_outs=[OptOut(**each) for each in document["opt_outs"]],
        grounds=[Ground(**each) for each in document["grounds"]],
        returned=[Returned(**each) for each in document["returned"]],
        measured=_measured(document["measured"]),
    )


def _measured(document: Mapping[str, Any] | None) -> Measured | None:
    if document is None:
        return None
    return Measured(
        all=Cell(**document["all"]),
        groups={
            name: [Cell(**cell) for cell in cells] for name, cells in document["groups"].items()
        },
        opened_on=[(date.fromisoformat(day), number) for day, number in document["opened_on"]],
        clicked_on=[(date.fromisoformat(day), number) for day, number in document["clicked_on"]],
        links=[(url, number) for url, number in document["links"]],
    )
