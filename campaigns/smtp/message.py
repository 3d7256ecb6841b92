"""A message as bytes (RFC 5322, MIME), the constant parts built once per campaign.

A body is quoted-printable, and a soft line break (``=`` CR LF) disappears when it is decoded. So
each literal between two merge fields is encoded once, each value on a line of its own, and a
person's message is a join of ready bytes: nothing is encoded twice and no line exceeds 76.
Seven-bit throughout, so no relay has a reason to rewrite it and break its DKIM signature.

``Precedence: bulk`` is written on newsletters: docs/decisions/2026-11-24-precedence-is-written.md.
"""

import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Literal, Protocol

from campaigns.content.conditions import Facets
from campaigns.content.merge import Segments
from campaigns.smtp.headers import (
    UnsafeHeader,
    mailbox_line,
    message_id_line,
    text_line,
    thread_lines,
    token_line,
    unsubscribe_lines,
)

# A personal message is written by somebody for one person: neither List-* nor Auto-Submitted.
Kind = Literal["newsletter", "letter", "personal"]
_SOFT_BREAK = b"=\r\n"
_LONGEST_LINE = 76  # RFC 2045 6.7


class Signer(Protocol):
    def sign(self, message: bytes) -> bytes:
        """The message with a signature header in front."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who a campaign is from, and the headers that hold for all its messages."""

    name: str
    address: str
    reply_to: str = ""
    # RFC 2919: "News of Example <news.example.fr>". Required for newsletters.
    list_id: str = ""
    # As the mail services want it: campaign:customer:kind:sender. Ids only, never a person.
    feedback_id: str = ""
    # RFC 9477: where complaints may be reported.
    complaint_address: str = ""
    # RFC 5322 3.6.4: Message-IDs of what this answers, oldest first.
    thread: tuple[str, ...] = ()


class _Part:
    """One MIME part: its literals encoded, its slots waiting."""

    def __init__(self, subtype: str, segments: Segments) -> None:
        self._segments = segments
        self._order = segments.order
        head = (
            f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        ).encode()
        texts = [_unix_lines(literal) for literal in segments.literals]
        last = len(texts) - 1
        # A soft break goes between a literal and a value, unless the literal begins or ends a
        # line there.
        pieces = [
            _continued(_quoted(text)) if at < last and not text.endswith("\n") else _quoted(text)
            for at, text in enumerate(texts)
        ]
        pieces[0] = head + pieces[0]
        self._pieces = [b""] * (2 * len(pieces) - 1)
        self._pieces[::2] = pieces

    def render(self, values: Mapping[str, str], facets: Facets | None) -> bytes:
        ready = [_quoted_value(value) for value in self._segments.escaped(values)]
        pieces = self._pieces.copy()
        pieces[1::2] = [ready[number] for number in self._order]
        kept = self._segments.kept(facets)
        if kept is None:
            return b"".join(pieces)
        # The first piece opens the part: it stands before any block.
        return b"".join([pieces[place] for place in kept])


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _quoted(text: str) -> bytes:
    return binascii.b2a_qp(text.encode(), istext=True).replace(b"\n", b"\r\n")


def _quoted_value(value: str) -> bytes:
    if value.isalnum() and value.isascii() and len(value) < 70:
        return value.encode() + _SOFT_BREAK
    if not value:
        return b""
    return _continued(_quoted(_unix_lines(value)))


def _continued(encoded: bytes) -> bytes:
    """Ends with a soft break; a last line that has no room for its "=" is broken once more."""
    last = encoded[encoded.rfind(b"\n") + 1 :]
    if len(last) < _LONGEST_LINE:
        return encoded + _SOFT_BREAK
    at = len(encoded) - 4
    while b"=" in encoded[at - 2 : at]:  # never inside an "=C3"
        at -= 1
    return encoded[:at] + _SOFT_BREAK + encoded[at:] + _SOFT_BREAK


class MessageFrame:
    """What all messages of a campaign share. Build with ``compile``, then ``render`` for each."""

    def __init__(
        self,
        *,
        top: bytes,
        subject: Segments,
        parts: list[_Part],
        kind: Kind,
        boundary: bytes,
        signer: Signer | None,
    ) -> None:
        self._top = top
        self._subject = subject
        self._fixed_subject = text_line("Subject", subject.literals[0])
        self._parts = parts
        self._kind = kind
        self._opening = b"--" + boundary + b"\r\n"
        self._next = b"\r\n--" + boundary + b"\r\n"
        self._closing = b"\r\n--" + boundary + b"--\r\n"
        self._signer = signer

    @classmethod
    def compile(
        cls,
        *,
        sender: Sender,
        subject: Segments,
        html: Segments,
        text: Segments,
        language: str,
        kind: Kind = "newsletter",
        signer: Signer | None = None,
    ) -> "MessageFrame":
        """Once per campaign. Raises UnsafeHeader or BadAddress for the sender's own texts."""
        if kind == "newsletter" and not sender.list_id:
            raise UnsafeHeader("A newsletter needs a List-Id.")
        # "=_" never occurs in quoted-printable, so no body can end the part.
        boundary = f"=_{secrets.token_hex(12)}"
        return cls(
            top=_constant_headers(sender, language, kind, boundary),
            subject=subject,
            parts=[_Part("plain", text), _Part("html", html)],
            kind=kind,
            boundary=boundary.encode(),
            signer=signer,
        )

    def render(
        self,
        values: Mapping[str, str],
        *,
        to_address: str,
        to_name: str,
        message_id: str,
        date: datetime,
        unsubscribe_url: str = "",
        unsubscribe_mailto: str = "",
        facets: Facets | None = None,
    ) -> bytes:
        """One person's message, ready for ``send_body``.

        Raises UnsafeHeader (a name with controls), BadAddress, MissingValue (a link without a
        value). ``unsubscribe_url`` is the one-click address of RFC 8058; newsletters need it.
        ``facets`` decide on conditional blocks; without them every block stands in the message.
        """
        headers = [
            mailbox_line("To", to_name, to_address),
            self._subject_line(values),
            b"Date: %s\r\n" % format_datetime(date).encode(),
            message_id_line(message_id),
        ]
        if unsubscribe_url or self._kind == "newsletter":
            headers.append(unsubscribe_lines(unsubscribe_url, unsubscribe_mailto))
        text, html = (part.render(values, facets) for part in self._parts)
        message = b"".join(
            [*headers, self._top, self._opening, text, self._next, html, self._closing]
        )
        return self._signer.sign(message) if self._signer else message

    def _subject_line(self, values: Mapping[str, str]) -> bytes:
        if not self._subject.order:
            return self._fixed_subject
        return text_line("Subject", self._subject.render(values).strip())


def _constant_headers(sender: Sender, language: str, kind: Kind, boundary: str) -> bytes:
    lines = [mailbox_line("From", sender.name, sender.address)]
    if sender.reply_to:
        lines.append(mailbox_line("Reply-To", "", sender.reply_to))
    if sender.list_id:
        lines.append(_list_id_line(sender.list_id))
    if sender.feedback_id:
        lines.append(token_line("Feedback-ID", sender.feedback_id))
    if sender.complaint_address:
        value = f"{sender.complaint_address}; report=arf"
        lines.append(token_line("CFBL-Address", value))
    lines += thread_lines(sender.thread)
    if kind == "letter":
        lines.append(token_line("Auto-Submitted", "auto-generated"))
    if kind == "newsletter":
        lines.append(token_line("Precedence", "bulk"))
    lines += [
        token_line("Content-Language", language),
        b"MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode(),
    ]
    return b"".join(lines)


def _list_id_line(list_id: str) -> bytes:
    """RFC 2919: an optional description, then the identifier in angle brackets."""
    description, opening, rest = list_id.rpartition("<")
    identifier = rest.rstrip(">").strip()
    if not opening or not identifier.isascii() or " " in identifier or "." not in identifier:
        raise UnsafeHeader("List-Id must look like: News of Example <news.example.fr>.")
    phrase = text_line("List-Id", description.strip()) if description.strip() else b"List-Id:\r\n"
    return phrase.rstrip(b"\r\n") + f"\r\n <{identifier}>\r\n".encode()
