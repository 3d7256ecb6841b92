"""What came back is kept for sure, sealed, before anybody is told that we have it.

The listener, the mailbox and the webhooks all end here. None of them holds a key that opens
anything: they seal to the public key, as the forms do. An envelope holds 16 KiB, so a message is
compressed and cut into parts. The same message delivered again, because our answer was lost, has
the same ids and is the same message.
"""

import base64
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from campaigns.returns.reading import LARGEST, NotReadable
from privacy.services import OpenedEnvelope, drop_envelope

KIND = "return"
MAIL = "mail"
# 4/3 of it in base64 and the fields around it fit into an envelope of 16,384 bytes.
_PART_BYTES = 11_000
_LONGEST_FACT = 400
MOST_PARTS = 2 * LARGEST // _PART_BYTES


def keep(
    *, source: str, content: bytes, facts: Mapping[str, str], now: datetime, largest: int = LARGEST
) -> UUID:
    """Keep what came back, on disk in the intake table and in the intake journal; return its id.

    What is longer than `largest` is cut: the first part of a message says what it is. Keeping the
    same thing twice is keeping it once. Raises IntakeClosed when it could not be kept for sure.
    """
    short = {name: value[:_LONGEST_FACT] for name, value in facts.items()}
    number = id_of(source, content, short)
    body = zlib.compress(content[:largest])
    pieces = [body[at : at + _PART_BYTES] for at in range(0, len(body), _PART_BYTES)]
    for position, piece in enumerate(pieces):
        drop_envelope(
            kind=KIND,
            context=source,
            envelope_id=part_id(number, position),
            document={
                "message": str(number),
                "number": position,
                "of": len(pieces),
                "facts": short if position == 0 else {},
                "body": base64.b64encode(piece).decode(),
            },
            now=now,
        )
    return number


def id_of(source: str, content: bytes, facts: Mapping[str, str]) -> UUID:
    digest = hashlib.sha256(repr((source, sorted(facts.items()))).encode() + content)
    return UUID(bytes=digest.digest()[:16], version=5)


def part_id(message_id: UUID, number: int) -> UUID:
    return uuid5(message_id, f"part {number}") if number else message_id


def from_text(body: str) -> bytes:
    """Return the bytes of a part that a document holds."""
    return base64.b64decode(body)


class Piece:
    """A part as it came out of its envelope. Raises NotReadable for one that we did not write."""

    def __init__(self, envelope: OpenedEnvelope) -> None:
        document = envelope.document
        try:
            self.message_id = UUID(str(document["message"]))
            self.number, self.of = int(document["number"]), int(document["of"])
            self.facts = {str(k): str(v) for k, v in dict(document["facts"]).items()}
            self.body = base64.b64decode(str(document["body"]), validate=True)
        except (KeyError, ValueError, TypeError):
            raise NotReadable("not a part") from None
        if not 0 <= self.number < self.of <= MOST_PARTS:
            raise NotReadable("not a part")


def whole(bodies: Sequence[bytes]) -> bytes:
    """Put parts together again, never to more than was ever kept. Raises NotReadable."""
    try:
        return zlib.decompressobj().decompress(b"".join(bodies), 4 * LARGEST)
    except zlib.error:
        raise NotReadable("damaged") from None
