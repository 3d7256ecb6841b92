"""The files of the key ring: written whole, flushed, and for their owner alone."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Content = dict[str, Any]


class KeysMissing(Exception):
    """The key ring is not there or cannot be opened: nothing can be read, nothing is sent."""


def write_once(path: Path, content: bytes) -> None:
    """Write and fsync a file that only its owner can read; an existing one is never replaced."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Put another content in the place of a file: whenever it is read, it is the old or the new."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    write_once(beside, content)
    beside.replace(path)
    sync_folder(path.parent)


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
