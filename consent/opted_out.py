"""The letter after a "no" by address: whose address it is hears of it, and can take it back.

Anybody can type any address. The "no" counts at once all the same; the letter is what lets the
person undo a stranger's mischief. It goes to addresses that are known, once a day at most, and
only when something ended: whoever gets nothing from us already is not written to again.
"""

from datetime import datetime, timedelta
from uuid import UUID

from consent.addresses import Marks
from consent.cards import cards_of, link_url
from consent.deciders import language_of
from consent.letters import OPTED_OUT, Letter, plan_letter
from consent.models import NO_STATES, LedgerEvent, LetterRequest, Permission
from consent.suppression import EVERYTHING, is_suppressed_person
from consent.undoing import UNDO_BY_LETTER_WITHIN
from privacy.services import Fingerprints, Link, OpenedEnvelope, fingerprint_emails

LETTER_WITHIN = timedelta(hours=24)


def has_something_to_end(subject_id: UUID, marks: Marks) -> bool:
    """Return whether a no to everything would change anything for this person."""
    open_ones = Permission.objects.filter(subject_id=subject_id, purpose__is_marketing=True)
    return open_ones.exclude(state__in=NO_STATES).exists() or not is_suppressed_person(
        marks=marks, purpose_code=EVERYTHING
    )


def tell_by_letter(envelope: OpenedEnvelope, subject_id: UUID, marks: Fingerprints) -> None:
    """Have the letter sent, in the caller's transaction; once a day to an address."""
    at = envelope.received_at
    is_told = LetterRequest.objects.filter(
        kind=OPTED_OUT, address_fingerprint=marks.exact, requested_at__gt=at - LETTER_WITHIN
    ).exists()
    if is_told:
        return
    plan_letter(
        kind=OPTED_OUT,
        subject_id=subject_id,
        source_id=envelope.id,
        language=_language_of(subject_id) or language_of(envelope),
        now=at,
        address_fingerprint=marks.exact,
    )


def _language_of(subject_id: UUID) -> str | None:
    """The language the person last answered in: who typed the address may be somebody else."""
    own = LedgerEvent.objects.filter(subject_id=subject_id).exclude(method="by_address")
    return own.order_by("-seq").values_list("language", flat=True).first()


def opted_out_letter(request_id: UUID, email: str, now: datetime) -> Letter | None:
    """Return what to write, or None when it is too late or the address is another one by now."""
    request = LetterRequest.objects.filter(id=request_id).first()
    mark = fingerprint_emails(emails=[email])[0]
    # Planned under an older key, it is the same address all the same.
    own = {each.exact for each in mark.every}
    if request is None or bytes(request.address_fingerprint or b"") not in own:
        return None
    expires_at = request.requested_at + UNDO_BY_LETTER_WITHIN
    if now >= expires_at:
        return None
    card = cards_of([request.subject_id], now=now)[request.subject_id]
    return Letter(
        request.language,
        {
            "undo_url": link_url("undo", "undo", Link(request.id, 0, mark.exact, mark.epoch)),
            "preferences_url": link_url("p", "preferences", Link(card, 0, mark.exact, mark.epoch)),
        },
        expires_at,
    )
