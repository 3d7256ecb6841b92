"""The keys of the ring, wrapped under a root key that lies beside them."""

import os
from base64 import b64decode, b64encode
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from privacy.vault.formats import KEY_SIZE, NONCE_SIZE, length_prefixed
from privacy.vault.ring_files import Content, KeysMissing, remove, write_once


class LocalProvider:
    """`root.key`, 32 bytes in base64. It has no repr of its own: keys are never printed."""

    name = "local"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "root.key"
        self._new_root: bytes | None = None

    def exists(self) -> bool:
        return self.path.exists()

    def begin(self) -> None:
        if not self.exists():
            self._new_root = self._new_root or os.urandom(KEY_SIZE)

    def complete(self, *, now: datetime) -> None:
        if self._new_root is not None:
            self.write(self._new_root)
            self._new_root = None

    def write(self, root: bytes) -> None:
        """Write the file of a root key; raises FileExistsError when there is one."""
        write_once(self.path, b64encode(root))

    def root(self) -> bytes:
        """Return the root key; raises KeysMissing."""
        if self._new_root is not None:
            return self._new_root
        try:
            root = b64decode(self.path.read_bytes())
        except (OSError, ValueError):
            raise KeysMissing(KeysMissing.__doc__) from None
        if len(root) != KEY_SIZE:
            raise KeysMissing(KeysMissing.__doc__)
        return root

    def wrap(self, *, stem: str, label: str, key: bytes) -> Content:
        nonce = os.urandom(NONCE_SIZE)
        wrapped = nonce + AESGCMSIV(self.root()).encrypt(nonce, key, ring_context(label))
        return {"wrapped": b64encode(wrapped).decode()}

    def unwrap(self, *, content: Content, label: str) -> bytes:
        if "wrapped" not in content and "transit" in content:
            raise KeysMissing("A key server wraps this ring: set ACCORD_KEY_PROVIDER=transit.")
        return opened_with(self.root(), content=content, label=label)

    def has_wrapped(self, *, content: Content) -> bool:
        return "wrapped" in content

    def stripped(self, *, content: Content) -> Content:
        return {name: value for name, value in content.items() if name != "wrapped"}

    def destroy(self, *, stem: str, content: Content) -> bool:
        """Nothing: whoever has the root opens a copy. The ring deletes its own file."""
        return True

    def renew(self) -> int:
        return 0

    def retire(self) -> None:
        remove(self.path)


def opened_with(root: bytes, *, content: Content, label: str) -> bytes:
    """Return the key in a file of the ring; raises KeysMissing whatever is wrong."""
    try:
        raw = b64decode(content["wrapped"])
        return AESGCMSIV(root).decrypt(raw[:NONCE_SIZE], raw[NONCE_SIZE:], ring_context(label))
    except (KeyError, TypeError, ValueError, InvalidTag):
        raise KeysMissing(KeysMissing.__doc__) from None


def ring_context(label: str) -> bytes:
    """Return what a wrapped key is bound to: a file opens under its own label only."""
    return length_prefixed(b"crm/ring", label.encode())
