"""What ties a message that comes back to the one that left: its return path, or its Message-ID.

Both carry the number of the delivery and a truncated MAC, under two scopes: whoever sees the
Message-ID of a forwarded mail cannot write its return path. The MAC covers the contact and the
reference beside the number, so that a number which a restored database gives out a second time
does not make one person's bounce another's. See docs/returns.md.
"""

import base64
import hmac
import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol
from uuid import UUID

from campaigns.models import Delivery
from privacy.services import keyed_id

MAC_BYTES = 10  # 80 bits: a forged bounce must cost more than the nuisance it brings
RETURN_PATH, MESSAGE_ID = "return_path|2", "message_ref"
BY_RETURN_PATH, BY_MESSAGE_ID = "return_path", "message_id"
# 8 + 10 bytes are 29 letters of base32 without its padding.
# Some services write a Message-ID without its brackets.
_FOUND = re.compile(rb"(bounce\+|(?<![a-z0-9.+])m\.)([a-z2-7]{29})@", re.IGNORECASE)
_SCOPES = {b"bounce+": RETURN_PATH, b"m.": MESSAGE_ID}
# A message that names more messages than this is no bounce of ours.
_MOST = 5


class Message(Protocol):
    """What a token is made of: a claimed row, or the row itself."""

    @property
    def id(self) -> int: ...
    @property
    def contact_id(self) -> UUID: ...
    @property
    def reference_id(self) -> UUID: ...
    @property
    def kind(self) -> int: ...


class Reference(NamedTuple):
    """A token as it was found: which message it claims to be about, unverified."""

    scope: str
    delivery_id: int
    mac: bytes


def mac_of(message: Message, scope: str) -> bytes:
    parts = [
        message.id.to_bytes(8, "big"),
        message.reference_id.bytes,
        message.contact_id.bytes,
        bytes([message.kind]),
    ]
    return keyed_id(scope=scope, parts=parts)


def opaque(message: Message, scope: str) -> str:
    """Return the token in lower case: some relays fold the case of a local part."""
    body = message.id.to_bytes(8, "big") + mac_of(message, scope)[:MAC_BYTES]
    return base64.b32encode(body).decode().rstrip("=").lower()


def references_in(*texts: bytes) -> list[Reference]:
    """Return the tokens that texts hold, each once, in their order, return paths first."""
    found: dict[Reference, None] = {}
    for text in texts:
        for match in _FOUND.finditer(text):
            body = base64.b32decode(match[2].upper() + b"===")
            scope = _SCOPES[match[1].lower()]
            number = int.from_bytes(body[:8], "big")
            if number < 2**63:
                found[Reference(scope, number, body[8:])] = None
            if len(found) >= 4 * _MOST:
                break
    return sorted(found, key=lambda each: each.scope != RETURN_PATH)[:_MOST]


class Attribution(NamedTuple):
    """Whose message it is about: verified (`how` is the scope), "forged", or "none"."""

    delivery: Delivery | None
    how: str


FORGED, NOBODY, GONE = "forged", "none", "gone"


def attribute(references: Iterable[Reference]) -> Attribution:
    """Return the message that tokens prove. Two that prove two messages prove none of them.

    A return path counts before a Message-ID. A token whose row is gone cannot be verified; one
    whose row is there and whose MAC is wrong was made by somebody else.
    """
    asked = list(references)
    rows = Delivery.objects.in_bulk([each.delivery_id for each in asked])
    for scope, how in ((RETURN_PATH, BY_RETURN_PATH), (MESSAGE_ID, BY_MESSAGE_ID)):
        proven = {
            each.delivery_id
            for each in asked
            if each.scope == scope and _is_ours(rows.get(each.delivery_id), each)
        }
        if len(proven) == 1:
            return Attribution(rows[proven.pop()], how)
        if proven:
            return Attribution(None, NOBODY)
    if any(each.delivery_id in rows for each in asked):
        return Attribution(None, FORGED)
    return Attribution(None, GONE if asked else NOBODY)


def _is_ours(row: Delivery | None, reference: Reference) -> bool:
    if row is None:
        return False
    return hmac.compare_digest(mac_of(row, reference.scope)[:MAC_BYTES], reference.mac)
