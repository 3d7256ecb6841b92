"""Events of sequences, told to other systems by the signed webhooks of the house."""

from collections.abc import Mapping
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
