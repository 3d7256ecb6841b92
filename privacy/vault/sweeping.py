"""Keys that have no document: deleted an hour after they were found, many only by two people.

Nobody said that they are to go; it is concluded. So it is noted as such: whoever is without a key
after a sweep counts as lost until people look.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connections, transaction
from django.db.models import QuerySet

from privacy.approvals import NotApproved, Reference, approval, use_approval
from privacy.models import OrphanKey, RetentionClass
from privacy.vault.interlock import holders
from privacy.vault.one_audit import alone, exactly

ORPHAN_AGE = timedelta(hours=1)
SWEEP = "key_sweep"
# More orphans than that look like a crm that was put back from before its documents.
SWEPT_AT_MOST, SWEPT_SHARE = 1_000, 100
_ROWS = 1_000

_SWEEP = """
WITH taken AS (
    DELETE FROM privacy_orphankey
    WHERE retention_class = %(class)s AND subject_id = ANY(%(subjects)s) AND noted_at <= %(until)s
    RETURNING subject_id, retention_class
), gone AS (
    DELETE FROM dek USING taken
    WHERE (dek.subject_id, dek.retention_class) = (taken.subject_id, taken.retention_class)
    RETURNING dek.subject_id, dek.retention_class
)
INSERT INTO privacy_removedkey (subject_id, retention_class, removed_at, is_swept)
SELECT subject_id, retention_class, %(now)s, true FROM gone
ON CONFLICT (subject_id, retention_class)
DO UPDATE SET removed_at = excluded.removed_at, is_swept = true
"""


def sweep_reference(*, now: datetime) -> Reference:
    """Return what two people agree to: to delete exactly the keys that are due to be swept."""
    return exactly(_due(now), name="digest")


def sweep_orphans(*, approval_id: UUID, now: datetime) -> int:
    """Delete the keys that two people agreed to, however many; return how many there were.

    What was found since the request is for another one. A key that somebody wrote with since
    makes the agreement void: raises NotApproved. Raises AuditRunning. Not safe twice.
    """
    with alone(), transaction.atomic(using="default"):
        asked = approval(approval_id=approval_id)
        if asked is None:
            raise NotApproved(NotApproved.__doc__)
        reference = sweep_reference(now=asked.requested_at)
        use_approval(approval_id=approval_id, kind=SWEEP, reference=reference, now=now)
        return _sweep_noted(asked.requested_at - ORPHAN_AGE, now)


def _due(now: datetime) -> QuerySet[OrphanKey]:
    return OrphanKey.objects.filter(noted_at__lte=now - ORPHAN_AGE)


def sweep_due(*, keys: int, now: datetime) -> int | None:
    """Delete the keys that are due; None where they are too many of `keys` for nobody to decide.

    For an audit that is alone.
    """
    limit = max(SWEPT_AT_MOST, keys // SWEPT_SHARE)
    if _due(now)[: limit + 1].count() > limit:
        return None
    return _sweep_noted(now - ORPHAN_AGE, now)


def _sweep_noted(until: datetime, now: datetime) -> int:
    swept = 0
    for retention_class in RetentionClass:
        after = UUID(int=0)
        rows = OrphanKey.objects.filter(noted_at__lte=until, retention_class=retention_class)
        while subjects := list(
            rows.filter(subject_id__gt=after)
            .order_by("subject_id")
            .values_list("subject_id", flat=True)[:_ROWS]
        ):
            after = subjects[-1]
            swept += _sweep_some(retention_class, subjects, until, now)
    return swept


def _sweep_some(retention_class: int, subjects: list[UUID], until: datetime, now: datetime) -> int:
    used = holders(subjects, retention_class)
    OrphanKey.objects.filter(retention_class=retention_class, subject_id__in=used).delete()
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            _SWEEP,
            {
                "class": int(retention_class),
                "subjects": [subject for subject in subjects if subject not in used],
                "until": until,
                "now": now,
            },
        )
        return int(cursor.rowcount)
