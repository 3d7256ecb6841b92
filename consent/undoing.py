"""Taking a "no" back: what was there before it comes back, exactly, and never more."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from consent.addresses import Marks, marks_of_link
from consent.deciders import proven
from consent.ledger import Event, append
from consent.models import (
    NO_STATES,
    PERMITTING_STATES,
    AppliedDecision,
    LedgerEvent,
    LetterRequest,
    Permission,
    State,
)
from consent.suppression import kept_of
from privacy.services import JournalWriter, OpenedEnvelope, Refused

UNDO_WITHIN = timedelta(hours=24)
# A "no" by address may be a stranger's mischief: the letter that tells of it waits in a mailbox.
UNDO_BY_LETTER_WITHIN = timedelta(days=30)
# What a link of a page may undo: the "no" that was said with a link of the same kind.
_BY_LINK = {"opt_out": "one_click_post", "preferences": "preference_centre"}
_UNDOABLE = ("opted_out", "everything_no")


@dataclass(frozen=True)
class _No:
    """The decision that is to be undone, and by when."""

    source_id: UUID
    subject_id: UUID
    marks: Marks
    method: str
    within: timedelta


def undo(envelope: OpenedEnvelope, writer: JournalWriter) -> str:
    """Undo one decision, within its time; what the person decided meanwhile is left alone."""
    no = _by_letter(envelope) or _by_link(envelope)
    if no is None:
        return "nothing_to_undo"
    decided = AppliedDecision.objects.filter(id=no.source_id, outcome__in=_UNDOABLE).first()
    if decided is None or envelope.received_at - decided.applied_at > no.within:
        return "nothing_to_undo"
    restored = _restore(envelope, no)
    lifted = _forget(no, decided.applied_at, restored)
    return "undone" if restored or lifted else "nothing_to_undo"


def _by_letter(envelope: OpenedEnvelope) -> _No | None:
    try:
        link = proven(envelope, "undo").link
    except Refused:
        return None
    if link is None:
        return None
    request = LetterRequest.objects.filter(id=link.card_id).first()
    if request is None:
        return None
    marks = marks_of_link(link, request.subject_id)
    return _No(request.source_id, request.subject_id, marks, "by_address", UNDO_BY_LETTER_WITHIN)


def _by_link(envelope: OpenedEnvelope) -> _No | None:
    scope = "preferences" if envelope.document.get("page") == "preferences" else "opt_out"
    decider = proven(envelope, scope)
    if decider.subject_id is None:
        return None
    return _No(
        _uuid(envelope.document.get("decision")),
        decider.subject_id,
        decider.marks,
        _BY_LINK[scope],
        UNDO_WITHIN,
    )


def _restore(envelope: OpenedEnvelope, no: _No) -> list[LedgerEvent]:
    """Bring back what was permitted and rests on this "no" still; return the "no"s undone."""
    said = LedgerEvent.objects.filter(
        source_id=no.source_id,
        subject_id=no.subject_id,
        method=no.method,
        event_state__in=NO_STATES,
        supersedes__isnull=False,
    ).in_bulk()
    resting = Permission.objects.filter(subject_id=no.subject_id, event_id__in=list(said))
    ended = [said[seq] for seq in sorted(resting.values_list("event_id", flat=True))]
    permitting = LedgerEvent.objects.filter(
        record_id__in=[each.supersedes for each in ended], event_state__in=PERMITTING_STATES
    )
    before = {row.record_id: row for row in permitting}
    undone = [each for each in ended if each.supersedes in before]
    append([_again(envelope, each, before[each.supersedes]) for each in undone if each.supersedes])
    return undone


def _forget(no: _No, said_at: datetime, restored: list[LedgerEvent]) -> int:
    """Forget the suppression that this decision wrote, and no other; return how many rows."""
    rows = kept_of(no.marks)
    own = rows.filter(created_at=said_at, reason=no.method[:24]).delete()[0]
    # A yes to something else may have narrowed it since to the other purposes.
    narrowed = rows.filter(
        created_at__gt=said_at,
        reason="narrowed",
        purpose_code__in=[each.purpose_id for each in restored],
    )
    return own + narrowed.delete()[0]


def _again(envelope: OpenedEnvelope, no: LedgerEvent, before: LedgerEvent) -> Event:
    return Event(
        subject_id=before.subject_id,
        purpose_code=before.purpose_id,
        channel=before.channel,
        basis=before.basis,
        state=State(before.event_state),
        event_type="ReaffirmConsent",
        event_at=envelope.received_at,
        received_at=envelope.received_at,
        method="undo",
        source_id=envelope.id,
        language=before.language,
        assessment_id=before.assessment_id,
        notice_id=before.notice_id,
        notice_sha256=bytes(before.notice_sha256 or b"") or None,
        form_code=before.form_code,
        form_version=before.form_version,
        shown_record=before.shown_record,
        supersedes=no.record_id,
    )


def _uuid(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise Refused("decision_unknown") from None
