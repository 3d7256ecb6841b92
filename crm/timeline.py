"""What happened with contacts: kinds and ids, never words about the person."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from crm.models import Contact, TimelineEntry

_RECORD_SENT = (Path(__file__).parent / "sql" / "record_sent.sql").read_text(encoding="utf-8")


# Where the proof of an entry of some kind can be fetched; a floor above registers its own kinds.
ProofLink = Callable[[UUID, Mapping[str, Any]], str]
_PROOF_LINKS: dict[str, ProofLink] = {}


def register_proof_link(*, kind: str, address: ProofLink) -> None:
    """Say at which address the proof of an entry is: of its contact and its reference."""
    _PROOF_LINKS[kind] = address


def proof_link(entry: TimelineEntry) -> str:
    """Return the address of the proof of an entry, empty when its kind has none."""
    address = _PROOF_LINKS.get(entry.kind)
    return address(entry.contact_id, entry.reference) if address else ""


def add_timeline(
    *,
    contact_ids: Sequence[UUID],
    kind: str,
    reference: dict[str, Any],
    at: datetime,
    actor_id: UUID | None = None,
) -> None:
    """Add one entry to the timeline of each contact that is still there.

    `reference` holds codes and ids, never personal data: it is kept in clear. Calling twice adds
    two entries.
    """
    present = Contact.objects.filter(id__in=contact_ids).values_list("id", flat=True)
    TimelineEntry.objects.bulk_create(
        [
            TimelineEntry(
                contact_id=number, at=at, kind=kind, reference=reference, actor_id=actor_id
            )
            for number in present
        ]
    )


def record_sent(*, campaign_id: UUID, contact_ids: Sequence[UUID], at: datetime) -> None:
    """Remember that these contacts were sent a campaign, for segments and timelines.

    Safe to repeat: a contact who has the campaign already gets no second entry.
    """
    with connections["default"].cursor() as cursor:
        cursor.execute(_RECORD_SENT, [campaign_id, at, list(contact_ids)])


def mark_unreachable(*, contact_ids: Sequence[UUID], at: datetime) -> None:
    """Stop writing to contacts whose address bounced for good; safe to repeat.

    Their status is left alone: a customer whose mailbox is gone is still a customer.
    """
    with transaction.atomic():
        fresh = list(
            Contact.objects.select_for_update(no_key=True)
            .filter(id__in=contact_ids, unreachable_at=None)
            .order_by("id")
            .values_list("id", flat=True)
        )
        Contact.objects.filter(id__in=fresh).update(unreachable_at=at, updated_at=at)
        add_timeline(contact_ids=fresh, kind="unreachable", reference={}, at=at)
