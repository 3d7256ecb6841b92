"""Planning one message to one person, and what follows when it has left."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.delivery.naming import message_id
from campaigns.doorbells import ring_single
from campaigns.models import (
    SINGLE_KINDS,
    Delivery,
    DeliveryKind,
    DeliveryState,
    OutgoingMessage,
)
from campaigns.single.content import NotSendable, SingleContent
from crm.services import NotAContact, add_timeline, lead_answered, lead_contact, require_contact
from privacy.services import RetentionClass, seal_record

CLASS = RetentionClass.ACTIVITY


def send_single(
    *,
    contact_id: UUID,
    purpose: str,
    content: SingleContent,
    reference: UUID,
    kind: DeliveryKind,
    language: str,
    now: datetime,
    actor_id: UUID | None = None,
    lead_id: UUID | None = None,
    template_id: UUID | None = None,
) -> UUID:
    """Plan one message; the worker sends it if its gate lets it pass. Return `reference`.

    The same `reference` again changes nothing: at most one message leaves for it, whatever
    crashes. Raises NotSendable (also `no_request`: a reply without a lead of this contact), and
    NotAContact; UnsafeHeader for words that no header can hold. Whether it may be sent is asked
    at the moment of handing over, not here: ask `why_not_single` to tell a person before.
    """
    _check(contact_id, content, kind, lead_id)
    if OutgoingMessage.objects.filter(id=reference).exists():
        return reference
    row = OutgoingMessage(
        id=reference,
        contact_id=contact_id,
        subject_id=contact_id,
        purpose_id=purpose,
        lead_id=lead_id,
        template_id=template_id,
        language=language,
        # Before the transaction: the key is durable in the vault before the row that needs it.
        sealed=_sealed(contact_id, reference, content),
        created_at=now,
        created_by=actor_id,
    )
    with transaction.atomic():
        OutgoingMessage.objects.bulk_create([row], ignore_conflicts=True)
        _plan(row, kind, now)
        transaction.on_commit(ring_single, using="default", robust=True)
    return reference


def _check(
    contact_id: UUID, content: SingleContent, kind: DeliveryKind, lead_id: UUID | None
) -> None:
    if kind not in SINGLE_KINDS:
        raise NotSendable("kind")
    if kind == DeliveryKind.REPLY and (lead_id is None or lead_contact(lead_id) != contact_id):
        raise NotSendable("no_request")
    content.check()
    require_contact(contact_id=contact_id)


def _sealed(contact_id: UUID, reference: UUID, content: SingleContent) -> bytes:
    return seal_record(
        subject_id=contact_id,
        retention_class=CLASS,
        record_id=reference,
        document=content.document(),
    )


def _plan(row: OutgoingMessage, kind: DeliveryKind, now: datetime) -> None:
    Delivery.objects.bulk_create(
        [
            Delivery(
                contact_id=row.contact_id,
                kind=kind,
                reference_id=row.id,
                due_at=now,
                planned_at=now,
            )
        ],
        ignore_conflicts=True,
    )


def single_handed_over(*, references: Sequence[UUID], now: datetime) -> None:
    """Note on timelines what has left, and that leads were answered; in the recorder's transaction.

    Called once per message: a row becomes sent once.
    """
    for row in OutgoingMessage.objects.filter(id__in=references):
        reference = {"message": str(row.id)}
        if row.lead_id is None:
            add_timeline(
                contact_ids=[row.contact_id],
                kind="message_sent",
                reference={**reference, "purpose": row.purpose_id},
                at=now,
                actor_id=row.created_by,
            )
            continue
        add_timeline(
            contact_ids=[row.contact_id],
            kind="answered",
            reference={**reference, "lead": str(row.lead_id)},
            at=now,
            actor_id=row.created_by,
        )
        lead_answered(lead_id=row.lead_id, actor_id=row.created_by, now=now)


def thread_of_lead(*, lead_id: UUID) -> tuple[str, ...]:
    """Return the Message-IDs of what was sent about a lead, oldest first."""
    rows = OutgoingMessage.objects.filter(lead_id=lead_id).order_by("created_at", "id")
    contacts = [row.id for row in rows]
    sent = Delivery.objects.filter(
        reference_id__in=contacts, kind__in=SINGLE_KINDS, state=DeliveryState.SENT
    )
    ids = {row.reference_id: message_id(row) for row in sent}
    return tuple(ids[number] for number in contacts if number in ids)


__all__ = ["NotAContact", "NotSendable", "send_single", "single_handed_over", "thread_of_lead"]
