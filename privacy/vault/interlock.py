"""What stands between a lost key and the damage that would follow.

A key is never made anew for a document that is there: it would open nothing, and stand in the way
of the right one when that is put back. And while keys are lost that nobody erased (an older vault
was put back, a file of the ring is gone) nothing is written: `privacy/vault/audit.py` finds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connections
from psycopg import sql

from privacy.models import LostKey, RetentionClass


class KeysLost(Exception):
    """Documents are there whose keys are gone: nothing is written until `keys audit` is content."""


@dataclass(frozen=True)
class _Evidence:
    table: str
    column: str
    retention_class: int = int(RetentionClass.PROOF)


_EVIDENCE: list[_Evidence] = []


def register_evidence(
    *, table: str, column: str, retention_class: RetentionClass = RetentionClass.PROOF
) -> None:
    """Say which table of crm keeps, beside its `subject_id`, what `seal_evidence` or `seal_record`
    sealed under a key of which class."""
    others = [one for one in _EVIDENCE if one.table != table]
    _EVIDENCE[:] = [*others, _Evidence(table, column, int(retention_class))]


def claim_keys(
    subject_ids: Sequence[UUID], retention_class: int, *, is_despite_loss: bool = False
) -> None:
    """Say that somebody is about to write under these keys: none of them is an orphan any more.

    To be called before the keys are read: a sweep that is deleting one of them is waited for, and
    its key then is not found. Raises KeysLost, unless the writing may not wait.
    """
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "WITH claimed AS (DELETE FROM privacy_orphankey"
            " WHERE retention_class = %s AND subject_id = ANY(%s::uuid[]))"
            " SELECT EXISTS (SELECT FROM privacy_lostkey"
            " WHERE confirmed_at IS NOT NULL AND accepted_at IS NULL)",
            [int(retention_class), list(subject_ids)],
        )
        row = cursor.fetchone()
    if row is not None and row[0] and not is_despite_loss:
        raise KeysLost(KeysLost.__doc__)


def refuse_while_lost() -> None:
    """Raise KeysLost while keys are lost and two people have not accepted it."""
    claim_keys([], RetentionClass.PROFILE)


def new_generations(missing: Sequence[UUID], retention_class: int) -> list[int]:
    """Return with which generation a key of each subject may be made; KeysLost if it may not.

    Where two people accepted a loss, the next one: what was under the lost key stays closed.
    """
    bereft = holders(missing, retention_class)
    if not bereft:
        return [1] * len(missing)
    rows = LostKey.objects.filter(retention_class=retention_class, subject_id__in=bereft)
    accepted = set(rows.exclude(accepted_at=None).values_list("subject_id", flat=True))
    if bereft - accepted:
        raise KeysLost("The key of a document that is there is gone.")
    return [2 if subject in accepted else 1 for subject in missing]


def holders(subject_ids: Sequence[UUID], retention_class: int) -> set[UUID]:
    """Return which of these subjects have something that only a key of the class opens."""
    with connections["default"].cursor() as cursor:
        condition = sql.SQL("subject_id = ANY({})").format(sql.Literal(list(subject_ids)))
        cursor.execute(_documents(retention_class, condition))
        return {row[0] for row in cursor.fetchall()}


def documents_in_order(retention_class: int) -> sql.Composed:
    """Return the query of every subject who has something under a key of the class, in order."""
    return _documents(retention_class, sql.SQL("true")) + sql.SQL(" ORDER BY subject_id")


def _documents(retention_class: int, condition: sql.Composable) -> sql.Composed:
    query = sql.SQL("SELECT subject_id FROM blob WHERE retention_class = {} AND {}").format(
        sql.Literal(int(retention_class)), condition
    )
    for evidence in _EVIDENCE:
        if retention_class == evidence.retention_class:
            query += sql.SQL(" UNION SELECT subject_id FROM {} WHERE {} IS NOT NULL AND {}").format(
                sql.Identifier(evidence.table), sql.Identifier(evidence.column), condition
            )
    return query
