"""The privacy journal: every "no" is on disk, outside the databases, before it takes effect.

A file of frames, appended under a lock and flushed with fdatasync. A frame is a u32 length, that
many bytes of JSON, and SHA-256 over the hash of the frame before it and these bytes: a frame that
is altered, left out or moved breaks the chain. The first frame names the journal and the
installation. A database that is behind its journal was restored, or its process died between the
journal and the commit: until the missing events are applied, nothing is sent.
"""

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from privacy.models import JournalApplied

_LENGTH, _HASH = 4, 32
GENESIS = "genesis"


class JournalUnreachable(Exception):
    """The privacy journal cannot be read or written: nothing is sent until it can."""


class JournalBroken(JournalUnreachable):
    """The privacy journal was altered: its chain of hashes does not hold."""


class UnknownEvent(Exception):
    """The journal has a kind of event that nobody registered how to apply."""


@dataclass(frozen=True)
class JournalHead:
    journal_id: UUID
    seq: int
    hash: bytes


@dataclass(frozen=True)
class JournalEvent:
    """One event: what happened, to which subject, by references only."""

    seq: int
    kind: str
    at: datetime
    subject_id: UUID | None
    fields: Mapping[str, str]


_REPLAYS: dict[str, Callable[[JournalEvent], None]] = {}


def register_replay(kind: str, apply: Callable[[JournalEvent], None]) -> None:
    """Say how an event of `kind` takes effect; `apply` must be idempotent."""
    _REPLAYS[kind] = apply


class Journal:
    """The journal file of one folder, as this process has read it so far."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.log"
        self._offset = 0
        self._seq = -1
        self._hash = bytes(_HASH)
        self._journal_id: UUID | None = None
        self._guard = threading.Lock()

    def found(self, *, instance_id: UUID, now: datetime) -> JournalHead:
        """Write the first frame of a new journal; an existing journal is left as it is."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise JournalUnreachable(JournalUnreachable.__doc__) from error
        with self.locked():
            if self._seq < 0:
                fields = {"journal_id": str(uuid4()), "instance_id": str(instance_id)}
                self._append(GENESIS, None, fields, now)
        return self.head()

    def head(self) -> JournalHead:
        """Return the last whole frame; raises JournalUnreachable or JournalBroken."""
        with self._guard:
            for _event in self._read_on():
                pass
            if self._journal_id is None:
                raise JournalUnreachable("The privacy journal has not been founded.")
            return JournalHead(self._journal_id, self._seq, self._hash)

    def events(self, *, after: int) -> list[JournalEvent]:
        """Return the events behind `after`, in order, reading the file from its start."""
        fresh = Journal(self.path.parent)
        return [event for event in fresh._read_on() if event.seq > after]

    def walk(self) -> Iterator[JournalEvent]:
        """Yield every event from the first on, one in memory at a time."""
        yield from Journal(self.path.parent)._read_on()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file against every other writer; cut a frame that a crash left unfinished."""
        try:
            with self.path.open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                with self._guard:
                    for _event in self._read_on():
                        pass
                    if lock.tell() > self._offset:
                        # Its writer died before the answer: nobody was told that it happened.
                        lock.truncate(self._offset)
                yield
        except OSError as error:
            raise JournalUnreachable(JournalUnreachable.__doc__) from error

    def append(
        self, kind: str, subject_id: UUID | None, fields: Mapping[str, str], at: datetime
    ) -> int:
        """Append one event, durably, and return its number; the caller holds the lock."""
        return self._append(kind, subject_id, fields, at)

    # --- frames -------------------------------------------------------------------------

    def _append(
        self, kind: str, subject_id: UUID | None, fields: Mapping[str, str], at: datetime
    ) -> int:
        content = {
            "seq": self._seq + 1,
            "kind": kind,
            "at": at.isoformat(),
            "subject": str(subject_id) if subject_id else None,
            "fields": dict(fields),
        }
        payload = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        frame = len(payload).to_bytes(_LENGTH, "big") + payload
        frame += hashlib.sha256(self._hash + payload).digest()
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.write(handle, frame) != len(frame):
                    raise JournalUnreachable("The disk of the privacy journal is full.")
                os.fdatasync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise JournalUnreachable(JournalUnreachable.__doc__) from error
        with self._guard:
            for _event in self._read_on():
                pass
        return self._seq

    def _read_on(self) -> Iterator[JournalEvent]:
        """Read the frames that were added since the last time; an unfinished one is left."""
        try:
            if self.path.stat().st_size < self._offset:
                raise JournalBroken("The privacy journal became shorter.")
            if self.path.stat().st_size == self._offset:
                return
            with self.path.open("rb") as file:
                file.seek(self._offset)
                while (event := self._next(file.read)) is not None:
                    yield event
        except OSError as error:
            raise JournalUnreachable(JournalUnreachable.__doc__) from error

    def _next(self, read: Callable[[int], bytes]) -> JournalEvent | None:
        length = int.from_bytes(size, "big") if len(size := read(_LENGTH)) == _LENGTH else None
        if length is None:
            return None
        payload, digest = read(length), read(_HASH)
        if len(payload) < length or len(digest) < _HASH:
            return None
        if hashlib.sha256(self._hash + payload).digest() != digest:
            raise JournalBroken(f"The privacy journal was altered behind event {self._seq}.")
        event = _event(payload)
        if event.kind == GENESIS:
            self._journal_id = UUID(event.fields["journal_id"])
        self._offset += _LENGTH + length + _HASH
        self._seq, self._hash = event.seq, digest
        return event


def _event(payload: bytes) -> JournalEvent:
    content = json.loads(payload)
    return JournalEvent(
        content["seq"],
        content["kind"],
        datetime.fromisoformat(content["at"]),
        UUID(content["subject"]) if content["subject"] else None,
        content["fields"],
    )


@lru_cache(maxsize=1)
def journal() -> Journal:
    """Return this process's view of the privacy journal."""
    return Journal(settings.JOURNAL_DIR)


def journal_head() -> JournalHead:
    """Return the journal's head; raises JournalUnreachable: then nothing may be sent."""
    return journal().head()


def is_journal_applied() -> bool:
    """Return whether this database has taken every event of this journal into account."""
    head = journal_head()
    return JournalApplied.objects.filter(journal_id=head.journal_id, applied_seq=head.seq).exists()


def catch_up_with_journal(*, now: datetime) -> None:
    """Apply what the journal knows and the database does not; nothing to do is one small query.

    Raises JournalUnreachable, also when the journal belongs to another database.
    """
    if not is_journal_applied():
        with journal_writer(now=now):
            pass


@dataclass
class JournalWriter:
    """Appends the events of one transaction."""

    journal: Journal
    now: datetime

    def record(self, *, kind: str, subject_id: UUID | None, fields: Mapping[str, str]) -> int:
        """Put one event on disk and return its number: only then may it take effect."""
        return self.journal.append(kind, subject_id, fields, self.now)


@contextmanager
def journal_writer(*, now: datetime) -> Iterator[JournalWriter]:
    """Open a transaction on crm in which recorded events take effect.

    What an earlier crash left unapplied is applied first. If the body fails, its events are on
    disk without effect, and the next writer applies them: a "no" is never lost, only late.
    Raises JournalUnreachable.
    """
    with transaction.atomic(using="default"):
        applied = JournalApplied.objects.select_for_update().get()
        ours = journal()
        with ours.locked():
            _apply_missing(ours, applied)
            yield JournalWriter(ours, now)
            _mark(applied, ours.head())


def _apply_missing(ours: Journal, applied: JournalApplied) -> None:
    head = ours.head()
    if head.journal_id != applied.journal_id:
        raise JournalUnreachable("This journal belongs to another database.")
    if head.seq < applied.applied_seq:
        raise JournalUnreachable("The journal is older than the database: put the newest back.")
    if head.seq == applied.applied_seq:
        return
    for event in ours.events(after=applied.applied_seq):
        if event.kind not in _REPLAYS:
            raise UnknownEvent(event.kind)
        _REPLAYS[event.kind](event)
    _mark(applied, head)


def _mark(applied: JournalApplied, head: JournalHead) -> None:
    applied.applied_seq, applied.applied_hash = head.seq, head.hash
    applied.save(update_fields=["applied_seq", "applied_hash"])
