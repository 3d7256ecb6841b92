"""What a preference card says: states, dates and wishes of one person, and no name.

The texts of the notices are not in the cards, or each of a million would hold pages of them: they
are rows of their own in the same public table, under names that no card can have.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.choosing import PREFERENCES_NOTICE
from consent.form_titles import Titles, form_titles
from consent.models import (
    PERMITTING_STATES,
    MailingPreference,
    Notice,
    Permission,
    PreferenceCard,
    State,
)

Document = dict[str, Any]
LANGUAGES = ("fr", "en")


def notice_hash(notice_id: UUID) -> bytes:
    """The public table's key of a notice; a card's is the hash of 16 bytes and never this one."""
    return hashlib.sha256(b"notice|" + notice_id.bytes).digest()


def terms_hash(language: str) -> bytes:
    """The public table's key of what stands on the preference page itself."""
    return hashlib.sha256(b"terms|" + language.encode()).digest()


def documents_of(subject_ids: Sequence[UUID]) -> dict[UUID, Document]:
    """Return what the card of each subject says; of everybody who was asked for."""
    rows = list(
        Permission.objects.filter(
            subject_id__in=subject_ids,
            purpose__is_marketing=True,
            purpose__retired_at__isnull=True,
        )
        .select_related("purpose", "event")
        .order_by("purpose__position", "channel")
    )
    titles = form_titles(sorted({_form_of(row) for row in rows if row.event.form_code}))
    found = {subject: _document(wishes) for subject, wishes in _wishes(subject_ids).items()}
    for row in rows:
        found[row.subject_id]["items"].append(_item(row, titles))
    return found


def _form_of(row: Permission) -> tuple[str, int]:
    return row.event.form_code, row.event.form_version or 0


def _wishes(subject_ids: Sequence[UUID]) -> dict[UUID, MailingPreference | None]:
    held = MailingPreference.objects.filter(subject_id__in=subject_ids).in_bulk()
    return {subject: held.get(subject) for subject in subject_ids}


def _document(wishes: MailingPreference | None) -> Document:
    paused_until = wishes.paused_until if wishes else None
    return {
        "items": [],
        "every_days": wishes.every_days if wishes else None,
        "paused_until": paused_until.isoformat() if paused_until else None,
    }


def _item(row: Permission, titles: Titles) -> Document:
    purpose, event = row.purpose, row.event
    return {
        "purpose": row.purpose_id,
        "channel": row.channel,
        "title": {"fr": purpose.title_fr, "en": purpose.title_en},
        "description": {"fr": purpose.description_fr, "en": purpose.description_en},
        "state": row.state,
        "basis": row.basis,
        "is_permitted": row.state in PERMITTING_STATES,
        "is_pending": row.state == State.CONSENT_REQUESTED,
        "since": row.since.isoformat(),
        "form": event.form_code,
        "form_titles": titles.get(_form_of(row), {}),
        "source": event.source,
        "notice": str(event.notice_id) if event.notice_id else None,
    }


def project_notices(documents: Collection[Document], *, now: datetime) -> None:
    """Publish the notices that cards point at and the preference page's own; safe to repeat."""
    named = {item["notice"] for each in documents for item in each["items"] if item["notice"]}
    wanted = {notice_hash(UUID(number)): UUID(number) for number in named}
    held = PreferenceCard.objects.filter(card_hash__in=list(wanted))
    for known in held.values_list("card_hash", flat=True):
        del wanted[bytes(known)]
    notices = Notice.objects.in_bulk(wanted.values())
    rows = {key: notices[number] for key, number in wanted.items()}
    for language in LANGUAGES:
        own = Notice.objects.filter(code=PREFERENCES_NOTICE, language=language)
        if newest := own.order_by("-version", "-revision").first():
            rows[terms_hash(language)] = newest
    _publish(rows, now)


def _publish(rows: dict[bytes, Notice], now: datetime) -> None:
    PreferenceCard.objects.bulk_create(
        [
            PreferenceCard(
                card_hash=key,
                document={
                    "notice": {
                        "id": str(notice.id),
                        "version": notice.version,
                        "language": notice.language,
                        "published_at": notice.published_at.isoformat(),
                        "text": notice.text,
                    }
                },
                updated_at=now,
            )
            for key, notice in rows.items()
        ],
        update_conflicts=True,
        unique_fields=["card_hash"],
        update_fields=["document", "updated_at"],
    )
