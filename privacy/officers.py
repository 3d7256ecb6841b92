"""Who stands at the command line: accounts belong to a floor above, which says so."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

Recognise = Callable[[str, str, datetime], UUID]
_RECOGNISE: list[Recognise] = []


class NotRecognised(Exception):
    """No account of that name may do this, or the one-time code is not the right one."""


def register_officers(recognise: Recognise) -> None:
    """Say how a login name and a one-time code become an id; it raises NotRecognised."""
    _RECOGNISE[:] = [recognise]


def recognised(*, login: str, code: str, now: datetime) -> UUID:
    """Return the id of who gave this name and code. Raises NotRecognised. A code works once."""
    if not _RECOGNISE:
        raise NotRecognised(NotRecognised.__doc__)
    return _RECOGNISE[0](login, code, now)
