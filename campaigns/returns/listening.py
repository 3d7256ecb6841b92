"""The door for mail that comes back: LMTP (RFC 2033), on this machine only.

The mail server in front takes mail from the world and hands ours on. It keeps a message until we
answer 250, and we answer 250 once the message is sealed and on disk: a database that is away is
451, and nothing is lost while we are not there.
"""

import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from campaigns.returns.addresses import is_ours
from campaigns.returns.mail import take_mail
from privacy.services import IntakeClosed, TooLarge

logger = logging.getLogger("campaigns.returns")

# Taken and cut rather than refused: what is refused is lost.
LARGEST_BYTES = 32 * 1024 * 1024
CONNECTIONS_MOST = 20
IDLE_SECONDS = 120.0
_WRITERS = 4


class BadListen(ValueError):
    """ACCORD_RETURNS_LISTEN must be 127.0.0.1:8024, [::1]:8024 or unix:/a/path."""


@dataclass(frozen=True)
class Listen:
    """Where mail is taken: a port of the loopback interface, or a socket in the file system."""

    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> "Listen":
        """Raises BadListen: mail that comes back is full of addresses, and LMTP is in clear."""
        if text.startswith("unix:/"):
            return cls(path=text.removeprefix("unix:"))
        host, _colon, port = text.rpartition(":")
        host = "127.0.0.1" if host == "localhost" else host.strip("[]")
        try:
            if ip_address(host).is_loopback and 0 <= int(port) <= 65535:
                return cls(host, int(port))
        except ValueError:
            pass
        raise BadListen(BadListen.__doc__)


class Door(LMTP):
    """One session. Lines may be long: programs that return mail do not wrap it."""

    line_length_limit = 1024 * 1024

    def __init__(self, handler: "Handler") -> None:
        super().__init__(
            handler,
            data_size_limit=LARGEST_BYTES,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="Accord",
            timeout=IDLE_SECONDS,
        )


class Handler:
    """What is answered at each step."""

    def __init__(self) -> None:
        # Threads of our own: each keeps its connection to the database.
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="returns")

    async def handle_RCPT(
        self, server: LMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not is_ours(address):
            return "550 5.1.1 Nothing comes back to this address."
        # After the dot LMTP wants an answer for each recipient; with one there is one.
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time."
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:
        take = partial(
            take_mail,
            content=bytes(envelope.original_content or b""),
            recipients=list(envelope.rcpt_tos),
            now=datetime.now(UTC),
        )
        try:
            await asyncio.get_running_loop().run_in_executor(self._writers, take)
        except (IntakeClosed, TooLarge):
            logger.error(
                "a message that came back could not be kept: it stays with the mail server"
            )
            return "451 4.3.0 It cannot be kept now. Try again later."
        return "250 2.0.0 Kept"

    async def handle_exception(self, error: Exception) -> str:
        # Its text may quote the message. The mail server keeps the message and tries again.
        logger.error("a message that came back was not taken: %s", type(error).__name__)
        return "451 4.3.0 It cannot be taken now. Try again later."


class Doorman:
    """Opens a session for each connection, up to so many at once."""

    def __init__(self) -> None:
        self.handler = Handler()
        self._open: set[Door] = set()

    def __call__(self) -> asyncio.Protocol:
        if len(self._open) >= CONNECTIONS_MOST:
            return _Full()
        door = _Counted(self.handler, self._open)
        self._open.add(door)
        return door


class _Counted(Door):
    def __init__(self, handler: Handler, among: set[Any]) -> None:
        super().__init__(handler)
        self._among = among

    def connection_lost(self, error: Exception | None) -> None:
        self._among.discard(self)
        super().connection_lost(error)


class _Full(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(b"421 4.3.2 Too many connections\r\n")
        transport.close()


async def serve(listen: Listen, *, ending: asyncio.Event, ready: asyncio.Event) -> None:
    """Take mail until `ending`. Raises OSError when the place is taken."""
    loop = asyncio.get_running_loop()
    doorman = Doorman()
    if listen.path:
        path = Path(listen.path)
        with suppress(FileNotFoundError):
            path.unlink()
        server = await loop.create_unix_server(doorman, path=listen.path)
        path.chmod(0o660)  # the mail server's group; the folder says who that is
    else:
        server = await loop.create_server(doorman, host=listen.host, port=listen.port)
    async with server:
        ready.set()
        await ending.wait()


def end_on_signals(ending: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, ending.set)
