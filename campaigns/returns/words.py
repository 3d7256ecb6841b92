"""The words of what a person has to look at: short, as text, sealed, and never for long."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from campaigns.returns.reading import NotReadable, read

KEPT_FOR = timedelta(days=30)
_LONGEST_TEXT, _LONGEST_LINE = 4_000, 300


@dataclass(frozen=True, repr=False)
class Words:
    """What is shown of a message: no page, no picture, no attachment, nothing to follow."""

    sender: str = ""
    subject: str = ""
    text: str = ""

    def document(self) -> dict[str, Any]:
        return asdict(self)


def of_mail(content: bytes) -> Words:
    """Return the words of a message. Raises NotReadable."""
    letter = read(content)
    return Words(
        letter.header("From")[:_LONGEST_LINE],
        letter.header("Subject")[:_LONGEST_LINE],
        _printable(letter.text),
    )


def of_bytes(content: bytes) -> Words:
    """Return the beginning of what is no message, as far as it can be printed."""
    return Words(text=_printable(content[: 2 * _LONGEST_TEXT].decode("utf-8", "replace")))


def of_event(text: str) -> Words:
    return Words(text=_printable(text))


def _printable(text: str) -> str:
    kept = "".join(c for c in text if c.isprintable() or c in "\n\t")
    return kept[:_LONGEST_TEXT].strip()


__all__ = ["KEPT_FOR", "NotReadable", "Words", "of_bytes", "of_event", "of_mail"]
