"""What a leaked file still says of itself: the reference of its download, and two made-up people.

Every download has marks of its own, random and kept with it (docs/exports.md says what survives
what). The reference is in the first column of every row. Whoever takes that column away leaves two
people who do not exist, whose addresses end in the second mark at a domain of ours.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile, is_zipfile

# Crockford's letters: none is taken for another one, and no word comes out.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_REF = re.compile(rb"(?<![0-9A-Z])AX[0-9A-HJKMNP-TV-Z]{10}(?![0-9A-Z])")
_CANARY = re.compile(rb"\.([0-9a-hjkmnp-tv-z]{8})@")
_GIVEN = ("Camille", "Claude", "Dominique", "Sacha", "Maxime", "Alix", "Morgan", "Charlie")
_FAMILY = ("Moreau", "Garnier", "Lambert", "Roussel", "Fontaine", "Chevalier", "Masson", "Perrin")
CANARIES = 2
_CHUNK, _LONGEST_WORD = 1 << 16, 320
_OF_WORDS = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.@-_")


@dataclass(frozen=True)
class MadeUp:
    """A person who does not exist, in the columns of an export."""

    cells: Sequence[str]


def new_ref() -> str:
    return "AX" + "".join(secrets.choice(_ALPHABET) for _ in range(10)).upper()


def new_canary() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def made_up(*, canary: str, columns: Sequence[str], domain: str) -> list[MadeUp]:
    """Return the two people of a download; the same mark makes the same two."""
    return [MadeUp(_cells(canary, number, columns, domain)) for number in range(CANARIES)]


def _cells(canary: str, number: int, columns: Sequence[str], domain: str) -> list[str]:
    given = _GIVEN[(_ALPHABET.index(canary[0]) + 5 * number) % len(_GIVEN)]
    family = _FAMILY[(_ALPHABET.index(canary[1]) + 3 * number) % len(_FAMILY)]
    # Numbers that are given to nobody (ARCEP decision 2018-0881: for works of fiction).
    last = (int.from_bytes(canary.encode()) + number) % 10_000
    said = {
        "email": f"{given}.{family}.{canary}@{domain}".lower(),
        "given_name": given,
        "family_name": family,
        "phone": f"+3363998{last:04d}",
        "company": f"{family} Conseil",
        "language": "fr",
        "tags": "",
    }
    return [said[name] for name in columns]


@dataclass(frozen=True)
class FoundMarks:
    """The marks in a file, each with how often it is there."""

    refs: dict[str, int]
    canaries: dict[str, int]


def find_marks(path: Path) -> FoundMarks:
    """Return the marks in a file of any shape: text, or a workbook of a spreadsheet programme."""
    found = FoundMarks({}, {})
    for piece in _pieces(path):
        for match in _REF.finditer(piece.upper()):
            ref = match[0].decode()
            found.refs[ref] = found.refs.get(ref, 0) + 1
        for match in _CANARY.finditer(piece.lower()):
            canary = match[1].decode()
            found.canaries[canary] = found.canaries.get(canary, 0) + 1
    return found


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield a file in pieces that part no mark, in bounded memory."""
    if is_zipfile(path):
        with ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    yield from _whole_marks(iter(lambda: member.read(_CHUNK), b""))
        return
    with path.open("rb") as file:
        yield from _whole_marks(iter(lambda: file.read(_CHUNK), b""))


def _whole_marks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        # Text in UTF-16 has a zero beside each letter of a mark.
        piece = rest + chunk.replace(b"\0", b"")
        cut = _between_words(piece)
        yield piece[:cut]
        rest = piece[cut:]
    yield rest


def _between_words(piece: bytes) -> int:
    """Return a place near the end of a piece where no address and no reference is parted."""
    for cut in range(len(piece), max(len(piece) - _LONGEST_WORD, 0), -1):
        if piece[cut - 1] not in _OF_WORDS:
            return cut
    return max(len(piece) - _LONGEST_WORD, 0)
