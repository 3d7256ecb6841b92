"""Text as it is compared: without case, without accents of Latin and Greek, on one line."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

# Letters that Unicode does not decompose, and the signs that keyboards replace.
_LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i"}
    | dict.fromkeys("’‘ʼ´`", "'")
    | dict.fromkeys("‐‑‒–—―−", "-")
)
# Accents that stand behind a Latin or Greek letter.
_MARKS = re.compile("(?<=[\0-\u02ff\u0370-\u03ff])[\u0300-\u036f]+")
_NUMBER = re.compile(r"\+?[0-9][0-9 ./()-]*")
FIELD, RECORD = "\x1f", "\n"
WORDS_MAX, WORD_LENGTH, FIELD_LENGTH = 8, 128, 320
# Fewer would find nearly everybody.
SHORTEST = 2


def fold(text: str) -> str:
    """Return the text as it is compared; folding twice changes nothing that folding once left.

    Marks are dropped after Latin and Greek letters alone: in other scripts they are letters'
    parts (a Cyrillic short i is no i, a Japanese ga is no ka).
    """
    if text.isascii():
        return " ".join(text.lower().split())
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    lowered = plain.casefold().translate(_LETTERS)
    return " ".join(unicodedata.normalize("NFC", lowered).split())


def digits(text: str) -> str:
    """Return the digits of a number without what dialling adds: 00 or 0 in front, (0) within."""
    return re.sub(r"[^0-9]", "", text.replace("(0)", "")).lstrip("0")


def words_of(text: str) -> list[str]:
    """Return the words that must all occur, the longest first; none for a text of no use.

    A telephone number is one word however it is grouped.
    """
    folded = fold(text)
    if _NUMBER.fullmatch(folded) and len(digits(folded)) >= 4:
        return [digits(folded)[:WORD_LENGTH]]
    numbers = {word: digits(word) for word in folded.split() if re.fullmatch("[0-9]+", word)}
    words = {numbers.get(word, word) for word in folded.split()} - {""}
    if sum(map(len, words)) < SHORTEST:
        return []
    return sorted((word[:WORD_LENGTH] for word in words), key=lambda w: (-len(w), w))[:WORDS_MAX]


def record_of(document: Mapping[str, Any]) -> bytes:
    """Return what is held of one profile, from RECORD to the next: folded fields, or nothing."""
    name = f"{document.get('given_name', '')} {document.get('family_name', '')}"
    fields = [name, document.get("company", ""), document.get("email", "")]
    fields += [document.get("email_as_typed", ""), *document.get("other_emails", ())]
    folded = [fold(str(field)[:FIELD_LENGTH]) for field in fields]
    folded.append(digits(str(document.get("phone", ""))))
    once = dict.fromkeys(field for field in folded if field)
    return (RECORD + FIELD.join(once)).encode("utf-8", "replace")
