"""The way of an event to the outside: whoever can publish registers here.

A publisher writes what is to leave into a table of its own, in the caller's transaction, and hands
it over later: an event is published exactly when the step that asked for it is done.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID


class NotConfigured(Exception):
    """Nothing here can publish an event to another system."""


class Publisher(Protocol):
    def __call__(self, *, kind: str, subjects: Mapping[UUID, UUID], at: datetime) -> None:
        """Write one event for each, event id -> contact. Inside the caller's transaction."""
        ...


_PUBLISHERS: list[Publisher] = []


def register_publisher(publisher: Publisher) -> None:
    """Publish the events of sequences by this from now on; another one replaces it."""
    _PUBLISHERS[:] = [publisher]


def can_publish() -> bool:
    return bool(_PUBLISHERS)


def publish(*, kind: str, subjects: Mapping[UUID, UUID], at: datetime) -> None:
    """Publish events of one name, event id -> contact. Raises NotConfigured."""
    if not _PUBLISHERS:
        raise NotConfigured(NotConfigured.__doc__)
    _PUBLISHERS[0](kind=kind, subjects=subjects, at=at)
