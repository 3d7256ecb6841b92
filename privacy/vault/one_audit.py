"""One audit, sweep or giving up of keys at a time, and what exactly two people agree to there."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connections
from django.db.models import QuerySet

from privacy.approvals import Reference

_LOCK = 7_203_002
_ROWS = 1_000


class AuditRunning(Exception):
    """Another audit of keys is under way."""


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock on a connection of its own: Django may re-open its one, and the lock is gone.

    It ends with the connection, also when the process is killed.
    """
    parameters = connections["vault"].get_connection_params()
    with psycopg.connect(**parameters, autocommit=True) as own:
        if not _answer(own, "SELECT pg_try_advisory_lock(%s)"):
            raise AuditRunning(AuditRunning.__doc__)
        yield
        if not _answer(own, "SELECT pg_advisory_unlock(%s)"):
            raise AuditRunning("The lock of this audit was lost: another one may have run beside.")


def _answer(own: psycopg.Connection[Any], question: str) -> bool:
    row = own.execute(question, [_LOCK]).fetchone()
    return row is not None and bool(row[0])


def exactly(rows: QuerySet[Any], *, name: str) -> Reference:
    """Return how many keys these are, and a digest of exactly which."""
    digest, count = hashlib.sha256(), 0
    pairs = rows.order_by("subject_id", "retention_class")
    pairs = pairs.values_list("subject_id", "retention_class")
    for subject_id, retention_class in pairs.iterator(chunk_size=_ROWS):
        digest.update(subject_id.bytes + bytes([retention_class]))
        count += 1
    return {"keys": count, name: digest.hexdigest()}
