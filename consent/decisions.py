"""Decisions that people take on the public pages, given effect by the worker."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from consent.ledger import Event, append
from consent.models import (
    PERMITTING_STATES,
    AppliedDecision,
    Basis,
    ConfirmationRequest,
    LedgerEvent,
    Notice,
    Permission,
    Purpose,
    State,
    SubjectCard,
)
from consent.refusal import Refusal, refuse
from consent.suppression import EVERYTHING, is_suppressed, lift
from privacy.services import (
    Fingerprints,
    InvalidAddress,
    JournalWriter,
    Link,
    NotOurLink,
    OpenedEnvelope,
    Refused,
    catch_up_with_journal,
    drain_envelopes,
    find_by_email,
    fingerprint_emails,
    journal_writer,
    normalise_email,
    read_link,
)

KIND = "decision"
_BATCH = 500
UNDO_WITHIN = timedelta(hours=24)
PREFERENCES_NOTICE = "preferences"


def apply_waiting_decisions(*, now: datetime, limit: int = 500) -> int:
    """Give effect to what is waiting, oldest first; return how many were applied.

    What cannot be verified is put aside, not lost. First what the privacy journal knows and this
    database does not (a crash between the two, a restore). Calling twice is safe.
    """
    catch_up_with_journal(now=now)
    return drain_envelopes(kind=KIND, handle=_apply, limit=limit, now=now).handled


def settle_decisions(*, now: datetime) -> bool:
    """Give effect to everything that is waiting, also to what another worker is busy with.

    Return whether nothing is left: only then does a gate that is asked afterwards know of every
    "no" that was acknowledged before this call. Calling twice is safe.
    """
    while True:
        drained = drain_envelopes(
            kind=KIND, handle=_apply, limit=_BATCH, now=now, waits_for_others=True
        )
        if drained.left:
            return False
        if drained.handled + drained.quarantined < _BATCH:
            return True


def _apply(envelope: OpenedEnvelope) -> None:
    if AppliedDecision.objects.filter(id=envelope.id).exists():
        return
    act = _ACTIONS.get(str(envelope.document.get("action")))
    if act is None:
        raise Refused("unknown_action")
    with journal_writer(now=envelope.received_at) as writer:
        outcome = act(envelope, writer)
        AppliedDecision.objects.create(
            id=envelope.id, applied_at=envelope.received_at, outcome=outcome
        )


def _link(envelope: OpenedEnvelope, scope: str) -> Link:
    try:
        return read_link(scope=scope, token=str(envelope.document.get("token", "")))
    except NotOurLink:
        raise Refused("not_our_link") from None


def _subject(link: Link) -> UUID | None:
    card = SubjectCard.objects.filter(card_id=link.card_id).first()
    return card.subject_id if card else None


def _marks(link: Link) -> Fingerprints:
    # The link carries the exact fingerprint; the wide one needs the address, which may be gone.
    return Fingerprints(link.fingerprint, link.fingerprint)


def _language(envelope: OpenedEnvelope) -> str:
    return "en" if envelope.document.get("language") == "en" else "fr"


def _refusal(
    envelope: OpenedEnvelope,
    subject_id: UUID | None,
    marks: Fingerprints,
    purpose_codes: list[str],
    method: str,
) -> Refusal:
    return Refusal(
        subject_id,
        marks,
        purpose_codes,
        method,
        envelope.id,
        envelope.received_at,
        _language(envelope),
    )


# --- no --------------------------------------------------------------------------------------


def _opt_out(envelope: OpenedEnvelope, writer: JournalWriter) -> str:
    link = _link(envelope, "opt_out")
    codes = [EVERYTHING]
    if link.purpose_number and not envelope.document.get("everything"):
        purpose = Purpose.objects.filter(number=link.purpose_number).first()
        codes = [purpose.code] if purpose else [EVERYTHING]
    refusal = _refusal(envelope, _subject(link), _marks(link), codes, "one_click_post")
    refuse(refusal=refusal, writer=writer)
    return "opted_out"


def _by_address(envelope: OpenedEnvelope, writer: JournalWriter) -> str:
    try:
        address = normalise_email(str(envelope.document.get("email", "")))
    except InvalidAddress:
        raise Refused("invalid_address") from None
    subject_id = find_by_email(emails=[address]).get(address)
    marks = fingerprint_emails(emails=[address])[0]
    refuse(refusal=_refusal(envelope, subject_id, marks, [EVERYTHING], "by_address"), writer=writer)
    return "opted_out"


# --- yes, by one's own confirmed act ---------------------------------------------------------


def _confirm(envelope: OpenedEnvelope, writer: JournalWriter) -> str:
    link = _link(envelope, "confirm")
    request = ConfirmationRequest.objects.select_for_update().filter(id=link.card_id).first()
    if request is None or bytes(request.address_fingerprint) != link.fingerprint:
        raise Refused("request_unknown")
    if envelope.received_at > request.expires_at:
        return "expired"
    asked = LedgerEvent.objects.filter(
        source_id=request.source_id, event_state=State.CONSENT_REQUESTED
    )
    for event in asked.order_by("seq"):
        append([_given(envelope, event)])
        lift(fingerprints=_marks(link), purpose_code=event.purpose_id, now=envelope.received_at)
    ConfirmationRequest.objects.filter(id=request.id, confirmed_at=None).update(
        confirmed_at=envelope.received_at
    )
    return "confirmed"


def _given(envelope: OpenedEnvelope, asked: LedgerEvent) -> Event:
    return Event(
        subject_id=asked.subject_id,
        purpose_code=asked.purpose_id,
        channel=asked.channel,
        basis=asked.basis,
        state=State.CONSENT_GIVEN,
        event_type="ExpressedConsent",
        event_at=envelope.received_at,
        received_at=envelope.received_at,
        method="double_opt_in",
        source_id=envelope.id,
        language=asked.language,
        notice_id=asked.notice_id,
        notice_sha256=bytes(asked.notice_sha256 or b""),
        form_code=asked.form_code,
        form_version=asked.form_version,
        shown_record=asked.shown_record,
        supersedes=asked.record_id,
    )


def _preferences(envelope: OpenedEnvelope, writer: JournalWriter) -> str:
    link = _link(envelope, "preferences")
    subject_id, marks = _subject(link), _marks(link)
    choices = _choices(envelope)
    if envelope.document.get("everything") == "no":
        refusal = _refusal(envelope, subject_id, marks, [EVERYTHING], "preference_centre")
        refuse(refusal=refusal, writer=writer)
        return "everything_no"
    if refused := [code for code, is_yes in choices.items() if not is_yes]:
        refusal = _refusal(envelope, subject_id, marks, refused, "preference_centre")
        refuse(refusal=refusal, writer=writer)
    if subject_id is not None:
        for code in (code for code, is_yes in choices.items() if is_yes):
            _agree(envelope, subject_id, marks, code)
    return "chosen"


def _choices(envelope: OpenedEnvelope) -> dict[str, bool]:
    raw = envelope.document.get("choices")
    chosen: Mapping[str, object] = raw if isinstance(raw, dict) else {}
    known = Purpose.objects.filter(code__in=list(chosen), is_marketing=True)
    return {code: chosen[code] == "yes" for code in known.values_list("code", flat=True)}


def _agree(
    envelope: OpenedEnvelope, subject_id: UUID, marks: Fingerprints, purpose_code: str
) -> None:
    shown = (
        Notice.objects.filter(code=PREFERENCES_NOTICE, language=_language(envelope))
        .order_by("-version", "-revision")
        .first()
    )
    if shown is None:
        raise Refused("notice_missing")
    is_refused = is_suppressed(fingerprints=marks, purpose_code=purpose_code)
    held = {
        row.channel: row
        for row in Permission.objects.filter(
            subject_id=subject_id, purpose=purpose_code
        ).select_related("event")
    }
    # The page shows what is held; what never was is agreed to for the purpose's first channel.
    channels = list(held) or Purpose.objects.get(code=purpose_code).channels[:1]
    for channel in channels:
        before = held.get(channel)
        if before is None or is_refused or before.state not in PERMITTING_STATES:
            append([_agreed(envelope, subject_id, purpose_code, channel, shown, before)])
    lift(fingerprints=marks, purpose_code=purpose_code, now=envelope.received_at)


def _agreed(
    envelope: OpenedEnvelope,
    subject_id: UUID,
    purpose_code: str,
    channel: str,
    shown: Notice,
    before: Permission | None,
) -> Event:
    return Event(
        subject_id=subject_id,
        purpose_code=purpose_code,
        channel=channel,
        basis=Basis.CONSENT,
        state=State.CONSENT_GIVEN,
        event_type="ExpressedConsent",
        event_at=envelope.received_at,
        received_at=envelope.received_at,
        method="preference_centre",
        source_id=envelope.id,
        language=_language(envelope),
        notice_id=shown.id,
        notice_sha256=bytes(shown.sha256),
        supersedes=before.event.record_id if before else None,
    )


def _undo(envelope: OpenedEnvelope, writer: JournalWriter) -> str:
    link = _link(envelope, "opt_out")
    subject_id = _subject(link)
    if subject_id is None:
        return "nothing_to_undo"
    ended = LedgerEvent.objects.filter(
        source_id=_uuid(envelope.document.get("decision")),
        subject_id=subject_id,
        method="one_click_post",
        event_at__gte=envelope.received_at - UNDO_WITHIN,
    )
    undone = 0
    for no in ended.order_by("seq"):
        before = no.supersedes and LedgerEvent.objects.filter(record_id=no.supersedes).first()
        if before:
            append([_again(envelope, no, before)])
            marks = _marks(link)
            lift(fingerprints=marks, purpose_code=no.purpose_id, now=envelope.received_at)
            undone += 1
    return "undone" if undone else "nothing_to_undo"


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


_ACTIONS: dict[str, Callable[[OpenedEnvelope, JournalWriter], str]] = {
    "opt_out": _opt_out,
    "by_address": _by_address,
    "confirm": _confirm,
    "preferences": _preferences,
    "undo": _undo,
}
