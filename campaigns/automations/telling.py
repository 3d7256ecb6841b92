"""Events of sequences, told to other systems by the signed webhooks of the house."""

from collections.abc import Mapping
from collections.abc import Sequence as Many
from datetime import datetime
from uuid import UUID

from campaigns.automations.passages import Passage
from campaigns.models import EnrolmentState
from crm.services import publish_events

KIND, FINISHED = "sequence.event", "sequence.finished"


def tell_events(*, kind: str, subjects: Mapping[UUID, UUID], at: datetime) -> None:
    """Write one event for each of `subjects` (event id -> contact), in the caller's transaction.

    `kind` is the name that the author of the step gave it.
    """
    ids = [
        {"contact_id": str(contact), "event_id": str(event), "event": kind}
        for event, contact in subjects.items()
    ]
    publish_events(kind=KIND, at=at, ids=ids)


def tell_finished(*, sequence_id: UUID, passages: Many[Passage], at: datetime) -> None:
    """Write one event for each who came to the end, in the caller's transaction.

    Whoever was moved into another sequence has come to no end.
    """
    ids = [
        {"sequence_id": str(sequence_id), "contact_id": str(each.contact_id)}
        for each in passages
        if each.state == EnrolmentState.FINISHED and each.reason != "moved_on"
    ]
    publish_events(kind=FINISHED, at=at, ids=ids)
