"""What the preference page reads: the card behind a link, in the words and dates of the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.card_documents import notice_hash, terms_hash
from consent.cards import card_hash
from consent.models import PreferenceCard, State
from consent.wishes import Wishes, wishes_after
from privacy.services import NotOurLink, card_of_link, on_intake

MEASUREMENT = "email_measurement"
# How a state is told, from the person's side.
_TOLD_AS = {
    State.CONSENT_REQUESTED: "asked",
    State.CONSENT_GIVEN: "agreed",
    State.CONSENT_RENEWED: "agreed",
    State.CONSENT_REFUSED: "said_no",
    State.CONSENT_WITHDRAWN: "said_no",
    State.CONSENT_REVOKED: "said_no",
    State.CONSENT_EXPIRED: "expired",
    State.INTEREST_UNINFORMED: "told",
    State.INTEREST_INFORMED: "told",
    State.INTEREST_NOT_OBJECTED: "not_objected",
    State.INTEREST_OBJECTED: "objected",
}
_UNANSWERED = ("asked", "told")


@dataclass(frozen=True)
class ShownNotice:
    """A notice word for word, as it is unfolded at the foot of the page."""

    id: str
    version: int
    language: str
    published_at: datetime
    text: str


@dataclass(frozen=True)
class Item:
    """One purpose by one channel. `told_as` is the state in the page's own words."""

    purpose: str
    channel: str
    title: str
    description: str
    told_as: str
    since: datetime
    form: str
    source: str
    notice: ShownNotice | None

    @property
    def name(self) -> str:
        return f"{self.purpose}:{self.channel}"

    @property
    def id(self) -> str:
        return f"{self.purpose}-{self.channel}"

    @property
    def channel_told(self) -> str:
        """The channel, where it says something: e-mail is what is measured, not how."""
        return "" if self.purpose == MEASUREMENT else self.channel

    @property
    def answer(self) -> str:
        """What is ticked: yes, no, or nothing where the person has not answered yet."""
        if self.told_as in _UNANSWERED:
            return ""
        return "yes" if self.told_as in ("agreed", "not_objected") else "no"

    @property
    def is_objection(self) -> bool:
        """Whether the question is one of objecting: nobody was asked to agree (GDPR 21)."""
        return self.told_as in ("told", "not_objected")

    def after(self, answer: str, *, at: datetime) -> "Item":
        """The line as it will be once the answer has taken effect."""
        if not answer or answer == self.answer:
            return self
        if answer == "no":
            told_as = "objected" if self.is_objection else "said_no"
        else:
            told_as = "not_objected" if self.is_objection else "agreed"
        return replace(self, told_as=told_as, since=at, form="", source="", notice=None)


@dataclass(frozen=True)
class Card:
    """What the public side knows behind a link; an unknown card may be old, cut or brand-new."""

    is_known: bool = False
    items: list[Item] = field(default_factory=list)
    wishes: Wishes = field(default_factory=Wishes)

    @property
    def permissions(self) -> list[Item]:
        return [item for item in self.items if item.purpose != MEASUREMENT]

    @property
    def measurement(self) -> list[Item]:
        return [item for item in self.items if item.purpose == MEASUREMENT]

    @property
    def notices(self) -> list[ShownNotice]:
        """Each notice once, in the order of the lines."""
        return list({item.notice.id: item.notice for item in self.items if item.notice}.values())

    def after(
        self, answers: Mapping[str, str], wishes: Mapping[str, str], *, at: datetime
    ) -> "Card":
        """The card as it will be once the answers have taken effect."""
        items = [item.after(answers.get(item.name, ""), at=at) for item in self.items]
        return replace(self, items=items, wishes=wishes_after(self.wishes, wishes, at=at))


def is_card_known(token: str) -> bool:
    """Return whether the public side has the card of a link. Raises OperationalError."""
    return _document_of(token) is not None


def card_behind(token: str, *, language: str, now: datetime) -> Card:
    """Return the card of a link in the page's language. Raises OperationalError."""
    document = _document_of(token)
    if document is None:
        return Card()
    notices = _notices(document)
    paused_until = document.get("paused_until")
    end = datetime.fromisoformat(paused_until) if paused_until else None
    return Card(
        True,
        [_item(each, language, notices) for each in document["items"]],
        Wishes(document.get("every_days"), end if end and end > now else None),
    )


def terms_shown(language: str) -> ShownNotice | None:
    """Return the notice of the preference page itself: a yes that is given here rests on it."""
    row = on_intake(PreferenceCard.objects.filter(card_hash=terms_hash(language)).first)
    return _notice(row.document["notice"]) if row else None


def _document_of(token: str) -> dict[str, Any] | None:
    try:
        key = card_hash(card_of_link(token=token))
    except NotOurLink:
        return None
    row = on_intake(PreferenceCard.objects.filter(card_hash=key).first)
    return row.document if row else None


def _notices(document: Mapping[str, Any]) -> dict[str, ShownNotice]:
    keys = {notice_hash(UUID(each["notice"])) for each in document["items"] if each.get("notice")}
    if not keys:
        return {}
    held = PreferenceCard.objects.filter(card_hash__in=keys)
    found = [_notice(row.document["notice"]) for row in on_intake(lambda: list(held))]
    return {notice.id: notice for notice in found}


def _notice(document: Mapping[str, Any]) -> ShownNotice:
    return ShownNotice(
        document["id"],
        document["version"],
        document["language"],
        datetime.fromisoformat(document["published_at"]),
        document["text"],
    )


def _item(document: Mapping[str, Any], language: str, notices: Mapping[str, ShownNotice]) -> Item:
    told_as = _TOLD_AS.get(document["state"], "said_no")
    # A "no" carries the form of the yes that it ended: that is not where it was said.
    is_from_form = told_as not in ("said_no", "objected", "expired")
    titles = document.get("form_titles") or {}
    title = titles.get(language) or next(iter(titles.values()), document["form"])
    return Item(
        document["purpose"],
        document["channel"],
        document["title"][language],
        document["description"][language],
        told_as,
        datetime.fromisoformat(document["since"]),
        title if is_from_form else "",
        document.get("source", "") if is_from_form else "",
        notices.get(document.get("notice") or "") if is_from_form else None,
    )
