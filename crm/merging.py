"""Two contacts turn out to be one person.

A row of crm_contactmerge is the order: a member of staff gives it, the worker carries it out, and
whoever meets a trace of the absorbed one afterwards is led to the kept one. Each step may be done
again: the contact of the absorbed one goes with the last of them, and until then the sweep comes
back. The tokens in the vault follow the commit, because no transaction spans both databases.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import connections, transaction
from django.db.models import Q

from consent.services import merge_subjects
from crm.happenings import move
from crm.models import Contact, ContactMerge, Lead
from crm.people import MESSAGES_KEPT, OTHERS, Document, profiles
from crm.timeline import add_timeline
from privacy.services import (
    RetentionClass,
    change_document,
    delete_documents,
    join_subjects,
    read_documents,
)

# How long the sweep makes sure that the vault has followed: longer than any outage of it.
_FOLLOWED_FOR = timedelta(days=7)


class NotMergeable(ValueError):
    """These two cannot be made one; the argument is a word for why."""


def kept_ids(subject_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return absorbed -> kept for those of these subjects who were merged, at the end of chains."""
    found: dict[UUID, UUID] = {}
    asked = set(subject_ids)
    while asked:
        step = dict(
            ContactMerge.objects.filter(absorbed_id__in=asked).values_list("absorbed_id", "kept_id")
        )
        found |= step
        asked = set(step.values()) - found.keys()
    return {number: _end_of(number, found) for number in found}


def _end_of(number: UUID, steps: dict[UUID, UUID]) -> UUID:
    while number in steps:
        number = steps[number]
    return number


def is_being_merged(*, contact_id: UUID) -> bool:
    """Whether a merge of this contact was ordered and the worker has not carried it out yet."""
    orders = ContactMerge.objects.filter(Q(kept_id=contact_id) | Q(absorbed_id=contact_id))
    return orders.filter(absorbed_id__in=Contact.objects.values("id")).exists()


def merge_contacts(*, kept_id: UUID, absorbed_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Order that one contact takes in another; the worker does it within seconds.

    Raises NotMergeable: `same`, `unknown`, `unreadable` (the kept one's address) or `merged`
    (one of them was taken in already). Ordering the same again changes nothing.
    """
    if kept_id == absorbed_id:
        raise NotMergeable("same")
    # Before the transaction: who reads whom is written down for good (privacy/reading.py).
    kept = profiles(contact_ids=[kept_id]).get(kept_id)
    with transaction.atomic():
        if ContactMerge.objects.filter(kept_id=kept_id, absorbed_id=absorbed_id).exists():
            return
        both = Contact.objects.select_for_update().filter(id__in=[kept_id, absorbed_id])
        if len(both.order_by("id")) < 2:
            raise NotMergeable("unknown")
        if ContactMerge.objects.filter(absorbed_id__in=[kept_id, absorbed_id]).exists():
            raise NotMergeable("merged")
        if kept is None or not kept.email:
            raise NotMergeable("unreadable")
        ContactMerge.objects.create(
            id=uuid_utils.compat.uuid7(),
            kept_id=kept_id,
            absorbed_id=absorbed_id,
            merged_at=now,
            merged_by=actor_id,
        )


def settle_merges(*, now: datetime) -> int:
    """Carry out what was ordered, oldest first; return how many. Safe to repeat and at once."""
    waiting = ContactMerge.objects.filter(absorbed_id__in=Contact.objects.values("id"))
    done = 0
    for order in waiting.order_by("merged_at", "id"):
        done += _carry_out(order, now)
    recent = ContactMerge.objects.filter(merged_at__gte=now - _FOLLOWED_FOR)
    for absorbed, kept in kept_ids(recent.values_list("absorbed_id", flat=True)).items():
        join_subjects(kept_id=kept, absorbed_id=absorbed)
    return done


def _carry_out(order: ContactMerge, now: datetime) -> bool:
    kept_id, absorbed_id = order.kept_id, order.absorbed_id
    with transaction.atomic():
        rows = {
            row.id: row
            for row in Contact.objects.select_for_update()
            .filter(id__in=[kept_id, absorbed_id])
            .order_by("id")
        }
        if len(rows) < 2:  # another worker was first
            return False
        known = profiles(contact_ids=[kept_id, absorbed_id])
        if kept_id not in known:
            return False  # its key is away: the sweep comes back
        _join(rows[kept_id], rows[absorbed_id], order.merged_by, now)
        absorbed = known.get(absorbed_id)
        # Last, because it is journaled: nothing of ours may fail behind it.
        merge_subjects(
            kept_id=kept_id,
            kept_email=known[kept_id].email,
            absorbed_id=absorbed_id,
            absorbed_email=absorbed.email if absorbed else "",
            source_id=order.id,
            actor_id=order.merged_by,
            now=now,
        )

        def follow() -> None:
            join_subjects(kept_id=kept_id, absorbed_id=absorbed_id)

        transaction.on_commit(follow, using="default", robust=True)
    return True


def _join(kept: Contact, absorbed: Contact, actor_id: UUID | None, now: datetime) -> None:
    _join_facets(kept, absorbed, now)
    _join_rows(kept.id, absorbed.id)
    _join_documents(kept.id, absorbed.id)
    reference = {"absorbed": str(absorbed.id)}
    add_timeline(
        contact_ids=[kept.id], kind="merged", reference=reference, at=now, actor_id=actor_id
    )


def _join_facets(kept: Contact, absorbed: Contact, now: datetime) -> None:
    """The kept one's facets win; its gaps are filled, and what restricts either restricts both."""
    kept.country = kept.country or absorbed.country
    kept.organisation_id = kept.organisation_id or absorbed.organisation_id
    kept.has_phone = kept.has_phone or absorbed.has_phone
    kept.created_at = min(kept.created_at, absorbed.created_at)
    kept.last_act_at = max(kept.last_act_at, absorbed.last_act_at)
    kept.restricted_at = kept.restricted_at or absorbed.restricted_at
    kept.updated_at = now
    kept.save()


_MOVES = (
    "INSERT INTO crm_contacttag (contact_id, tag_id, tagged_at)"
    " SELECT %(kept)s, tag_id, tagged_at FROM crm_contacttag WHERE contact_id = %(absorbed)s"
    " ON CONFLICT DO NOTHING",
    "INSERT INTO crm_contactcampaign (contact_id, campaign_id, sent_at)"
    " SELECT %(kept)s, campaign_id, sent_at FROM crm_contactcampaign"
    " WHERE contact_id = %(absorbed)s ON CONFLICT (contact_id, campaign_id) DO UPDATE"
    # Who asked for one message in so many days counts from the later of the two.
    " SET sent_at = greatest(crm_contactcampaign.sent_at, excluded.sent_at)",
    "UPDATE crm_timelineentry SET contact_id = %(kept)s WHERE contact_id = %(absorbed)s",
    "DELETE FROM crm_contactscore WHERE contact_id = %(absorbed)s",
    # The leads are the kept one's by now: it has a score to be reckoned, if it had none.
    "INSERT INTO crm_contactscore (contact_id, parts, refusal)"
    " SELECT %(kept)s, '[]'::jsonb, '' WHERE EXISTS ("
    "     SELECT 1 FROM crm_lead WHERE contact_id = %(kept)s)"
    " ON CONFLICT (contact_id) DO UPDATE SET computed_at = NULL",
    "DELETE FROM crm_contacttag WHERE contact_id = %(absorbed)s",
    "DELETE FROM crm_contactcampaign WHERE contact_id = %(absorbed)s",
    "DELETE FROM crm_contact WHERE id = %(absorbed)s",
)


def _join_rows(kept_id: UUID, absorbed_id: UUID) -> None:
    Lead.objects.filter(contact=absorbed_id).update(contact=kept_id)
    move(kept_id=kept_id, absorbed_id=absorbed_id)
    with connections["default"].cursor() as cursor:
        for statement in _MOVES:
            cursor.execute(statement, {"kept": kept_id, "absorbed": absorbed_id})


def _join_documents(kept_id: UUID, absorbed_id: UUID) -> None:
    profile = RetentionClass.PROFILE
    other = read_documents(subject_ids=[absorbed_id], retention_class=profile).get(absorbed_id)
    if other:
        change_document(
            subject_id=kept_id, retention_class=profile, change=partial(_joined, other=other)
        )
    delete_documents(subject_ids=[absorbed_id], retention_class=profile)


def _joined(before: Document, *, other: Document) -> Document:
    """The kept profile with its gaps filled, the messages of both, and the other address."""
    filled: dict[str, Any] = {**other, **{name: value for name, value in before.items() if value}}
    messages = [*before.get("messages", []), *other.get("messages", [])]
    once = {str(one["lead"]): one for one in messages}
    if once:
        ordered = sorted(once.values(), key=lambda one: str(one["at"]))
        filled["messages"] = ordered[-MESSAGES_KEPT:]
    also = {*before.get(OTHERS, []), *other.get(OTHERS, []), other.get("email", "")}
    filled[OTHERS] = sorted(also - {before.get("email", ""), ""})
    return filled


def absorbed_ids(*, contact_id: UUID) -> list[UUID]:
    """Return every subject that a contact has taken in: their keys and records are this person's.

    Whoever exports or erases a person must ask.
    """
    found: set[UUID] = set()
    asked = {contact_id}
    while asked:
        rows = ContactMerge.objects.filter(Q(kept_id__in=asked))
        asked = set(rows.values_list("absorbed_id", flat=True)) - found
        found |= asked
    return sorted(found)
