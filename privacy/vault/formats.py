"""Durable formats of the vault: blobs and wrapped data keys. Specified in docs/formats/vault.md.

Nothing here is an option: one algorithm per version. Every failure to open is the same
`Unreadable`, because the reason for a failure helps only an attacker.
"""

import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

KEY_SIZE = 32
NONCE_SIZE = 12  # 96 bits: SP 800-38D 8.2
TAG_SIZE = 16
BLOCK = 64  # padding hides the length of a name
MINIMUM = 256  # ... and most documents are of one size
HEADER_SIZE = 8
MAGIC, BLOB_VERSION, ALGORITHM = ord("C"), 1, 1
WRAP_VERSION = 1
WRAPPED_SIZE = NONCE_SIZE + KEY_SIZE + TAG_SIZE
CLASSES = frozenset({1, 2, 3})

try:  # OpenSSL before 3.2 has no GCM-SIV: better not to start than to write what cannot be read
    AESGCMSIV(bytes(KEY_SIZE))
except Exception as error:  # the library names no narrower class for this
    raise ImportError("AES-256-GCM-SIV needs OpenSSL 3.2: install the locked wheels.") from error


class Unreadable(Exception):
    """The ciphertext cannot be opened."""


@dataclass(frozen=True)
class BlobPlace:
    """Where a blob belongs. It opens nowhere else: not for another subject, class or revision."""

    instance_id: UUID
    subject_id: UUID
    retention_class: int
    generation: int
    rev: int


@dataclass(frozen=True)
class RecordPlace:
    """Where the evidence of one ledger record belongs."""

    instance_id: UUID
    subject_id: UUID
    retention_class: int
    generation: int
    record_id: UUID


@dataclass(frozen=True)
class KeyPlace:
    """Where a wrapped data key belongs."""

    instance_id: UUID
    subject_id: UUID
    retention_class: int
    generation: int


def length_prefixed(*parts: bytes) -> bytes:
    """Return u32 length and bytes of each part: no two lists of parts give the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _pad(plaintext: bytes) -> bytes:
    """ISO 7816-4: one 0x80, then zeros, to a multiple of BLOCK and at least MINIMUM."""
    size = max(MINIMUM, -(-(len(plaintext) + 1) // BLOCK) * BLOCK)
    return (plaintext + b"\x80").ljust(size, b"\0")


def _unpad(padded: bytes) -> bytes:
    body, mark, rest = padded.rpartition(b"\x80")
    if not mark or rest.strip(b"\0") or len(padded) % BLOCK or len(padded) < MINIMUM:
        raise Unreadable
    return body


def _header(place: BlobPlace | RecordPlace) -> bytes:
    if place.retention_class not in CLASSES:
        raise Unreadable
    head = bytes([MAGIC, BLOB_VERSION, ALGORITHM, place.retention_class])
    return head + place.generation.to_bytes(4, "big")


def _blob_context(place: BlobPlace, header: bytes) -> bytes:
    return length_prefixed(
        b"crm",
        b"blob",
        header,
        place.instance_id.bytes,
        b"contact",
        place.subject_id.bytes,
        bytes([place.retention_class]),
        place.rev.to_bytes(8, "big"),
    )


def _record_context(place: RecordPlace, header: bytes) -> bytes:
    return length_prefixed(
        b"crm",
        b"ledger",
        header,
        place.instance_id.bytes,
        b"contact",
        place.subject_id.bytes,
        bytes([place.retention_class]),
        place.record_id.bytes,
    )


def _context(place: BlobPlace | RecordPlace, header: bytes) -> bytes:
    if isinstance(place, RecordPlace):
        return _record_context(place, header)
    return _blob_context(place, header)


def _seal_blob(key: bytes, place: BlobPlace | RecordPlace, plaintext: bytes, nonce: bytes) -> bytes:
    header = _header(place)
    return header + nonce + AESGCM(key).encrypt(nonce, _pad(plaintext), _context(place, header))


def seal_blob(*, key: bytes, place: BlobPlace | RecordPlace, plaintext: bytes) -> bytes:
    """Return header, nonce and ciphertext. The nonce is random: a data key sees few writes."""
    return _seal_blob(key, place, plaintext, os.urandom(NONCE_SIZE))


def open_blob(*, key: bytes, place: BlobPlace | RecordPlace, body: bytes) -> bytes:
    """Return the plaintext; raises Unreadable whatever is wrong."""
    header = _header(place)
    # The header is compared before it is trusted: an unknown version is not even tried.
    if len(body) < HEADER_SIZE + NONCE_SIZE + MINIMUM + TAG_SIZE or body[:HEADER_SIZE] != header:
        raise Unreadable
    nonce, sealed = body[HEADER_SIZE:][:NONCE_SIZE], body[HEADER_SIZE + NONCE_SIZE :]
    try:
        return _unpad(AESGCM(key).decrypt(nonce, sealed, _context(place, header)))
    except InvalidTag:
        raise Unreadable from None


def _key_context(place: KeyPlace) -> bytes:
    return length_prefixed(
        b"crm",
        b"dek",
        bytes([WRAP_VERSION]),
        place.instance_id.bytes,
        place.subject_id.bytes,
        bytes([place.retention_class]),
        place.generation.to_bytes(4, "big"),
    )


def _wrap_key(kek: bytes, place: KeyPlace, data_key: bytes, nonce: bytes) -> bytes:
    if len(data_key) != KEY_SIZE:
        raise ValueError("A data key has 32 bytes.")
    return nonce + AESGCMSIV(kek).encrypt(nonce, data_key, _key_context(place))


class Rewrapping:
    """Two key-encryption keys made ready once for a batch of keys; it lives no longer than that."""

    def __init__(self, *, old: bytes, new: bytes, instance_id: UUID) -> None:
        self._old, self._new = AESGCMSIV(old), AESGCMSIV(new)
        # All that the contexts of one installation have in common.
        self._prefix = length_prefixed(b"crm", b"dek", bytes([WRAP_VERSION]), instance_id.bytes)

    def move(
        self, *, subject_id: UUID, retention_class: int, generation: int, wrapped: bytes
    ) -> bytes:
        """Return the data key wrapped under the new key; raises Unreadable whatever is wrong."""
        context = self._prefix + length_prefixed(
            subject_id.bytes, bytes([retention_class]), generation.to_bytes(4, "big")
        )
        if len(wrapped) != WRAPPED_SIZE:
            raise Unreadable
        try:
            key = self._old.decrypt(wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:], context)
        except InvalidTag:
            raise Unreadable from None
        nonce = os.urandom(NONCE_SIZE)
        return nonce + self._new.encrypt(nonce, key, context)


def _sealing_context(instance_id: UUID, seal_key: int) -> bytes:
    return length_prefixed(
        b"crm", b"seal", bytes([WRAP_VERSION]), instance_id.bytes, seal_key.to_bytes(4, "big")
    )


def wrap_sealing_key(*, kek: bytes, instance_id: UUID, seal_key: int, private: bytes) -> bytes:
    """Return the private half of a sealing key pair, wrapped like a data key."""
    nonce = os.urandom(NONCE_SIZE)
    return nonce + AESGCMSIV(kek).encrypt(nonce, private, _sealing_context(instance_id, seal_key))


def unwrap_sealing_key(*, kek: bytes, instance_id: UUID, seal_key: int, wrapped: bytes) -> bytes:
    """Return the private half; raises Unreadable whatever is wrong."""
    context = _sealing_context(instance_id, seal_key)
    try:
        return AESGCMSIV(kek).decrypt(wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:], context)
    except (InvalidTag, ValueError):
        raise Unreadable from None


def wrap_key(*, kek: bytes, place: KeyPlace, data_key: bytes) -> bytes:
    """Return the data key wrapped under a key-encryption key; raises ValueError on a wrong size.

    GCM-SIV, because one key-encryption key wraps millions and a virtual machine restored from a
    snapshot may draw the same nonce twice (RFC 8452).
    """
    return _wrap_key(kek, place, data_key, os.urandom(NONCE_SIZE))


def unwrap_key(*, kek: bytes, place: KeyPlace, wrapped: bytes) -> bytes:
    """Return the data key; raises Unreadable whatever is wrong."""
    if len(wrapped) != WRAPPED_SIZE:
        raise Unreadable
    try:
        return AESGCMSIV(kek).decrypt(
            wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:], _key_context(place)
        )
    except InvalidTag:
        raise Unreadable from None
