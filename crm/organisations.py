"""Organisations: what is known of a company, sealed under its own id, and who belongs to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.merging import kept_ids
from crm.models import Contact, NumberChange, NumberShown, Organisation
from crm.timeline import add_timeline
from privacy.services import (
    RetentionClass,
    Unreadable,
    change_document,
    find_by_email,
    read_documents,
    reading_unmetered,
    write_documents,
)

_CLASS = RetentionClass.PROFILE
IBANS_MOST = 5
# Why somebody needs a number in full; no words, which could be about a person.
REASONS: Mapping[str, Promise] = {
    "payment": _("To make or check a payment"),
    "mandate": _("To set up a direct debit"),
    "correction": _("To correct what is kept"),
    "request": _("To answer a request of the organisation"),
    "audit": _("For an audit"),
}
# What became of bank details.
CHANGES: Mapping[str, Promise] = {
    "iban_added": _("IBAN added"),
    "iban_forgotten": _("IBAN forgotten"),
    "card_added": _("Card number added"),
    "card_forgotten": _("Card number forgotten"),
    "bic_changed": _("BIC changed"),
}


class OrganisationUnknown(Exception):
    """There is no such organisation."""


class ContactNotFound(Exception):
    """No contact has this address."""


class TooManyNumbers(Exception):
    """An organisation keeps at most five account numbers."""


@dataclass(frozen=True, repr=False)
class Details:
    """What is sealed of an organisation; the numbers are in their one form. It has no repr."""

    name: str = ""
    ibans: Sequence[str] = field(default_factory=list)
    bic: str = ""
    card_number: str = ""
    fax: str = ""
    address: str = ""
    notes: str = ""


@dataclass(frozen=True, repr=False)
class Change:
    """What a form says. Numbers that are not written stay; those to forget are named.

    `forget_ibans` are the last four digits as the form shows them, `iban` is one more.
    """

    name: str
    bic: str = ""
    fax: str = ""
    address: str = ""
    notes: str = ""
    iban: str = ""
    forget_ibans: Sequence[str] = ()
    card_number: str = ""
    forgets_card: bool = False

    def of(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document after this change; raises TooManyNumbers."""
        kept = [one for one in before.get("ibans", []) if one[-4:] not in self.forget_ibans]
        ibans = list(dict.fromkeys([*kept, *([self.iban] if self.iban else [])]))
        if len(ibans) > IBANS_MOST:
            raise TooManyNumbers(TooManyNumbers.__doc__)
        card = "" if self.forgets_card else before.get("card_number", "")
        plain = {name: getattr(self, name) for name in ("name", "bic", "fax", "address", "notes")}
        return {**plain, "ibans": ibans, "card_number": self.card_number or card}


def create_organisation(
    *,
    change: Change,
    country: str,
    contract_ends_on: date | None,
    actor_id: UUID,
    now: datetime,
) -> UUID:
    """Keep a new organisation and return its id. Not safe twice: it makes two."""
    number = uuid_utils.compat.uuid7()
    document = change.of({})
    with transaction.atomic():
        _note_changes(number, {}, document, actor_id, now)
        write_documents(documents={number: document}, retention_class=_CLASS)
        Organisation.objects.create(
            id=number,
            country=country,
            contract_ends_on=contract_ends_on,
            created_at=now,
            updated_at=now,
        )
    return number


def change_organisation(
    *,
    organisation_id: UUID,
    change: Change,
    country: str,
    contract_ends_on: date | None,
    actor_id: UUID,
    now: datetime,
) -> None:
    """Change what is known; safe to repeat. Raises OrganisationUnknown, TooManyNumbers, Unreadable.

    Outside of a transaction, as every reading of a document.
    """
    if not Organisation.objects.filter(id=organisation_id).exists():
        raise OrganisationUnknown(OrganisationUnknown.__doc__)
    with reading_unmetered():
        known = read_documents(subject_ids=[organisation_id], retention_class=_CLASS)
        before = known.get(organisation_id)
        if before is None:
            raise Unreadable(Unreadable.__doc__)
        # Before the change: a number is never another one without a line that says who did it.
        _note_changes(organisation_id, before, change.of(before), actor_id, now)
        change_document(subject_id=organisation_id, retention_class=_CLASS, change=change.of)
    Organisation.objects.filter(id=organisation_id).update(
        country=country, contract_ends_on=contract_ends_on, updated_at=now
    )


def _note_changes(
    organisation_id: UUID,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    actor_id: UUID,
    now: datetime,
) -> None:
    NumberChange.objects.bulk_create(
        NumberChange(
            id=uuid_utils.compat.uuid7(),
            organisation_id=organisation_id,
            account_id=actor_id,
            changed_at=now,
            what=what,
            last_four=number[-4:],
        )
        for what, number in _number_changes(before, after)
    )


def _number_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (what, number) of the bank details that differ."""
    old, new = before.get("ibans", []), after["ibans"]
    found = [("iban_forgotten", one) for one in old if one not in new]
    found += [("iban_added", one) for one in new if one not in old]
    old, new = before.get("card_number", ""), after["card_number"]
    if old != new:
        found += [
            (what, one) for what, one in (("card_forgotten", old), ("card_added", new)) if one
        ]
    if before.get("bic", "") != after["bic"]:
        found.append(("bic_changed", ""))
    return found


def details_of(*, organisation_ids: Sequence[UUID]) -> dict[UUID, Details]:
    """Return what is sealed, in two queries; one that does not open is absent.

    Companies are no people: they leave their lines in the journal, and the meter counts none.
    """
    with reading_unmetered():
        found = read_documents(subject_ids=organisation_ids, retention_class=_CLASS)
    return {number: Details(**document) for number, document in found.items()}


def show_numbers(
    *, organisation_id: UUID, account_id: UUID, reason: str, now: datetime
) -> Details | None:
    """Note who sees the numbers in full and why, then return them; None if they do not open.

    Each call is noted. Raises OrganisationUnknown, and ValueError for a reason of no list.
    """
    if reason not in REASONS:
        raise ValueError("no such reason")
    if not Organisation.objects.filter(id=organisation_id).exists():
        raise OrganisationUnknown(OrganisationUnknown.__doc__)
    NumberShown.objects.create(
        id=uuid_utils.compat.uuid7(),
        organisation_id=organisation_id,
        account_id=account_id,
        shown_at=now,
        reason=reason,
    )
    return details_of(organisation_ids=[organisation_id]).get(organisation_id)


def attach_contact(*, organisation_id: UUID, email: str, actor_id: UUID, now: datetime) -> UUID:
    """Say that the contact of a normalised address belongs to an organisation; twice is once.

    Raises OrganisationUnknown, ContactNotFound. A contact belongs to one: the newest counts.
    """
    if not Organisation.objects.filter(id=organisation_id).exists():
        raise OrganisationUnknown(OrganisationUnknown.__doc__)
    subject = find_by_email(emails=[email]).get(email)
    if subject is None:
        raise ContactNotFound(ContactNotFound.__doc__)
    contact_id = kept_ids([subject]).get(subject, subject)
    with transaction.atomic():
        row = Contact.objects.select_for_update(no_key=True).filter(id=contact_id).first()
        if row is None:
            raise ContactNotFound(ContactNotFound.__doc__)
        if row.organisation_id != organisation_id:
            _move(row, organisation_id, "attached", organisation_id, actor_id, now)
    return contact_id


def detach_contact(
    *, organisation_id: UUID, contact_id: UUID, actor_id: UUID, now: datetime
) -> None:
    """Say that a contact does not belong to an organisation; safe to repeat."""
    with transaction.atomic():
        rows = Contact.objects.select_for_update(no_key=True)
        row = rows.filter(id=contact_id, organisation=organisation_id).first()
        if row is not None:
            _move(row, None, "detached", organisation_id, actor_id, now)


def _move(
    row: Contact, target: UUID | None, kind: str, organisation_id: UUID, actor: UUID, now: datetime
) -> None:
    Contact.objects.filter(id=row.id).update(organisation_id=target, updated_at=now)
    add_timeline(
        contact_ids=[row.id],
        kind=kind,
        reference={"organisation": str(organisation_id)},
        at=now,
        actor_id=actor,
    )
