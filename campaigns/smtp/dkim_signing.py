"""DKIM (RFC 6376, RFC 8463) for relays that do not sign themselves: one signature per key.

`cryptography` signs: dkimpy, which verifies in the tests, computes RSA in pure Python (twenty times
slower) and needs another library for Ed25519.
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from campaigns.smtp.addresses import wire_domain

Algorithm = Literal["rsa-sha256", "ed25519-sha256"]
# Signed once more than they stand in the message, so that nobody can add another on the way and
# have it shown instead of ours (RFC 6376 8.15). RFC 8058 wants both unsubscribe headers covered.
_SEALED = (
    *("from", "to", "cc", "subject", "reply-to", "date", "message-id", "mime-version"),
    *("content-type", "list-id", "list-unsubscribe", "list-unsubscribe-post"),
)
# Signed as they are: a relay or a service may add its own.
_COVERED = ("content-language", "feedback-id", "cfbl-address", "auto-submitted", "precedence")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_SPACES = re.compile(rb"[ \t]+")
_SPACES_AT_END = re.compile(rb"[ \t]+(?=\r\n|\Z)")
_LEAST_RSA_BITS = 2048


class SigningKeyUnusable(Exception):
    """The DKIM key file cannot be read, or is neither RSA of 2048 bits or more nor Ed25519."""


class DkimKey:
    """A private key under its selector. Raises SigningKeyUnusable when built, not when used."""

    def __init__(self, *, domain: str, selector: str, key_path: Path) -> None:
        self.domain, self.selector = wire_domain(domain), selector
        try:
            key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SigningKeyUnusable(str(key_path)) from error
        self._key = _usable(key, key_path)

    def __repr__(self) -> str:
        return f"DkimKey({self.selector}._domainkey.{self.domain})"

    @property
    def algorithm(self) -> Algorithm:
        return "rsa-sha256" if isinstance(self._key, RSAPrivateKey) else "ed25519-sha256"

    def record(self) -> str:
        """The text of its DNS record, at `selector._domainkey.domain`."""
        if isinstance(self._key, RSAPrivateKey):
            public = self._key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
        raw = self._key.public_key().public_bytes_raw()
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"

    def sign(self, hashed: bytes) -> bytes:
        """RFC 8463 signs the SHA-256 of what RSA signs with SHA-256."""
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(hashed, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(hashlib.sha256(hashed).digest())


def _usable(key: object, path: Path) -> RSAPrivateKey | Ed25519PrivateKey:
    is_rsa = isinstance(key, RSAPrivateKey) and key.key_size >= _LEAST_RSA_BITS
    if is_rsa or isinstance(key, Ed25519PrivateKey):
        return key  # type: ignore[return-value]  # one of the two, as just seen
    raise SigningKeyUnusable(str(path))


class DkimSigner:
    """Puts one signature per key in front of a message, all over the same headers."""

    def __init__(self, keys: Sequence[DkimKey], *, clock: Callable[[], float] = time.time) -> None:
        self.keys, self._clock = tuple(keys), clock

    def sign(self, message: bytes) -> bytes:
        """The message with its DKIM-Signatures in front; line ends must be CR LF."""
        head, _, body = message.partition(b"\r\n\r\n")
        fields = _relaxed_fields(head)
        covered = _covered([name for name, _value in fields])
        chosen = _chosen(fields, covered)
        body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
        at = int(self._clock())
        signatures = [_signature(key, covered, chosen, body_hash, at) for key in self.keys]
        return b"".join([*signatures, message])


def _covered(present: Sequence[bytes]) -> list[bytes]:
    names: list[bytes] = []
    for name in _SEALED:
        names += [name.encode()] * (present.count(name.encode()) + 1)
    for name in _COVERED:
        names += [name.encode()] * present.count(name.encode())
    return names


def _relaxed_fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """RFC 6376 3.4.2: the name in small letters, the value unfolded and its spaces joined."""
    fields = []
    for line in _FOLD.sub(b"", head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields.append((name.rstrip().lower(), _SPACES.sub(b" ", value).strip()))
    return fields


def _chosen(fields: Sequence[tuple[bytes, bytes]], covered: Sequence[bytes]) -> bytes:
    """RFC 6376 5.4.2: of headers of one name, the last comes first; one too many is empty."""
    waiting: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        waiting.setdefault(name, []).append(value)
    chosen = []
    for name in covered:
        if values := waiting.get(name):
            chosen.append(b"%s:%s\r\n" % (name, values.pop()))
    return b"".join(chosen)


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 3.4.4."""
    joined = _SPACES.sub(b" ", _SPACES_AT_END.sub(b"", body))
    while joined.endswith(b"\r\n"):
        joined = joined[:-2]
    return joined + b"\r\n" if joined else b""


def _signature(
    key: DkimKey, covered: Sequence[bytes], chosen: bytes, body_hash: bytes, at: int
) -> bytes:
    # Folded before it is signed, and relaxed: whoever folds it anew does not break it.
    tags = b"v=1; a=%s; c=relaxed/relaxed; d=%s; s=%s;\r\n t=%d; h=%s;\r\n bh=%s;\r\n b=" % (
        key.algorithm.encode(),
        key.domain.encode(),
        key.selector.encode(),
        at,
        _folded_names(covered),
        body_hash,
    )
    [(name, value)] = _relaxed_fields(b"DKIM-Signature: " + tags)
    signed = base64.b64encode(key.sign(chosen + name + b":" + value))
    lines = b"\r\n ".join(signed[start : start + 72] for start in range(0, len(signed), 72))
    return b"DKIM-Signature: " + tags + lines + b"\r\n"


def _folded_names(covered: Sequence[bytes]) -> bytes:
    groups = [covered[start : start + 4] for start in range(0, len(covered), 4)]
    return b":\r\n  ".join(b":".join(group) for group in groups)
