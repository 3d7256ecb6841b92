"""Contacts per second read and opened from the first to the last, and the memory it takes."""

import resource
import time
from uuid import UUID

import uuid_utils.compat

from benchmarks.ground import Ground, Line, table

CONTACTS, BATCH = 1_000_000, 5_000


def _fill(count: int) -> float:
    from privacy.services import RetentionClass, write_documents

    started = time.perf_counter()
    for start in range(0, count, BATCH):
        documents = {
            UUID(bytes=uuid_utils.compat.uuid7().bytes): {
                "email": f"person{number}@example.org",
                "given_name": "Camille",
                "family_name": "Martin",
                "company": "Atelier Martin",
                "job_title": "Directrice",
                "phone": "+33199000000",
            }
            for number in range(start, min(start + BATCH, count))
        }
        write_documents(documents=documents, retention_class=RetentionClass.PROFILE)
    return count / (time.perf_counter() - started)


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _bytes_only() -> float:
    """The floor: the same two ordered streams, copied out and not looked at."""
    from django.db import connections

    started = time.perf_counter()
    for alias, statement in (
        ("vault", "COPY (SELECT * FROM dek ORDER BY subject_id) TO STDOUT (FORMAT BINARY)"),
        ("default", "COPY (SELECT * FROM blob ORDER BY subject_id) TO STDOUT (FORMAT BINARY)"),
    ):
        with connections[alias].cursor() as cursor, cursor.copy(statement) as copy:
            for _part in copy:
                pass
    return CONTACTS / (time.perf_counter() - started)


def run(_ground: Ground) -> None:
    from privacy.services import RetentionClass, stream_documents

    written = _fill(CONTACTS)
    floor = _bytes_only()
    before = _peak_mib()
    started = time.perf_counter()
    found = sum(1 for _ in stream_documents(retention_class=RetentionClass.PROFILE))
    rate = found / (time.perf_counter() - started)
    if found != CONTACTS:
        raise RuntimeError(f"{found} of {CONTACTS} documents opened.")
    table(
        f"decrypt: {CONTACTS:,} contacts, one process",
        [
            Line("the bytes copied out, not looked at", floor, "contacts/s", "the floor"),
            Line(
                "read, unwrapped, opened and parsed", rate, "contacts/s",
                f"{rate / floor:.2f} x the floor; peak memory {_peak_mib()} MiB,"
                f" {_peak_mib() - before} MiB more than before",
            ),
            Line("sealed and written", written, "contacts/s"),
        ],
    )  # fmt: skip
