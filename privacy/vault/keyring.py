"""The key ring: a root key that wraps key-encryption-key epochs, and the keys of tokens and links.

The ring is files in one folder (0700), every file 0600 and written once. The root key wraps the
others, so that a copy of the folder without it opens nothing. Nothing here is ever printed: the
classes have a `repr` without keys.
"""

import fcntl
import json
import os
from base64 import b64decode, b64encode
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from django.conf import settings

from privacy.vault.formats import KEY_SIZE, NONCE_SIZE, length_prefixed

INDEX_EPOCH = 1


class KeysMissing(Exception):
    """The key ring is not there or cannot be opened: nothing can be read, nothing is sent."""


class LocalKeyRing:
    """The key ring of one installation, in the files of `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._epochs: dict[int, bytes] = {}
        self._index_root: bytes | None = None

    def __repr__(self) -> str:
        return "LocalKeyRing()"

    # --- making -------------------------------------------------------------------------

    def found(self, *, now: datetime) -> None:
        """Make the keys of a new installation; an existing ring is left exactly as it is.

        Raises KeysMissing when only some of the files are there: they may be someone's last copy.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.exists():
                return
            if self.epochs():
                raise KeysMissing(f"{self.folder} has wrapped keys but no root.key: put it back.")
            _write_once(self.folder / "index.json", _wrapped(root := os.urandom(32), "index", now))
            _write_once(self._epoch_path(1), _wrapped(root, "kek-1", now))
            # The root comes last: a ring is complete or it does not exist.
            _write_once(self._root_path, b64encode(root))

    def exists(self) -> bool:
        return self._root_path.exists()

    def add_epoch(self, *, now: datetime) -> int:
        """Add a key-encryption-key epoch and return its number; new keys are wrapped under it."""
        epoch = self.current_epoch() + 1
        _write_once(self._epoch_path(epoch), _wrapped(self._root(), f"kek-{epoch}", now))
        return epoch

    # --- using --------------------------------------------------------------------------

    def current_epoch(self) -> int:
        """Return the newest epoch; raises KeysMissing."""
        epochs = self.epochs()
        if not epochs:
            raise KeysMissing(KeysMissing.__doc__)
        return epochs[-1]

    def epochs(self) -> list[int]:
        return sorted(
            int(path.stem.removeprefix("kek-")) for path in self.folder.glob("kek-*.json")
        )

    def kek(self, epoch: int) -> bytes:
        """Return the key of an epoch; raises KeysMissing, also once it has been destroyed."""
        if epoch not in self._epochs:
            self._epochs[epoch] = self._open(self._epoch_path(epoch), f"kek-{epoch}")
        return self._epochs[epoch]

    def derived(self, label: str) -> bytes:
        """Return the 32-byte key for one use: a leaked one opens that use alone."""
        if self._index_root is None:
            self._index_root = self._open(self.folder / "index.json", "index")
        info = length_prefixed(b"crm/derived", label.encode())
        return HKDFExpand(hashes.SHA256(), KEY_SIZE, info).derive(self._index_root)

    # --- files --------------------------------------------------------------------------

    @property
    def _root_path(self) -> Path:
        return self.folder / "root.key"

    def _epoch_path(self, epoch: int) -> Path:
        return self.folder / f"kek-{epoch:06d}.json"

    def _root(self) -> bytes:
        try:
            return b64decode(self._root_path.read_bytes())
        except (OSError, ValueError):
            raise KeysMissing(KeysMissing.__doc__) from None

    def _open(self, path: Path, label: str) -> bytes:
        try:
            raw = b64decode(json.loads(path.read_bytes())["wrapped"])
            return AESGCMSIV(self._root()).decrypt(
                raw[:NONCE_SIZE], raw[NONCE_SIZE:], length_prefixed(b"crm/ring", label.encode())
            )
        except (OSError, ValueError, KeyError, InvalidTag):
            raise KeysMissing(KeysMissing.__doc__) from None


def _wrapped(root: bytes, label: str, now: datetime) -> bytes:
    nonce, key = os.urandom(NONCE_SIZE), os.urandom(KEY_SIZE)
    context = length_prefixed(b"crm/ring", label.encode())
    wrapped = nonce + AESGCMSIV(root).encrypt(nonce, key, context)
    content = {
        "label": label,
        "created_at": now.isoformat(),
        "wrapped": b64encode(wrapped).decode(),
    }
    return json.dumps(content, indent=1).encode()


def _write_once(path: Path, content: bytes) -> None:
    """Write and fsync a file that only its owner can read; an existing one is never replaced."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


@lru_cache(maxsize=1)
def key_ring() -> LocalKeyRing:
    """Return this process's key ring."""
    return LocalKeyRing(settings.KEYS_DIR)


@lru_cache(maxsize=16)
def derived_key(label: str) -> bytes:
    """Return the derived key of a label, opened once per process."""
    return key_ring().derived(label)
