"""Answers over a Unix socket. A bad request gets an error, a crowd is told to come back."""

import logging
import os
import shutil
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from crm.search import protocol
from crm.search.folding import words_of
from crm.search.index import EXACT, WITHIN, Cursor, Index
from crm.search.protocol import Message
from crm.search.where import check_folder

logger = logging.getLogger("crm.search")

CLIENTS_MAX = 32
# How long a client may take to ask, and to take its answer.
CLIENT_SECONDS = 5.0
# What one search may take before it answers with what it has.
SEARCH_SECONDS = 0.5
ALIVE_SECONDS = 2.0
Status = Callable[[], Message]


class Refused(Exception):
    """A request that cannot be answered; the argument is one of protocol.ERRORS."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The socket, below a folder of our own; a thread for each client, a bounded number of them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, path: Path, *, index: Index, status: Status) -> None:
        self.index, self.status, self.path = index, status, path
        self.places = threading.Semaphore(CLIENTS_MAX)
        self._touched_at = 0.0
        _make_folder(path)
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Conversation)

    def server_bind(self) -> None:
        before = os.umask(0o177)  # never there with wider rights, not for an instant
        try:
            super().server_bind()
        finally:
            os.umask(before)
        if settings.SEARCH_GROUP:
            shutil.chown(self.path, group=settings.SEARCH_GROUP)
            self.path.chmod(0o660)

    def service_actions(self) -> None:
        """Leave a sign of life: when the process is gone, the socket's date says since when."""
        now = time.monotonic()
        if now - self._touched_at > ALIVE_SECONDS:
            os.utime(self.path)
            self._touched_at = now

    def handle_error(self, request: object, client_address: object) -> None:
        # Neither its text nor its traceback: they may quote what was typed.
        logger.error("search: a conversation failed (%s)", type(sys.exception()).__name__)


class _Conversation(socketserver.BaseRequestHandler):
    server: Server
    request: socket.socket

    def handle(self) -> None:
        self.request.settimeout(CLIENT_SECONDS)
        if not self.server.places.acquire(blocking=False):
            protocol.send(self.request, {"error": "busy"})
            return
        try:
            while True:
                self._answer_one()
        except (protocol.Closed, TimeoutError, ConnectionError):
            return
        except protocol.Malformed:
            # Where the next message would begin is not known: that was the last word.
            protocol.send(self.request, {"error": "malformed"})
        finally:
            self.server.places.release()

    def _answer_one(self) -> None:
        request = protocol.receive(self.request, most=protocol.REQUEST_MAX)
        try:
            answer = answer_to(request, index=self.server.index, status=self.server.status)
        except Refused as refusal:
            answer = {"error": str(refusal)}
        protocol.send(self.request, answer)


def answer_to(request: Message, *, index: Index, status: Status) -> Message:
    """Return the answer to a request. Raises Refused."""
    if request.get("v") != protocol.VERSION:
        raise Refused("version")
    if request.get("verb") == "status":
        return {"status": status()}
    if request.get("verb") != "find":
        raise Refused("verb")
    text, limit = request.get("text"), request.get("limit", protocol.LIMIT_MAX)
    if not isinstance(text, str) or type(limit) is not int:
        raise Refused("malformed")
    if len(text) > protocol.TEXT_MAX or not 1 <= limit <= protocol.LIMIT_MAX:
        raise Refused("too_long")
    words = [word.encode("utf-8", "replace") for word in words_of(text)]
    if not words:
        raise Refused("too_short")
    after = _cursor(request.get("after"))
    found = index.find(words, limit=limit, seconds=SEARCH_SECONDS, after=after)
    following = found.following
    return {
        "found": [[number.hex(), rank] for number, rank in found.results],
        "following": [following.rank, following.number.hex()] if following else None,
        "is_cut": found.is_cut,
        "status": status(),
    }


def _cursor(given: Any) -> Cursor | None:
    if given is None:
        return None
    try:
        rank, number = given[0], bytes.fromhex(given[1])
    except (TypeError, ValueError, LookupError):
        raise Refused("malformed") from None
    if type(rank) is not int or not EXACT <= rank <= WITHIN or len(number) != 16:
        raise Refused("malformed")
    return Cursor(rank, number)


def _make_folder(path: Path) -> None:
    mode = 0o710 if settings.SEARCH_GROUP else 0o700
    path.parent.mkdir(parents=True, exist_ok=True, mode=mode)
    check_folder(path)
    if settings.SEARCH_GROUP:
        shutil.chown(path.parent, group=settings.SEARCH_GROUP)
        path.parent.chmod(mode)
