"""The mails kept: one .eml file each, the newest 2,000; the index of them is in memory."""

import contextlib
import re
import secrets
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from pathlib import Path

LIMIT = 2000
_NAME = re.compile(r"[0-9]{20}-[0-9a-f]{8}")


class NoSuchMail(LookupError):
    """There is no such mail, or it was pruned."""


@dataclass(frozen=True)
class Summary:
    """What the list shows of a mail."""

    name: str
    received_at: datetime
    sender: str
    recipients: str
    subject: str

    @property
    def shown_at(self) -> str:
        """The moment on this machine's clock: a reader compares it with the wall."""
        return self.received_at.astimezone().strftime("%d %b %H:%M:%S")

    def matches(self, words: str) -> bool:
        """True if every word is in the recipient or the subject, whatever its case."""
        text = f"{self.recipients} {self.subject}".casefold()
        return all(word in text for word in words.casefold().split())


class Mailbox:
    """Mails in `folder`. Every method may be called from any thread."""

    def __init__(self, folder: Path, *, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._guard = threading.Lock()
        self._summaries: deque[Summary] = deque()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in sorted(folder.glob("*.eml")):
            if _NAME.fullmatch(path.stem):
                self._summaries.append(_summary(path.stem, path.read_bytes()))
        self._prune()

    def keep(self, raw: bytes, *, sender: str, recipients: list[str], now: datetime) -> str:
        """Keep a mail and return its name; the oldest beyond the limit go.

        Like any final delivery it begins with Return-Path (RFC 5321 4.4), and Delivered-To.
        """
        trace = [f"Return-Path: <{sender}>", *(f"Delivered-To: {one}" for one in recipients)]
        content = "".join(f"{line}\r\n" for line in trace).encode("utf-8", "replace") + raw
        microseconds = int(now.timestamp() * 1_000_000)
        name = f"{microseconds:020d}-{secrets.token_hex(4)}"
        summary = _summary(name, content)
        with self._guard:
            path = self._path(name)
            path.touch(mode=0o600)
            path.write_bytes(content)
            self._summaries.append(summary)
            self._prune()
        return name

    def _prune(self) -> None:
        while len(self._summaries) > self._limit:
            self._path(self._summaries.popleft().name).unlink(missing_ok=True)

    def search(self, words: str = "") -> list[Summary]:
        """Return the mails that match, newest first."""
        with self._guard:
            newest_first = list(reversed(self._summaries))
        return [summary for summary in newest_first if summary.matches(words)]

    def raw(self, name: str) -> bytes:
        """Return a mail as it was kept; raises NoSuchMail."""
        if not _NAME.fullmatch(name):
            raise NoSuchMail
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            raise NoSuchMail from None

    def message(self, name: str) -> EmailMessage:
        """Return a mail parsed; raises NoSuchMail."""
        return parse(self.raw(name))

    def delete_all(self) -> None:
        with self._guard:
            while self._summaries:
                with contextlib.suppress(FileNotFoundError):
                    self._path(self._summaries.popleft().name).unlink()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.eml"


def parse(raw: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(raw)


def header(message: EmailMessage, name: str) -> str:
    """Return a header as text, also one that the parser stumbles over."""
    try:
        return str(message.get(name, ""))
    except Exception:  # the standard parser raises almost anything on a hostile header
        return "(unreadable)"


def _summary(name: str, raw: bytes) -> Summary:
    message = BytesHeaderParser(policy=policy.default).parsebytes(raw)
    delivered = message.get_all("Delivered-To", [])
    return Summary(
        name=name,
        received_at=datetime.fromtimestamp(int(name[:20]) / 1_000_000, UTC),
        sender=header(message, "From"),
        recipients=", ".join(str(one) for one in delivered) or header(message, "To"),
        subject=header(message, "Subject"),
    )
