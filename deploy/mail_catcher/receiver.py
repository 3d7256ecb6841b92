"""The SMTP side: accepts whatever it is handed, as a relay that is never full."""

import logging
from datetime import UTC, datetime

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.mail_catcher.mailbox import Mailbox

LARGEST_BYTES = 10 * 1024 * 1024

logger = logging.getLogger(__name__)


class Receiver:
    """aiosmtpd's handler: keeps each mail before it says 250."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_EHLO(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        # aiosmtpd reads commands from a stream one after another, which is all RFC 2920 asks of
        # a server; it only does not say so.
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        try:
            self._mailbox.keep(
                raw,
                sender=envelope.mail_from or "",
                recipients=list(envelope.rcpt_tos),
                now=datetime.now(UTC),
            )
        except OSError as error:
            logger.error("A mail could not be kept: %s", error.strerror)
            return "451 4.3.0 The catcher cannot write"
        return "250 2.0.0 kept"


def controller(mailbox: Mailbox, *, port: int) -> Controller:
    """Return the server, not started yet, on 127.0.0.1."""
    return Controller(
        Receiver(mailbox),
        hostname="127.0.0.1",
        port=port,
        enable_SMTPUTF8=True,
        data_size_limit=LARGEST_BYTES,
        ready_timeout=10.0,
    )
