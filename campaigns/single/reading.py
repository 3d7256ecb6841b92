"""The messages about a lead, for its page: opened for whoever may read them, and journaled."""

from collections.abc import Sequence
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.models import SINGLE_KINDS, Delivery, DeliveryState, OutgoingMessage
from campaigns.pages.labels import reason
from crm.services import LeadMessage
from privacy.services import RetentionClass, SealedRecord, open_records

SHOWN = 50
_WAITS: tuple[str | Promise, str] = (_("On its way"), "azure")
_STATES: dict[int, tuple[str | Promise, str]] = {
    DeliveryState.SENT: (_("Sent"), "green"),
    DeliveryState.SKIPPED: (_("Not sent"), "orange"),
    DeliveryState.FAILED: (_("Not sent"), "red"),
    DeliveryState.BOUNCED: (_("Refused by the receiving server"), "red"),
    DeliveryState.UNKNOWN: (_("Nobody knows whether it arrived"), "orange"),
}


def messages_of_lead(lead_id: UUID) -> Sequence[LeadMessage]:
    """Return the newest messages about a lead, oldest first, with their words and what became of
    each. Two queries and a reading."""
    newest = OutgoingMessage.objects.filter(lead_id=lead_id).order_by("-created_at", "-id")
    rows = list(newest[:SHOWN])[::-1]
    records = [SealedRecord(row.id, row.subject_id, bytes(row.sealed)) for row in rows]
    opened = open_records(records=records, retention_class=RetentionClass.ACTIVITY)
    sent = {
        row.reference_id: row
        for row in Delivery.objects.filter(
            reference_id__in=[row.id for row in rows], kind__in=SINGLE_KINDS
        )
    }
    return [_line(row, opened.get(row.id), sent.get(row.id)) for row in rows]


def _line(
    row: OutgoingMessage, document: dict[str, str] | None, delivery: Delivery | None
) -> LeadMessage:
    state, colour = _STATES.get(delivery.state, _WAITS) if delivery else _WAITS
    at = (delivery and delivery.finished_at) or row.created_at
    return LeadMessage(
        id=row.id,
        at=at,
        written_by=row.created_by,
        subject=document["subject"] if document else "",
        text=document["text"] if document else None,
        state=state,
        colour=colour,
        reason=reason(delivery.reason) if delivery and delivery.reason else "",
    )
