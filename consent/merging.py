"""Two subjects turn out to be one person: what the kept one may be reached for afterwards.

The most restrictive of both: any "no" ends up as a "no" of the kept one, and a yes of the absorbed
one is carried nowhere, because it was given for another address by another act. A question that is
still open restricts nothing.

Journaled like every "no", with what was decided and not with what to decide by: a database that was
restored to before the merge may not hold the rows any more that it was decided by.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connections

from consent.ledger import Event, append
from consent.models import (
    NO_STATES,
    PERMITTING_STATES,
    BalancingAssessment,
    Basis,
    LedgerEvent,
    MailingPreference,
    Permission,
    Purpose,
    State,
    SubjectCard,
)
from consent.suppression import EVERYTHING, suppress
from privacy.services import (
    Fingerprints,
    JournalEvent,
    RetentionClass,
    fingerprint_emails,
    journal_writer,
)

JOURNAL_KIND = "consent.merge"
METHOD = "merge"
Key = tuple[str, str]


@dataclass(frozen=True)
class _No:
    """A "no" of the absorbed side, as the kept one will have it."""

    purpose_code: str
    channel: str
    state: str
    basis: str
    assessment: str
    language: str


@dataclass(frozen=True)
class _Merge:
    """What was decided: everything that takes effect follows from it."""

    kept_id: UUID
    absorbed_id: UUID
    fingerprints: Fingerprints
    noes: Sequence[_No]
    suppressed: Sequence[str]
    source_id: UUID
    actor_id: UUID | None
    at: datetime


@dataclass(frozen=True)
class MergeLine:
    """One purpose and channel on both sides, and what will hold: states, "" where there is none."""

    purpose_code: str
    channel: str
    kept: str
    absorbed: str
    after: str


def merge_subjects(
    *,
    kept_id: UUID,
    kept_email: str,
    absorbed_id: UUID,
    absorbed_email: str,
    source_id: UUID,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    """Make one subject of two; addresses are normalised, the absorbed one's may be unknown ("").

    No permission is higher afterwards than the kept one's was before, and the absorbed one has
    none. Their links still work: they decide for the kept one. In the caller's transaction on crm.
    Idempotent by `source_id`. Raises JournalUnreachable: then nothing was done.
    """
    with journal_writer(now=now) as writer:
        # Behind the writer's lock: a "no" of either side has taken effect, or will find the merge.
        decided = _decide(
            kept_id, kept_email, absorbed_id, absorbed_email, source_id, actor_id, now
        )
        writer.record(kind=JOURNAL_KIND, subject_id=kept_id, fields=_fields(decided))
        _give_effect(decided)


def merge_preview(*, kept_id: UUID, absorbed_id: UUID, absorbed_email: str) -> list[MergeLine]:
    """Return what will hold for the kept one if both are merged, per purpose and channel."""
    held, others = _permissions(kept_id), _permissions(absorbed_id)
    suppressed = _suppressed_purposes(absorbed_email)
    every = Purpose.objects.filter(retired_at=None).order_by("position", "code")
    marketing = {purpose.code for purpose in every if purpose.is_marketing}
    ended = marketing if EVERYTHING in suppressed else set(suppressed)
    lines = []
    for code, channel in ((p.code, channel) for p in every for channel in p.channels):
        kept, absorbed = held.get((code, channel)), others.get((code, channel))
        after = kept.state if kept else ""
        if after not in NO_STATES and absorbed and absorbed.state in NO_STATES:
            after = absorbed.state
        elif kept and after not in NO_STATES and code in ended:
            after = _ended(kept)
        lines.append(
            MergeLine(
                code, channel, kept.state if kept else "", absorbed.state if absorbed else "", after
            )
        )
    return lines


def replay_merge(event: JournalEvent) -> None:
    """Give a journaled merge effect again; idempotent by its source."""
    if event.subject_id is not None:
        _give_effect(_from_fields(event.subject_id, event.fields))


# --- what is decided -------------------------------------------------------------------------


def _decide(
    kept_id: UUID,
    kept_email: str,
    absorbed_id: UUID,
    absorbed_email: str,
    source_id: UUID,
    actor_id: UUID | None,
    now: datetime,
) -> _Merge:
    noes = [
        _No(
            row.purpose_id,
            row.channel,
            row.state,
            row.basis,
            str(row.event.assessment_id or ""),
            row.event.language,
        )
        for row in _permissions(absorbed_id).values()
        # What this same merge ended on the absorbed side is no "no" of the person.
        if row.state in NO_STATES and row.event.source_id != source_id
    ]
    return _Merge(
        kept_id,
        absorbed_id,
        fingerprint_emails(emails=[kept_email])[0],
        noes,
        _suppressed_purposes(absorbed_email),
        source_id,
        actor_id,
        now,
    )


def _permissions(subject_id: UUID) -> dict[Key, Permission]:
    rows = Permission.objects.filter(subject_id=subject_id).select_related("event")
    ordered = rows.order_by("purpose_id", "channel")
    return {(row.purpose_id, row.channel): row for row in ordered}


def _suppressed_purposes(email: str) -> list[str]:
    """Return the purposes that a "no" is kept for at this address; EVERYTHING alone is all."""
    if not email:
        return []
    codes = [EVERYTHING, *Purpose.objects.order_by("code").values_list("code", flat=True)]
    marks = fingerprint_emails(emails=[email])[0].marks
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT p FROM unnest(%s::text[]) AS p WHERE consent_is_suppressed(1, %s, p)",
            [codes, marks],
        )
        found = [row[0] for row in cursor.fetchall()]
    return [EVERYTHING] if EVERYTHING in found else sorted(found)


# --- what takes effect -----------------------------------------------------------------------


def _give_effect(merge: _Merge) -> None:
    codes = sorted({no.purpose_code for no in merge.noes} | set(merge.suppressed))
    if codes:
        suppress(fingerprints=merge.fingerprints, purpose_codes=codes, reason=METHOD, now=merge.at)
    held = _permissions(merge.kept_id)
    events = [
        event
        for no in merge.noes
        if (event := _carried(merge, no, held.get((no.purpose_code, no.channel))))
    ]
    carried = {(event.purpose_code, event.channel) for event in events}
    events += [
        _end(merge, row)
        for key, row in held.items()
        if key not in carried and row.state not in NO_STATES and _is_suppressed(merge, row)
    ]
    if events:
        append(events)
    ended = [
        _end(merge, row)
        for row in _permissions(merge.absorbed_id).values()
        if row.state not in NO_STATES
    ]
    if ended:
        append(ended)
    _join_wishes(merge)
    _join_cards(merge)


def _is_suppressed(merge: _Merge, row: Permission) -> bool:
    if EVERYTHING in merge.suppressed:
        return Purpose.objects.filter(code=row.purpose_id, is_marketing=True).exists()
    return row.purpose_id in merge.suppressed


def _carried(merge: _Merge, no: _No, held: Permission | None) -> Event | None:
    """The "no" as an event of the kept one; None where they have one already."""
    if held is not None and held.state in NO_STATES:
        return None
    if held is not None:
        return _end(merge, held)
    assessment = UUID(no.assessment) if no.assessment else None
    if no.basis == Basis.LEGITIMATE_INTEREST and not _is_there(assessment):
        return None  # a restored database from before the assessment: the fingerprint holds
    return Event(
        subject_id=merge.kept_id,
        purpose_code=no.purpose_code,
        channel=no.channel,
        basis=no.basis,
        state=State(no.state),
        event_type=_type_of(no.basis),
        event_at=merge.at,
        received_at=merge.at,
        method=METHOD,
        source_id=merge.source_id,
        language=no.language,
        indicated_by="controller",
        assessment_id=assessment,
        actor_id=merge.actor_id,
    )


def _is_there(assessment: UUID | None) -> bool:
    if assessment is None:
        return False
    return BalancingAssessment.objects.filter(id=assessment).exists()


def _end(merge: _Merge, row: Permission) -> Event:
    """A "no" in place of what a person has: it rests on the same basis and names it."""
    before: LedgerEvent = row.event
    return Event(
        subject_id=row.subject_id,
        purpose_code=row.purpose_id,
        channel=row.channel,
        basis=row.basis,
        state=_ended(row),
        event_type=_type_of(row.basis),
        event_at=merge.at,
        received_at=merge.at,
        method=METHOD,
        source_id=merge.source_id,
        language=before.language,
        indicated_by="controller",
        assessment_id=before.assessment_id,
        notice_id=before.notice_id,
        notice_sha256=bytes(before.notice_sha256) if before.notice_sha256 else None,
        form_code=before.form_code,
        form_version=before.form_version,
        shown_record=before.shown_record,
        supersedes=before.record_id,
        actor_id=merge.actor_id,
    )


def _ended(row: Permission) -> State:
    if row.basis == Basis.LEGITIMATE_INTEREST:
        return State.INTEREST_OBJECTED
    return State.CONSENT_REVOKED if row.state in PERMITTING_STATES else State.CONSENT_REFUSED


def _type_of(basis: str) -> str:
    return "ObjectionIndicated" if basis == Basis.LEGITIMATE_INTEREST else "WithdrawConsent"


def _join_wishes(merge: _Merge) -> None:
    """The rarer frequency and the longer pause of both."""
    wishes = MailingPreference.objects.filter(subject_id__in=[merge.kept_id, merge.absorbed_id])
    rows = list(wishes.select_for_update().order_by("subject_id"))
    if not any(row.subject_id == merge.absorbed_id for row in rows):
        return
    MailingPreference.objects.update_or_create(
        subject_id=merge.kept_id,
        defaults={
            "every_days": max((r.every_days for r in rows if r.every_days), default=None),
            "paused_until": max((r.paused_until for r in rows if r.paused_until), default=None),
            "changed_at": merge.at,
            "source_id": merge.source_id,
        },
    )
    MailingPreference.objects.filter(subject_id=merge.absorbed_id).delete()


def _join_cards(merge: _Merge) -> None:
    """The links in mail that the absorbed one was sent say no, and show choices, for the kept."""
    SubjectCard.objects.filter(subject_id=merge.absorbed_id).update(
        subject_id=merge.kept_id, is_alias=True, stale_since=merge.at
    )


# --- the journal -----------------------------------------------------------------------------


def _fields(merge: _Merge) -> dict[str, str]:
    return {
        "absorbed": str(merge.absorbed_id),
        "exact": merge.fingerprints.exact.hex(),
        "wide": merge.fingerprints.wide.hex(),
        "epoch": str(merge.fingerprints.epoch),
        "noes": json.dumps([vars(no) for no in merge.noes], sort_keys=True),
        "suppressed": ",".join(merge.suppressed) or ("*" if merge.suppressed else ""),
        "source": str(merge.source_id),
        "actor": str(merge.actor_id or ""),
        "at": merge.at.isoformat(),
    }


def read_absorbed(event: JournalEvent) -> list[tuple[UUID, RetentionClass]]:
    """Return whose document a merge did away with: that it has no key any more is no loss."""
    return [(UUID(event.fields["absorbed"]), RetentionClass.PROFILE)]


def _from_fields(kept_id: UUID, fields: Mapping[str, str]) -> _Merge:
    listed = fields["suppressed"]
    return _Merge(
        kept_id,
        UUID(fields["absorbed"]),
        Fingerprints(
            bytes.fromhex(fields["exact"]), bytes.fromhex(fields["wide"]), int(fields["epoch"])
        ),
        [_No(**each) for each in json.loads(fields["noes"])],
        [EVERYTHING] if listed == "*" else [code for code in listed.split(",") if code],
        UUID(fields["source"]),
        UUID(fields["actor"]) if fields["actor"] else None,
        datetime.fromisoformat(fields["at"]),
    )
