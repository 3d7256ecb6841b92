"""The key ring: a root key that wraps key-encryption-key epochs, and the keys of tokens and links.

The ring is files in one folder (0700), every file 0600 and written once. The root key wraps the
others, so that a copy of the folder without it opens nothing. Nothing here is ever printed: the
classes have a `repr` without keys.
"""

import fcntl
import json
import os
import time
from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from django.conf import settings

from privacy.vault.formats import KEY_SIZE, NONCE_SIZE, length_prefixed

INDEX_EPOCH = 1
# A new fingerprint key is asked about at once and written under only when it has lain this long:
# a message that was prepared before the rotation carries no mark of it (a lease is shorter).
SETTLING_SECONDS = 900
# How long a link in a message counts as living after its key had a successor. It carries the
# fingerprint alone; a prospect is kept three years from the last act (CNIL deliberation 2021-131).
LINKS_LIVE = timedelta(days=3 * 365)
_FINGERPRINT = "fingerprint-"
# A process may go on for so long with a key that was destroyed meanwhile by another one.
REMEMBERED_SECONDS = 60


class KeysMissing(Exception):
    """The key ring is not there or cannot be opened: nothing can be read, nothing is sent."""


class EpochInUse(Exception):
    """A fingerprint key cannot be dropped yet; the message says why."""


class LocalKeyRing:
    """The key ring of one installation, in the files of `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._epochs: dict[int, bytes] = {}
        self._looked_at = time.monotonic()
        self._index_root: bytes | None = None
        self._fingerprint_keys: dict[int, bytes] = {}

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

    def add_epoch(self, *, now: datetime, after: int = 0) -> int:
        """Add a key-encryption-key epoch and return its number; new keys are wrapped under it.

        The number is above `after` and every one that was ever used here.
        """
        epoch = max({after, *self.epochs(), *self.destroyed_epochs()}) + 1
        _write_once(self._epoch_path(epoch), _wrapped(self._root(), f"kek-{epoch}", now))
        return epoch

    def destroy_epoch(self, epoch: int, *, note: bytes) -> None:
        """Delete an epoch's file for ever; `note` stays in its place. Safe to repeat.

        The caller knows that no row needs it. The note comes first: a crash between leaves a file
        that nobody opens. Nothing is written over the file's bytes: on a journalling file system
        or a flash disk that reaches other blocks than the ones it means to.
        """
        if epoch not in self.destroyed_epochs():
            _write_once(self._note_path(epoch), note)
        self._epoch_path(epoch).unlink(missing_ok=True)
        _flush_folder(self.folder)
        self._epochs.pop(epoch, None)

    # --- using --------------------------------------------------------------------------

    def current_epoch(self) -> int:
        """Return the newest epoch; raises KeysMissing."""
        epochs = self.epochs()
        if not epochs:
            raise KeysMissing(KeysMissing.__doc__)
        return epochs[-1]

    def epochs(self) -> list[int]:
        """Return the numbers of the epochs that can be used, oldest first."""
        made = {int(path.stem.removeprefix("kek-")) for path in self.folder.glob("kek-*.json")}
        return sorted(made - self.destroyed_epochs().keys())

    def destroyed_epochs(self) -> dict[int, Path]:
        """Return the notes of the epochs that were destroyed, by number."""
        notes = self.folder.glob("kek-*.destroyed")
        return {int(path.stem.removeprefix("kek-")): path for path in notes}

    def is_destroyed(self, epoch: int) -> bool:
        """Return whether nothing is left of an epoch but the note of its end."""
        return self._note_path(epoch).exists() and not self._epoch_path(epoch).exists()

    def epoch_file(self, epoch: int) -> bytes:
        """Return the file of an epoch, wrapped as it is; raises KeysMissing."""
        try:
            return self._epoch_path(epoch).read_bytes()
        except OSError:
            raise KeysMissing(KeysMissing.__doc__) from None

    def kek(self, epoch: int) -> bytes:
        """Return the key of an epoch; raises KeysMissing, also once it has been destroyed.

        Kept in memory, and compared with the folder each REMEMBERED_SECONDS.
        """
        if time.monotonic() - self._looked_at > REMEMBERED_SECONDS:
            living = set(self.epochs())
            self._epochs = {n: key for n, key in self._epochs.items() if n in living}
            self._looked_at = time.monotonic()
        if epoch not in self._epochs:
            if epoch in self.destroyed_epochs():
                raise KeysMissing(KeysMissing.__doc__)
            self._epochs[epoch] = self._open(self._epoch_path(epoch), f"kek-{epoch}")
        return self._epochs[epoch]

    def derived(self, label: str) -> bytes:
        """Return the 32-byte key for one use: a leaked one opens that use alone."""
        if self._index_root is None:
            self._index_root = self._open(self.folder / "index.json", "index")
        info = length_prefixed(b"crm/derived", label.encode())
        return HKDFExpand(hashes.SHA256(), KEY_SIZE, info).derive(self._index_root)

    # --- fingerprint keys ---------------------------------------------------------------

    def fingerprint_epochs(self) -> list[int]:
        """Return the epochs whose fingerprints are asked about, oldest first.

        Read from the folder each time: a worker that runs for weeks must see a rotation.
        """
        return sorted(self._made_fingerprints() - self._dropped_fingerprints())

    def writing_fingerprint_epoch(self) -> int:
        """Return the epoch that a new "no" is written under: the newest that has settled."""
        epochs = self.fingerprint_epochs()
        return next((e for e in reversed(epochs) if self._has_settled(e)), epochs[0])

    def add_fingerprint_epoch(self, *, now: datetime) -> int:
        """Add a fingerprint key and return its epoch; a number is never used a second time."""
        epoch = max(self._made_fingerprints() | self._dropped_fingerprints()) + 1
        wrapped = _wrapped(self._root(), f"fingerprint-{epoch}", now)
        _write_once(self._fingerprint_path(epoch), wrapped)
        return epoch

    def fingerprint_key(self, epoch: int) -> bytes:
        """Return the key of an epoch; raises KeysMissing, also once it was dropped."""
        if epoch not in self._fingerprint_keys:
            self._fingerprint_keys[epoch] = (
                self.derived("fingerprint|1")
                if epoch == 1
                else self._open(self._fingerprint_path(epoch), f"fingerprint-{epoch}")
            )
        return self._fingerprint_keys[epoch]

    def drop_fingerprint_epoch(self, epoch: int, *, now: datetime) -> None:
        """Stop making fingerprints of an epoch, for ever; safe to repeat.

        The caller knows that no row needs it. Raises EpochInUse while a message may still be
        found whose links carry it. The first key is derived: of it nothing is left to delete.
        """
        if epoch in self._dropped_fingerprints():
            return
        later = [e for e in self.fingerprint_epochs() if e > epoch]
        if epoch not in self._made_fingerprints() or not later:
            raise EpochInUse(f"Epoch {epoch} is not one that has a successor.")
        since = self._made_at(later[0])
        if now < since + LINKS_LIVE:
            until = since + LINKS_LIVE
            raise EpochInUse(f"Links of epoch {epoch} are living until {until:%Y-%m-%d}.")
        # The note comes first: a crash between leaves a file that nobody opens.
        note = json.dumps({"dropped_at": now.isoformat()}).encode()
        _write_once(self._fingerprint_path(epoch).with_suffix(".dropped"), note)
        self._fingerprint_path(epoch).unlink(missing_ok=True)
        self._fingerprint_keys.pop(epoch, None)

    def _made_fingerprints(self) -> set[int]:
        return {1} | {_number(path) for path in self.folder.glob(f"{_FINGERPRINT}*.json")}

    def _dropped_fingerprints(self) -> set[int]:
        return {_number(path) for path in self.folder.glob(f"{_FINGERPRINT}*.dropped")}

    def _has_settled(self, epoch: int) -> bool:
        if epoch == 1:
            return True
        try:
            age = time.time() - self._fingerprint_path(epoch).stat().st_mtime
        except OSError:
            return False
        return age >= SETTLING_SECONDS

    def _made_at(self, epoch: int) -> datetime:
        try:
            content = json.loads(self._fingerprint_path(epoch).read_bytes())
            return datetime.fromisoformat(content["created_at"])
        except (OSError, ValueError, KeyError):
            raise KeysMissing(KeysMissing.__doc__) from None

    # --- files --------------------------------------------------------------------------

    @property
    def _root_path(self) -> Path:
        return self.folder / "root.key"

    def _epoch_path(self, epoch: int) -> Path:
        return self.folder / f"kek-{epoch:06d}.json"

    def _note_path(self, epoch: int) -> Path:
        return self.folder / f"kek-{epoch:06d}.destroyed"

    def _fingerprint_path(self, epoch: int) -> Path:
        return self.folder / f"{_FINGERPRINT}{epoch:06d}.json"

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


def _number(path: Path) -> int:
    return int(path.stem.removeprefix(_FINGERPRINT))


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
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


@lru_cache(maxsize=1)
def key_ring() -> LocalKeyRing:
    """Return this process's key ring."""
    return LocalKeyRing(settings.KEYS_DIR)


@lru_cache(maxsize=16)
def derived_key(label: str) -> bytes:
    """Return the derived key of a label, opened once per process."""
    return key_ring().derived(label)
