"""Decisions that people take on the public pages, given effect by the worker."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from consent.addresses import Marks, Reach, addresses_of, marks_of, marks_of_link, person_of
from consent.choosing import choose
from consent.deciders import Decider, proven, saying_no, token_of
from consent.ledger import Event, append
from consent.models import (
    AppliedDecision,
    ConfirmationRequest,
    LedgerEvent,
    Permission,
    Purpose,
    State,
)
from consent.opted_out import has_something_to_end, tell_by_letter
from consent.refusal import refuse
from consent.suppression import EVERYTHING, lift, marks_for
from consent.undoing import undo
from privacy.services import (
    InvalidAddress,
    JournalWriter,
    OpenedEnvelope,
    Refused,
    catch_up_with_journal,
    drain_envelopes,
    find_by_email,
    journal_writer,
    normalise_email,
    purpose_of_link,
)

KIND = "decision"
_BATCH = 500


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


# --- no --------------------------------------------------------------------------------------


def _opt_out(envelope: OpenedEnvelope, writer: JournalWriter) -> str:
    decider = saying_no(envelope, "opt_out")
    codes = [EVERYTHING]
    if not envelope.document.get("everything"):
        codes = [_purpose_of(envelope, decider) or EVERYTHING]
    method = "mail_opt_out" if envelope.document.get("by") == "mail" else "one_click_post"
    refuse(refusal=decider.refusal(envelope, codes, method), writer=writer)
    return "opted_out" if decider.link else "no_by_damaged_link"


def _purpose_of(envelope: OpenedEnvelope, decider: Decider) -> str | None:
    """The purpose that a link says no to; a damaged link's must be one that the person has."""
    number = purpose_of_link(token=token_of(envelope))
    purposes = Purpose.objects.filter(number=number)
    if decider.link is None and decider.subject_id is not None:
        held = Permission.objects.filter(subject_id=decider.subject_id)
        purposes = purposes.filter(is_marketing=True, code__in=held.values("purpose_id"))
    return purposes.values_list("code", flat=True).first()


def _by_address(envelope: OpenedEnvelope, writer: JournalWriter) -> str:
    try:
        address = normalise_email(str(envelope.document.get("email", "")))
    except InvalidAddress:
        raise Refused("invalid_address") from None
    found = find_by_email(emails=[address]).get(address)
    subject_id = person_of(found) if found else None
    marks = _marks_of_address(address, subject_id)
    decider = Decider(subject_id, marks, None)
    # Asked before: afterwards everything is a no.
    is_news = subject_id is not None and has_something_to_end(subject_id, marks)
    refuse(refusal=decider.refusal(envelope, [EVERYTHING], "by_address"), writer=writer)
    if subject_id is not None and is_news and marks.email is not None:
        tell_by_letter(envelope, subject_id, marks.email)
    return "opted_out"


def _marks_of_address(address: str, subject_id: UUID | None) -> Marks:
    """The address that was typed, and the number of whoever is known by it."""
    reach = addresses_of(subject_ids=[subject_id]).get(subject_id) if subject_id else None
    return marks_of([Reach(address, reach.phone if reach else "")])[0]


# --- yes, by one's own confirmed act ---------------------------------------------------------


def _confirm(envelope: OpenedEnvelope, writer: JournalWriter) -> str:
    link = proven(envelope, "confirm").link
    if link is None:
        raise Refused("not_our_link")
    request = ConfirmationRequest.objects.select_for_update().filter(id=link.card_id).first()
    # The token was made here for this request: its tag covers the request and the address.
    if request is None:
        raise Refused("request_unknown")
    if envelope.received_at > request.expires_at:
        return "expired"
    asked = LedgerEvent.objects.filter(
        source_id=request.source_id, event_state=State.CONSENT_REQUESTED
    )
    marks = marks_of_link(link, request.subject_id)
    for event in asked.select_related("purpose").order_by("seq"):
        append([_given(envelope, event)])
        own = marks_for(marks=marks, purpose=event.purpose, channel=event.channel)
        lift(marks=own, purpose_code=event.purpose_id, now=envelope.received_at)
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


_ACTIONS: dict[str, Callable[[OpenedEnvelope, JournalWriter], str]] = {
    "opt_out": _opt_out,
    "by_address": _by_address,
    "confirm": _confirm,
    "preferences": choose,
    "undo": undo,
}
