"""Header lines as bytes: encoded (RFC 2047), folded, and never able to start another header."""

import base64
import re
from collections.abc import Sequence

from campaigns.smtp.addresses import BadAddress, has_controls, wire_address

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,200}@[A-Za-z0-9.-]{1,200}>")
_HTTP_URL = re.compile(r"https?://[\x21-\x3b\x3d\x3f-\x7e]{1,900}")
_SUBJECT = re.compile(r"[A-Za-z0-9_-]{0,300}")
# A "name" longer than this is not a name; a chain of encoded words would be a bomb.
_LONGEST_NAME = 160
_LONGEST_TEXT = 900
_LINE = 76


class UnsafeHeader(ValueError):
    """This text would break out of its header. The text itself is not repeated."""


def text_line(name: str, text: str) -> bytes:
    """An unstructured header such as Subject. Raises UnsafeHeader."""
    _refuse(text, _LONGEST_TEXT)
    if text.isascii() and "=?" not in text and text == text.strip():
        folded = _folded(name, text)
        if folded is not None:
            return folded
    return f"{name}: ".encode() + _encoded_words(text, first=_LINE - len(name) - 2) + b"\r\n"


def mailbox_line(name: str, display_name: str, address: str) -> bytes:
    """``To: "Display name" <local@domain>``. Raises UnsafeHeader or BadAddress."""
    _refuse(display_name, _LONGEST_NAME)
    mailbox = wire_address(address).encode()
    if not display_name:
        return b"%s: %s\r\n" % (name.encode(), mailbox)
    if not display_name.isascii() or "=?" in display_name:
        phrase = _encoded_words(display_name, first=_LINE - len(name) - 2)
    elif _ATOMS.fullmatch(display_name) and display_name == display_name.strip():
        phrase = display_name.encode()
    else:
        escaped = display_name.replace("\\", "\\\\").replace('"', '\\"')
        phrase = f'"{escaped}"'.encode()
    return b"%s: %s\r\n <%s>\r\n" % (name.encode(), phrase, mailbox)


def token_line(name: str, value: str) -> bytes:
    """A structured value that needs neither encoding nor folding. Raises UnsafeHeader."""
    _refuse(value, _LONGEST_TEXT)
    if not value.isascii():
        raise UnsafeHeader(f"{name} must be ASCII.")
    return f"{name}: {value}\r\n".encode()


def message_id_line(message_id: str) -> bytes:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise UnsafeHeader("Message-ID must look like <opaque@domain>.")
    return f"Message-ID: {message_id}\r\n".encode()


def thread_lines(thread: Sequence[str]) -> list[bytes]:
    """In-Reply-To and References, one Message-ID a line; nothing for what answers no mail."""
    if not thread:
        return []
    for each in thread:
        if not _MESSAGE_ID.fullmatch(each):
            raise UnsafeHeader("A thread is made of Message-IDs like <opaque@domain>.")
    references = "\r\n ".join(thread)
    return [
        f"In-Reply-To: {thread[-1]}\r\n".encode(),
        f"References: {references}\r\n".encode(),
    ]


def unsubscribe_lines(url: str, mailto: str = "") -> bytes:
    """RFC 8058: the https address is the one a mail service posts to. Raises UnsafeHeader.

    `mailto` may end with a subject: local@domain?subject=word.
    """
    if not _HTTP_URL.fullmatch(url):
        raise UnsafeHeader("List-Unsubscribe needs an http(s) address in ASCII.")
    ways = f"<{url}>"
    if mailto:
        address, question, subject = mailto.partition("?subject=")
        if not _SUBJECT.fullmatch(subject):
            raise UnsafeHeader("The subject of a mailto is a word of letters, digits, - and _.")
        ways += f",\r\n <mailto:{wire_address(address)}{question}{subject}>"
    return (
        f"List-Unsubscribe: {ways}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    ).encode()


def _refuse(text: str, longest: int) -> None:
    if has_controls(text):
        raise UnsafeHeader("A header value holds a line break or another control character.")
    if len(text) > longest:
        raise UnsafeHeader(f"A header value is longer than {longest} characters.")


def _folded(name: str, text: str) -> bytes | None:
    """ASCII text folded at its spaces, or None if a word or a run of spaces prevents it."""
    if len(name) + 2 + len(text) <= _LINE:
        return f"{name}: {text}\r\n".encode()
    if "  " in text:
        return None
    lines, line = [], f"{name}:"
    for word in text.split(" "):
        if len(line) + 1 + len(word) > _LINE and line != f"{name}:":
            lines.append(line)
            line = ""
        if len(word) >= _LINE:
            return None
        line += f" {word}"
    return ("\r\n".join([*lines, line]) + "\r\n").encode()


def _encoded_words(text: str, *, first: int) -> bytes:
    """UTF-8 in base64, each word at most 75 characters and cut between characters."""
    words: list[bytes] = []
    chunk, room = b"", (min(first, 75) - 12) // 4 * 3
    for character in text:
        encoded = character.encode()
        if len(chunk) + len(encoded) > room:
            words.append(chunk)
            chunk, room = b"", 45
        chunk += encoded
    words.append(chunk)
    return b"\r\n ".join(b"=?utf-8?b?%s?=" % base64.b64encode(word) for word in words)


__all__ = [
    "BadAddress",
    "UnsafeHeader",
    "mailbox_line",
    "message_id_line",
    "text_line",
    "thread_lines",
    "token_line",
    "unsubscribe_lines",
]
