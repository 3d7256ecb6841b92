"""A log as others use it: to write, to prove, to audit. What its entries mean is their affair."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from privacy.transparency.anchor import AnchorWriter, anchor_writer, newest_note, notes
from privacy.transparency.merkle import HASH_SIZE, Frontier, inclusion_proof, leaf_hash
from privacy.transparency.notes import Head, NotSigned, Verifier
from privacy.transparency.tiles import WIDTH, WIDTH_BITS, Edge, LogDamaged, TileReader


@dataclass(frozen=True)
class Proof:
    """That one entry is a leaf of the tree of a head: to be kept, and checked without us."""

    index: int
    tree_size: int
    hashes: list[bytes]
    checkpoint: str


@dataclass(frozen=True)
class SignedHead:
    """A head with its note, and the first and last entry that it added."""

    head: Head
    note: str
    first: bytes
    last: bytes


class SignedLog:
    """The log in a folder under one key. Reading it needs the public half only."""

    def __init__(self, folder: Path, verifier: Verifier) -> None:
        self.folder = folder
        self.verifier = verifier

    def newest(self) -> tuple[Head, str] | None:
        """Return the newest head and its note, None before the first; NotSigned, LogDamaged."""
        note = newest_note(self.folder)
        return (self.verifier.open(note), note) if note else None

    def heads_above(self, size: int) -> Iterator[tuple[Head, str]]:
        """Yield the heads of more than `size` entries, from the smallest; NotSigned, LogDamaged."""
        for note in notes(self.folder):
            # The second line; the signature is checked of those that are asked for.
            if int(note.split("\n")[1]) > size:
                yield self.verifier.open(note), note

    def reader(self, size: int) -> TileReader:
        return TileReader(self.folder, size)

    def writer(self) -> AbstractContextManager[AnchorWriter]:
        """Hold the log for writing; raises LogBusy, LogDamaged, NotSigned."""
        return anchor_writer(self.folder, verifier=self.verifier)

    def prover(self) -> "Prover | None":
        """Return what proves entries of the newest head; None before the first."""
        newest = self.newest()
        return Prover(self.reader(newest[0].size), newest[1]) if newest else None


class Prover:
    """Entries and their proofs, all to one head: a few tiles each, whatever the size."""

    def __init__(self, reader: TileReader, note: str) -> None:
        self.size = reader.size
        self._reader, self._note = reader, note

    def entry(self, index: int) -> bytes:
        return self._reader.entry(index)

    def prove(self, index: int) -> Proof:
        """Return the proof of an entry; raises LogDamaged."""
        hashes = inclusion_proof(index=index, size=self.size, node=self._reader.node)
        return Proof(index, self.size, hashes, self._note)


class Audit:
    """Goes through a whole log once: every entry, tile, head and signature, in bounded memory.

    What does not hold is handed to `on_fault`, with the number of the entry from which on it
    concerns; a head that holds is handed to `on_head`. `kept` are heads that somebody has from
    before, apart from the folder: the log must still begin as they say.
    """

    def __init__(
        self,
        log: SignedLog,
        *,
        on_head: Callable[[SignedHead], None],
        on_fault: Callable[[int, str], None],
        kept: Sequence[Head] = (),
    ) -> None:
        self._log = log
        self._on_head, self._on_fault = on_head, on_fault
        self._frontier, self._edge = Frontier(), Edge()
        self.size = self._newest_size()
        self._reader = log.reader(self.size)
        self._heads = self._signed()
        self._next = next(self._heads, None)
        self._kept = sorted(kept, key=lambda head: head.size, reverse=True)
        self._first, self._closed = b"", 0
        self._has_failed = False

    def entries(self) -> Iterator[list[bytes]]:
        """Yield the entries in order, some at a time; ends early where a tile cannot be read."""
        for index in range(-(-self.size // WIDTH)):
            try:
                entries = self._reader.bundle(index)
            except LogDamaged as error:
                self._on_fault(index * WIDTH, str(error))
                return
            for entry in entries:
                self._take(entry)
            yield entries
        for level, index, _width, content in self._edge.partial():
            self._compare(level, index, content)
        for head in self._kept:
            self._on_fault(self.size - 1, f"The log has lost entries: {head.size} were signed.")

    def _take(self, entry: bytes) -> None:
        leaf = leaf_hash(entry)
        self._first = self._first or entry
        self._frontier.append(leaf)
        for level, index, content in self._edge.append(leaf):
            self._compare(level, index, content)
        while self._next and self._next[0].size == self._frontier.size:
            self._close(*self._next, entry)
            self._next = next(self._heads, None)
        while self._kept and self._kept[-1].size == self._frontier.size:
            if (head := self._kept.pop()).root != self._frontier.root():
                text = f"The head of {head.size} entries that was kept signs another tree."
                self._on_fault(head.size - 1, text)

    def _close(self, head: Head, note: str, last: bytes) -> None:
        if self._frontier.root() == head.root:
            self._on_head(SignedHead(head, note, self._first, last))
        elif not self._has_failed:
            # Every later root is made of this one: one message says it all.
            self._has_failed = True
            self._on_fault(
                head.size - 1,
                f"The head of {head.size} entries signs another tree: of the entries"
                f" {self._closed} to {head.size - 1}, counted from 0, one or more were altered.",
            )
        self._first, self._closed = b"", head.size

    def _compare(self, level: int, index: int, content: bytes) -> None:
        start = index * WIDTH
        try:
            found = self._reader.hashes(level, index)
        except LogDamaged as error:
            self._on_fault(start << (WIDTH_BITS * level), str(error))
            return
        if b"".join(found) == content:
            return
        if level:
            text = f"Tile {index} of level {level} is not the hashes of the tiles below it."
            self._on_fault(start << (WIDTH_BITS * level), text)
            return
        for place, each in enumerate(found):
            if each != content[place * HASH_SIZE : (place + 1) * HASH_SIZE]:
                self._on_fault(start + place, "Its entry is not the one that its leaf was made of.")

    def _newest_size(self) -> int:
        try:
            newest = self._log.newest()
        except (NotSigned, LogDamaged):
            # Which one it is comes up below; what is signed above it is gone through anyway.
            return max((head.size for head, _note in self._signed(is_quiet=True)), default=0)
        return newest[0].size if newest else 0

    def _signed(self, *, is_quiet: bool = False) -> Iterator[tuple[Head, str]]:
        """Yield the heads that hold by themselves: signed, and each larger than the one before."""
        size = number = 0
        try:
            for number, note in enumerate(notes(self._log.folder), 1):
                try:
                    head = self._log.verifier.open(note)
                except NotSigned:
                    if not is_quiet:
                        self._on_fault(size, f"Head {number} was not signed by the log's key.")
                    continue
                if head.size > size:
                    size = head.size
                    yield head, note
                elif not is_quiet:
                    self._on_fault(size, f"Head {number} is not larger than the one before it.")
        except LogDamaged as error:
            if not is_quiet:
                self._on_fault(size, str(error))
