"""Sealed envelopes: the public side writes what only the worker can open (HPKE, RFC 9180)."""

from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from privacy.vault.formats import Unreadable, length_prefixed

SUITE_BYTE = b"\x01"
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
# encapsulated key, tag and suite byte; the table allows 16,384 bytes in all
OVERHEAD = 32 + 16 + 1
SEALED_MIN, SEALED_MAX = 64, 16_384


class TooLarge(ValueError):
    """The submission is larger than an envelope may be."""


def _place(
    *, kind: str, instance_id: UUID, envelope_id: UUID, context: str, seal_key: int
) -> bytes:
    """Where the envelope is. Single-shot users of HPKE put it in `info` (RFC 9180 8.1)."""
    return length_prefixed(
        b"crm/" + kind.encode(),
        b"\x01",
        instance_id.bytes,
        envelope_id.bytes,
        context.encode(),
        seal_key.to_bytes(4, "big"),
    )


def seal(
    *,
    public_key: X25519PublicKey,
    plaintext: bytes,
    kind: str,
    instance_id: UUID,
    envelope_id: UUID,
    context: str,
    seal_key: int,
) -> bytes:
    """Return suite byte, encapsulated key and ciphertext; raises TooLarge over 16,384 bytes.

    A short plaintext is padded with trailing spaces, which JSON ignores, to the table's minimum.
    """
    if len(plaintext) + OVERHEAD > SEALED_MAX:
        raise TooLarge(TooLarge.__doc__)
    place = _place(
        kind=kind,
        instance_id=instance_id,
        envelope_id=envelope_id,
        context=context,
        seal_key=seal_key,
    )
    padded = plaintext.ljust(SEALED_MIN - OVERHEAD)
    return SUITE_BYTE + SUITE.encrypt(padded, public_key, info=place)


def open_sealed(
    *,
    private_key: X25519PrivateKey,
    sealed: bytes,
    kind: str,
    instance_id: UUID,
    envelope_id: UUID,
    context: str,
    seal_key: int,
) -> bytes:
    """Return the plaintext; raises Unreadable whatever is wrong."""
    if not SEALED_MIN <= len(sealed) <= SEALED_MAX or sealed[:1] != SUITE_BYTE:
        raise Unreadable
    place = _place(
        kind=kind,
        instance_id=instance_id,
        envelope_id=envelope_id,
        context=context,
        seal_key=seal_key,
    )
    try:
        return SUITE.decrypt(sealed[1:], private_key, info=place)
    except (InvalidTag, ValueError):  # ValueError: an encapsulated key that is no curve point
        raise Unreadable from None
