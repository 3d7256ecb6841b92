"""HPKE's base mode (RFC 9180) for one message, written from the standard alone.

With the ephemeral key given, so that the answer is known: never for anything but vectors.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEM, SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def _extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return _mac(salt or bytes(32), b"HPKE-v1" + suite + label + ikm)


def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, size: int) -> bytes:
    labelled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return _mac(prk, labelled + b"\x01")[:size]  # one block is enough for up to 32 bytes


def hpke_seal(recipient: X25519PublicKey, ephemeral: bytes, info: bytes, text: bytes) -> bytes:
    private = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = private.public_key().public_bytes_raw()
    eae = _extract(KEM, b"", b"eae_prk", private.exchange(recipient))
    shared = _expand(KEM, eae, b"shared_secret", enc + recipient.public_bytes_raw(), 32)
    context = b"\0" + _extract(SUITE, b"", b"psk_id_hash", b"")
    context += _extract(SUITE, b"", b"info_hash", info)
    secret = _extract(SUITE, shared, b"secret", b"")
    key = _expand(SUITE, secret, b"key", context, 32)
    nonce = _expand(SUITE, secret, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, text, b"")
