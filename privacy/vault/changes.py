"""What changed among documents and keys: told by PostgreSQL, and found by comparing.

Triggers (in migrations of privacy and crm) tell the channels below at every commit: ids and
revisions, never a word. A listener that was away has missed what was told meanwhile: it compares,
with the walks of this page, what it holds with what is there.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connections

from privacy.models import RetentionClass

# In crm: lines of "<subject> <rev>" or "<subject> gone", of profile documents alone.
DOCUMENTS_CHANNEL = "accord_documents"
# In the vault: lines of "<subject> gone".
KEYS_CHANNEL = "accord_keys"

# One value for many rows instead of an object for each: a pass over a million stays cheap.
_REVISIONS = (
    "SELECT coalesce(string_agg(uuid_send(subject_id) || int8send(rev), ''::bytea"
    " ORDER BY subject_id), ''::bytea) FROM (SELECT subject_id, rev FROM blob"
    " WHERE retention_class = %s AND subject_id > %s ORDER BY subject_id LIMIT %s) following"
)
_HOLDERS = (
    "SELECT coalesce(string_agg(uuid_send(subject_id), ''::bytea), ''::bytea) FROM dek"
    " WHERE retention_class = %s AND subject_id > %s AND subject_id <= %s"
)


def revisions_after(*, retention_class: RetentionClass, after: UUID, limit: int) -> dict[UUID, int]:
    """Return subject -> revision of the next ones behind `after`, in the order of their ids."""
    packed = _packed("default", _REVISIONS, [int(retention_class), after, limit])
    return {
        UUID(bytes=packed[at : at + 16]): int.from_bytes(packed[at + 16 : at + 24])
        for at in range(0, len(packed), 24)
    }


def revisions(*, subject_ids: Sequence[UUID], retention_class: RetentionClass) -> dict[UUID, int]:
    """Return the revision of each of these subjects who has a document."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT subject_id, rev FROM blob"
            " WHERE retention_class = %s AND subject_id = ANY(%s::uuid[])",
            [int(retention_class), list(subject_ids)],
        )
        return dict(cursor.fetchall())


def subjects_with_key(*, retention_class: RetentionClass, after: UUID, until: UUID) -> set[UUID]:
    """Return those in (after, until] who have a data key of the class."""
    packed = _packed("vault", _HOLDERS, [int(retention_class), after, until])
    return {UUID(bytes=packed[at : at + 16]) for at in range(0, len(packed), 16)}


def _packed(alias: str, statement: str, parameters: list[int | UUID]) -> bytes:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, parameters)
        return bytes((cursor.fetchone() or (b"",))[0])
