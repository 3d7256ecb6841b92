"""Contacts as staff find them and care for them: lists, status, tags, a "no" that was told."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.text import slugify

from consent.services import withdraw_on_behalf
from crm.happenings import tell
from crm.models import Contact, ContactTag, Lead, Tag, TimelineEntry
from crm.people import profiles
from crm.segments.rules import STATUSES
from crm.timeline import add_timeline

# Up to here a number is exact; beyond, PostgreSQL's own estimate is close enough to look at.
COUNTED_EXACTLY = 1_000


class ContactUnknown(Exception):
    """There is no such contact."""


class StatusUnknown(ValueError):
    """There is no such status."""


class NotATag(ValueError):
    """A tag needs a letter or a digit."""


class AddressUnknown(Exception):
    """The contact's address cannot be read, so no "no" can be kept for it."""


@dataclass(frozen=True)
class ContactFilter:
    """What a list is narrowed to; an empty field narrows nothing."""

    status: str = ""
    language: str = ""
    tag: str = ""
    source: str = ""
    form: str = ""

    def rows(self) -> QuerySet[Contact]:
        found = Contact.objects.all()
        for name in ("status", "language", "source"):
            if getattr(self, name):
                found = found.filter(**{name: getattr(self, name)})
        mine = OuterRef("id")
        if self.tag:
            found = found.filter(Exists(ContactTag.objects.filter(contact=mine, tag=self.tag)))
        if self.form:
            found = found.filter(Exists(Lead.objects.filter(contact=mine, form_code=self.form)))
        return found


@dataclass(frozen=True)
class Estimate:
    count: int
    is_exact: bool


def how_many_contacts() -> Estimate:
    """Return about how many contacts there are, without counting a big table."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM (SELECT FROM crm_contact LIMIT %s) few),"
            " (SELECT reltuples FROM pg_class WHERE oid = 'crm_contact'::regclass)",
            [COUNTED_EXACTLY + 1],
        )
        counted, estimated = cursor.fetchone() or (0, 0)
    if counted <= COUNTED_EXACTLY:
        return Estimate(counted, is_exact=True)
    # Never analysed, or not since the table grew: the least that is known for sure.
    return Estimate(max(int(estimated), COUNTED_EXACTLY), is_exact=False)


def _required(contact_id: UUID) -> Contact:
    """Return the contact, locked until the transaction ends; raises ContactUnknown."""
    row = Contact.objects.select_for_update(no_key=True).filter(id=contact_id).first()
    if row is None:
        raise ContactUnknown(ContactUnknown.__doc__)
    return row


def change_status(*, contact_id: UUID, status: str, actor_id: UUID, now: datetime) -> None:
    """Say where a contact stands; the same status again changes nothing.

    Raises StatusUnknown and ContactUnknown.
    """
    if status not in STATUSES:
        raise StatusUnknown(StatusUnknown.__doc__)
    with transaction.atomic():
        before = _required(contact_id).status
        if before == status:
            return
        Contact.objects.filter(id=contact_id).update(status=status, updated_at=now)
        reference = {"from": before, "to": status}
        _tell(contact_id, "status", reference, actor_id, now)


def tag_contact(*, contact_id: UUID, title: str, actor_id: UUID, now: datetime) -> None:
    """Put a tag on a contact, made if it is new; twice is once. Raises NotATag, ContactUnknown."""
    slug = slugify(title)[:40].strip("-")
    if not slug:
        raise NotATag(NotATag.__doc__)
    with transaction.atomic():
        _required(contact_id)
        tag, _made = Tag.objects.get_or_create(slug=slug, defaults={"title": title.strip()[:60]})
        if ContactTag.objects.filter(contact=contact_id, tag=tag).exists():
            return
        ContactTag.objects.create(contact_id=contact_id, tag=tag, tagged_at=now)
        _tell(contact_id, "tagged", {"tag": slug}, actor_id, now)
        tell(kind="tagged", contact_ids=[contact_id], code=slug, at=now)


def untag_contact(*, contact_id: UUID, slug: str, actor_id: UUID, now: datetime) -> None:
    """Take a tag off a contact; safe to repeat. Raises ContactUnknown."""
    with transaction.atomic():
        _required(contact_id)
        taken_off, _by_model = ContactTag.objects.filter(contact=contact_id, tag=slug).delete()
        if taken_off:
            _tell(contact_id, "untagged", {"tag": slug}, actor_id, now)


def record_no(
    *, contact_id: UUID, purpose_code: str, source_id: UUID, actor_id: UUID, now: datetime
) -> None:
    """Record a "no" that the person told us; an empty code is a no to all of marketing.

    Idempotent by `source_id`. Raises ContactUnknown, AddressUnknown, and JournalUnreachable:
    then nothing was recorded.
    """
    contact = Contact.objects.filter(id=contact_id).first()
    if contact is None:
        raise ContactUnknown(ContactUnknown.__doc__)
    profile = profiles(contact_ids=[contact_id]).get(contact_id)
    if profile is None or not (profile.email or profile.phone):
        raise AddressUnknown(AddressUnknown.__doc__)
    withdraw_on_behalf(
        subject_id=contact_id,
        email=profile.email,
        phone=profile.phone,
        purpose_code=purpose_code,
        source_id=source_id,
        actor_id=actor_id,
        language=contact.language,
        now=now,
    )
    # In a transaction of its own: the "no" stands whatever becomes of the line about it.
    reference = {"purpose": purpose_code, "source": str(source_id)}
    with transaction.atomic():
        _required(contact_id)
        told = TimelineEntry.objects.filter(contact=contact_id, kind="no", reference=reference)
        if not told.exists():
            _tell(contact_id, "no", reference, actor_id, now)


def _tell(
    contact_id: UUID, kind: str, reference: dict[str, str], actor_id: UUID, now: datetime
) -> None:
    add_timeline(
        contact_ids=[contact_id], kind=kind, reference=reference, at=now, actor_id=actor_id
    )
