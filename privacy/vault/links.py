"""The token of a link in mail: it says by itself whose "no" it is, for ever.

It needs no row to be understood, so it works after the campaign, the message and the contact are
gone. The worker verifies it; the public side holds no key and can only check its shape. It does
not expire: a "no" must work for as long as the message can be found (GDPR 7(3), 21(3)).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from privacy.vault.formats import length_prefixed

VERSION = 1
# Of a message that is measured: another version, so that neither is ever read as the other.
MEASURE_VERSION = 2
TAG_SIZE = 16  # 128 bits (OWASP ASVS 11.5.1)
_BODY_SIZE = 1 + 1 + 16 + 2 + 16
_MEASURE_BODY_SIZE = 1 + 1 + 16 + 8 + 16
_SIZES = {VERSION: _BODY_SIZE + TAG_SIZE, MEASURE_VERSION: _MEASURE_BODY_SIZE + TAG_SIZE}
TEXT_SIZE = -(-_SIZES[VERSION] * 4 // 3)
NO_LINK = UUID(int=0)


class NotOurLink(ValueError):
    """The link was altered, cut, or not made here."""


@dataclass(frozen=True)
class Link:
    """Whose card, which purpose (0 is every one), and the 16-byte fingerprint of the address.

    The key id of a token is the epoch of the key that made its fingerprint.
    """

    card_id: UUID
    purpose_number: int
    fingerprint: bytes
    epoch: int = 1


@dataclass(frozen=True)
class MeasureLink:
    """Whose card, which message, and which of its links (NO_LINK: the picture of an opening)."""

    card_id: UUID
    delivery_id: int
    link_id: UUID = NO_LINK


def _tag(key: bytes, scope: str, body: bytes) -> bytes:
    # The scope is inside the tag and not in the token: a link to say no opens nothing else.
    message = length_prefixed(b"crm/link", scope.encode(), body)
    return hmac.digest(key, message, hashlib.sha256)[:TAG_SIZE]


def make_token(*, key: bytes, key_id: int, scope: str, link: Link) -> str:
    """Return the token, base64url without padding."""
    if len(link.fingerprint) != 16:
        raise ValueError("A fingerprint has 16 bytes.")
    body = bytes([VERSION, key_id]) + link.card_id.bytes
    body += link.purpose_number.to_bytes(2, "big") + link.fingerprint
    return _encoded(key, scope, body)


def make_measure_token(*, key: bytes, key_id: int, scope: str, link: MeasureLink) -> str:
    """Return the token of a measured message, base64url without padding."""
    body = bytes([MEASURE_VERSION, key_id]) + link.card_id.bytes
    body += link.delivery_id.to_bytes(8, "big") + link.link_id.bytes
    return _encoded(key, scope, body)


def _encoded(key: bytes, scope: str, body: bytes) -> str:
    return base64.urlsafe_b64encode(body + _tag(key, scope, body)).rstrip(b"=").decode()


def _decode(token: str, version: int = VERSION) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise NotOurLink(NotOurLink.__doc__) from None
    # One token, one spelling: base64 would also take other bits in the last letter.
    is_canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == token
    if len(raw) != _SIZES[version] or raw[0] != version or not is_canonical:
        raise NotOurLink(NotOurLink.__doc__)
    return raw


def has_token_shape(token: str) -> bool:
    """Return whether this could be a token: all that a side without keys can tell."""
    try:
        _decode(token)
    except NotOurLink:
        return False
    return True


def key_id_of(token: str) -> int:
    """Return which key a token says it was made with; raises NotOurLink on its shape."""
    return _decode(token)[1]


def read_token(*, keys: Mapping[int, bytes], scope: str, token: str) -> Link:
    """Return what the token says; raises NotOurLink unless a key of ours made it for `scope`."""
    body = _verified(keys, scope, _decode(token))
    purpose_number = int.from_bytes(body[18:20], "big")
    return Link(UUID(bytes=body[2:18]), purpose_number, body[20:36], body[1])


def read_measure_token(*, keys: Mapping[int, bytes], scope: str, token: str) -> MeasureLink:
    """Return what the token says; raises NotOurLink unless a key of ours made it for `scope`."""
    return _measure_link(_verified(keys, scope, _decode(token, MEASURE_VERSION)))


def _verified(keys: Mapping[int, bytes], scope: str, raw: bytes) -> bytes:
    body, tag = raw[:-TAG_SIZE], raw[-TAG_SIZE:]
    key = keys.get(body[1])
    if key is None or not hmac.compare_digest(tag, _tag(key, scope, body)):
        raise NotOurLink(NotOurLink.__doc__)
    return body


def _measure_link(body: bytes) -> MeasureLink:
    delivery = int.from_bytes(body[18:26], "big")
    return MeasureLink(UUID(bytes=body[2:18]), delivery, UUID(bytes=body[26:42]))


def unverified_measure(token: str) -> MeasureLink:
    """Return what a token claims, for the side without keys; raises NotOurLink on its shape."""
    return _measure_link(_decode(token, MEASURE_VERSION))


def unverified_card(token: str) -> UUID:
    """Return the card a token names, for the side without keys; raises NotOurLink on its shape."""
    return UUID(bytes=_decode(token)[2:18])


def unverified_purpose(token: str) -> int:
    """Return the number of the purpose a token names, 0 for every one; NotOurLink on its shape."""
    return int.from_bytes(_decode(token)[18:20], "big")
