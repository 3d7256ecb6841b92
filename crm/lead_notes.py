"""Notes of staff on leads: sealed under the contact's own key of class activity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db import transaction

from crm.leads import LeadUnknown
from crm.models import Lead, LeadNote
from crm.people import many_lines
from crm.timeline import add_timeline
from privacy.services import RetentionClass, SealedRecord, open_records, seal_record

NOTES_SHOWN, NOTE_MAX = 100, 4_000


class NoteEmpty(ValueError):
    """A note without words."""


@dataclass(frozen=True, repr=False)
class Note:
    """An opened note; `text` is None where its key is gone. It has no repr."""

    id: UUID
    at: datetime
    written_by: UUID
    text: str | None


def write_note(*, lead_id: UUID, text: str, actor_id: UUID, now: datetime) -> UUID:
    """Keep a note and return its id; calling twice keeps two. Raises LeadUnknown and NoteEmpty."""
    words = many_lines(text)[:NOTE_MAX]
    if not words:
        raise NoteEmpty(NoteEmpty.__doc__)
    contact_id = Lead.objects.filter(id=lead_id).values_list("contact_id", flat=True).first()
    if contact_id is None:
        raise LeadUnknown(LeadUnknown.__doc__)
    note_id = uuid_utils.compat.uuid7()
    # Before the transaction: the key is durable in the vault before the row that needs it.
    sealed = seal_record(
        subject_id=contact_id,
        retention_class=RetentionClass.ACTIVITY,
        record_id=note_id,
        document={"text": words},
    )
    with transaction.atomic():
        LeadNote.objects.create(
            id=note_id,
            lead_id=lead_id,
            subject_id=contact_id,
            written_by=actor_id,
            written_at=now,
            sealed=sealed,
        )
        reference = {"lead": str(lead_id), "note": str(note_id)}
        add_timeline(
            contact_ids=[contact_id], kind="noted", reference=reference, at=now, actor_id=actor_id
        )
    return note_id


def notes_of(*, lead_id: UUID) -> Sequence[Note]:
    """Return the newest notes of a lead, oldest first; a reading, journaled where staff read."""
    newest = LeadNote.objects.filter(lead=lead_id).order_by("-written_at", "-id")
    rows = list(newest[:NOTES_SHOWN])[::-1]
    records = [SealedRecord(row.id, row.subject_id, bytes(row.sealed)) for row in rows]
    words = open_records(records=records, retention_class=RetentionClass.ACTIVITY)
    return [
        Note(row.id, row.written_at, row.written_by, words.get(row.id, {}).get("text"))
        for row in rows
    ]
