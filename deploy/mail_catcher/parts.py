"""The readable parts of a mail, also of one that breaks the rules."""

import re
from email.message import EmailMessage, Message

_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_TARGET = '<base target="_blank">'


def html_of(message: EmailMessage) -> str | None:
    return _content(message, "html")


def text_of(message: EmailMessage) -> str | None:
    return _content(message, "plain")


def _content(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return None
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        return raw.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:  # a character set nobody knows
        return raw.decode("utf-8", "replace")


def is_attached(part: Message) -> bool:
    return part.get_filename() is not None


def opened_elsewhere(html: str) -> str:
    """Return the page with its links opening in a new tab: the frame itself may go nowhere."""
    if found := _HEAD.search(html):
        return html[: found.end()] + _TARGET + html[found.end() :]
    return _TARGET + html
