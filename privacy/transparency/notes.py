"""Signed heads: a C2SP tlog-checkpoint in a C2SP signed note, under Ed25519 (RFC 8032).

A head says how many leaves the log of this name has and what their root is. Whoever keeps one can
hold us to it later.
"""

import binascii
import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from privacy.transparency.merkle import HASH_SIZE

_ED25519 = b"\1"  # the signature type of the signed note
_ID_SIZE, _KEY_SIZE, _SIGNATURE_SIZE = 4, 32, 64
MAX_NOTE_SIZE = 16 * 1024


class NotSigned(ValueError):
    """This is not a head that the log's key has signed."""


class NotAKey(ValueError):
    """This is not the string of a verifier's key: name+hash+key."""


@dataclass(frozen=True)
class Head:
    """The state of a log at one moment."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


@dataclass(frozen=True)
class Verifier:
    """The public half: a name and a key, written as one string."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        named = self.name.encode() + b"\n" + _ED25519 + self.public_key
        return hashlib.sha256(named).digest()[:_ID_SIZE]

    def __str__(self) -> str:
        key = b64encode(_ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def open(self, note: str, *, origin: str | None = None) -> Head:
        """Return the head in a note; raises NotSigned unless this key signed exactly this text.

        The origin is the key's own name unless another one is given. Lines of signatures by
        others are left alone.
        """
        text, found = _parts(note)
        signatures = [
            raw[_ID_SIZE:]
            for name, raw in found
            if name == self.name and raw[:_ID_SIZE] == self.key_id
        ]
        if not signatures:
            raise NotSigned(NotSigned.__doc__)
        key = Ed25519PublicKey.from_public_bytes(self.public_key)
        for signature in signatures:
            try:
                key.verify(signature, text.encode())
            except InvalidSignature:
                raise NotSigned(NotSigned.__doc__) from None
        head = _head(text)
        if head.origin != (self.name if origin is None else origin):
            raise NotSigned(NotSigned.__doc__)
        return head


class Signer:
    """The private half, made from 32 bytes that are not kept anywhere else."""

    def __init__(self, *, name: str, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(_checked_name(name), self._key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"Signer({self.verifier.name!r})"

    def attest(self, message: bytes) -> bytes:
        """Return the signature of something else than a head.

        The first line says what it is. A head begins with the log's name, so that neither can
        pass for the other; raises ValueError if this line is that name.
        """
        if message.partition(b"\n")[0] == self.verifier.name.encode():
            raise ValueError("Only a head begins with the name of the log.")
        return self._key.sign(message)

    def sign(self, head: Head) -> str:
        """Return the note of a head. The same head gives the same note: Ed25519 draws no lots."""
        text = head.text()
        raw = self.verifier.key_id + self._key.sign(text.encode())
        return f"{text}\n— {self.verifier.name} {b64encode(raw).decode()}\n"


def read_verifier(text: str) -> Verifier:
    """Return the key of a string `name+hash+key`; raises NotAKey."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        raw = b64decode(encoded, validate=True)
        verifier = Verifier(_checked_name(name), raw[1:])
    except ValueError:
        raise NotAKey(NotAKey.__doc__) from None
    is_ours = raw[:1] == _ED25519 and len(raw) == 1 + _KEY_SIZE
    if not is_ours or verifier.key_id.hex() != key_id:
        raise NotAKey(NotAKey.__doc__)
    return verifier


def _checked_name(name: str) -> str:
    if not name or "+" in name or any(letter.isspace() for letter in name):
        raise ValueError("The name of a key has no blank and no plus sign.")
    return name


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Split a note at its last empty line into its text and its (name, id and signature)."""
    text, blank, below = note.rpartition("\n\n")
    if len(note) > MAX_NOTE_SIZE or not blank or not below.endswith("\n"):
        raise NotSigned(NotSigned.__doc__)
    if any(letter < " " and letter != "\n" for letter in note):
        raise NotSigned(NotSigned.__doc__)
    found = []
    for line in below.removesuffix("\n").split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            raw = b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise NotSigned(NotSigned.__doc__) from None
        if dash != "—" or not name or len(raw) <= _ID_SIZE:
            raise NotSigned(NotSigned.__doc__)
        found.append((name, raw))
    return text + "\n", found


def _head(text: str) -> Head:
    lines = text.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), b64decode(lines[2], validate=True)
    except (IndexError, ValueError):
        raise NotSigned(NotSigned.__doc__) from None
    head = Head(origin, size, root)
    # One head, one spelling: no sign, no leading zero, no other spare bits, nothing behind it.
    if len(root) != HASH_SIZE or not origin or size < 0 or head.text() != text:
        raise NotSigned(NotSigned.__doc__)
    return head
