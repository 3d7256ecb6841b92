"""Secrets of the program that a row of crm keeps: a copy of the database alone opens none.

They belong to no person, so no key of a subject seals them. The key is derived from the root of the
ring, which outlives every epoch; the place is bound, so that no row's secret opens in another.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy.vault.formats import Unreadable, length_prefixed
from privacy.vault.keyring import derived_key

# The kinds of secret; each is a derived key of the inventory.
SCOPES = frozenset({"webhook-secret"})
_VERSION = b"\x01"
_NONCE, _TAG = 12, 16


def _parts(scope: str, place: bytes) -> tuple[AESGCM, bytes]:
    if scope not in SCOPES:
        raise ValueError(f"No kind of secret is called {scope!r}.")
    label = f"{scope}|1"
    return AESGCM(derived_key(label)), length_prefixed(
        b"crm", b"secret", _VERSION, scope.encode(), place
    )


def seal_secret(*, scope: str, place: bytes, secret: bytes) -> bytes:
    """Return a secret as a row may keep it: version, nonce and AES-256-GCM, bound to its place.

    `scope` is one of SCOPES, each of which has a key of its own. Raises ValueError for another.
    """
    cipher, context = _parts(scope, place)
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + cipher.encrypt(nonce, secret, context)


def open_secret(*, scope: str, place: bytes, sealed: bytes) -> bytes:
    """Return what `seal_secret` sealed; raises Unreadable whatever is wrong."""
    if len(sealed) < len(_VERSION) + _NONCE + _TAG or sealed[:1] != _VERSION:
        raise Unreadable
    cipher, context = _parts(scope, place)
    try:
        return cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], context)
    except InvalidTag:
        raise Unreadable from None
