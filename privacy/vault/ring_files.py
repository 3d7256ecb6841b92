"""The files of the key ring: written whole, flushed, and for their owner alone."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Content = dict[str, Any]
_UNFINISHED = ".new"


class KeysMissing(Exception):
    """The key ring is not there or cannot be opened: nothing can be read, nothing is sent."""


def write_once(path: Path, content: bytes) -> None:
    """Write and fsync a file that only its owner can read; an existing one is never replaced.

    It has its name when it is whole, or never: a full disk or a power failure leaves no torn key.
    Raises FileExistsError. The file system must know hard links.
    """
    beside = _written_beside(path, content)
    try:
        os.link(beside, path)
    finally:
        beside.unlink()
    sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Put another content in the place of a file: whenever it is read, it is the old or the new."""
    _written_beside(path, content).replace(path)
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Delete a file, and what a crash in the middle of writing it left beside it; safe to repeat.

    The remains may be all of it: a crash between the two names leaves both.
    """
    for each in [path, *path.parent.glob(f".{path.name}.*{_UNFINISHED}")]:
        each.unlink(missing_ok=True)
    sync_folder(path.parent)


def remove_unfinished(folder: Path) -> None:
    """Delete whatever crashes left of files that were being written; nobody may be writing now."""
    for each in folder.glob(f".*{_UNFINISHED}"):
        each.unlink(missing_ok=True)
    sync_folder(folder)


def _written_beside(path: Path, content: bytes) -> Path:
    # A random name: of two who write one file, neither gives its name to the half of the other.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:  # 0600 by mkstemp
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def read(path: Path) -> Content:
    """Return what a file of the ring says; raises KeysMissing."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise KeysMissing(KeysMissing.__doc__) from None
    if not isinstance(content, dict):
        raise KeysMissing(KeysMissing.__doc__)
    return content


def as_bytes(content: Content) -> bytes:
    return json.dumps(content, indent=1).encode()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the ring: one process at a time makes, moves or drops keys."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
