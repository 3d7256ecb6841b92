"""What a contact is in clear, as words to compare: for mails that differ from person to person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connections

from crm.organisations import details_of

_SQL = """
    SELECT contact.id, contact.language, contact.country, contact.status, contact.source,
           contact.is_professional, contact.organisation_id,
           ARRAY(SELECT tag_id FROM crm_contacttag WHERE contact_id = contact.id) AS tags
    FROM crm_contact AS contact WHERE contact.id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Traits:
    """The facets of a contact as sets of words, and the organisation it belongs to."""

    words: Mapping[str, frozenset[str]]
    organisation_id: UUID | None = None


def traits(*, contact_ids: Sequence[UUID]) -> dict[UUID, Traits]:
    """Return the facets of contacts, in one query whatever their number; it opens no document."""
    with connections["default"].cursor() as cursor:
        cursor.execute(_SQL, [list(contact_ids)])
        return {row[0]: _traits(row) for row in cursor.fetchall()}


def _traits(row: Sequence[object]) -> Traits:
    _id, language, country, status, source, is_professional, organisation_id, tags = row
    assert isinstance(tags, list)  # noqa: S101
    assert organisation_id is None or isinstance(organisation_id, UUID)  # noqa: S101
    words = {"language": language, "country": country, "status": status, "source": source}
    return Traits(
        {
            **{fact: frozenset([str(word)] if word else []) for fact, word in words.items()},
            "is_professional": frozenset(["yes"] if is_professional else []),
            "tag": frozenset(map(str, tags)),
        },
        organisation_id,
    )


def organisation_names(*, organisation_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of organisations, decrypted in one reading."""
    known = details_of(organisation_ids=sorted(set(organisation_ids)))
    return {number: details.name for number, details in known.items()}
