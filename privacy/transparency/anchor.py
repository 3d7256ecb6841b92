"""The folder of a log: tiles, every signed head, and the newest one as `checkpoint`.

A head is written after everything that it signs is on disk, so that a crash leaves at most tiles
that no head names; the next writer puts the same ones there again.
"""

import fcntl
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from privacy.transparency.merkle import frontier_at, leaf_hash
from privacy.transparency.notes import MAX_NOTE_SIZE, Head, Verifier
from privacy.transparency.tiles import (
    ENTRIES,
    WIDTH,
    LogDamaged,
    TileReader,
    bundle,
    tile_path,
)

_HEADS, _CHECKPOINT = "heads.log", "checkpoint"
# A note of three lines and one signature, and an empty line behind it.
_RECORD = re.compile(rb"([^\n]+\n[0-9]+\n[^\n]+\n\n\xe2\x80\x94 [^\n]+\n)\n")
_RECORD_LINES = 6


class LogBusy(Exception):
    """Another process is writing to the folder of this log."""


def newest_note(folder: Path) -> str | None:
    """Return the newest whole note of the folder, or None before the first."""
    return _newest(folder)[0]


def notes(folder: Path) -> Iterator[str]:
    """Yield every note that was ever signed, from the oldest; raises LogDamaged."""
    try:
        with (folder / _HEADS).open("rb") as file:
            for number in itertools.count(1):
                record = b"".join(file.readline(MAX_NOTE_SIZE) for _ in range(_RECORD_LINES))
                if record.count(b"\n") < _RECORD_LINES:
                    return  # the end, or a note whose writer died before anybody was told of it
                found = _RECORD.fullmatch(record)
                if not found:
                    raise LogDamaged(f"Note {number} of {folder / _HEADS} is not whole.")
                yield found[1].decode(errors="replace")
    except FileNotFoundError:
        return


def _newest(folder: Path) -> tuple[str | None, int]:
    """Return the newest whole note of heads.log and where it ends: what follows was cut short."""
    try:
        with (folder / _HEADS).open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, length - 4 * MAX_NOTE_SIZE))
            tail = file.read()
    except FileNotFoundError:
        return None, 0
    records = list(_RECORD.finditer(tail))
    end = records[-1].end() if records else 0
    if tail.count(b"\n", end) >= _RECORD_LINES:
        raise LogDamaged(f"{folder / _HEADS} does not end with a whole note.")
    return (records[-1][1].decode(errors="replace") if records else None), start + end


class AnchorWriter:
    """Adds entries behind a head, and signs the next one."""

    def __init__(self, folder: Path, head: Head | None) -> None:
        self.folder = folder
        size = head.size if head else 0
        reader = TileReader(folder, size)
        self._frontier = frontier_at(size, reader.node)
        if head and self._frontier.root() != head.root:
            raise LogDamaged(f"The tiles of {folder} are not those that its newest head signs.")
        self._edge = reader.edge()
        self._entries = reader.bundle(size // WIDTH) if size % WIDTH else []
        self._folders: set[Path] = set()
        self._filled: list[Path] = []

    @property
    def size(self) -> int:
        return self._frontier.size

    def append(self, entries: Iterable[bytes]) -> None:
        """Take entries; tiles that are full are written, and nothing is signed yet."""
        for entry in entries:
            leaf = leaf_hash(entry)
            self._entries.append(entry)
            self._frontier.append(leaf)
            for level, index, content in self._edge.append(leaf):
                self._put_full(level, index, content)
            if len(self._entries) == WIDTH:
                self._put_full(ENTRIES, self.size // WIDTH - 1, bundle(self._entries))
                self._entries = []

    def commit(self, *, origin: str, sign: Callable[[Head], str]) -> tuple[Head, str]:
        """Sign the tree as it is now and return its head, once everything is on disk."""
        for level, index, width, content in self._edge.partial():
            self._put(tile_path(self.folder, level, index, width), content)
        if self._entries:
            path = tile_path(self.folder, ENTRIES, self.size // WIDTH, len(self._entries))
            self._put(path, bundle(self._entries))
        self._sync_folders()
        head = Head(origin, self.size, self._frontier.root())
        note = sign(head)
        _append_note(self.folder, note)
        self.publish(note)
        for path in self._filled:
            # The full tile has taken the place of all its partial ones.
            shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)
        self._filled = []
        return head, note

    def publish(self, note: str) -> None:
        """Make `checkpoint` the newest head, also where a crash came between the two."""
        path = self.folder / _CHECKPOINT
        if not path.exists() or path.read_bytes() != note.encode():
            self._put(path, note.encode())
            self._sync_folders()

    def _put_full(self, level: int | str, index: int, content: bytes) -> None:
        path = tile_path(self.folder, level, index)
        self._put(path, content)
        self._filled.append(path)

    def _put(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all; the folder's own sync comes with the commit."""
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            between = path.parent.relative_to(self.folder).parents
            self._folders.update(self.folder / each for each in between)
        beside = path.with_name(f".{path.name}.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        self._folders.add(path.parent)

    def _sync_folders(self) -> None:
        for folder in self._folders:
            _sync(folder)
        self._folders.clear()


@contextmanager
def anchor_writer(folder: Path, *, verifier: Verifier) -> Iterator[AnchorWriter]:
    """Hold the folder against every other writer, from its newest signed head on.

    What a crash left unfinished in heads.log is cut: it was never acknowledged. Raises LogBusy,
    LogDamaged, NotSigned when the newest head is not of this log.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / _HEADS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LogBusy(LogBusy.__doc__) from None
        note, end = _newest(folder)
        if end < file.seek(0, os.SEEK_END):
            file.truncate(end)
        writer = AnchorWriter(folder, verifier.open(note) if note else None)
        if note:
            writer.publish(note)
        yield writer


def _append_note(folder: Path, note: str) -> None:
    record = note.encode() + b"\n"
    if not _RECORD.fullmatch(record):
        raise ValueError("A note of this folder has three lines and one signature.")
    handle = os.open(folder / _HEADS, os.O_WRONLY | os.O_APPEND)
    try:
        if os.write(handle, record) != len(record):
            raise OSError("The disk of the log is full.")
        os.fsync(handle)
    finally:
        os.close(handle)
    _sync(folder)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
