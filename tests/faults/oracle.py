"""What must hold after any storm: the relay's own memory against the delivery ledger."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from campaigns.delivery.naming import message_id
from campaigns.delivery.statements import Claimed
from campaigns.models import DeliveryState
from tests.faults.stage import FaultStage

# Acknowledged and honoured are two processes: between the last question and the last byte lie the
# gate's quarter of a second, a message's way through the relay, and what a busy machine adds. A
# frozen worker sleeps for twelve seconds.
LAG_SECONDS = 3.0
_ROWS = (
    "SELECT id, contact_id, reference_id, kind, state, reason, extract(epoch FROM handing_at)"
    " FROM campaigns_delivery WHERE kind = 1"
)


@dataclass
class Verdict:
    """Every list is empty, or something is wrong."""

    twice: list[str] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    # The ledger says that it was not sent, and the relay has it.
    denied: list[int] = field(default_factory=list)
    after_no: list[int] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    unknown: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, list[object]]:
        names = ("twice", "lost", "open", "denied", "after_no", "strangers")
        return {name: found for name in names if (found := list(getattr(self, name)))}


def judge(
    stage: FaultStage,
    *,
    taken: Sequence[str],
    noes: dict[UUID, float],
    moments: Mapping[str, float] | None = None,
) -> Verdict:
    """`taken` are the Message-IDs that the relay took, `moments` when (Unix seconds) if it knows;
    `noes` say when a "no" was acknowledged."""
    found, accepted, moments = Verdict(), Counter(taken), moments or {}
    found.twice = [name for name, times in accepted.items() if times > 1]
    names = set()
    for number, contact, reference, kind, state, _reason, handing_at in stage.ask(_ROWS):
        assert isinstance(number, int) and isinstance(contact, UUID)
        assert isinstance(reference, UUID) and isinstance(kind, int)
        name = message_id(Claimed(number, contact, reference, kind, 0))
        names.add(name)
        state = DeliveryState(int(str(state)))
        found.states[state.label] += 1
        if state in (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.HANDING) or (
            state == DeliveryState.IN_DOUBT
        ):
            found.open.append(number)
        if state == DeliveryState.SENT and not accepted[name]:
            found.lost.append(number)
        if accepted[name] and state not in (DeliveryState.SENT, DeliveryState.UNKNOWN):
            found.denied.append(number)
        if state == DeliveryState.UNKNOWN:
            found.unknown.append(name)
        # The gate let it pass after somebody's "no" had been acknowledged, or the relay took it.
        latest = max(float(str(handing_at or 0)), moments.get(name, 0.0))
        is_late = contact in noes and latest > noes[contact] + LAG_SECONDS
        if is_late and (accepted[name] or state in (DeliveryState.SENT, DeliveryState.UNKNOWN)):
            found.after_no.append(number)
    found.strangers = sorted(set(accepted) - names)
    return found
