"""A mailbox that mail comes back to, emptied over IMAP: for who has no mail server to hand it on.

What is still in the mailbox has not been kept for sure: a message is removed only after it is
sealed and on disk. So there is nothing to remember between two visits, no UID and no UIDVALIDITY,
and a visit that breaks off goes on where it was. A message that was kept and not removed yet is
the same message the next time.
"""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from imapclient import DELETED, IMAPClient
from imapclient.exceptions import IMAPClientError

from campaigns.returns.addresses import recipients_named
from campaigns.returns.mail import take_mail
from campaigns.returns.reading import LARGEST
from privacy.services import IntakeClosed

logger = logging.getLogger("campaigns.returns")
_TIMEOUT_SECONDS = 30
_BATCH = 50


class BadMailbox(ValueError):
    """ACCORD_RETURNS_IMAP must be imaps://user:password@host/INBOX, or ...?done=Folder."""


class MailboxClosed(Exception):
    """The mailbox cannot be read now: no connection, a wrong password, or no such folder."""


@dataclass(frozen=True)
class Mailbox:
    """A mailbox over TLS. `done` is a folder to move to; without one a message is deleted."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    done: str = ""
    ca_file: str = ""

    @classmethod
    def parse(cls, url: str) -> "Mailbox":
        """Raises BadMailbox. Never repeats the URL, which holds the password."""
        try:
            parts = urlsplit(url)
            port = parts.port or 993
        except ValueError:
            raise BadMailbox(BadMailbox.__doc__) from None
        if parts.scheme != "imaps" or not (parts.hostname and parts.username and parts.password):
            raise BadMailbox(BadMailbox.__doc__)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return cls(
            parts.hostname,
            port,
            unquote(parts.username),
            unquote(parts.password),
            unquote(parts.path.strip("/")) or "INBOX",
            options.get("done", ""),
            options.get("ca", ""),
        )


def empty(mailbox: Mailbox, *, most: int = 1_000) -> int:
    """Take in what is in the mailbox, oldest first; return how many messages.

    Raises MailboxClosed, and IntakeClosed when a message could not be kept: it stays there.
    """
    taken = 0
    try:
        with _opened(mailbox) as client:
            waiting = sorted(client.search("UNDELETED"))[:most]
            for at in range(0, len(waiting), _BATCH):
                for number in waiting[at : at + _BATCH]:
                    taken += _take_one(client, number, mailbox)
    except (IMAPClientError, OSError, ssl.SSLError) as error:
        # Servers quote in their errors what they were sent.
        raise MailboxClosed(type(error).__name__) from None
    return taken


@contextmanager
def _opened(mailbox: Mailbox) -> Iterator[IMAPClient]:
    context = ssl.create_default_context(cafile=mailbox.ca_file or None)
    client = IMAPClient(
        mailbox.host, port=mailbox.port, ssl_context=context, timeout=_TIMEOUT_SECONDS
    )
    try:
        client.login(mailbox.username, mailbox.password)
        client.select_folder(mailbox.folder)
        yield client
    finally:
        client.shutdown()


def _take_one(client: IMAPClient, number: int, mailbox: Mailbox) -> int:
    """Keep one message, then remove it: never the other way round."""
    found = client.fetch([number], [f"BODY.PEEK[]<0.{LARGEST}>"]).get(number)
    if found is None:  # somebody else has removed it
        return 0
    content = next(value for name, value in found.items() if name.startswith(b"BODY[]"))
    take_mail(content=content, recipients=recipients_named(content), now=datetime.now(UTC))
    if mailbox.done:
        client.move([number], mailbox.done)
    else:
        client.add_flags([number], [DELETED], silent=True)
        client.uid_expunge([number])
    return 1


def visit(mailbox: Mailbox) -> None:
    """Empty the mailbox once; what goes wrong is in the log, and the next visit tries again."""
    try:
        empty(mailbox)
    except (MailboxClosed, IntakeClosed) as problem:
        logger.error("the mailbox could not be emptied: %s", type(problem).__name__)
