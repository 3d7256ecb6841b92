"""A relay that misbehaves by chance from a seed, and never forgets what it took."""

import asyncio
import random
import threading
import time
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.embedded.postgres import free_port
from tests.campaigns.smtp.relay import hang_up

# What it does with a message, and how often of a thousand; the rest is a plain yes.
_BEFORE = (("busy", 15), ("refuse", 20), ("defer", 40))
_AT_THE_DOT = (
    ("later", 40),
    ("hang_up_untaken", 20),
    ("hang_up_taken", 20),
    ("too_slow", 4),
)


@dataclass(frozen=True)
class Taken:
    message_id: str
    recipient: str
    at: float


class FaultyRelay:
    """`is_faulty` switches the misbehaviour; `pace_seconds` is how long a message takes."""

    def __init__(self, *, seed: str, pace_seconds: float, too_slow_seconds: float) -> None:
        self.port = free_port()
        self.is_faulty = True
        self.taken: list[Taken] = []
        # Message-IDs whose sender was left without an answer after the dot.
        self.doubtful: set[str] = set()
        self.refused: set[str] = set()
        self._seed, self._pace, self._too_slow = seed, pace_seconds, too_slow_seconds
        self._guard = threading.Lock()
        self._seen: dict[str, int] = {}
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def _chance(self, what: str, table: tuple[tuple[str, int], ...]) -> str:
        """The same for the same message and try, whatever the order they come in."""
        if not self.is_faulty:
            return ""
        with self._guard:
            self._seen[what] = self._seen.get(what, 0) + 1
            drawn = random.Random(f"{self._seed}:{what}:{self._seen[what]}").randrange(1000)
        for name, share in table:
            if drawn < share:
                return name
            drawn -= share
        return ""

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: Any
    ) -> Any:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        act = self._chance(f"rcpt {address}", _BEFORE)
        if act == "busy":
            return "421 4.3.2 busy"
        if act == "refuse":
            self.refused.add(address)
            return "550 5.2.1 mailbox disabled"
        if act == "defer":
            return "450 4.2.1 later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        name = str(message_from_bytes(content)["Message-ID"])
        await asyncio.sleep(self._pace)
        act = self._chance(f"dot {name}", _AT_THE_DOT)
        if act == "later":
            return "451 4.3.0 later"
        if act == "hang_up_untaken":
            self.doubtful.add(name)
            hang_up(server)
            return "421 never seen"
        # Written down before the answer: this is what the oracle believes.
        self.taken.append(Taken(name, envelope.rcpt_tos[0], time.time()))
        if act == "hang_up_taken":
            self.doubtful.add(name)
            hang_up(server)
        elif act == "too_slow":
            self.doubtful.add(name)
            await asyncio.sleep(self._too_slow)
        return "250 2.0.0 kept"
