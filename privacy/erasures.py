"""What the privacy journal says was erased: the proof that a missing key is no loss."""

from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from privacy.journal import JournalEvent, journal
from privacy.models import RetentionClass

Erased = tuple[UUID, RetentionClass]
ReadErasure = Callable[[JournalEvent], Iterable[Erased]]
_READERS: dict[str, ReadErasure] = {}


def register_erasure(kind: str, read: ReadErasure) -> None:
    """Say whose keys an event of `kind` did away with, or whose document it no longer needs."""
    _READERS[kind] = read


def erased_by_journal() -> Iterator[Erased]:
    """Yield what was erased, from the journal's first event on, one event in memory at a time.

    Raises JournalUnreachable or JournalBroken.
    """
    for event in journal().walk():
        if event.kind in _READERS:
            yield from _READERS[event.kind](event)
