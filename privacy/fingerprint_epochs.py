"""The keys of fingerprints: made, counted and dropped.

What is kept by fingerprint belongs to the floors above, so they say how many rows need a key.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from privacy.vault.keyring import EpochInUse, key_ring

RowsByEpoch = Callable[[], Mapping[int, int]]
_USES: list[RowsByEpoch] = []


def register_fingerprint_use(rows_by_epoch: RowsByEpoch) -> None:
    """Say who keeps rows by fingerprint; the last one registered does."""
    _USES[:] = [rows_by_epoch]


def rows_by_epoch() -> Mapping[int, int]:
    """Return epoch -> rows that only its key can answer for."""
    return _USES[0]() if _USES else {}


def fingerprint_epochs() -> list[int]:
    """Return the epochs in use, oldest first: every fingerprint is asked about under each."""
    return key_ring().fingerprint_epochs()


def writing_fingerprint_epoch() -> int:
    """Return the epoch that a new "no" is written under."""
    return key_ring().writing_fingerprint_epoch()


def rotate_fingerprints(*, now: datetime) -> int:
    """Make a new key and return its epoch: asked about at once, written under a little later."""
    return key_ring().add_fingerprint_epoch(now=now)


def drop_fingerprints(*, epoch: int, now: datetime) -> None:
    """Stop using a key; safe to repeat.

    Raises EpochInUse while a row needs it or a link that carries it is living: the "no" of an
    erased person cannot be made anew under another key, because nobody knows the address.
    """
    if rows := rows_by_epoch().get(epoch, 0):
        raise EpochInUse(f"{rows} rows of suppression are kept under epoch {epoch}.")
    key_ring().drop_fingerprint_epoch(epoch, now=now)
