"""How often something happened of late: memory of one process, bounded, and lost with it."""

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
KEYS_REMEMBERED = 10_000


class TooMany(Exception):
    """Too many in a short time; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(TooMany.__doc__)
        self.retry_after = retry_after


class SlidingWindow:
    """Counts per key over the last `window`; forgets the key that is unused the longest."""

    def __init__(self, *, window: timedelta = MINUTE, keys: int = KEYS_REMEMBERED) -> None:
        self._window = window.total_seconds()
        self._keys = keys
        self._hits: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def hit(self, key: str, *, limit: int, now: datetime) -> None:
        """Count one; raises TooMany when `limit` of them are in the window already."""
        moment = now.timestamp()
        with self._lock:
            hits = self._hits.setdefault(key, deque())
            self._hits.move_to_end(key)
            while hits and hits[0] <= moment - self._window:
                hits.popleft()
            if len(hits) >= limit:
                raise TooMany(max(1, int(hits[0] + self._window - moment) + 1))
            hits.append(moment)
            if len(self._hits) > self._keys:
                self._hits.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._hits.clear()
