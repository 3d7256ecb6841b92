"""Every form in which a value may have been left somewhere, as the bytes to look for."""

import base64
import hashlib
import html
import json
import quopri
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

# Shorter than this a piece is found by chance in a few hundred megabytes.
LEAST_BYTES = 7
_HASHES = ("md5", "sha1", "sha256")


def spellings(value: str) -> set[str]:
    """The value as it was typed and as it may have been normalised."""
    forms = {value, value.strip(), unicodedata.normalize("NFC", value)}
    forms |= {unicodedata.normalize("NFD", value)}
    forms |= {form.lower() for form in forms} | {form.casefold() for form in forms}
    forms |= {form.upper() for form in forms}
    digits = "".join(sign for sign in value if sign.isdigit())
    if value.startswith("+") and len(digits) > LEAST_BYTES:
        # In the plan of the country, and as E.164 has it with and without its sign.
        forms |= {f"+{digits}", digits, f"0{digits[2:]}"}
    return forms


def encodings(value: str) -> dict[str, set[bytes]]:
    """Return name -> the bytes of each spelling in that encoding."""
    found: dict[str, set[bytes]] = {}
    for spelling in spellings(value):
        for name, needle in _of(spelling):
            if len(needle) >= LEAST_BYTES:
                found.setdefault(name, set()).add(needle)
    return found


def _of(text: str) -> Iterator[tuple[str, bytes]]:
    raw = text.encode()
    yield "plain", raw
    yield "latin-1", text.encode("latin-1", "replace")
    yield "reversed", text[::-1].encode()
    yield "utf-16", text.encode("utf-16-le")
    yield "utf-16", text.encode("utf-16-be")
    yield "hex", raw.hex().encode()
    yield "hex", raw.hex().upper().encode()
    yield from (("base64", needle) for needle in _base64(raw))
    yield "url", quote(text, safe="").encode()
    yield "url", quote_plus(text, safe="").encode()
    yield "url", quote(text, safe="@+").lower().encode()
    yield "quoted-printable", quopri.encodestring(raw, quotetabs=False).replace(b"=\n", b"")
    yield "quoted-printable", quopri.encodestring(raw, header=True).replace(b"=\n", b"")
    yield "json", json.dumps(text)[1:-1].encode()
    yield "html", html.escape(text).encode()
    yield "html", html.escape(text).replace("@", "&#64;").encode()
    for name in _HASHES:
        digest = hashlib.new(name, raw, usedforsecurity=False).digest()
        yield name, digest.hex().encode()
        yield name, digest.hex().upper().encode()
        yield name, _without_newline(digest)
        yield name, base64.b64encode(digest).rstrip(b"=")
        yield name, base64.urlsafe_b64encode(digest).rstrip(b"=")


def _base64(raw: bytes) -> Iterator[bytes]:
    """The letters that do not depend on what stands before and behind, at each of 3 offsets."""
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            letters = encode(b"\0" * offset + raw)
            first = -(-offset * 8 // 6)
            last = (offset + len(raw)) * 8 // 6
            yield letters[first:last]


def _without_newline(digest: bytes) -> bytes:
    """The longest piece that a line-wise search can look for."""
    return max(digest.split(b"\n"), key=len)


def needles(values: Iterable[str]) -> dict[bytes, str]:
    """Return bytes -> what they would be: `base64 of ...`."""
    found: dict[bytes, str] = {}
    for value in values:
        for name, pieces in encodings(value).items():
            for needle in pieces:
                found.setdefault(needle, f"{name} of {value}")
    return found
