"""Leads and who follows them up."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from crm.bell import notify
from crm.models import Account, Contact, Lead
from crm.timeline import add_timeline
from crm.webhooks.publishing import publish_events

STATES = ("new", "in_progress", "answered", "closed")
# A screenful: what is ticked on a page, never a pile that nobody has looked at.
BULK_MAX = 50
FOLLOWERS = ("marketing", "sales", "communication")


class LeadUnknown(Exception):
    """There is no such lead."""


class LeadStateUnknown(ValueError):
    """There is no such state of a lead."""


class NotAFollower(ValueError):
    """This account does not follow leads up."""


class NotAContact(LookupError):
    """There is no such contact."""


class TooManyLeads(ValueError):
    """More leads than a page shows were asked for at once."""


def require_contact(*, contact_id: UUID) -> None:
    """Raise NotAContact unless the contact is there."""
    if not Contact.objects.filter(id=contact_id).exists():
        raise NotAContact(NotAContact.__doc__)


def lead_contact(lead_id: UUID) -> UUID | None:
    """Return whose lead it is; None where there is none."""
    return Lead.objects.filter(id=lead_id).values_list("contact_id", flat=True).first()


def change_lead_state(*, lead_id: UUID, state: str, actor_id: UUID, now: datetime) -> None:
    """Say how far a lead is; the same state again changes nothing.

    Raises LeadStateUnknown and LeadUnknown.
    """
    with transaction.atomic():
        _move([_required(lead_id)], state, actor_id, now)


def assign_lead(*, lead_id: UUID, account_id: UUID | None, actor_id: UUID, now: datetime) -> None:
    """Give a lead to a member of staff, or to nobody; safe to repeat.

    Who is given one by somebody else is told by the bell. Raises LeadUnknown and NotAFollower.
    """
    with transaction.atomic():
        _give([_required(lead_id)], account_id, actor_id, now)


def lead_answered(*, lead_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Note that a lead was answered, in the caller's transaction; one that is closed stays so.

    Safe to repeat, and for a lead that is gone.
    """
    open_lead = Lead.objects.select_for_update(no_key=True).filter(
        id=lead_id, state__in=("new", "in_progress")
    )
    _move(list(open_lead), "answered", actor_id, now)


def assign_leads(
    *, lead_ids: Sequence[UUID], account_id: UUID | None, actor_id: UUID, now: datetime
) -> dict[UUID, UUID | None]:
    """Give many leads to one member of staff, or to nobody; return whose they were, of those that
    changed. Those that are gone are left out. Raises TooManyLeads and NotAFollower."""
    with transaction.atomic():
        return _give(_locked(lead_ids), account_id, actor_id, now)


def change_lead_states(
    *, lead_ids: Sequence[UUID], state: str, actor_id: UUID, now: datetime
) -> dict[UUID, str]:
    """Put many leads into one state; return in which they were, of those that changed.

    Raises TooManyLeads and LeadStateUnknown.
    """
    with transaction.atomic():
        return _move(_locked(lead_ids), state, actor_id, now)


def _locked(lead_ids: Sequence[UUID]) -> list[Lead]:
    if len(lead_ids) > BULK_MAX:
        raise TooManyLeads(TooManyLeads.__doc__)
    rows = Lead.objects.select_for_update(no_key=True).filter(id__in=lead_ids)
    return list(rows.order_by("id"))


def _required(lead_id: UUID) -> Lead:
    lead = Lead.objects.select_for_update(no_key=True).filter(id=lead_id).first()
    if lead is None:
        raise LeadUnknown(LeadUnknown.__doc__)
    return lead


def _move(
    leads: Sequence[Lead], state: str, actor_id: UUID | None, now: datetime
) -> dict[UUID, str]:
    if state not in STATES:
        raise LeadStateUnknown(LeadStateUnknown.__doc__)
    moved = [lead for lead in leads if lead.state != state]
    if not moved:
        return {}
    Lead.objects.filter(id__in=[lead.id for lead in moved]).update(state=state)
    for lead in moved:
        reference = {"lead": str(lead.id), "from": lead.state, "to": state}
        _tell(lead, "lead_state", reference, actor_id, now)
    publish_events(kind="lead.state_changed", ids=[_ids(lead) for lead in moved], at=now)
    return {lead.id: lead.state for lead in moved}


def _give(
    leads: Sequence[Lead], account_id: UUID | None, actor_id: UUID, now: datetime
) -> dict[UUID, UUID | None]:
    if account_id is not None:
        follows = Account.objects.filter(id=account_id, role__in=FOLLOWERS, is_active=True)
        if not follows.exists():
            raise NotAFollower(NotAFollower.__doc__)
    given = [lead for lead in leads if lead.assigned_to_id != account_id]
    Lead.objects.filter(id__in=[lead.id for lead in given]).update(assigned_to=account_id)
    for lead in given:
        reference = {"lead": str(lead.id), "to": str(account_id or "")}
        _tell(lead, "lead_assigned", reference, actor_id, now)
        if account_id not in (None, actor_id):
            cause = f"lead_assigned:{lead.id}:{now.isoformat()}"
            told = {"lead": str(lead.id)}
            notify(
                account_ids=[account_id], kind="lead_assigned", reference=told, cause=cause, at=now
            )
    return {lead.id: lead.assigned_to_id for lead in given}


def _ids(lead: Lead) -> dict[str, str]:
    return {"lead_id": str(lead.id), "contact_id": str(lead.contact_id)}


def _tell(
    lead: Lead, kind: str, reference: dict[str, str], actor_id: UUID | None, now: datetime
) -> None:
    add_timeline(
        contact_ids=[lead.contact_id], kind=kind, reference=reference, at=now, actor_id=actor_id
    )
