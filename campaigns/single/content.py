"""What one message says, and how it becomes mail. Sealed in the vault until the worker sends it."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from django.conf import settings
from django.utils.html import urlize

from campaigns.content.merge import Segments
from campaigns.delivery.signing import signer
from campaigns.smtp.headers import message_id_line
from campaigns.smtp.message import MessageFrame, Sender

SUBJECT_MAX, TEXT_MAX = 200, 20_000
# RFC 5322 3.6.4 puts no end to a thread; a header of thousands of characters helps no program.
THREAD_MAX = 20


class NotSendable(ValueError):
    """This message can never be sent; the argument is a word for why, never its text."""


@dataclass(frozen=True, repr=False, kw_only=True)
class SingleContent:
    """The words of one message, whole: nothing is filled in any more. It has no repr.

    Without `html` the mail's own is made of the text. `thread` are Message-IDs of what it follows,
    oldest first. `reply_to` is empty for the address of the team.
    """

    subject: str
    text: str
    html: str = ""
    sender_name: str = ""
    reply_to: str = ""
    thread: tuple[str, ...] = field(default=())
    # Made by a machine: it says so, and no responder answers it (RFC 3834).
    is_automatic: bool = False

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "thread": list(self.thread)}

    @classmethod
    def of(cls, document: dict[str, Any]) -> "SingleContent":
        return cls(**{**document, "thread": tuple(document.get("thread", ()))})

    def check(self) -> None:
        """Raise NotSendable (empty, too_long, lines) or UnsafeHeader, before anything is kept."""
        if not self.subject.strip() or not self.text.strip():
            raise NotSendable("empty")
        if len(self.subject) > SUBJECT_MAX or len(self.text) > TEXT_MAX:
            raise NotSendable("too_long")
        if "\n" in self.subject or "\r" in self.subject:
            raise NotSendable("lines")
        for each in self.thread:
            message_id_line(each)
        frame_of(self, language="en")


def html_of(text: str, *, language: str) -> str:
    """The text as a mail of its own: paragraphs and links, no picture, nothing that is fetched."""
    paragraphs = [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    body = "".join(
        f"<p>{urlize(part.strip(), autoescape=True).replace(chr(10), '<br>')}</p>"
        for part in paragraphs
    )
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8"></head>'
        f'<body style="font-family:sans-serif;font-size:16px;line-height:1.5">{body}</body></html>'
    )


def frame_of(content: SingleContent, *, language: str) -> MessageFrame:
    """The mail of one message. Raises UnsafeHeader and BadAddress."""
    html = content.html or html_of(content.text, language=language)
    return MessageFrame.compile(
        sender=Sender(
            name=content.sender_name or settings.SENDER_NAME,
            address=settings.SENDER_ADDRESS,
            reply_to=content.reply_to or settings.REPLY_ADDRESS,
            thread=content.thread[-THREAD_MAX:],
        ),
        subject=Segments([content.subject], []),
        html=Segments([html], []),
        text=Segments([content.text], []),
        language=language,
        kind="letter" if content.is_automatic else "personal",
        signer=signer(settings.SENDER_ADDRESS),
    )


def mail_of(
    content: SingleContent,
    *,
    language: str,
    to_address: str,
    to_name: str,
    message_id: str,
    date: datetime,
    unsubscribe_url: str = "",
) -> bytes:
    """One message as bytes. Raises UnsafeHeader and BadAddress."""
    return frame_of(content, language=language).render(
        {},
        to_address=to_address,
        to_name=to_name,
        message_id=message_id,
        date=date,
        unsubscribe_url=unsubscribe_url,
    )
