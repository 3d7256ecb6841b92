"""Every document of a class, one after the other, in bounded memory.

Two ordered COPY streams, one per database, merged by subject: no look-ups. `benchmarks/decrypt.py`
measures it beside copying the bytes without looking at them.
"""

import logging
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections

from privacy.models import Blob, RetentionClass
from privacy.reading import note_reading
from privacy.vault.formats import Unreadable
from privacy.vault.store import Document, _open, _unwrap

logger = logging.getLogger("privacy.vault")
NOTED_AT_ONCE = 500
Rows = Generator[Any, None, None]  # tuples whose types COPY was told

_BLOBS = (
    "COPY (SELECT subject_id, rev, body FROM blob WHERE retention_class = {} ORDER BY subject_id)"
    " TO STDOUT (FORMAT BINARY)"
)
_KEYS = (
    "COPY (SELECT subject_id, generation, kek_epoch, rev_floor, wrapped FROM dek"
    " WHERE retention_class = {} ORDER BY subject_id) TO STDOUT (FORMAT BINARY)"
)


@dataclass(frozen=True, repr=False, slots=True)
class Revision:
    """A document as the stream met it; None where it does not open. It has no repr."""

    subject_id: UUID
    rev: int
    document: Document | None


def stream_documents(*, retention_class: RetentionClass) -> Iterator[tuple[UUID, Document]]:
    """Yield (subject, document) for everyone, ordered by subject; unreadable ones are logged.

    Opens a connection of its own to each database, so that the caller's stay free. Where an
    account reads, a line names each five hundred before they are given out; raises as
    `privacy.reading.note_reading` does.
    """
    with closing(stream_revisions(retention_class=retention_class)) as found:
        for each in found:
            if each.document is not None:
                yield each.subject_id, each.document


def stream_revisions(*, retention_class: RetentionClass) -> Generator[Revision, None, None]:
    """Yield what stream_documents does, with the revisions, and the unreadable ones too."""
    with closing(_streamed(retention_class)) as found:
        while some := list(islice(found, NOTED_AT_ONCE)):
            note_reading(
                subject_ids=[each.subject_id for each in some], retention_class=retention_class
            )
            yield from some


def _streamed(retention_class: RetentionClass) -> Generator[Revision, None, None]:
    number = int(retention_class)
    missing: set[int] = set()
    keys: Rows = _rows("vault", _KEYS.format(number), "uuid int4 int4 int8 bytea")
    blobs: Rows = _rows("default", _BLOBS.format(number), "uuid int8 bytea")
    with closing(keys), closing(blobs):
        key = next(keys, None)
        for subject_id, rev, body in blobs:
            while key is not None and key[0] < subject_id:
                key = next(keys, None)
            document: Document | None = None
            if key is None or key[0] != subject_id:
                logger.error("security: document of subject %s has no key", subject_id)
            else:
                try:
                    document = _open(subject_id, number, rev, body, _unwrap(number, key, missing))
                except Unreadable:
                    logger.error("security: document of subject %s does not open", subject_id)
            yield Revision(subject_id, rev, document)


def subjects_after(
    *, retention_class: RetentionClass, after: UUID | None, limit: int
) -> list[UUID]:
    """Return the next subjects who have a document of the class, in the order of their ids.

    Ids are in the order of time, so a walk that goes on where it stopped meets everybody.
    """
    rows = Blob.objects.filter(retention_class=retention_class)
    if after is not None:
        rows = rows.filter(subject_id__gt=after)
    return list(rows.order_by("subject_id").values_list("subject_id", flat=True)[:limit])


def _rows(alias: str, statement: str, types: str) -> Rows:
    parameters = connections[alias].get_connection_params()
    with (
        psycopg.connect(**parameters) as own,
        own.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.set_types(types.split())
        yield from copy.rows()
