"""Who reads, whom, why and when: written before a document is given out (GDPR 5(2), ASVS 16.3.2).

A reader is named for as long as a request lasts. The staff process opens nothing without one; the
worker and the commands act for nobody in particular and leave no line per person. A line holds ids
and codes, never what was read. It is committed before the document is opened: it stays whatever
becomes of the request, and for that reason nobody may be read inside of a transaction.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from privacy.meter import TooManyReads, count_reading, note_too_many
from privacy.models import AccessRecord, ReadMeter, RetentionClass

# CNIL deliberation 2021-122: logs of access are kept for six months to a year.
KEPT_FOR = timedelta(days=365)
# The trigger that lets a line go looks at the clock of PostgreSQL, this module at its own.
_MARGIN = timedelta(days=1)
_FORGOTTEN_AT_ONCE = 5_000

logger = logging.getLogger("privacy.reading")


class NoReader(Exception):
    """Nobody is named who reads: in the staff process no document is opened for nobody."""


class ReadingRefused(Exception):
    """Whoever is named may not read anybody here."""


@dataclass(frozen=True)
class Reader:
    """An account at work. `why` is a code, `scope` the role whose fields it may see."""

    id: UUID
    why: str
    at: datetime
    reference: str = ""
    scope: str = ""
    may_read: bool = True
    is_metered: bool = True
    # Whom this request has read already: a page that asks twice counts once.
    seen: set[UUID] = field(default_factory=set, compare=False)


_reader: ContextVar[Reader | None] = ContextVar("accord_reader", default=None)


def current_reader() -> Reader | None:
    """Return who reads at the moment; None in the worker and in commands."""
    return _reader.get()


@contextmanager
def _named(reader: Reader) -> Iterator[None]:
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


@contextmanager
def reading_as(
    *,
    reader_id: UUID,
    why: str,
    at: datetime,
    reference: str = "",
    scope: str = "",
    may_read: bool = True,
    is_metered: bool = True,
) -> Iterator[None]:
    """Name who reads until the block ends, and why; `reference` is an id or a code.

    Without `may_read` every reading is refused and noted. An inner block takes the place of an
    outer one and gives it back.
    """
    with _named(Reader(reader_id, why, at, reference, scope, may_read, is_metered)):
        yield


@contextmanager
def reading_because(*, why: str, reference: str = "") -> Iterator[None]:
    """Say a better reason for what is read until the block ends; without a reader it says nothing.

    It gives no right: who may not read outside may not read inside.
    """
    reader = _reader.get()
    if reader is None:
        yield
        return
    with _named(replace(reader, why=why, reference=reference)):
        yield


@contextmanager
def reading_unmetered() -> Iterator[None]:
    """Leave what is read until the block ends out of the meter: companies, and people
    of whom nothing is answered.

    Every reading still leaves its line, and whoever may not read may not read here either.
    """
    reader = _reader.get()
    if reader is None:
        yield
        return
    with _named(replace(reader, is_metered=False)):
        yield


def note_reading(*, subject_ids: Sequence[UUID], retention_class: RetentionClass) -> None:
    """Write that these documents are about to be given out.

    Called by the vault before it opens any; and by whoever gives people out of a document that
    holds many of them, and stands under an id that is none of theirs.

    Raises NoReader, ReadingRefused, TooManyReads; and RuntimeError inside of a transaction, whose
    end could take the line back.
    """
    reader = _reader.get()
    if reader is None:
        if settings.PROCESS == "staff":
            logger.error("security: a document was asked for by nobody, and not opened")
            raise NoReader(NoReader.__doc__)
        return
    if not subject_ids:
        return
    if not reader.may_read:
        _write(reader, subject_ids, retention_class, is_refused=True)
        logger.warning("security: account %s may not read, and tried: %s", reader.id, reader.why)
        raise ReadingRefused(ReadingRefused.__doc__)
    fresh = {*subject_ids} - reader.seen
    try:
        with transaction.atomic(using="default", durable=True):
            if reader.is_metered and retention_class != RetentionClass.ACTIVITY and fresh:
                count_reading(reader_id=reader.id, people=len(fresh), now=reader.at)
            _insert(reader, subject_ids, retention_class, is_refused=False)
    except TooManyReads as refusal:
        note_too_many(reader_id=reader.id, now=reader.at)
        logger.warning("security: account %s reads more than its limit: %s", reader.id, refusal)
        raise
    reader.seen.update(fresh)


def _write(
    reader: Reader,
    subject_ids: Sequence[UUID],
    retention_class: RetentionClass,
    *,
    is_refused: bool,
) -> None:
    with transaction.atomic(using="default", durable=True):
        _insert(reader, subject_ids, retention_class, is_refused=is_refused)


def _insert(
    reader: Reader,
    subject_ids: Sequence[UUID],
    retention_class: RetentionClass,
    *,
    is_refused: bool,
) -> None:
    AccessRecord.objects.create(
        id=uuid_utils.compat.uuid7(),
        at=reader.at,
        reader_id=reader.id,
        why=reader.why,
        reference=reader.reference,
        retention_class=int(retention_class),
        subject_ids=list(dict.fromkeys(subject_ids)),
        is_refused=is_refused,
    )


def readings_of(*, subject_ids: Sequence[UUID]) -> QuerySet[AccessRecord]:
    """Return the lines that name one of these subjects: to be paged through, newest first."""
    return AccessRecord.objects.filter(subject_ids__overlap=list(subject_ids))


def readings_by(*, reader_id: UUID) -> QuerySet[AccessRecord]:
    """Return the lines of what an account read, or tried to: to be paged through."""
    return AccessRecord.objects.filter(reader_id=reader_id)


def readings_for(*, reference: str) -> QuerySet[AccessRecord]:
    """Return the lines of what was read for one ticket or request: to be paged through."""
    return AccessRecord.objects.filter(reference=reference)


def forget_old_readings(*, now: datetime) -> int:
    """Delete the lines that are older than a year and a day; return how many. Safe to repeat.

    Batch by batch, each of them a transaction: after a kill the next call goes on.
    """
    deleted, until = 0, now - KEPT_FOR - _MARGIN
    while some := _oldest_before(until):
        deleted += AccessRecord.objects.filter(id__in=some).delete()[0]
    ReadMeter.objects.filter(hour__lt=now - KEPT_FOR).delete()
    return deleted


def _oldest_before(until: datetime) -> list[UUID]:
    """Return a batch of old lines. Ids are in the order of time, so the first ones are looked at.

    There is no index of `at`: to look for the last old line everywhere would read the whole year.
    """
    oldest = AccessRecord.objects.order_by("id").values_list("id", "at")[:_FORGOTTEN_AT_ONCE]
    return [number for number, at in oldest if at < until]
