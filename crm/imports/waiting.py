"""An uploaded file between its arrival and its end: sealed in parts, under keys of its own.

The staff process cannot reach the intake database, where envelopes wait, and must not leave a file
in clear on a disk. So each part is a document of the vault whose subject is no person but the
import: its key is destroyed when the import ends, and with it every copy that anybody has made of
the database meanwhile. See docs/decisions/2026-11-24-imports-wait-as-documents.md.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import uuid_utils.compat
from django.db import transaction

from consent.services import check_importable
from crm.imports.columns import CARD_NUMBER, detect
from crm.imports.reading import ROWS_MAX, Row, read_table
from crm.models import ImportBatch
from privacy.services import (
    RetentionClass,
    change_document,
    destroy_documents,
    holds_card_number,
    read_documents,
    write_documents,
)

PART_ROWS = 500
# Whoever uploads a file and does not decide within a day uploads it again.
WAITS_FOR = timedelta(days=1)
_CLASS = RetentionClass.ACTIVITY
COUNTING, READY, RUNNING, DROPPED = "counting", "ready", "running", "dropped"


class ImportUnknown(Exception):
    """There is no such import, or it is over."""


class NotReady(Exception):
    """The import is not at that point: look at it again."""


@dataclass(frozen=True, repr=False)
class Pending:
    """Where an import stands. Sealed like its rows: it holds examples of them."""

    stage: str
    header: list[str]
    rows: int
    parts: int
    mapping: dict[str, int]
    next_part: int = 0
    # What the look before the run found; see counting.Found.
    found: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Terms:
    """What an import is done for, and on what: the words of who orders it."""

    source: str
    purpose_code: str
    channel: str
    notice_code: str
    notice_version: int


def receive_file(*, content: bytes, terms: Terms, actor_id: UUID, now: datetime) -> UUID:
    """Seal an uploaded file and return the id of its import; nothing of it counts yet.

    Raises FileRefused, NotImportable.
    """
    check_importable(purpose_code=terms.purpose_code, channel=terms.channel)
    batch_id = uuid_utils.compat.uuid7()
    table = read_table(content)
    parts = rows = 0
    with transaction.atomic():
        for part in _parts(table.rows):
            write_documents(
                documents={_part_id(batch_id, parts): {"rows": [_kept(row) for row in part]}},
                retention_class=_CLASS,
            )
            parts, rows = parts + 1, rows + len(part)
        pending = Pending(COUNTING, table.header, rows, parts, detect(table.header))
        write_documents(documents={batch_id: asdict(pending)}, retention_class=_CLASS)
        ImportBatch.objects.create(
            id=batch_id,
            source=terms.source,
            file_sha256=hashlib.sha256(content).digest(),
            purpose_id=terms.purpose_code,
            channel=terms.channel,
            notice_code=terms.notice_code,
            notice_version=terms.notice_version,
            created_at=now,
            created_by=actor_id,
        )
    return batch_id


def _parts(rows: Iterator[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    for row in rows:
        part.append(row)
        if len(part) == PART_ROWS:
            yield part
            part = []
    if part:
        yield part


def _kept(row: Row) -> list[Any]:
    """Return a row as it waits: one with the number of a payment card is not kept at all."""
    has_number = any(holds_card_number(cell) for cell in row.cells)
    return [row.line, [CARD_NUMBER] if has_number else row.cells]


def _part_id(batch_id: UUID, number: int) -> UUID:
    return uuid5(batch_id, f"part {number}")


def pending(batch_id: UUID) -> Pending | None:
    """Return where an import stands; None once it is over, or when its key is gone."""
    found = read_documents(subject_ids=[batch_id], retention_class=_CLASS).get(batch_id)
    return Pending(**found) if found else None


def rows_of(batch_id: UUID, part: int) -> list[Row]:
    """Return the rows of one part; raises ImportUnknown."""
    number = _part_id(batch_id, part)
    found = read_documents(subject_ids=[number], retention_class=_CLASS).get(number)
    if found is None:
        raise ImportUnknown(ImportUnknown.__doc__)
    return [Row(line, cells) for line, cells in found["rows"]]


def change(batch_id: UUID, *, stages: Iterable[str], **changed: Any) -> Pending:
    """Move an import on from one of `stages`; raises NotReady where it stands elsewhere.

    In the caller's transaction on crm.
    """
    allowed = set(stages)

    def moved(document: dict[str, Any]) -> dict[str, Any]:
        if document.get("stage") not in allowed:
            raise NotReady(NotReady.__doc__)
        return asdict(replace(Pending(**document), **changed))

    change_document(subject_id=batch_id, retention_class=_CLASS, change=moved)
    after = pending(batch_id)
    if after is None:
        raise ImportUnknown(ImportUnknown.__doc__)
    return after


def choose_columns(*, batch_id: UUID, mapping: dict[str, int]) -> None:
    """Say which column is which field; the file is counted anew. Raises NotReady."""
    _open_batch(batch_id)
    change(batch_id, stages=(READY, COUNTING), stage=COUNTING, mapping=mapping, found={})


def confirm(*, batch_id: UUID) -> None:
    """Let an import run that was looked at; twice is once. Raises NotReady, ImportUnknown."""
    _open_batch(batch_id)
    at = pending(batch_id)
    if at is None or not at.found.get("is_usable"):
        raise NotReady(NotReady.__doc__)
    if at.stage != RUNNING:
        change(batch_id, stages=(READY,), stage=RUNNING)


def give_up(*, batch_id: UUID) -> None:
    """Take an import back before it runs; the worker destroys what was kept of it."""
    _open_batch(batch_id)
    change(batch_id, stages=(READY, COUNTING, DROPPED), stage=DROPPED)


def _open_batch(batch_id: UUID) -> None:
    if not ImportBatch.objects.filter(id=batch_id, finished_at=None).exists():
        raise ImportUnknown(ImportUnknown.__doc__)


def destroy(batch_id: UUID) -> None:
    """Destroy the keys and parts of a file, however many there are; safe to repeat."""
    numbers = [_part_id(batch_id, number) for number in range(ROWS_MAX // PART_ROWS)]
    destroy_documents(subject_ids=[*numbers, batch_id], retention_class=_CLASS)
