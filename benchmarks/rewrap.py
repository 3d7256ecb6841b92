"""Data keys moved to a new epoch online, beside PostgreSQL writing the same bytes by itself.

Nobody waits for it: the second line is what a reader feels meanwhile.
"""

import os
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import uuid_utils.compat

from benchmarks.ground import Ground, Line, table

KEYS = int(os.environ.get("BENCHMARK_KEYS", "1000000"))
_FILL = """
INSERT INTO dek (subject_id, retention_class, generation, kek_epoch, rev_floor, wrapped)
SELECT unnest(%s::uuid[]), 1, 1, %s, 1, unnest(%s::bytea[])
"""
# The floor: the same rows, as many bytes, the same batches and commits, and no key to look at.
_SAME = """
UPDATE dek SET wrapped = set_byte(wrapped, 59, 255 - get_byte(wrapped, 59)), kek_epoch = %s
FROM (SELECT subject_id, retention_class FROM dek
      WHERE kek_epoch = %s AND (subject_id, retention_class) > (%s, %s)
      ORDER BY subject_id, retention_class LIMIT %s) AS batch
WHERE (dek.subject_id, dek.retention_class) = (batch.subject_id, batch.retention_class)
RETURNING dek.subject_id
"""


def _fill() -> None:
    from django.db import connections

    from privacy.vault.formats import KeyPlace, wrap_key
    from privacy.vault.installation import instance_id
    from privacy.vault.keyring import key_ring
    from privacy.vault.rewrapping import BATCH

    kek, instance = key_ring().kek(1), instance_id()
    for start in range(0, KEYS, BATCH):
        ids = [UUID(bytes=uuid_utils.compat.uuid7().bytes) for _ in range(min(BATCH, KEYS - start))]
        wrapped = [
            wrap_key(kek=kek, place=KeyPlace(instance, one, 1, 1), data_key=os.urandom(32))
            for one in ids
        ]
        with connections["vault"].cursor() as cursor:
            cursor.execute(_FILL, [ids, 1, wrapped])


def _tidy(ground: Ground) -> None:
    """Each begins with a table without dead rows and with fresh statistics."""
    dsn = ground.cluster.dsn(database=ground.names["vault"])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM FULL ANALYZE dek")
        connection.execute("CHECKPOINT")


def _plain_update(old: int, new: int) -> float:
    from django.db import connections

    from privacy.vault.rewrapping import BATCH

    after, moved = UUID(int=0), 0
    started = time.perf_counter()
    with connections["vault"].cursor() as cursor:
        while True:
            cursor.execute(_SAME, [new, old, after, 1, BATCH])
            ids = [row[0] for row in cursor.fetchall()]
            moved += len(ids)
            if len(ids) < BATCH:
                break
            after = max(ids)
    if moved != KEYS:
        raise RuntimeError(f"{moved} of {KEYS} rows were updated.")
    return time.perf_counter() - started


def _rewrap() -> tuple[float, list[float]]:
    from privacy.vault.rewrapping import rewrap

    waits: list[float] = []
    is_over = threading.Event()
    reader = threading.Thread(target=_read_on, args=(is_over, waits))
    reader.start()
    started = time.perf_counter()
    moved = rewrap().moved
    seconds = time.perf_counter() - started
    is_over.set()
    reader.join()
    if moved < KEYS:
        raise RuntimeError(f"{moved} of {KEYS} keys were moved.")
    return seconds, sorted(waits)


def _read_on(is_over: threading.Event, waits: list[float]) -> None:
    from django.db import connections

    from privacy.models import DataKey

    some = list(DataKey.objects.values_list("subject_id", flat=True)[:1000:50])
    while not is_over.wait(0.05):
        started = time.perf_counter()
        list(DataKey.objects.filter(subject_id__in=some, retention_class=1))
        waits.append(time.perf_counter() - started)
    connections.close_all()


def run(ground: Ground) -> None:
    from privacy.vault.epochs import Reason, rotate_epoch

    _fill()
    _tidy(ground)
    rotate_epoch(now=datetime.now(UTC), reason=Reason.EXERCISE)
    seconds, waits = _rewrap()
    _tidy(ground)
    floor = _plain_update(2, 3)
    table(
        f"rewrap: {KEYS:,} data keys, one process, batches of 5,000, one reader meanwhile",
        [
            Line("PostgreSQL: UPDATE of the same rows", KEYS / floor, "keys/s", f"{floor:.1f} s"),
            Line(
                "read, unwrapped, wrapped, written back", KEYS / seconds, "keys/s",
                f"{seconds:.1f} s, {floor / seconds:.2f} x the floor; a reader waited"
                f" {1000 * waits[-1]:.0f} ms at most, {1000 * waits[len(waits) // 2]:.1f} ms at"
                " the median",
            ),
        ],
    )  # fmt: skip
