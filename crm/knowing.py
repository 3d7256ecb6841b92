"""Whom another system means: a contact by its id, or by its address through the keyed index."""

from uuid import UUID

from crm.merging import kept_ids
from crm.models import Contact
from privacy.services import InvalidAddress, find_by_email, normalise_email


def known_contact(*, contact_id: UUID | None = None, email: str = "") -> UUID | None:
    """Return the contact who is meant, the kept one after a merge; None: nobody. Opens nothing."""
    number = contact_id or _subject_of(email)
    if number is None:
        return None
    number = kept_ids([number]).get(number, number)
    return Contact.objects.filter(id=number).values_list("id", flat=True).first()


def _subject_of(email: str) -> UUID | None:
    try:
        address = normalise_email(email)
    except InvalidAddress:
        return None
    return find_by_email(emails=[address]).get(address)
