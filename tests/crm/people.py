"""Made contacts, without an identity: what segments look at."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import uuid_utils.compat

from crm.models import Contact, ContactTag, Lead, Tag
from tests.conftest import NOW


def make_contact(*, tags: Sequence[str] = (), forms: Sequence[str] = (), **facets: Any) -> Contact:
    values = {
        "created_at": NOW,
        "updated_at": NOW,
        "last_act_at": NOW,
        "language": "fr",
        "source": "site",
        "has_email": True,
        "has_phone": False,
        **facets,
    }
    contact = Contact.objects.create(id=uuid_utils.compat.uuid7(), **values)
    for slug in tags:
        tag, _made = Tag.objects.get_or_create(slug=slug, defaults={"title": slug})
        ContactTag.objects.create(contact=contact, tag=tag, tagged_at=NOW)
    for code in forms:
        make_lead(contact, form_code=code)
    return contact


def make_lead(contact: Contact, *, received_at: datetime = NOW, **values: Any) -> Lead:
    return Lead.objects.create(
        id=uuid_utils.compat.uuid7(),
        contact=contact,
        received_at=received_at,
        **{"form_code": "contact", "form_version": 1, **values},
    )
