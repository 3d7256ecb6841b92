"""What a contact is in clear, as words to compare: for mails that differ from person to person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connections

from consent.services import Reach
from crm.organisations import details_of
from crm.targeting import objectors

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


def traits(*, emails: Mapping[UUID, str]) -> dict[UUID, Traits]:
    """Return the facets of contacts by which a mail may differ; `emails` are their addresses.

    Of whoever said no to marketing that is chosen for them nothing is known here but the language
    to write in and the organisation to name: they get the mail as anybody would. Three statements
    whatever their number; no document is opened.
    """
    unprofiled = objectors({number: Reach(email) for number, email in emails.items()})
    with connections["default"].cursor() as cursor:
        cursor.execute(_SQL, [list(emails)])
        return {row[0]: _traits(row, is_profiled=row[0] not in unprofiled) for row in cursor}


def _traits(row: Sequence[object], *, is_profiled: bool) -> Traits:
    _id, language, country, status, source, is_professional, organisation_id, tags = row
    assert isinstance(tags, list)  # noqa: S101
    assert organisation_id is None or isinstance(organisation_id, UUID)  # noqa: S101
    if not is_profiled:
        return Traits({"language": frozenset([str(language)])}, organisation_id)
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
