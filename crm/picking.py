"""One person chosen by staff, to be shown what concerns them: found by words, opened one by one."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from crm.models import Contact
from crm.people import Profile, profiles
from crm.search.asking import find_contacts

MOST = 8


def find_people(*, text: str) -> Sequence[Profile]:
    """Return the few best matches for a name, company, address or number, best first.

    Each is a reading of the account that asks. Raises SearchDown and NotASearch, and what a
    reading raises.
    """
    ids = [match.contact_id for match in find_contacts(text=text, limit=MOST).matches]
    # The search hears of a restriction within an instant; a page asks the truth itself.
    free = Contact.objects.filter(id__in=ids, restricted_at=None).values_list("id", flat=True)
    identities = profiles(contact_ids=list(free))
    return [identities[number] for number in ids if number in identities]


def restricted_ids(contact_ids: Iterable[UUID]) -> set[UUID]:
    """Return those among these contacts who asked that their data be left unused."""
    rows = Contact.objects.filter(id__in=list(contact_ids), restricted_at__isnull=False)
    return set(rows.values_list("id", flat=True))


def person_of(*, contact_id: UUID) -> Profile | None:
    """Return the identity of one contact as the account that asks may see it.

    None where there is no such contact, their data is restricted or does not open. It is a
    reading: raises what a reading raises.
    """
    if not Contact.objects.filter(id=contact_id, restricted_at=None).exists():
        return None
    return profiles(contact_ids=[contact_id]).get(contact_id)
