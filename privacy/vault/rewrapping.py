"""Moves keys from older key-encryption-key epochs to the current one, while everybody works on.

A batch is a transaction: read in the order of the keys, unwrapped, wrapped, and written back only
where the row is still the one that was read. It never waits for a row that somebody else holds, so
it blocks nobody in a circle; such a row is met again by the next sweep.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections, transaction

from privacy.models import SealingKeyPair
from privacy.vault.epochs import epochs_in_use
from privacy.vault.formats import (
    Rewrapping,
    Unreadable,
    unwrap_sealing_key,
    wrap_sealing_key,
)
from privacy.vault.installation import instance_id
from privacy.vault.keyring import EpochMissing, key_ring

BATCH = 5_000
Key = tuple[UUID, int]
_FIRST: Key = (UUID(int=0), -1)

_READ = """
SELECT subject_id, retention_class, generation, wrapped FROM dek
WHERE kek_epoch = %s AND (subject_id, retention_class) > (%s, %s)
ORDER BY subject_id, retention_class LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
_WRITE = """
UPDATE dek SET wrapped = fresh.after, kek_epoch = %s
FROM unnest(%b::uuid[], %b::int2[], %b::bytea[], %b::bytea[])
    AS fresh (subject_id, retention_class, before, after)
WHERE (dek.subject_id, dek.retention_class) = (fresh.subject_id, fresh.retention_class)
    AND dek.kek_epoch = %s AND dek.wrapped = fresh.before
"""


@dataclass
class Rewrapped:
    """What a sweep did so far: moved, found but not to be opened, epochs whose file is gone."""

    moved: int = 0
    unreadable: int = 0
    gone: tuple[int, ...] = ()


Report = Callable[[Rewrapped], None]


def rewrap(*, report: Report = lambda _so_far: None) -> Rewrapped:
    """Wrap everything that is under an older epoch under the current one; `report` per batch.

    Safe to repeat, to kill and to run in several processes at once: a batch is whole or did not
    happen. What does not open is left as it is and counted. Raises KeysMissing without
    a ring or its key server.
    """
    so_far = Rewrapped()
    current = key_ring().current_epoch()
    for epoch in epochs_in_use():
        if epoch >= current:
            continue
        try:
            key_ring().kek_of_row(epoch)
        except EpochMissing:
            so_far.gone = (*so_far.gone, epoch)
            continue
        _move_all(epoch, current, so_far, report)
    _move_sealing_keys(current, so_far)
    return so_far


def _move_all(epoch: int, current: int, so_far: Rewrapped, report: Report) -> None:
    after: Key | None = _FIRST
    while after is not None:
        after = _move_batch(epoch, current, after, so_far)
        report(so_far)


def _move_batch(epoch: int, current: int, after: Key, so_far: Rewrapped) -> Key | None:
    """Move one batch behind `after`; return its last key, None when there is no more."""
    with transaction.atomic(using="vault"), _cursor() as cursor:
        cursor.execute(_READ, [epoch, *after, BATCH])
        rows = cursor.fetchall()
        fresh = _wrapped_anew(rows, epoch, current, so_far)
        if fresh:
            cursor.execute(_WRITE, [current, *map(list, zip(*fresh, strict=True)), epoch])
            so_far.moved += cursor.rowcount
    return rows[-1][:2] if len(rows) == BATCH else None


def _cursor() -> psycopg.Cursor[tuple[UUID, int, int, bytes]]:
    """A cursor whose parameters travel as bytes: as literals they are most of the batch's time."""
    connection = connections["vault"]
    connection.ensure_connection()
    cursor: psycopg.Cursor[tuple[UUID, int, int, bytes]] = psycopg.Cursor(connection.connection)
    cursor.format = psycopg.pq.Format.BINARY
    return cursor


def _wrapped_anew(
    rows: list[tuple[UUID, int, int, bytes]], epoch: int, current: int, so_far: Rewrapped
) -> list[tuple[UUID, int, bytes, bytes]]:
    ring = key_ring()
    keys = Rewrapping(old=ring.kek(epoch), new=ring.kek(current), instance_id=instance_id())
    fresh = []
    for subject_id, retention_class, generation, wrapped in rows:
        try:
            moved = keys.move(
                subject_id=subject_id,
                retention_class=retention_class,
                generation=generation,
                wrapped=wrapped,
            )
        except Unreadable:
            so_far.unreadable += 1
            continue
        fresh.append((subject_id, retention_class, wrapped, moved))
    return fresh


def _move_sealing_keys(current: int, so_far: Rewrapped) -> None:
    """Some ten rows: a pair a day, deleted after eight."""
    for pair in SealingKeyPair.objects.filter(kek_epoch__lt=current, retired_at=None):
        before = bytes(pair.private_wrapped)
        place: dict[str, Any] = {"instance_id": instance_id(), "seal_key": pair.id}
        try:
            kek = key_ring().kek_of_row(pair.kek_epoch)
            private = unwrap_sealing_key(kek=kek, wrapped=before, **place)
        except (EpochMissing, Unreadable):
            so_far.unreadable += 1
            continue
        fresh = wrap_sealing_key(kek=key_ring().kek(current), private=private, **place)
        so_far.moved += SealingKeyPair.objects.filter(
            id=pair.id, kek_epoch=pair.kek_epoch, private_wrapped=before
        ).update(private_wrapped=fresh, kek_epoch=current)
