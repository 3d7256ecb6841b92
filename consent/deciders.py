"""Who takes a decision: what the link in a mail proves, and what a damaged one still tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from consent.addresses import Marks, addresses_of, marks_of, marks_of_link
from consent.models import SubjectCard
from consent.refusal import Refusal
from privacy.services import (
    Link,
    NotOurLink,
    OpenedEnvelope,
    Refused,
    card_of_link,
    read_link,
)


@dataclass(frozen=True)
class Decider:
    """A person who decides. `link` is what they proved; without it they can only say no."""

    subject_id: UUID | None
    marks: Marks
    link: Link | None

    def refusal(
        self, envelope: OpenedEnvelope, purpose_codes: Sequence[str], method: str
    ) -> Refusal:
        return Refusal(
            self.subject_id,
            self.marks.email,
            purpose_codes,
            method,
            envelope.id,
            envelope.received_at,
            language_of(envelope),
            phone=self.marks.phone,
        )


def language_of(envelope: OpenedEnvelope) -> str:
    return "en" if envelope.document.get("language") == "en" else "fr"


def token_of(envelope: OpenedEnvelope) -> str:
    return str(envelope.document.get("token", ""))


def proven(envelope: OpenedEnvelope, scope: str) -> Decider:
    """Return who holds the link; raises Refused unless we made it for `scope`."""
    try:
        link = read_link(scope=scope, token=token_of(envelope))
    except NotOurLink:
        raise Refused("not_our_link") from None
    subject_id = _subject_of(link.card_id)
    return Decider(subject_id, marks_of_link(link, subject_id), link)


def saying_no(envelope: OpenedEnvelope, scope: str) -> Decider:
    """Return who says no: also by a link that was damaged, or that a lost key made.

    The number of a card is 122 random bits that nobody has but who was sent a link: enough for a
    "no", which anybody may say, and for nothing else. Raises Refused if it is no card of ours.
    """
    try:
        return proven(envelope, scope)
    except Refused:
        subject_id = _subject_of(_named_card(envelope))
        if subject_id is None:
            raise
    reach = addresses_of(subject_ids=[subject_id]).get(subject_id)
    return Decider(subject_id, marks_of([reach])[0] if reach else Marks(), None)


def _named_card(envelope: OpenedEnvelope) -> UUID:
    try:
        return card_of_link(token=token_of(envelope))
    except NotOurLink:
        raise Refused("not_our_link") from None


def _subject_of(card_id: UUID) -> UUID | None:
    card = SubjectCard.objects.filter(card_id=card_id).first()
    return card.subject_id if card else None
