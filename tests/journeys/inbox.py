"""A real SMTP server that keeps every message it has accepted, in order."""

import asyncio
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.embedded.postgres import free_port


class Inbox:
    """Accepts on a loopback port; `answer` may be replaced to misbehave."""

    def __init__(self) -> None:
        self.port = free_port()
        self.answer: Callable[[str], str] = lambda _recipient: "250 2.0.0 kept"
        self._kept: list[tuple[str, EmailMessage]] = []
        self._guard = threading.Lock()
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True
        )
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        # In a thread: an answer may ask the database, or take its time.
        reply = await asyncio.to_thread(self.answer, envelope.rcpt_tos[0])
        if reply.startswith("250"):
            content = envelope.content
            raw = content if isinstance(content, bytes) else (content or "").encode()
            message = message_from_bytes(raw, policy=policy.default)
            assert isinstance(message, EmailMessage)
            with self._guard:
                self._kept += [(address, message) for address in envelope.rcpt_tos]
        return reply

    def to(self, address: str) -> list[EmailMessage]:
        """Return what this address was sent, oldest first."""
        with self._guard:
            return [message for recipient, message in self._kept if recipient == address]

    def recipients(self) -> list[str]:
        with self._guard:
            return [recipient for recipient, _message in self._kept]
