"""The staff side of the socket: asks, and says plainly when there is no answer."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from crm.search import protocol
from crm.search.protocol import Message
from crm.search.where import NotOurFolder, check_folder, socket_path

# More than a search may take; a person who waits longer has gone elsewhere.
PATIENCE_SECONDS = 3.0
# A page that only says how the search is does not wait for it.
STATUS_SECONDS = 0.5


class SearchDown(Exception):
    """The search process does not answer; `since` is its last sign of life, if it left one."""

    def __init__(self, since: datetime | None) -> None:
        super().__init__(SearchDown.__doc__)
        self.since = since


class NotASearch(ValueError):
    """The text is too short or too long to be searched for."""


@dataclass(frozen=True)
class SearchStatus:
    """How the process is; see `status_of` of the process for what each says."""

    is_loaded: bool
    loaded: int
    about: int
    started_at: datetime
    behind_since: datetime | None
    unreadable: int
    is_locked: bool
    resident: int
    held: int


@dataclass(frozen=True)
class Match:
    """One who was found, and how well: 0 is best."""

    contact_id: UUID
    rank: int

    @property
    def place(self) -> str:
        """The place behind this one, for the next page: an id, and nothing that was typed."""
        return f"{self.rank}-{self.contact_id.hex}"


@dataclass(frozen=True)
class Answer:
    """Who was found, best first; whether there are more, and whether time ran out before the end.

    What was not seen before time ran out may have held a better match.
    """

    matches: Sequence[Match]
    has_more: bool
    is_cut: bool
    status: SearchStatus


def find_contacts(*, text: str, limit: int = 50, after: str = "") -> Answer:
    """Return the contacts in whose name, company, address or number every word occurs.

    Restricted and erased people are not among them. Raises SearchDown and NotASearch.
    """
    request = {"verb": "find", "text": text, "limit": limit, "after": _read_place(after)}
    answer = _ask(request, patience=PATIENCE_SECONDS)
    if answer.get("error") in {"too_short", "too_long", "malformed"}:
        raise NotASearch(NotASearch.__doc__)
    try:
        return Answer(
            [Match(UUID(hex=number), int(rank)) for number, rank in answer["found"]],
            answer["following"] is not None,
            bool(answer["is_cut"]),
            _status(answer["status"]),
        )
    except (KeyError, TypeError, ValueError):
        raise SearchDown(_last_sign()) from None


def search_status() -> SearchStatus:
    """Return how the search process is; raises SearchDown."""
    answer = _ask({"verb": "status"}, patience=STATUS_SECONDS)
    try:
        return _status(answer["status"])
    except (KeyError, TypeError, ValueError):
        raise SearchDown(_last_sign()) from None


def _ask(request: Message, *, patience: float) -> Message:
    path = socket_path()
    try:
        check_folder(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(patience)
            connection.connect(str(path))
            protocol.send(connection, request)
            return protocol.receive(connection, most=protocol.ANSWER_MAX)
    except (OSError, NotOurFolder, protocol.Closed, protocol.Malformed):
        raise SearchDown(_last_sign()) from None


def _last_sign() -> datetime | None:
    try:
        return datetime.fromtimestamp(socket_path().stat().st_mtime, UTC)
    except OSError:
        return None


def _read_place(text: str) -> list[object] | None:
    rank, _, number = text.partition("-")
    return [int(rank), number] if rank.isdecimal() and number else None


def _status(said: Message) -> SearchStatus:
    return SearchStatus(
        is_loaded=said["is_loaded"],
        loaded=said["loaded"],
        about=said["about"],
        started_at=datetime.fromisoformat(said["started_at"]),
        behind_since=datetime.fromisoformat(said["behind_since"]) if said["behind_since"] else None,
        unreadable=said["unreadable"],
        is_locked=said["is_locked"],
        resident=said["resident"],
        held=said["held"],
    )
