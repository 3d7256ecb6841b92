"""The search process: one thread keeps the index, one answers the door, one for each client."""

import logging
import signal
import sys
import threading
from types import FrameType

from django.conf import settings

from crm.search.index import Index
from crm.search.keeping import Keeper, Progress
from crm.search.memory import NotLocked, forbid_dumps, lock_memory, memory
from crm.search.protocol import Message
from crm.search.serving import Server
from crm.search.where import socket_path

logger = logging.getLogger("crm.search")

# Python's 5 ms would let whoever searches wait for the reader of a million contacts at every turn.
SWITCH_SECONDS = 0.0005


def run() -> int:
    """Hold, keep and answer until SIGTERM or SIGINT; return the exit code.

    Raises NotLocked, when the memory must be locked and cannot be, and NotOurFolder.
    """
    forbid_dumps()
    is_locked = _lock()
    sys.setswitchinterval(SWITCH_SECONDS)
    ending = threading.Event()
    keeper = Keeper(Index(), ending)

    def status() -> Message:
        return status_of(keeper.index, keeper.progress, is_locked=is_locked)

    server = Server(socket_path(), index=keeper.index, status=status)
    keeping = _Thread(keeper, server)
    _end_on_signals(ending, server)
    keeping.start()
    with server:
        server.serve_forever()
    ending.set()
    keeping.join(timeout=5)
    return 1 if keeping.has_failed else 0


def _lock() -> bool:
    is_locked = lock_memory()
    if not is_locked and settings.SEARCH_LOCK:
        raise NotLocked(NotLocked.__doc__)
    if not is_locked:
        logger.warning(
            "search: the memory is not locked and may reach the swap: give the process"
            " LimitMEMLOCK=infinity, or turn the swap off"
        )
    return is_locked


class _Thread(threading.Thread):
    """Ends the process with itself: better none than one that nobody keeps current."""

    def __init__(self, keeper: Keeper, server: Server) -> None:
        super().__init__(name="keeper", daemon=True)
        self.has_failed = False
        self._keeper, self._server = keeper, server

    def run(self) -> None:
        try:
            self._keeper.run()
        except Exception as failure:
            # Neither its text nor its traceback: they may quote what was read.
            logger.error("search: the keeper failed (%s)", type(failure).__name__)
            self.has_failed = True
        self._server.shutdown()


def _end_on_signals(ending: threading.Event, server: Server) -> None:
    def end(signum: int, frame: FrameType | None) -> None:
        ending.set()
        # It waits for serve_forever, which this very thread is in.
        threading.Thread(target=server.shutdown, daemon=True).start()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, end)


def status_of(index: Index, progress: Progress, *, is_locked: bool) -> Message:
    """Return what a `status` request is answered with: counts, dates and bytes."""
    taken = memory()
    behind, checked = progress.behind_since, progress.checked_at
    return {
        "state": "ready" if progress.is_loaded else "loading",
        "is_loaded": progress.is_loaded,
        "loaded": len(index),
        "about": max(progress.about, len(index)),
        "started_at": progress.started_at.isoformat(),
        "behind_since": behind.isoformat() if behind else None,
        "checked_at": checked.isoformat() if checked else None,
        "unreadable": index.unreadable(),
        "is_locked": is_locked,
        "resident": taken.resident,
        "locked": taken.locked,
        "swapped": taken.swapped,
        "held": index.size(),
    }
