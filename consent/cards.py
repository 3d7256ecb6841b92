"""Preference cards: what the public side may show of a person, under a random name."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.conf import settings

from consent.card_documents import documents_of, project_notices
from consent.letters import Letter
from consent.models import (
    ConfirmationRequest,
    LedgerEvent,
    PreferenceCard,
    Purpose,
    State,
    SubjectCard,
)
from privacy.services import Link, fingerprint_emails, make_link, on_intake


@dataclass(frozen=True)
class OptOutLinks:
    """The two addresses at the foot of every marketing message, and the card they name."""

    one_click_url: str
    preferences_url: str
    card_id: UUID


def card_hash(card_id: UUID) -> bytes:
    """The public table's key: its rows do not tell which links exist."""
    return hashlib.sha256(card_id.bytes).digest()


def cards_of(subject_ids: Iterable[UUID], *, now: datetime) -> dict[UUID, UUID]:
    """Return subject -> card id, made where there is none; safe under concurrency."""
    wanted = list(subject_ids)
    SubjectCard.objects.bulk_create(
        [
            SubjectCard(card_id=uuid4(), subject_id=subject, created_at=now, stale_since=now)
            for subject in wanted
        ],
        ignore_conflicts=True,
    )
    rows = SubjectCard.objects.filter(subject_id__in=wanted, is_alias=False)
    return dict(rows.values_list("subject_id", "card_id"))


def opt_out_links(
    *, subjects: Mapping[UUID, str], purpose_code: str, now: datetime
) -> dict[UUID, OptOutLinks]:
    """Return the links of each subject (subject -> normalised address), in two statements."""
    number = Purpose.objects.values_list("number", flat=True).get(code=purpose_code)
    cards = cards_of(subjects, now=now)
    marks = fingerprint_emails(emails=list(subjects.values()))
    return {
        subject: OptOutLinks(
            link_url("u", "opt_out", Link(cards[subject], number, mark.exact, mark.epoch)),
            link_url("p", "preferences", Link(cards[subject], 0, mark.exact, mark.epoch)),
            cards[subject],
        )
        for subject, mark in zip(subjects, marks, strict=True)
    }


def link_url(page: str, scope: str, link: Link) -> str:
    """Return the address of a page that a person decides on, with a token for that alone."""
    return f"{settings.PUBLIC_URL}/{page}/{make_link(scope=scope, link=link)}"


def card_permits(*, card_id: UUID, purpose_code: str, channel: str) -> bool:
    """Return whether the public copy of a card says yes at this moment; needs no key.

    The copy may be seconds old and the card's id made up: whoever acts on a yes asks the ledger's
    permission again. Raises what the intake database raises.
    """
    held = PreferenceCard.objects.filter(card_hash=card_hash(card_id))
    document = on_intake(held.values_list("document", flat=True).first) or {}
    return any(
        item["is_permitted"]
        for item in document.get("items", [])
        if (item["purpose"], item["channel"]) == (purpose_code, channel)
    )


def confirmation_letter(request_id: UUID, email: str, now: datetime) -> Letter | None:
    """Return what to write, or None when it was answered or is too late."""
    request = ConfirmationRequest.objects.filter(
        id=request_id, confirmed_at=None, expires_at__gt=now
    ).first()
    if request is None:
        return None
    asked = LedgerEvent.objects.filter(
        source_id=request.source_id, event_state=State.CONSENT_REQUESTED
    ).select_related("purpose")
    name = "title_fr" if request.language == "fr" else "title_en"
    card = cards_of([request.subject_id], now=now)[request.subject_id]
    mark = fingerprint_emails(emails=[email])[0]
    confirm = Link(request.id, 0, mark.exact, mark.epoch)
    return Letter(
        request.language,
        {
            "purposes": "\n".join(getattr(event.purpose, name) for event in asked.order_by("seq")),
            "confirm_url": link_url("c", "confirm", confirm),
            "preferences_url": link_url("p", "preferences", Link(card, 0, mark.exact, mark.epoch)),
        },
        request.expires_at,
    )


def refresh_cards(*, now: datetime, limit: int = 500) -> int:
    """Bring the public copies of changed cards up to date; return how many were written."""
    stale = list(
        SubjectCard.objects.filter(stale_since__isnull=False).order_by("stale_since")[:limit]
    )
    if not stale:
        return 0
    documents = documents_of([card.subject_id for card in stale])
    project_notices(documents.values(), now=now)
    PreferenceCard.objects.bulk_create(
        [
            PreferenceCard(
                card_hash=card_hash(card.card_id),
                document=documents[card.subject_id],
                updated_at=now,
            )
            for card in stale
        ],
        update_conflicts=True,
        unique_fields=["card_hash"],
        update_fields=["document", "updated_at"],
    )
    for card in stale:
        SubjectCard.objects.filter(card_id=card.card_id, stale_since=card.stale_since).update(
            stale_since=None
        )
    return len(stale)
