"""Fills the index from the databases and keeps it as they are.

The order makes it whole: listen first, then read everybody, then compare every (subject, revision)
with what is held, then follow what is told. After a lost connection the comparing is done again,
and now and then without one, so that nothing that was told to nobody stays unknown.
"""

import logging
import select
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import DatabaseError, connections

from crm.contacts import how_many_contacts
from crm.models import Contact
from crm.search.folding import record_of
from crm.search.index import NOTHING, SHARD_SIZE, Entry, Index
from privacy.services import (
    DOCUMENTS_CHANNEL,
    KEYS_CHANNEL,
    KeysMissing,
    NotFounded,
    RetentionClass,
    read_documents,
    revisions,
    revisions_after,
    stream_revisions,
    subjects_with_key,
)

logger = logging.getLogger("crm.search")

CONTACTS_CHANNEL = "accord_contacts"
PROFILE = RetentionClass.PROFILE
NO_ONE, EVERYONE = UUID(int=0), UUID(int=2**128 - 1)
BATCH = 1000
# A connection that a router forgot says nothing: it is asked.
HEARTBEAT_SECONDS = 5.0
CHECK_SECONDS = 900.0
PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0)
_LOST = (psycopg.OperationalError, psycopg.InterfaceError, DatabaseError, KeysMissing, NotFounded)


class _Ending(Exception):
    """The process was asked to end."""


@dataclass
class Progress:
    """How far the index is; written by the keeper, read by whoever answers."""

    started_at: datetime
    about: int = 0
    is_loaded: bool = False
    # Since when changes are not heard of; None while they are.
    behind_since: datetime | None = None
    checked_at: datetime | None = None


def _now() -> datetime:
    return datetime.now(UTC)


class Ears:
    """A listening connection to each of the two databases."""

    def __init__(self, crm: psycopg.Connection, vault: psycopg.Connection) -> None:
        self._both = (crm, vault)
        crm.execute(f"LISTEN {DOCUMENTS_CHANNEL}")
        crm.execute(f"LISTEN {CONTACTS_CHANNEL}")
        vault.execute(f"LISTEN {KEYS_CHANNEL}")
        self._asked_at = time.monotonic()

    def heard(self, *, wait: float) -> list[tuple[str, str]]:
        """Return (channel, line) of what was told; raises OperationalError when it is cut off."""
        ready, _, _ = select.select(self._both, [], [], wait)
        if time.monotonic() - self._asked_at > HEARTBEAT_SECONDS:
            for connection in self._both:
                connection.execute("SELECT 1")
            self._asked_at, ready = time.monotonic(), list(self._both)
        return [
            (told.channel, line)
            for connection in ready
            for told in connection.notifies(timeout=0)
            for line in told.payload.splitlines()
        ]


@contextmanager
def listening() -> Iterator[Ears]:
    with _own_connection("default") as crm, _own_connection("vault") as vault:
        yield Ears(crm, vault)


def _own_connection(alias: str) -> psycopg.Connection:
    parameters = connections[alias].get_connection_params()
    # A dead peer is noticed within seconds, also while nothing is said.
    alive: dict[str, Any] = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
    return psycopg.connect(**{**parameters, **alive, "autocommit": True, "connect_timeout": 5})


@dataclass
class Keeper:
    """The one writer of an index. `run` returns when `ending` is set."""

    index: Index
    ending: threading.Event
    progress: Progress = field(default_factory=lambda: Progress(_now()))
    check_seconds: float = CHECK_SECONDS

    def run(self) -> None:
        failures = 0
        while not self.ending.is_set():
            try:
                with listening() as ears:
                    self._catch_up(ears)
                    failures = 0
                    self._follow(ears)
            except _Ending:
                return
            except _LOST as why:
                self._fall_behind(why)
                self.ending.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
                failures += 1
            finally:
                connections.close_all()

    def _fall_behind(self, why: Exception) -> None:
        if self.progress.behind_since is None:
            self.progress.behind_since = _now()
            # The class alone: what a database says may quote what it was asked.
            logger.warning("search: not heard of changes from now on (%s)", type(why).__name__)

    # --- the whole --------------------------------------------------------------------------

    def _catch_up(self, ears: Ears) -> None:
        if self.progress.is_loaded:
            self._compare(ears)
        else:  # whatever changes while everybody is read is told: there is nothing to compare
            self._load(ears)
        if self.progress.behind_since is not None:
            logger.info("search: heard of changes again, %s contacts compared", len(self.index))
        self.progress.behind_since = None

    def _load(self, ears: Ears) -> None:
        began = time.monotonic()
        self.index.clear()
        self.progress.about = how_many_contacts().count
        logger.info("search: reading about %s contacts", self.progress.about)
        refreshed: set[UUID] = set()
        for batch in _batches(_everybody()):
            # What was read anew meanwhile is newer than what this stream began with.
            self.index.apply({n.bytes: e for n, e in batch.items() if n not in refreshed})
            refreshed |= self._hear(ears, wait=0)
            self._say_how_far(began)
        self.progress.is_loaded = True
        seconds = time.monotonic() - began
        logger.info("search: %s contacts read in %.1f s", len(self.index), seconds)

    def _say_how_far(self, began: float) -> None:
        loaded = len(self.index)
        if loaded % 100_000 < SHARD_SIZE and loaded >= 100_000:
            seconds = time.monotonic() - began
            logger.info("search: %s of about %s in %.1f s", loaded, self.progress.about, seconds)

    def _compare(self, ears: Ears) -> None:
        """Read anew whoever is not held as they are, in one ordered pass of both databases."""
        after, changed = NO_ONE, 0
        while after != EVERYONE:
            there = revisions_after(retention_class=PROFILE, after=after, limit=SHARD_SIZE)
            until = list(there)[-1] if len(there) == SHARD_SIZE else EVERYONE
            stale = self._stale(there, after, until)
            changed += len(stale)
            self.refresh(stale)
            self._hear(ears, wait=0)
            after = until
        self.progress.checked_at = _now()
        if changed:
            logger.info("search: %s of %s contacts were read anew", changed, len(self.index))

    def _stale(self, there: dict[UUID, int], after: UUID, until: UUID) -> set[UUID]:
        """Return who in (after, until] is not held as they are."""
        held = self.index.held(after=after.bytes, until=until.bytes)
        contacts = Contact.objects.filter(id__gt=after, id__lte=until, restricted_at=None)
        findable = there.keys() & set(contacts.values_list("id", flat=True).iterator())
        keyed = subjects_with_key(retention_class=PROFILE, after=after, until=until)
        gone = {UUID(bytes=number) for number in held} - findable
        changed = {
            number
            for number in findable
            if held.get(number.bytes) != (there[number], number in keyed)
        }
        return gone | changed

    # --- what changes -----------------------------------------------------------------------

    def _follow(self, ears: Ears) -> None:
        checked = time.monotonic()
        while True:
            self._hear(ears, wait=0.25)
            if time.monotonic() - checked > self.check_seconds:
                self._compare(ears)
                checked = time.monotonic()

    def _hear(self, ears: Ears, *, wait: float) -> set[UUID]:
        if self.ending.is_set():
            raise _Ending
        told = ears.heard(wait=wait)
        keyless = {UUID(line.split()[0]) for channel, line in told if channel == KEYS_CHANNEL}
        self._forget(keyless)
        changed = {
            UUID(line.split()[0])
            for channel, line in told
            if channel != KEYS_CHANNEL and not self._is_held(line)
        }
        self.refresh(changed)
        return changed | keyless

    def _forget(self, subject_ids: Iterable[UUID]) -> None:
        """Drop the words of those whose key was destroyed; the row of the document may linger."""
        self.index.apply(
            {
                number.bytes: (rev, NOTHING)
                for number in subject_ids
                if (rev := self.index.revision(number.bytes)) is not None
            }
        )

    def _is_held(self, line: str) -> bool:
        number, _, word = line.partition(" ")
        return word.isdecimal() and self.index.revision(UUID(number).bytes) == int(word)

    def refresh(self, subject_ids: Iterable[UUID]) -> None:
        """Hold these subjects as the databases have them now."""
        wanted = sorted(subject_ids)
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            findable = set(
                Contact.objects.filter(id__in=batch, restricted_at=None).values_list(
                    "id", flat=True
                )
            )
            # Revisions before documents: a change in between is told, and read again.
            there = revisions(subject_ids=sorted(findable), retention_class=PROFILE)
            documents = read_documents(subject_ids=list(there), retention_class=PROFILE)
            self.index.apply(
                {
                    number.bytes: (there[number], _record(documents.get(number)))
                    if number in there
                    else None
                    for number in batch
                }
            )


def _record(document: dict[str, object] | None) -> bytes:
    return NOTHING if document is None else record_of(document)


def _everybody() -> Generator[tuple[UUID, Entry], None, None]:
    """Yield everybody who may be found, in the order of their ids."""
    findable = _findable()
    stream = stream_revisions(retention_class=PROFILE)
    with closing(findable), closing(stream):
        contact = next(findable, None)
        for each in stream:
            while contact is not None and contact < each.subject_id:
                contact = next(findable, None)
            if contact == each.subject_id:
                yield each.subject_id, (each.rev, _record(each.document))


_FINDABLE = (
    "COPY (SELECT id FROM crm_contact WHERE restricted_at IS NULL ORDER BY id)"
    " TO STDOUT (FORMAT BINARY)"
)


def _findable() -> Generator[UUID, None, None]:
    with (
        _own_connection("default") as own,
        own.cursor() as cursor,
        cursor.copy(_FINDABLE) as copy,
    ):
        copy.set_types(["uuid"])
        for (number,) in copy.rows():
            yield number


def _batches(people: Generator[tuple[UUID, Entry], None, None]) -> Iterator[dict[UUID, Entry]]:
    with closing(people):
        batch: dict[UUID, Entry] = {}
        for number, entry in people:
            batch[number] = entry
            if len(batch) == SHARD_SIZE:
                yield batch
                batch = {}
        yield batch
