"""Preference cards: what the public side may show of a person, under a random name."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from consent.letters import Letter
from consent.models import (
    PERMITTING_STATES,
    ConfirmationRequest,
    LedgerEvent,
    Permission,
    PreferenceCard,
    Purpose,
    State,
    SubjectCard,
)
from privacy.services import Link, fingerprint_emails, make_link


@dataclass(frozen=True)
class OptOutLinks:
    """The two addresses at the foot of every marketing message."""

    one_click_url: str
    preferences_url: str


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
            link_url("u", "opt_out", Link(cards[subject], number, mark.exact)),
            link_url("p", "preferences", Link(cards[subject], 0, mark.exact)),
        )
        for subject, mark in zip(subjects, marks, strict=True)
    }


def link_url(page: str, scope: str, link: Link) -> str:
    """Return the address of a page that a person decides on, with a token for that alone."""
    return f"{settings.PUBLIC_URL}/{page}/{make_link(scope=scope, link=link)}"


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
    mark = fingerprint_emails(emails=[email])[0].exact
    confirm = Link(request.id, 0, bytes(request.address_fingerprint))
    return Letter(
        request.language,
        {
            "purposes": "\n".join(getattr(event.purpose, name) for event in asked.order_by("seq")),
            "confirm_url": link_url("c", "confirm", confirm),
            "preferences_url": link_url("p", "preferences", Link(card, 0, mark)),
        },
        request.expires_at,
    )


def refresh_cards(*, now: datetime, limit: int = 500) -> int:
    """Bring the public copies of changed cards up to date; return how many were written."""
    stale = list(
        SubjectCard.objects.filter(stale_since__isnull=False).order_by("stale_since")[:limit]
    )
    documents = _documents([card.subject_id for card in stale])
    PreferenceCard.objects.bulk_create(
        [
            PreferenceCard(
                card_hash=card_hash(card.card_id),
                document={"items": documents.get(card.subject_id, [])},
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


def _documents(subject_ids: list[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = {}
    rows = Permission.objects.filter(
        subject_id__in=subject_ids, purpose__is_marketing=True
    ).select_related("purpose", "event")
    for row in rows.order_by("purpose__position", "channel"):
        found.setdefault(row.subject_id, []).append(
            {
                "purpose": row.purpose_id,
                "channel": row.channel,
                "title": {"fr": row.purpose.title_fr, "en": row.purpose.title_en},
                "description": {
                    "fr": row.purpose.description_fr,
                    "en": row.purpose.description_en,
                },
                "state": row.state,
                "is_permitted": row.state in PERMITTING_STATES,
                "since": row.since.isoformat(),
                "form": row.event.form_code,
            }
        )
    return found
