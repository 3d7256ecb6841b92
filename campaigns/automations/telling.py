"""Events of sequences, told to other systems by the signed webhooks of the house."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from crm.services import publish_events

KIND = "sequence.event"


def tell_events(*, kind: str, subjects: Mapping[UUID, UUID], at: datetime) -> None:
    """Write one event for each of `subjects` (event id -> contact), in the caller's transaction.

    `kind` is the name that the author of the step gave it.
    """
    ids = [
        {"contact_id": str(contact), "event_id": str(event), "event": kind}
        for event, contact in subjects.items()
    ]
    publish_events(kind=KIND, at=at, ids=ids)


def tell_finished(*, sequence_id: UUID, contact_ids: Sequence[UUID], at: datetime) -> None:
    """Say of people that they came to the end of a sequence, in the caller's transaction."""
    ids = [{"sequence_id": str(sequence_id), "contact_id": str(each)} for each in contact_ids]
    publish_events(kind="sequence.finished", ids=ids, at=at)
