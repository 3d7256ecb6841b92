"""Who stands at the command line: accounts belong to a floor above, which says so."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

# Login name, password, one-time code, and the time.
Recognise = Callable[[str, str, str, datetime], UUID]
_RECOGNISE: list[Recognise] = []


class NotRecognised(Exception):
    """No account of that name may do this, or the password or the one-time code is not right."""


def register_officers(recognise: Recognise) -> None:
    """Say how login name, password and one-time code become an id; it raises NotRecognised."""
    _RECOGNISE[:] = [recognise]


def recognised(*, login: str, password: str, code: str, now: datetime) -> UUID:
    """Return the id of who gave all three. Raises NotRecognised. A code works once."""
    if not _RECOGNISE:
        raise NotRecognised(NotRecognised.__doc__)
    return _RECOGNISE[0](login, password, code, now)
