"""The roots of the index keys in the ring: `index.json`, then one file per later epoch."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from privacy.vault.keyring import LocalKeyRing
from privacy.vault.ring_files import locked, write_once

_PREFIX = "index-"


def _path(ring: LocalKeyRing, epoch: int) -> Path:
    return ring.folder / f"{_PREFIX}{epoch:06d}.json"


def _numbers(ring: LocalKeyRing) -> set[int]:
    """Every number that was ever given: of keys that are there, and of keys that were dropped."""
    found = (path for end in ("json", "dropped") for path in ring.folder.glob(f"{_PREFIX}*.{end}"))
    return {int(path.stem.removeprefix(_PREFIX)) for path in found}


def make_index_key(ring: LocalKeyRing, *, above: int, now: datetime) -> int:
    """Make a root of index keys and return its epoch; a number is never used a second time."""
    with locked(ring.folder):
        epoch = max({above, *_numbers(ring)}) + 1
        ring.make(_path(ring, epoch), f"index-{epoch}", now=now)
        return epoch


def index_keys_to_drop(ring: LocalKeyRing, epochs: Iterable[int]) -> list[int]:
    """Return those of these epochs whose key is not dropped, or not quite."""
    return [e for e in epochs if not _note(ring, e).exists() or _path(ring, e).exists()]


def drop_index_key(ring: LocalKeyRing, *, epoch: int, now: datetime) -> None:
    """Destroy the root of an epoch; safe to repeat.

    The first one is also the root of links, ids and the ledger's signature, so it stays: its old
    tokens are worthless because no row of them is left anywhere, see docs/formats/vault.md.
    """
    with locked(ring.folder):
        if not _note(ring, epoch).exists():
            write_once(_note(ring, epoch), json.dumps({"dropped_at": now.isoformat()}).encode())
        ring.destroy(_path(ring, epoch))
    ring.forget_index(epoch)


def _note(ring: LocalKeyRing, epoch: int) -> Path:
    return _path(ring, epoch).with_suffix(".dropped")
