"""Whether the ledger is what was sealed: every row, entry, head and signature, from the start.

Needs the public half of the log's key and no other: what it reads is hashes, so it still holds
after the keys of somebody's evidence were destroyed.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from consent.entries import entry_hash
from consent.models import LedgerEvent, Seal
from consent.sealing import Entry, decode_entry
from privacy.services import Audit, Head, LogDamaged, NotSigned, SignedHead, SignedLog, Verifier

_BATCH = 2_000
# Whoever replaced the whole table gets a count, and not a list that fills the memory.
MOST_FINDINGS = 10_000
Progress = Callable[[int], None]

_COLUMNS = [field.attname for field in LedgerEvent._meta.concrete_fields]
# A row without the weight of a model's instance: a third of the time (measured).
_Raw = namedtuple("_Raw", _COLUMNS)  # type: ignore[misc]


class Fault(StrEnum):
    ALTERED = "altered"
    DELETED = "deleted"
    INSERTED = "inserted"
    MOVED = "moved"
    LOG = "log"
    SEAL = "seal"
    PERMISSION = "permission"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was sealed; a row is named by number and record."""

    fault: Fault
    detail: str
    seq: int | None = None
    record_id: UUID | None = None


@dataclass
class Verification:
    """What was gone through and what was found."""

    rows: int = 0
    sealed: int = 0
    heads: int = 0
    count: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.count == 0

    def add(self, fault: Fault, detail: str, entry: Entry | None = None) -> None:
        self.count += 1
        if len(self.findings) < MOST_FINDINGS:
            named = (entry.seq, entry.record_id) if entry else (None, None)
            self.findings.append(Finding(fault, detail, *named))


class _Row:
    """A row as it is: what it says its hash is, and what its hash is."""

    __slots__ = ("actual_hash", "entry")

    def __init__(self, entry: Entry, actual_hash: bytes) -> None:
        self.entry = entry
        self.actual_hash = actual_hash


def verify_ledger(
    *, verifier: Verifier, kept: Sequence[Head] = (), progress: Progress = lambda _rows: None
) -> Verification:
    """Go through the whole ledger and its log, and name every row that is not what was sealed.

    `progress` is called with the number of rows behind us, `kept` are heads from a copy elsewhere.
    Changes nothing. Rows that no head covers yet are checked against their own hash.
    """
    found = Verification()
    # The log first: what its newest head covers is committed, so the rows' snapshot has it.
    comparison = _Comparison(SignedLog(settings.ANCHOR_DIR, verifier), found, kept)
    with unchanging_view():
        comparison.run(_read_rows(), progress)
        comparison.close()
    return found


@contextmanager
def unchanging_view() -> Iterator[None]:
    """Read the database as it is now, and only read, until the end of the block."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _read_rows() -> Iterator[_Row]:
    """Yield every row in the order of seq, through a cursor of the server."""
    rows = LedgerEvent.objects.order_by("seq").values_list(*_COLUMNS)
    for values in rows.iterator(chunk_size=_BATCH):
        raw = cast(LedgerEvent, _Raw(*values))
        entry = Entry(raw.seq, raw.record_id, bytes(raw.entry_hash))
        yield _Row(entry, entry_hash(raw))


class _Comparison:
    """Walks along rows and entries, both in the order of seq."""

    def __init__(self, log: SignedLog, found: Verification, kept: Sequence[Head]) -> None:
        self._log, self._found = log, found
        self._faults: list[tuple[int, str]] = []
        self._seals = _Seals(found)
        self._audit = Audit(
            log,
            on_head=self._seals.compare,
            on_fault=lambda place, text: self._faults.append((place, text)),
            kept=kept,
        )
        # What has no counterpart at its place: by record, to tell what moved from what is gone.
        self._lost: dict[UUID, Entry] = {}
        self._extra: dict[UUID, _Row] = {}

    def run(self, rows: Iterator[_Row], progress: Progress) -> None:
        entries = self._entries()
        entry = next(entries, None)
        for row in rows:
            while entry is not None and entry.seq < row.entry.seq:
                self._lost[entry.record_id] = entry
                entry = next(entries, None)
            if entry is None:
                self._beyond(row)
            elif entry.seq == row.entry.seq:
                self._compare(row, entry)
                entry = next(entries, None)
            else:
                self._extra[row.entry.record_id] = row
            self._found.rows += 1
            if self._found.rows % _BATCH == 0:
                progress(self._found.rows)
        while entry is not None:
            self._lost[entry.record_id] = entry
            entry = next(entries, None)

    def close(self) -> None:
        """Say what the walk has left over."""
        for record_id, entry in self._lost.items():
            row = self._extra.pop(record_id, None)
            if row is None:
                self._found.add(Fault.DELETED, "It was sealed and is not there.", entry)
                continue
            self._found.add(Fault.MOVED, f"It was sealed as row {entry.seq}.", row.entry)
            self._compare(row, entry)
        for row in self._extra.values():
            self._found.add(Fault.INSERTED, "It stands among sealed rows, unsealed.", row.entry)
        for place, text in self._faults:
            self._found.add(Fault.LOG, text, self._entry_at(place))
        if not self._faults:
            self._seals.close(self._log)

    def _entries(self) -> Iterator[Entry]:
        before = 0
        for batch in self._audit.entries():
            for content in batch:
                try:
                    entry = decode_entry(content)
                except ValueError as error:
                    self._faults.append((self._found.sealed, str(error)))
                    return
                if entry.seq <= before:
                    self._faults.append((self._found.sealed, "An entry is out of order."))
                    return
                before = entry.seq
                self._found.sealed += 1
                yield entry

    def _compare(self, row: _Row, entry: Entry) -> None:
        if row.entry.record_id != entry.record_id:
            self._lost[entry.record_id], self._extra[row.entry.record_id] = entry, row
        elif row.actual_hash != entry.entry_hash:
            is_covered = row.entry.entry_hash == row.actual_hash
            what = "Its content, and its hash with it," if is_covered else "Its content"
            self._found.add(Fault.ALTERED, f"{what} is not what was sealed.", row.entry)
        elif row.entry.entry_hash != entry.entry_hash:
            self._found.add(Fault.ALTERED, "Its entry_hash is not what was sealed.", row.entry)

    def _beyond(self, row: _Row) -> None:
        """Check a row behind everything that the log could tell."""
        if row.entry.record_id in self._lost:
            self._extra[row.entry.record_id] = row
        elif row.actual_hash != row.entry.entry_hash:
            self._found.add(
                Fault.ALTERED,
                "No head covers it, and its entry_hash is not that of its content.",
                row.entry,
            )

    def _entry_at(self, place: int) -> Entry | None:
        try:
            return decode_entry(self._log.reader(self._audit.size).entry(place))
        except (LogDamaged, IndexError, ValueError):
            return None


class _Seals:
    """The heads that the database remembers, beside those of the log."""

    def __init__(self, found: Verification) -> None:
        self._found = found
        self._rows = Seal.objects.order_by("tree_size").iterator(chunk_size=_BATCH)
        self._next: Seal | None = None
        self._has_begun = False

    def compare(self, signed: SignedHead) -> None:
        """Compare a head of the log with its Seal; the newest may not have one yet."""
        self._found.heads += 1
        seal = self._peek()
        while seal and seal.tree_size < signed.head.size:
            self._lacks_head(seal)
            seal = self._advance()
        if seal is None:
            return
        if seal.tree_size > signed.head.size:
            self._found.add(
                Fault.SEAL, f"The database lacks the head of {signed.head.size} entries."
            )
            return
        first, last = decode_entry(signed.first).seq, decode_entry(signed.last).seq
        said = (bytes(seal.root), seal.checkpoint, seal.first_seq, seal.last_seq)
        if said != (signed.head.root, signed.note, first, last):
            self._found.add(Fault.SEAL, f"The Seal of {seal.tree_size} entries was altered.")
        self._advance()

    def close(self, log: SignedLog) -> None:
        """Name the Seals above the log; one that was made since we began is not among them."""
        try:
            newest = log.newest()
        except (NotSigned, LogDamaged):
            newest = None
        seal = self._peek()
        while seal:
            if newest is None or seal.tree_size > newest[0].size:
                self._lacks_head(seal)
            seal = self._advance()

    def _lacks_head(self, seal: Seal) -> None:
        self._found.add(Fault.SEAL, f"The log has no head of {seal.tree_size} entries.")

    def _peek(self) -> Seal | None:
        if not self._has_begun:
            self._has_begun = True
            self._advance()
        return self._next

    def _advance(self) -> Seal | None:
        self._next = next(self._rows, None)
        return self._next
