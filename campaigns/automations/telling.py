"""Events of sequences, told to other systems by the signed webhooks of the house."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from crm.services import publish_events

KIND = "sequence.event"


def tell_finished(*, people: Sequence[tuple[UUID, UUID]], at: datetime) -> None:
    """Tell of those who came to the end of a sequence (sequence, contact), in the caller's
    transaction. Who left before the end, or was stopped, did not finish."""
    ids = [
        {"sequence_id": str(sequence), "contact_id": str(contact)} for sequence, contact in people
    ]
    publish_events(kind="sequence.finished", at=at, ids=ids)


def tell_events(*, kind: str, subjects: Mapping[UUID, UUID], at: datetime) -> None:
    """Write one event for each of `subjects` (event id -> contact), in the caller's transaction.

    `kind` is the name that the author of the step gave it.
    """
    ids = [
        {"contact_id": str(contact), "event_id": str(event), "event": kind}
        for event, contact in subjects.items()
    ]
    publish_events(kind=KIND, at=at, ids=ids)
