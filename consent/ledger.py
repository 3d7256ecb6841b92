"""The ledger: one event, one row, and in the same transaction the permission it adds up to."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db import connection

from consent.entries import LAYOUT, entry_hash
from consent.folding import fold, fold_many
from consent.models import LedgerEvent, State
from privacy.services import seal_evidence

SCHEMA = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"


@dataclass(frozen=True)
class Event:
    """What happened, in the words of the ledger's columns."""

    subject_id: UUID
    purpose_code: str
    channel: str
    basis: str
    state: State
    event_type: str
    event_at: datetime
    received_at: datetime
    method: str
    source_id: UUID
    language: str
    indicated_by: str = "subject"
    assessment_id: UUID | None = None
    notice_id: UUID | None = None
    notice_sha256: bytes | None = None
    control_text: str = ""
    form_code: str = ""
    form_version: int | None = None
    shown_record: UUID | None = None
    supersedes: UUID | None = None
    source: str = ""
    import_batch: UUID | None = None
    actor_id: UUID | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)


# What a row says, in the order of its columns; the database numbers it.
_FIELDS = [field for field in LedgerEvent._meta.concrete_fields if field.name != "seq"]
_COLUMNS = ", ".join(str(field.column) for field in _FIELDS)
_PLACES = f"({', '.join(['%s'] * len(_FIELDS))})"


def append(events: Sequence[Event]) -> list[LedgerEvent]:
    """Append events of one person and fold them into the permissions; return the new rows.

    Inside the caller's transaction on crm, and in the same five statements for one event or ten.
    Calling twice with one source is safe: what is there already is not among the rows.
    """
    if not events:
        return []
    rows = insert(_rows(events))
    folded = [row for row in rows if row.event_state != State.NOTICE_SHOWN]
    if folded:
        fold(folded)
    return rows


def insert(rows: Sequence[LedgerEvent]) -> list[LedgerEvent]:
    """Write rows and return, numbered, those that were new.

    One statement, and not the ORM's look before and insert after: with sixteen writers this is
    half of what an append costs (benchmarks/ledger.py).
    """
    by_record = {row.record_id: row for row in rows}
    values = [getattr(row, field.attname) for row in rows for field in _FIELDS]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO consent_ledgerevent ({_COLUMNS})"  # noqa: S608  # our own columns
            f" VALUES {', '.join([_PLACES] * len(rows))}"
            " ON CONFLICT ON CONSTRAINT ledger_event_once DO NOTHING RETURNING seq, record_id",
            values,
        )
        for seq, record_id in cursor.fetchall():
            by_record[record_id].seq = seq
    return [row for row in rows if row.seq is not None]


def append_many(events: Sequence[Event]) -> list[LedgerEvent]:
    """Append one event of each of many people, and fold each into its permission.

    Inside the caller's transaction on crm, a few statements for a thousand. The events have no
    evidence: that is sealed under the key of one person. Calling twice with one source is safe.
    """
    rows = insert(_rows(events)) if events else []
    if folded := [row for row in rows if row.event_state != State.NOTICE_SHOWN]:
        fold_many(folded)
    return rows


def _rows(events: Sequence[Event]) -> list[LedgerEvent]:
    numbers = [uuid_utils.compat.uuid7() for _ in events]
    evidence = seal_evidence(
        subject_id=events[0].subject_id,
        records={
            number: dict(event.evidence)
            for number, event in zip(numbers, events, strict=True)
            if event.evidence
        },
    )
    versions = purpose_versions()
    shown = {
        (event.subject_id, event.purpose_code, event.channel): number
        for event, number in zip(events, numbers, strict=True)
        if event.state == State.NOTICE_SHOWN
    }
    return [
        _row(event, number, evidence.get(number), versions[event.purpose_code], shown)
        for number, event in zip(numbers, events, strict=True)
    ]


def purpose_versions() -> dict[str, int]:
    """Return which version of each purpose is in force."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, version FROM consent_purpose")
        return dict(cursor.fetchall())


def _row(
    event: Event,
    record_id: UUID,
    evidence: bytes | None,
    purpose_version: int,
    shown: Mapping[tuple[UUID, str, str], UUID],
) -> LedgerEvent:
    text_hash = hashlib.sha256(event.control_text.encode()).digest() if event.control_text else None
    place = (event.subject_id, event.purpose_code, event.channel)
    shown_before = event.shown_record or shown.get(place)
    row = LedgerEvent(
        layout=LAYOUT,
        record_id=record_id,
        schema_version=SCHEMA,
        subject_id=event.subject_id,
        channel=event.channel,
        purpose_id=event.purpose_code,
        purpose_version=purpose_version,
        basis=event.basis,
        assessment_id=event.assessment_id,
        event_state=event.state,
        event_type=event.event_type,
        event_at=event.event_at,
        received_at=event.received_at,
        indicated_by=event.indicated_by,
        method=event.method,
        form_code=event.form_code,
        form_version=event.form_version,
        notice_id=event.notice_id,
        notice_sha256=event.notice_sha256,
        language=event.language,
        control_text_sha256=text_hash,
        shown_record=None if event.state == State.NOTICE_SHOWN else shown_before,
        supersedes=event.supersedes,
        source=event.source,
        import_batch=event.import_batch,
        source_id=event.source_id,
        actor_id=event.actor_id,
        evidence=evidence,
    )
    row.entry_hash = entry_hash(row)
    return row
