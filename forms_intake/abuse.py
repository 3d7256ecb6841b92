"""What keeps machines from filling the intake: rates, a trap and the time it takes to write.

All of it is memory of one process, bounded, and lost with it: nothing about a client is stored.
With several processes each one counts for itself.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TypeVar

from django.conf import settings

from privacy.services import SlidingWindow

KEYS_REMEMBERED = 10_000
# A field no person sees: whoever fills it in reads the page as a machine does.
TRAP = "website"
V = TypeVar("V")


class Remembered(OrderedDict[str, V]):
    """The last few values by key; thread-safe through `remember` and `recall`."""

    def __init__(self, *, keys: int = KEYS_REMEMBERED) -> None:
        super().__init__()
        self._most = keys
        self._lock = threading.Lock()

    def remember(self, key: str, value: V) -> bool:
        """Keep the first value of a key; False when there was one already."""
        with self._lock:
            if key in self:
                return False
            self[key] = value
            if len(self) > self._most:
                self.popitem(last=False)
            return True

    def recall(self, key: str) -> V | None:
        with self._lock:
            return self.get(key)


_POSTS = SlidingWindow()
_CHALLENGES = SlidingWindow()


def count_post(*, form: str, network: str, now: datetime) -> None:
    """Count a submission against its network and its form; raises TooMany."""
    _POSTS.hit(f"network {network}", limit=settings.FORMS_PER_NETWORK, now=now)
    _POSTS.hit(f"form {form}", limit=settings.FORMS_PER_FORM, now=now)


def count_challenge(*, network: str, now: datetime) -> None:
    """Count a proof-of-work challenge that was asked for; raises TooMany."""
    _CHALLENGES.hit(network, limit=settings.FORMS_PER_NETWORK, now=now)


def forget_counts() -> None:
    """Begin again, as a new process does."""
    _POSTS.clear()
    _CHALLENGES.clear()


class Pace(Enum):
    UNKNOWN = "unknown"
    TOO_QUICK = "too_quick"
    HUMAN = "human"


@dataclass(frozen=True)
class Started:
    """When a page was shown, as the page itself says: it stops the simplest machines only."""

    text: str

    @classmethod
    def at(cls, now: datetime) -> "Started":
        return cls(str(int(now.timestamp())))

    def pace(self, *, seconds: int, now: datetime) -> Pace:
        if not (self.text.isascii() and self.text.isdigit() and len(self.text) <= 12):
            return Pace.UNKNOWN
        elapsed = now.timestamp() - int(self.text)
        if elapsed < -60:  # a clock that runs ahead of ours by more than this is made up
            return Pace.UNKNOWN
        return Pace.TOO_QUICK if elapsed < seconds else Pace.HUMAN
