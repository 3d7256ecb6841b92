"""A person arrives: by a form, one lead at a time, or with many others at once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypedDict
from uuid import UUID

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from crm.happenings import tell
from crm.merging import kept_ids
from crm.models import Contact, ContactTag, Lead, Tag
from crm.people import Person, facts_of, many_lines, merge
from crm.scoring.reckoning import let_be_old
from crm.timeline import add_timeline
from crm.webhooks.publishing import publish_event
from privacy.services import (
    RetentionClass,
    change_document,
    enrol,
    enrol_many,
    write_documents,
)

BATCH = 1_000


class JustMerged(Exception):
    """The contact became part of another one while it was written to: try again."""


class Facets(TypedDict, total=False):
    """What is known of a contact besides the identity: facets kept in clear for segments."""

    language: str
    country: str
    status: str
    source: str
    tags: Sequence[str]
    created_at: datetime
    last_act_at: datetime


def receive_lead(
    *,
    lead_id: UUID,
    person: Person,
    message: str,
    language: str,
    form_code: str,
    form_version: int,
    source: str,
    received_at: datetime,
    now: datetime,
) -> UUID:
    """Turn a submission into a lead of its contact, made if new; return the contact's id.

    One address is one contact, however many arrive at once. Inside the caller's transaction on
    crm. Idempotent by `lead_id`: a second call changes nothing. Raises InvalidAddress, JustMerged,
    and Unreadable rather than write over a profile that does not open.
    """
    received = Lead.objects.filter(id=lead_id).values_list("contact_id", flat=True).first()
    if received is not None:
        return received
    enrolled = enrol(email=person.email, phone=person.phone).subject_id
    contact_id = kept_ids([enrolled]).get(enrolled, enrolled)
    lead = Lead(
        id=lead_id,
        contact_id=contact_id,
        form_code=form_code,
        form_version=form_version,
        received_at=received_at,
        has_message=bool(many_lines(message)),
    )
    _ensure_contact(lead, person, language, source, now)
    # One at a time per contact from here: the loser of a race finds the lead of the winner.
    Contact.objects.select_for_update(no_key=True).get(id=contact_id)
    if kept_ids([contact_id]):
        raise JustMerged(JustMerged.__doc__)
    if not Lead.objects.filter(id=lead_id).exists():
        _take_in(lead, facts_of(person, language=language), message, now)
    return contact_id


def _ensure_contact(lead: Lead, person: Person, language: str, source: str, now: datetime) -> None:
    new = Contact(
        id=lead.contact_id,
        created_at=now,
        updated_at=now,
        language=language,
        country=person.country,
        source=source,
        has_email=True,
        has_phone=bool(person.phone),
        last_act_at=lead.received_at,
    )
    Contact.objects.bulk_create([new], ignore_conflicts=True)


def _take_in(lead: Lead, facts: dict[str, str], message: str, now: datetime) -> None:
    at = lead.received_at
    change_document(
        subject_id=lead.contact_id,
        retention_class=RetentionClass.PROFILE,
        change=partial(merge, facts=facts, lead_id=lead.id, message=message, at=at),
    )
    _raise_facets(lead.contact_id, facts, at, now)
    lead.save(force_insert=True)
    reference = {"form": lead.form_code, "version": lead.form_version}
    add_timeline(contact_ids=[lead.contact_id], kind="lead", reference=reference, at=at)
    let_be_old(contact_ids=[lead.contact_id])
    ids = {"lead_id": str(lead.id), "contact_id": str(lead.contact_id)}
    publish_event(kind="lead.created", ids=ids, at=at)
    tell(kind="lead", contact_ids=[lead.contact_id], code=lead.form_code, at=now)


def _raise_facets(
    contact_id: UUID, facts: dict[str, str], received_at: datetime, now: datetime
) -> None:
    mirrored: dict[str, str | bool] = {n: facts[n] for n in ("language", "country") if n in facts}
    if "phone" in facts:
        mirrored["has_phone"] = True
    Contact.objects.filter(id=contact_id).update(
        # Submissions may be opened out of order: the last act is the latest one.
        last_act_at=Greatest(F("last_act_at"), Value(received_at)),
        updated_at=now,
        **mirrored,
    )


def receive_many(*, people: Sequence[tuple[Person, Facets]], now: datetime) -> list[UUID]:
    """Make contacts of many people, a few statements per thousand; return their ids, in order.

    A person who is a contact already is left as they are, but for the tags, which are added.
    Nothing here says that anybody may be written to. Each thousand is one transaction: calling
    twice is safe, and so is going on after a failure. Telephone numbers are kept in the profile;
    finding a contact by number comes with the first form of theirs.
    """
    ids: list[UUID] = []
    for start in range(0, len(people), BATCH):
        batch = people[start : start + BATCH]
        subjects = enrol_many(emails=[person.email for person, _ in batch])
        kept = kept_ids(subjects.values())
        found = [kept.get(subjects[p.email], subjects[p.email]) for p, _ in batch]
        with transaction.atomic():
            _write_batch(dict(zip(found, batch, strict=True)), now)
        ids += found
    return ids


def _write_batch(batch: dict[UUID, tuple[Person, Facets]], now: datetime) -> None:
    Contact.objects.bulk_create(
        [_contact(number, person, facets, now) for number, (person, facets) in batch.items()],
        ignore_conflicts=True,
    )
    write_documents(
        documents={
            number: dict(facts_of(_settled(person, facets), language=_language(facets)))
            for number, (person, facets) in batch.items()
        },
        retention_class=RetentionClass.PROFILE,
    )
    tagged = [(number, slug) for number, (_, f) in batch.items() for slug in f.get("tags", ())]
    _tag(tagged, now)


def _language(facets: Facets) -> str:
    return facets.get("language", "fr")


def _settled(person: Person, facets: Facets) -> Person:
    """Return the person with the country of the facets, where they did not give one."""
    return replace(person, country=person.country or facets.get("country", ""))


def _contact(contact_id: UUID, person: Person, facets: Facets, now: datetime) -> Contact:
    created_at = facets.get("created_at", now)
    return Contact(
        id=contact_id,
        created_at=created_at,
        updated_at=now,
        language=_language(facets),
        country=_settled(person, facets).country,
        status=facets.get("status", "new"),
        source=facets.get("source", "import"),
        has_email=True,
        has_phone=bool(person.phone),
        last_act_at=facets.get("last_act_at", created_at),
    )


def _tag(tagged: Iterable[tuple[UUID, str]], now: datetime) -> None:
    pairs = list(tagged)
    slugs = sorted({slug for _, slug in pairs})
    made = [Tag(slug=slug, title=slug.replace("-", " ").capitalize()) for slug in slugs]
    Tag.objects.bulk_create(made, ignore_conflicts=True)
    mine = ContactTag.objects.filter(contact__in=[number for number, _slug in pairs])
    had = set(mine.values_list("contact_id", "tag_id"))
    fresh = [pair for pair in pairs if pair not in had]
    ContactTag.objects.bulk_create(
        [ContactTag(contact_id=number, tag_id=slug, tagged_at=now) for number, slug in fresh],
        ignore_conflicts=True,
    )
    for code in sorted({slug for _number, slug in fresh}):
        told = [number for number, slug in fresh if slug == code]
        tell(kind="tagged", contact_ids=told, code=code, at=now)
