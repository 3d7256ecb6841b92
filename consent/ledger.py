"""The ledger and the permission it adds up to: one event, one row, one transaction.

An event is appended and the permission row follows in the same transaction, under rules that no
caller can bend: an older event never overwrites a newer one, and only a person's own confirmed act
raises a permission after a "no".
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
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


def append(events: Sequence[Event]) -> int:
    """Append events of one person and fold them into the permissions; return how many were new.

    Inside the caller's transaction on crm, and in the same few statements for one event or ten.
    Calling twice with one source is safe.
    """
    new = _unseen(events)
    if not new:
        return 0
    rows = _rows(new)
    LedgerEvent.objects.bulk_create(rows)
    folded = [pair for pair in zip(new, rows, strict=True) if pair[0].state != State.NOTICE_SHOWN]
    if folded:
        _fold(folded)
    return len(new)


def _unseen(events: Sequence[Event]) -> list[Event]:
    known = set(
        LedgerEvent.objects.filter(
            source_id__in={event.source_id for event in events},
            subject_id__in={event.subject_id for event in events},
        ).values_list("source_id", "subject_id", "purpose_id", "channel", "event_state")
    )
    return [
        event
        for event in events
        if (
            event.source_id,
            event.subject_id,
            event.purpose_code,
            event.channel,
            event.state.value,
        )
        not in known
    ]


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
    return [
        _row(event, number, evidence.get(number))
        for number, event in zip(numbers, events, strict=True)
    ]


def _row(event: Event, record_id: UUID, evidence: bytes | None) -> LedgerEvent:
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


def _fold(pairs: Sequence[tuple[Event, LedgerEvent]]) -> None:
    """Bring the permissions of one person up to date, in the order of the events."""
    subject_id = pairs[0][0].subject_id
    fresh: dict[tuple[str, str], Permission] = {}
    for event, row in pairs:
        key = _key(event)
        if key not in fresh:
            fresh[key] = Permission(subject_id=subject_id, purpose_id=key[0], channel=key[1])
            _take(event, row, fresh[key])
        elif _replaces(event, fresh[key]):
            _take(event, row, fresh[key])
    # The insert settles who is first; the locks order two events of one person.
    Permission.objects.bulk_create([fresh[key] for key in sorted(fresh)], ignore_conflicts=True)
    locked = Permission.objects.filter(subject_id=subject_id).select_for_update()
    held = {(each.purpose_id, each.channel): each for each in locked.order_by("purpose_id")}
    was_there = {key for key, each in fresh.items() if held[key].event_id != each.event_id}
    for event, row in pairs:
        if _key(event) in was_there and _replaces(event, held[_key(event)]):
            _take(event, row, held[_key(event)])
            held[_key(event)].save(update_fields=["state", "basis", "since", "event"])
    received_at = max(event.received_at for event, _row in pairs)
    SubjectCard.objects.filter(subject_id=subject_id).update(stale_since=received_at)


def _take(event: Event, row: LedgerEvent, permission: Permission) -> None:
    permission.state, permission.basis = event.state, event.basis
    permission.since, permission.event_id = event.event_at, row.seq


def _key(event: Event) -> tuple[str, str]:
    return event.purpose_code, event.channel


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
