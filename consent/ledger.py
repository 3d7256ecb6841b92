"""The ledger and the permission it adds up to: one event, one row, one transaction.

An event is appended and the permission row follows in the same transaction, under rules that no
caller can bend: an older event never overwrites a newer one, and only a person's own confirmed act
raises a permission after a "no".
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import uuid_utils.compat

from consent.models import NO_STATES, PERMITTING_STATES, LedgerEvent, Permission, State, SubjectCard
from privacy.services import seal_evidence

SCHEMA = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
# What a person does with their own hands and we can prove: the only things that end a "no".
CONFIRMED_METHODS = frozenset({"double_opt_in", "preference_centre", "undo"})


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
    supersedes: UUID | None = None
    actor_id: UUID | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)


def append(event: Event) -> LedgerEvent | None:
    """Append an event and fold it into the permission; None if it was there already.

    Inside the caller's transaction on crm. Calling twice with one source is safe.
    """
    if _seen(event):
        return None
    row = _row(event)
    row.save(force_insert=True)
    if event.state != State.NOTICE_SHOWN:
        _fold(event, row)
    return row


def _seen(event: Event) -> bool:
    return LedgerEvent.objects.filter(
        source_id=event.source_id,
        subject_id=event.subject_id,
        purpose_id=event.purpose_code,
        channel=event.channel,
        event_state=event.state,
    ).exists()


def _row(event: Event) -> LedgerEvent:
    record_id = uuid_utils.compat.uuid7()
    evidence = None
    if event.evidence:
        evidence = seal_evidence(
            subject_id=event.subject_id, record_id=record_id, document=dict(event.evidence)
        )
    text_hash = hashlib.sha256(event.control_text.encode()).digest() if event.control_text else None
    row = LedgerEvent(
        record_id=record_id,
        schema_version=SCHEMA,
        subject_id=event.subject_id,
        channel=event.channel,
        purpose_id=event.purpose_code,
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
        supersedes=event.supersedes,
        source_id=event.source_id,
        actor_id=event.actor_id,
        evidence=evidence,
    )
    row.entry_hash = entry_hash(row)
    return row


def entry_hash(row: LedgerEvent) -> bytes:
    """SHA-256 of 0x00, the canonical header and the evidence's ciphertext.

    Over the ciphertext, so that it still holds after the key of the evidence is destroyed; the
    0x00 marks a leaf (RFC 9162 2.1.1), so that no inner node can pass for one.
    """
    header = {
        name: _plain(getattr(row, name))
        for name in sorted(f.attname for f in LedgerEvent._meta.concrete_fields)
        if name not in {"seq", "entry_hash", "evidence"}
    }
    canonical = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(b"\0" + canonical + bytes(row.evidence or b"")).digest()


def _plain(value: object) -> object:
    if value is None or isinstance(value, int | str):
        return value
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _fold(event: Event, row: LedgerEvent) -> None:
    key = {
        "subject_id": event.subject_id,
        "purpose_id": event.purpose_code,
        "channel": event.channel,
    }
    # The lock of this row orders two events of one person; the insert settles who is first.
    Permission.objects.bulk_create(
        [Permission(**key, **_values(event, row))], ignore_conflicts=True
    )
    before = Permission.objects.select_for_update().get(**key)
    if before.event_id != row.seq and _replaces(event, before):
        Permission.objects.filter(**key).update(**_values(event, row))
    SubjectCard.objects.filter(subject_id=event.subject_id).update(stale_since=event.received_at)


def _values(event: Event, row: LedgerEvent) -> dict[str, object]:
    return {
        "state": event.state,
        "basis": event.basis,
        "since": event.event_at,
        "event_id": row.seq,
    }


def _replaces(event: Event, before: Permission) -> bool:
    if event.state in NO_STATES:
        # A "no" counts even if it arrives late, unless the person has said yes again since.
        return event.event_at >= before.since or before.state not in PERMITTING_STATES
    if event.event_at < before.since:
        return False
    if before.state in NO_STATES:
        return event.method in CONFIRMED_METHODS and event.state in PERMITTING_STATES
    # Asking for a confirmation, or informing, takes nothing away that is there already.
    return not (before.state in PERMITTING_STATES and event.state not in PERMITTING_STATES)
