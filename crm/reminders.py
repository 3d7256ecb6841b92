"""Reminders: somebody is told by the bell when it is time to come back to a lead."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db import transaction

from crm.bell import notify
from crm.leads import LeadUnknown
from crm.models import Lead, LeadReminder

_AT_ONCE = 500


class NotInTheFuture(ValueError):
    """A reminder for a moment that has gone by."""


def remind(
    *, lead_id: UUID, account_id: UUID, due_at: datetime, actor_id: UUID, now: datetime
) -> UUID:
    """Set the reminder of a lead; one that was set before gives way. Return its id.

    Raises LeadUnknown and NotInTheFuture.
    """
    if due_at <= now:
        raise NotInTheFuture(NotInTheFuture.__doc__)
    with transaction.atomic():
        lead = Lead.objects.select_for_update(no_key=True).filter(id=lead_id).first()
        if lead is None:
            raise LeadUnknown(LeadUnknown.__doc__)
        LeadReminder.objects.filter(lead=lead_id, done_at=None).update(done_at=now)
        reminder = LeadReminder.objects.create(
            id=uuid_utils.compat.uuid7(),
            lead_id=lead_id,
            account_id=account_id,
            due_at=due_at,
            created_at=now,
            created_by=actor_id,
        )
    return reminder.id


def reminder_of(*, lead_id: UUID) -> LeadReminder | None:
    """Return the reminder of a lead that is not done."""
    rows = LeadReminder.objects.filter(lead=lead_id, done_at=None).select_related("account")
    return rows.first()


def finish_reminder(*, lead_id: UUID, now: datetime) -> None:
    """Say that what a lead's reminder was for is done; safe to repeat."""
    LeadReminder.objects.filter(lead=lead_id, done_at=None).update(done_at=now)


def due_reminders(*, account_id: UUID, now: datetime, limit: int) -> Sequence[LeadReminder]:
    """Return what an account should come back to by now, oldest first."""
    rows = LeadReminder.objects.filter(account=account_id, done_at=None, due_at__lte=now)
    return list(rows.select_related("lead").order_by("due_at", "id")[:limit])


def ring_reminders(*, now: datetime) -> int:
    """Ring the bells of what is due and was not told yet; return how many.

    Safe to repeat and by any number of workers at once: a reminder rings once.
    """
    with transaction.atomic():
        due = LeadReminder.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            done_at=None, told_at=None, due_at__lte=now
        )
        rows = list(due.order_by("due_at", "id")[:_AT_ONCE])
        for row in rows:
            notify(
                account_ids=[row.account_id],
                kind="lead_reminder",
                reference={"lead": str(row.lead_id)},
                cause=f"reminder:{row.id}",
                at=row.due_at,
            )
        LeadReminder.objects.filter(id__in=[row.id for row in rows]).update(told_at=now)
    return len(rows)
