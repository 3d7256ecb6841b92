"""Leads and who follows them up."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from crm.models import Lead
from crm.timeline import add_timeline

STATES = ("new", "in_progress", "answered", "closed")


class LeadUnknown(Exception):
    """There is no such lead."""


class LeadStateUnknown(ValueError):
    """There is no such state of a lead."""


def change_lead_state(*, lead_id: UUID, state: str, actor_id: UUID, now: datetime) -> None:
    """Say how far a lead is; the same state again changes nothing.

    Raises LeadStateUnknown and LeadUnknown.
    """
    if state not in STATES:
        raise LeadStateUnknown(LeadStateUnknown.__doc__)
    with transaction.atomic():
        lead = _required(lead_id)
        if lead.state == state:
            return
        Lead.objects.filter(id=lead_id).update(state=state)
        reference = {"lead": str(lead_id), "from": lead.state, "to": state}
        _tell(lead, "lead_state", reference, actor_id, now)


def assign_lead(*, lead_id: UUID, account_id: UUID | None, actor_id: UUID, now: datetime) -> None:
    """Give a lead to a member of staff, or to nobody; safe to repeat. Raises LeadUnknown."""
    with transaction.atomic():
        lead = _required(lead_id)
        if lead.assigned_to_id == account_id:
            return
        Lead.objects.filter(id=lead_id).update(assigned_to=account_id)
        reference = {"lead": str(lead_id), "to": str(account_id or "")}
        _tell(lead, "lead_assigned", reference, actor_id, now)


def _required(lead_id: UUID) -> Lead:
    lead = Lead.objects.select_for_update(no_key=True).filter(id=lead_id).first()
    if lead is None:
        raise LeadUnknown(LeadUnknown.__doc__)
    return lead


def _tell(lead: Lead, kind: str, reference: dict[str, str], actor_id: UUID, now: datetime) -> None:
    add_timeline(
        contact_ids=[lead.contact_id], kind=kind, reference=reference, at=now, actor_id=actor_id
    )
