"""The key ring: key-encryption-key epochs, and the keys of tokens and links, all of them wrapped.

The ring is files in one folder (0700), every file 0600 and written once. A provider wraps what is
in them: a root key beside them, or a key server. Nothing here is ever printed: the classes have a
`repr` without keys.
"""

import json
import os
import time
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from django.conf import settings

from privacy.vault.formats import KEY_SIZE, length_prefixed
from privacy.vault.providers import KeyProvider, KeyServerFails, provider
from privacy.vault.ring_files import KeysMissing as KeysMissing
from privacy.vault.ring_files import as_bytes, locked, read, remove, sync_folder
from privacy.vault.ring_files import write_once as _write_once

# A new fingerprint key is asked about at once and written under only when it has lain this long:
# a message that was prepared before the rotation carries no mark of it (a lease is shorter).
SETTLING_SECONDS = 900
# How long a link in a message counts as living after its key had a successor. It carries the
# fingerprint alone; a prospect is kept three years from the last act (CNIL deliberation 2021-131).
LINKS_LIVE = timedelta(days=3 * 365)
_FINGERPRINT = "fingerprint-"
# A process may go on for so long with a key that was destroyed meanwhile by another one.
REMEMBERED_SECONDS = 60


class EpochInUse(Exception):
    """A fingerprint key cannot be dropped yet; the message says why."""


class EpochMissing(KeysMissing):
    """An epoch of the key ring is missing or does not open, while the current one does."""


class LocalKeyRing:
    """The key ring of one installation, in the files of `folder`.

    A key that was opened once stays in the memory of the process, whoever wraps it.
    """

    def __init__(self, folder: Path, *, wraps: KeyProvider | None = None) -> None:
        self.folder = folder
        self.provider = wraps or provider(folder)
        self._epochs: dict[int, bytes] = {}
        self._index_roots: dict[int, bytes] = {}
        self._fingerprint_keys: dict[int, bytes] = {}
        self._derived: dict[tuple[str, int], bytes] = {}
        self._looked_at = time.monotonic()

    def __repr__(self) -> str:
        return "LocalKeyRing()"

    # --- making -------------------------------------------------------------------------

    def found(self, *, now: datetime) -> None:
        """Make the keys of a new installation; an existing ring is left exactly as it is.

        Raises KeysMissing when only some of the files are there: they may be someone's last copy.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.folder):
            if self.exists():
                return
            if self.epochs():
                lacking = "transit.json" if self.provider.name == "transit" else "root.key"
                raise KeysMissing(f"{self.folder} has wrapped keys but no {lacking}: put it back.")
            self.provider.begin()
            self.make(self._index_path(1), "index", now=now)
            self.make(self._epoch_path(1), "kek-1", now=now)
            # This comes last: a ring is complete or it does not exist.
            self.provider.complete(now=now)

    def exists(self) -> bool:
        return self.provider.exists()

    def make(self, path: Path, label: str, *, now: datetime) -> None:
        """Write the file of a new random key; raises KeysMissing, FileExistsError."""
        wrapped = self.provider.wrap(stem=path.stem, label=label, key=os.urandom(KEY_SIZE))
        content = {"label": label, "created_at": now.isoformat(), **wrapped}
        _write_once(path, as_bytes(content))

    def destroy(self, path: Path) -> None:
        """Delete the file of a key and, in a key server, what opens every copy of the file.

        The server first: a crash between leaves a file that nobody can open. A file that is gone,
        damaged or of another provider says nothing about the copies, so the server is asked all the
        same. Safe to repeat. Raises KeysMissing, also when a server that lacks the key is not ours.
        """
        try:
            content = read(path)
        except KeysMissing:
            content = {}
        if not self.provider.destroy(stem=path.stem, content=content):
            self._expect_our_server()
        remove(path)

    def add_epoch(self, *, now: datetime, after: int = 0) -> int:
        """Add a key-encryption-key epoch and return its number; new keys are wrapped under it.

        The number is above `after` and every one that was ever used here.
        """
        with locked(self.folder):
            epoch = max({after, *self.epochs(), *self.destroyed_epochs()}) + 1
            self.make(self._epoch_path(epoch), f"kek-{epoch}", now=now)
            return epoch

    def destroy_epoch(self, epoch: int, *, note: bytes) -> None:
        """Delete an epoch's file for ever; `note` stays in its place. Safe to repeat.

        The caller knows that no row needs it. The note comes first: a crash between leaves a file
        that nobody opens. Nothing is written over the file's bytes: on a journalling file system
        or a flash disk that reaches other blocks than the ones it means to.
        """
        if epoch not in self.destroyed_epochs():
            _write_once(self._note_path(epoch), note)
        self.destroy(self._epoch_path(epoch))
        sync_folder(self.folder)
        self._epochs.pop(epoch, None)

    def _expect_our_server(self) -> None:
        # Not from memory: what counts is who answers now.
        epoch = self.current_epoch()
        self._open(self._epoch_path(epoch), f"kek-{epoch}")

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
        """Return the key of an epoch; raises KeysMissing, also once it has been destroyed."""
        self._forget_destroyed()
        key = self._epochs.get(epoch)  # once: another thread may be forgetting it
        if key is None:
            if epoch in self.destroyed_epochs():
                raise KeysMissing(KeysMissing.__doc__)
            key = self._epochs[epoch] = self._open(self._epoch_path(epoch), f"kek-{epoch}")
        return key

    def kek_of_row(self, epoch: int) -> bytes:
        """Return the key of the epoch that a row names; raises KeysMissing.

        EpochMissing where the fault is that epoch's alone: what is under others goes on.
        """
        try:
            return self.kek(epoch)
        except KeyServerFails:
            raise
        except KeysMissing:
            current = self.current_epoch()
            if epoch == current or not self.exists():
                raise
            self.kek(current)
            raise EpochMissing(f"Epoch {epoch} is missing, or its file does not open.") from None

    def derived(self, label: str, *, index_epoch: int = 1) -> bytes:
        """Return the 32-byte key for one use: a leaked one opens that use alone.

        Only the keys of index tokens have an epoch; every other one is of the first root.
        """
        self._forget_destroyed()
        found = self._derived.get((label, index_epoch))
        if found is None:
            info = length_prefixed(b"crm/derived", label.encode())
            root = self._index_root(index_epoch)
            found = HKDFExpand(hashes.SHA256(), KEY_SIZE, info).derive(root)
            self._derived[label, index_epoch] = found
        return found

    def _index_root(self, epoch: int) -> bytes:
        root = self._index_roots.get(epoch)
        if root is None:
            name = "index" if epoch == 1 else f"index-{epoch}"
            root = self._index_roots[epoch] = self._open(self._index_path(epoch), name)
        return root

    def forget_index(self, epoch: int) -> None:
        """Keep nothing in memory of a root of index keys that was dropped."""
        self._index_roots.pop(epoch, None)
        self._derived = {of: key for of, key in self._derived.items() if of[1] != epoch}

    def _forget_destroyed(self) -> None:
        """Keep nothing in memory, after REMEMBERED_SECONDS, of what another process destroyed."""
        if time.monotonic() - self._looked_at <= REMEMBERED_SECONDS:
            return
        self._looked_at = time.monotonic()
        for memory, living in (
            (self._epochs, self.epochs()),
            (self._fingerprint_keys, self.fingerprint_epochs()),
        ):
            for number in set(memory) - set(living):
                memory.pop(number, None)
        for epoch in list(self._index_roots):
            if not self._index_path(epoch).exists():
                self.forget_index(epoch)

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
        with locked(self.folder):
            epoch = max(self._made_fingerprints() | self._dropped_fingerprints()) + 1
            self.make(self._fingerprint_path(epoch), f"fingerprint-{epoch}", now=now)
            return epoch

    def fingerprint_key(self, epoch: int) -> bytes:
        """Return the key of an epoch; raises KeysMissing, also once it was dropped."""
        self._forget_destroyed()
        key = self._fingerprint_keys.get(epoch)
        if key is None:
            key = self._fingerprint_keys[epoch] = (
                self.derived("fingerprint|1")
                if epoch == 1
                else self._open(self._fingerprint_path(epoch), f"fingerprint-{epoch}")
            )
        return key

    def drop_fingerprint_epoch(self, epoch: int, *, now: datetime) -> None:
        """Stop making fingerprints of an epoch, for ever; safe to repeat.

        The caller knows that no row needs it. Raises EpochInUse while a message may still be
        found whose links carry it. The first key is derived: of it nothing is left to delete.
        """
        if epoch in self._dropped_fingerprints():
            self.destroy(self._fingerprint_path(epoch))  # a crash may have come in between
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
        self.destroy(self._fingerprint_path(epoch))
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

    def _epoch_path(self, epoch: int) -> Path:
        return self.folder / f"kek-{epoch:06d}.json"

    def _note_path(self, epoch: int) -> Path:
        return self.folder / f"kek-{epoch:06d}.destroyed"

    def _fingerprint_path(self, epoch: int) -> Path:
        return self.folder / f"{_FINGERPRINT}{epoch:06d}.json"

    def _index_path(self, epoch: int) -> Path:
        return self.folder / ("index.json" if epoch == 1 else f"index-{epoch:06d}.json")

    def _open(self, path: Path, label: str) -> bytes:
        # The label is the one that the reader expects, never the one in the file.
        return self.provider.unwrap(content=read(path), label=label)


def _number(path: Path) -> int:
    return int(path.stem.removeprefix(_FINGERPRINT))


@lru_cache(maxsize=1)
def key_ring() -> LocalKeyRing:
    """Return this process's key ring."""
    return LocalKeyRing(settings.KEYS_DIR)


def derived_key(label: str, *, index_epoch: int = 1) -> bytes:
    """Return the derived key of a label; kept in memory until its root is dropped."""
    return key_ring().derived(label, index_epoch=index_epoch)
