"""Whether somebody can be reached, and the signs that they can."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Value
from django.db.models.functions import Greatest

from crm.models import Contact, TimelineEntry
from crm.timeline import add_timeline

CORRECTED = "reachable"
REPLIED = "replied"


class ContactUnknown(Exception):
    """There is no such contact."""


class Sign(NamedTuple):
    """When somebody last did something, and when staff last said that the address is right."""

    last_act_at: datetime
    corrected_at: datetime | None

    @property
    def latest(self) -> datetime:
        return max(self.last_act_at, self.corrected_at or self.last_act_at)


def last_signs(*, contact_ids: Sequence[UUID]) -> dict[UUID, Sign]:
    """Return the last signs of life of contacts; who is gone is absent. Two statements."""
    corrected = dict(
        TimelineEntry.objects.filter(contact_id__in=contact_ids, kind=CORRECTED)
        .values_list("contact_id")
        .annotate(Max("at"))
    )
    rows = Contact.objects.filter(id__in=contact_ids).values_list("id", "last_act_at")
    return {number: Sign(at, corrected.get(number)) for number, at in rows}


def mark_reachable(*, contact_id: UUID, actor_id: UUID, now: datetime) -> bool:
    """Say that the address of a contact is right again; return whether it was marked unreachable.

    It changes no permission: who said no stays a no. Bounces of messages that left before this
    moment say nothing any more. Calling twice is once. Raises ContactUnknown.
    """
    with transaction.atomic():
        held = Contact.objects.select_for_update(no_key=True).filter(id=contact_id).first()
        if held is None:
            raise ContactUnknown(ContactUnknown.__doc__)
        if held.unreachable_at is None:
            return False
        Contact.objects.filter(id=contact_id).update(unreachable_at=None, updated_at=now)
        add_timeline(
            contact_ids=[contact_id], kind=CORRECTED, reference={}, at=now, actor_id=actor_id
        )
    return True


def note_reply(*, contact_id: UUID, reference: Mapping[str, Any], at: datetime) -> None:
    """Write down that a person answered: the fact and the moment, never a word of it.

    An answer is the person's own act: it counts for how long they are kept. Calling twice adds
    two entries.
    """
    with transaction.atomic():
        Contact.objects.filter(id=contact_id).update(
            last_act_at=Greatest(F("last_act_at"), Value(at)), updated_at=at
        )
        add_timeline(contact_ids=[contact_id], kind=REPLIED, reference=dict(reference), at=at)
