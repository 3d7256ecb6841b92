"""A message that came back as parts and words, whatever its sender did to it.

Everything here is somebody else's: sizes, depths and counts are bounded before the standard
library meets them, and every failure has one name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

# The first part of a message says what it is; what it returns of ours is behind it.
LARGEST = 256 * 1024
DEEPEST, MOST_PARTS = 12, 60
# A level of nesting needs a header of its own. The parser recurses once per level.
_MOST_TYPES = 150
_LONGEST_TEXT = 16_000
_TYPES = re.compile(rb"(?im)^content-type:")
_TAGS = re.compile(
    r"<(?:style|script)\b[^>]{0,500}>.{0,20000}?</(?:style|script)>|<[^>]{0,2000}>",
    re.IGNORECASE | re.DOTALL,
)
_LINES = re.compile(r"<(?:br|hr|/p|/div|/tr|/li|/h\d)\b[^>]{0,500}>", re.IGNORECASE)
_QUOTATION = re.compile(r"<blockquote\b[^>]{0,500}>", re.IGNORECASE)


class NotReadable(ValueError):
    """This is no message that can be read: too large, too deep, or made to break its reader."""


@dataclass(frozen=True, repr=False)
class Letter:
    """A message, flattened: its own headers, its parts in order, the words of its text."""

    message: Message
    parts: list[Message]
    text: str

    def header(self, name: str) -> str:
        return decoded(self.message.get(name))

    def part(self, content_type: str) -> Message | None:
        return next((part for part in self.parts if part.get_content_type() == content_type), None)


def read(raw: bytes) -> Letter:
    """Read a message. Raises NotReadable, and nothing else."""
    if len(raw) > LARGEST:
        raise NotReadable("too large")
    if len(_TYPES.findall(raw)) > _MOST_TYPES:
        raise NotReadable("too many parts")
    try:
        message = BytesParser(policy=compat32).parsebytes(raw)
        parts = list(_walk(message, 0))[:MOST_PARTS]
        return Letter(message, parts, _words(parts))
    except NotReadable:
        raise
    except (
        MessageError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        RecursionError,
        NotImplementedError,
    ) as error:
        # The library's own ways to fail on what is no mail. Their texts quote the message.
        raise NotReadable(type(error).__name__) from None


def _walk(message: Message, depth: int) -> Iterator[Message]:
    if depth > DEEPEST:
        raise NotReadable("too deep")
    yield message
    payload = message.get_payload()
    if isinstance(payload, list) and message.get_content_type() != "message/delivery-status":
        for part in payload[:MOST_PARTS]:
            if isinstance(part, Message):
                yield from _walk(part, depth + 1)


def _words(parts: list[Message]) -> str:
    """The text of a message: of its plain parts, or of its pages where it has no plain one.

    Not what it returns of ours: a message/rfc822 and all that is in it.
    """
    own = list(_own(parts))
    plain = [part for part in own if part.get_content_type() == "text/plain"]
    pages = [part for part in own if part.get_content_type() == "text/html"]
    texts = [text_of(part) for part in plain]
    if not any(text.strip() for text in texts):
        texts = [_of_a_page(text_of(part)) for part in pages]
    return "\n".join(texts)[:_LONGEST_TEXT]


def _of_a_page(page: str) -> str:
    """The words of a page in its lines, a quotation marked as one: else an answer written as a
    page would say all that it quotes."""
    lines = _LINES.sub("\n", _QUOTATION.sub("\n> ", re.sub(r"\s+", " ", page)))
    return "\n".join(re.sub(r"\s+", " ", line) for line in _TAGS.sub(" ", lines).split("\n"))


def _own(parts: list[Message]) -> Iterator[Message]:
    returned: set[int] = set()
    for part in parts:
        if id(part) in returned:
            continue
        if part.get_content_type() == "message/rfc822":
            returned |= {id(each) for each in part.walk()}
        elif part.get_content_disposition() != "attachment":
            yield part


def text_of(part: Message) -> str:
    """Return the words of one part; what its charset cannot read becomes a question mark."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = str(part.get_content_charset() or "utf-8")
    try:
        text = payload[: 4 * _LONGEST_TEXT].decode(charset, "replace")
    except (LookupError, ValueError):
        text = payload[: 4 * _LONGEST_TEXT].decode("utf-8", "replace")
    return text[:_LONGEST_TEXT]


def decoded(value: object) -> str:
    """Return the words of a header; an encoding that breaks leaves it as it was."""
    text = str(value or "")[:2_000]
    try:
        pieces = decode_header(text)
        return "".join(_piece(piece, charset) for piece, charset in pieces).strip()
    except (MessageError, ValueError, LookupError):
        return text


def _piece(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    return piece.decode(charset or "latin-1", "replace")


def fields_of(part: Message) -> list[dict[str, str]]:
    """Return the blocks of fields of a report part, names in lower case.

    A report whose part was encoded is read all the same, and so is one that the parser took for
    text: some servers write it in base64, which RFC 3464 does not allow.
    """
    payload = part.get_payload()
    blocks = (
        [block for block in payload if isinstance(block, Message)]
        if isinstance(payload, list)
        else []
    )
    found = [{name.lower(): decoded(value) for name, value in block.items()} for block in blocks]
    if any(found):
        return [block for block in found if block]
    text = text_of(part)
    if not text and blocks:
        text = text_of(_as_text(part, blocks))
    return [_fields(block) for block in re.split(r"\r?\n\s*\r?\n", text) if block.strip()]


def _as_text(part: Message, blocks: list[Message]) -> Message:
    """The part again, its body as it stood: for a body that is encoded and should not be."""
    whole = Message()
    whole["Content-Transfer-Encoding"] = str(part.get("Content-Transfer-Encoding", "7bit"))
    whole.set_payload("\n".join(str(block.get_payload() or "") for block in blocks))
    return whole


def _fields(block: str) -> dict[str, str]:
    unfolded = re.sub(r"\r?\n[ \t]+", " ", block)
    pairs = (line.split(":", 1) for line in unfolded.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}
