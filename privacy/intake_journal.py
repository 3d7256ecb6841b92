"""The intake journal: sealed envelopes as frames on disk, outside every database.

Writers of one process share their syncs: a frame is written at once, and whoever needs it on disk
first syncs for all that were written before.
Frame format: docs/formats/vault.md.
"""

import os
import threading
from pathlib import Path


class IntakeJournal:
    """The journal file of this process; thread-safe, and safe beside other processes."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._path: Path | None = None
        self._handle = -1
        self._written = self._synced = self._failed = 0
        self._is_syncing = False

    def append(self, path: Path, frame: bytes) -> int:
        """Write one whole frame and return its ticket for `sync`. Raises OSError."""
        with self._state:
            self._follow(path)
            self._written += 1
            if os.write(self._handle, frame) != len(frame):
                self._failed = self._written
                raise OSError("The disk of the intake journal is full.")
            return self._written

    def sync(self, ticket: int) -> None:
        """Return when the frame of `ticket` is on disk for sure. Raises OSError if it is not."""
        with self._state:
            while self._is_syncing and self._synced < ticket and self._failed < ticket:
                self._state.wait()
            if self._failed >= ticket:
                # After a failed sync a second one may succeed without the lost pages: the frame
                # must count as gone.
                raise OSError("The intake journal could not be synced.")
            if self._synced >= ticket:
                return
            self._is_syncing = True
            target, handle = self._written, self._handle
        is_done = False
        try:
            os.fdatasync(handle)
            is_done = True
        finally:
            with self._state:
                self._is_syncing = False
                if is_done:
                    self._synced = max(self._synced, target)
                else:
                    self._failed = max(self._failed, target)
                self._state.notify_all()

    def _follow(self, path: Path) -> None:
        """Have the file of today open, also when somebody moved it away."""
        if path == self._path and _is_same(path, self._handle):
            return
        while self._is_syncing:
            self._state.wait()
        if self._handle >= 0:
            os.fdatasync(self._handle)
            self._synced = max(self._synced, self._written)
            os.close(self._handle)
            self._path, self._handle = None, -1
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._path = path


def _is_same(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
