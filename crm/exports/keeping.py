"""The rows of an export between their making and their end: sealed, in parts, under keys of theirs.

As with imports, each part is a document of the vault whose subject is no person but the export:
its key is destroyed at the end, and with it every copy of the rows that anybody has made of the
database meanwhile. Nothing of a file is ever in clear on a disk of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from crm.models import Export
from privacy.services import RetentionClass, destroy_documents, read_documents, write_documents

_CLASS = RetentionClass.ACTIVITY
_DESTROYED_AT_ONCE = 1000


class FileGone(Exception):
    """The file is not there any more: its time is over, or it was taken back."""


@dataclass(frozen=True, repr=False)
class SealedRow:
    """One person of a file, with what the gate asks by. No repr: identities are never printed."""

    contact_id: UUID
    email: str
    phone: str
    cells: Sequence[str]


def seal_part(*, export_id: UUID, number: int, rows: Sequence[SealedRow]) -> None:
    """Seal one part, in the caller's transaction on crm."""
    kept = [[str(row.contact_id), row.email, row.phone, list(row.cells)] for row in rows]
    write_documents(documents={_part_id(export_id, number): {"rows": kept}}, retention_class=_CLASS)


def part_of(export: Export, number: int) -> list[SealedRow]:
    """Return one part of a file, from 0 on; raises FileGone, also half-way.

    In the staff process a reader must be named while it is called, as for every document.
    """
    place = _part_id(export.id, number)
    found = read_documents(subject_ids=[place], retention_class=_CLASS).get(place)
    if found is None:
        raise FileGone(FileGone.__doc__)
    return [SealedRow(UUID(one[0]), *one[1:]) for one in found["rows"]]


def destroy_file(export: Export) -> None:
    """Destroy the keys and the parts of a file; the worker alone may. Safe to repeat."""
    # One more than there are: a worker may have died between a key and its document.
    numbers = [_part_id(export.id, number) for number in range(export.parts + 1)]
    for start in range(0, len(numbers), _DESTROYED_AT_ONCE):
        some = numbers[start : start + _DESTROYED_AT_ONCE]
        destroy_documents(subject_ids=some, retention_class=_CLASS)


def _part_id(export_id: UUID, number: int) -> UUID:
    return uuid5(export_id, f"export part {number}")
