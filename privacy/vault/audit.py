"""Every document has its key and every key its document: looked at in order, in bounded memory.

A document without a key was erased (the journal or a removal a while ago says so), or its key is
LOST: then writing stops, because going on would make a repair impossible. A key without a document
is an orphan: noted at first, and swept when it still is one an hour later, at another audit.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Q

from privacy.approvals import Reference, use_approval
from privacy.erasures import Erased, erased_by_journal
from privacy.models import DataKey, LostKey, OrphanKey, RemovedKey, RetentionClass
from privacy.vault.interlock import documents_in_order, holders
from privacy.vault.keyring import key_ring
from privacy.vault.removal import delete_documents
from privacy.vault.stream import Rows, _rows

CHUNK = 1_000
ORPHAN_AGE = timedelta(hours=1)
# As long as a copy of crm may still hold the documents: it may be put back.
REMEMBERED = timedelta(days=30)
# More orphans than that look like a crm that was put back from before its documents.
SWEPT_AT_MOST, SWEPT_SHARE = 1_000, 100
KIND = "key_loss"
_LOCK = 7_203_002
_KEYS = (
    "COPY (SELECT subject_id, kek_epoch FROM dek WHERE retention_class = {} ORDER BY subject_id)"
    " TO STDOUT (FORMAT BINARY)"
)


class AuditRunning(Exception):
    """Another audit of keys is under way."""


@dataclass
class Audited:
    """What an audit met: sums, never who."""

    documents: int = 0
    keys: int = 0
    erased: int = 0
    lost: int = 0
    accepted: int = 0
    orphans: int = 0
    swept: int = 0
    is_sweep_held_back: bool = False
    _living: frozenset[int] = field(default=frozenset(), repr=False)

    @property
    def needs_someone(self) -> bool:
        return bool(self.lost) or self.is_sweep_held_back


def audit_keys(*, now: datetime, is_sweep_forced: bool = False) -> Audited:
    """Compare documents and keys, raise or lift the alarm of lost keys, sweep old orphans.

    Safe to repeat and to kill. Raises AuditRunning, KeysMissing without a ring (then nothing is
    concluded), and JournalUnreachable.
    """
    with _alone():
        ring = key_ring()
        ring.current_epoch()
        so_far = Audited(_living=frozenset(ring.epochs()))
        for retention_class in RetentionClass:
            _compare(retention_class, so_far, now)
        so_far.erased += _ask_journal(now)
        _settle(now)
        RemovedKey.objects.filter(removed_at__lt=now - REMEMBERED).delete()
        _sweep(so_far, now, is_sweep_forced)
        so_far.lost = lost_keys()
        so_far.accepted = LostKey.objects.exclude(accepted_at=None).count()
        return so_far


def lost_keys() -> int:
    """Return how many keys are lost and not accepted: while there is one, nothing is written."""
    return LostKey.objects.filter(confirmed_at__isnull=False, accepted_at=None).count()


@contextmanager
def _alone() -> Iterator[None]:
    with connections["vault"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        row = cursor.fetchone()
    if row is None or not row[0]:
        raise AuditRunning(AuditRunning.__doc__)
    try:
        yield
    finally:
        with connections["vault"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


# --- both sides in order ---------------------------------------------------------------------


def _compare(retention_class: RetentionClass, so_far: Audited, now: datetime) -> None:
    lost: list[UUID] = []
    orphans: list[UUID] = []
    for subject_id, has_document in _differences(retention_class, so_far):
        side = orphans if not has_document else lost
        side.append(subject_id)
        if len(side) == CHUNK:
            _note(retention_class, lost, orphans, so_far, now)
            lost, orphans = [], []
    _note(retention_class, lost, orphans, so_far, now)


def _differences(retention_class: RetentionClass, so_far: Audited) -> Iterator[tuple[UUID, bool]]:
    """Yield (subject, has a document) for everyone who has one side only."""
    query = documents_in_order(retention_class).as_string(None)
    documents: Rows = _rows("default", f"COPY ({query}) TO STDOUT (FORMAT BINARY)", "uuid")
    keys: Rows = _rows("vault", _KEYS.format(int(retention_class)), "uuid int4")
    with closing(documents), closing(keys):
        # The documents first: a document that is seen has its key already.
        document: tuple[UUID] | None = next(documents, None)
        key = _next_key(keys, so_far)
        while document is not None or key is not None:
            if document is not None and (key is None or document[0] < key[0]):
                so_far.documents += 1
                yield document[0], True
                document = next(documents, None)
            elif key is not None and (document is None or key[0] < document[0]):
                # Under an epoch that is gone it is no orphan to sweep: the epoch may come back.
                if key[1] in so_far._living:
                    yield key[0], False
                key = _next_key(keys, so_far)
            elif document is not None and key is not None:
                so_far.documents += 1
                if key[1] not in so_far._living:
                    yield document[0], True
                document, key = next(documents, None), _next_key(keys, so_far)


def _next_key(keys: Rows, so_far: Audited) -> tuple[UUID, int] | None:
    key: tuple[UUID, int] | None = next(keys, None)
    so_far.keys += key is not None
    return key


def _note(
    retention_class: int, lost: list[UUID], orphans: list[UUID], so_far: Audited, now: datetime
) -> None:
    """Look once more at what the streams differed in: they are not of one moment."""
    if lost:
        _note_lost(retention_class, lost, so_far, now)
    if orphans:
        alone = set(orphans) - holders(orphans, retention_class)
        so_far.orphans += len(alone)
        OrphanKey.objects.bulk_create(
            [OrphanKey(subject_id=s, retention_class=retention_class, noted_at=now) for s in alone],
            ignore_conflicts=True,
        )


def _note_lost(retention_class: int, found: list[UUID], so_far: Audited, now: datetime) -> None:
    bereft = holders(found, retention_class) - _with_key(found, retention_class, so_far._living)
    rows = RemovedKey.objects.filter(retention_class=retention_class, subject_id__in=bereft)
    removed = dict(rows.values_list("subject_id", "removed_at"))
    so_far.erased += len(removed)
    # Its remover died between the key and the document.
    left = [subject for subject, at in removed.items() if at <= now - ORPHAN_AGE]
    delete_documents(subject_ids=left, retention_class=RetentionClass(retention_class))
    LostKey.objects.bulk_create(
        [
            LostKey(subject_id=subject, retention_class=retention_class, noted_at=now)
            for subject in bereft - removed.keys()
        ],
        ignore_conflicts=True,
    )


def _with_key(subjects: Iterable[UUID], retention_class: int, living: Iterable[int]) -> set[UUID]:
    rows = DataKey.objects.filter(retention_class=retention_class, subject_id__in=list(subjects))
    return set(rows.filter(kek_epoch__in=list(living)).values_list("subject_id", flat=True))


# --- what the journal and later days say -----------------------------------------------------


def _ask_journal(now: datetime) -> int:
    """Take back what was an erasure, raise the alarm for the rest; return how much was erased."""
    erased = 0
    if LostKey.objects.filter(accepted_at=None).exists():
        for chunk in _chunks(erased_by_journal()):
            same = Q(pk__in=[(subject, int(which)) for subject, which in chunk])
            erased += LostKey.objects.filter(same, accepted_at=None).delete()[0]
    LostKey.objects.filter(confirmed_at=None).update(confirmed_at=now)
    return erased


def _chunks(erased: Iterable[Erased]) -> Iterator[list[Erased]]:
    chunk: list[Erased] = []
    for one in erased:
        chunk.append(one)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _settle(now: datetime) -> None:
    """Forget losses whose key is back or whose document is gone; finish what was accepted."""
    living = key_ring().epochs()
    for retention_class in RetentionClass:
        after = UUID(int=0)
        while rows := _lost_after(retention_class, after):
            after = rows[-1].subject_id
            subjects = [row.subject_id for row in rows]
            accepted = [row.subject_id for row in rows if row.accepted_at]
            back = _with_key(subjects, retention_class, living)
            if retention_class != RetentionClass.PROOF:
                closed = set(accepted) - back
                delete_documents(subject_ids=list(closed), retention_class=retention_class)
            over = (set(subjects) - holders(subjects, retention_class)) | back
            LostKey.objects.filter(retention_class=retention_class, subject_id__in=over).delete()


def _lost_after(retention_class: int, after: UUID) -> list[LostKey]:
    rows = LostKey.objects.filter(retention_class=retention_class, subject_id__gt=after)
    return list(rows.order_by("subject_id")[:CHUNK])


# --- orphans ---------------------------------------------------------------------------------

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
INSERT INTO privacy_removedkey (subject_id, retention_class, removed_at)
SELECT subject_id, retention_class, %(now)s FROM gone
ON CONFLICT (subject_id, retention_class) DO UPDATE SET removed_at = excluded.removed_at
"""


def _sweep(so_far: Audited, now: datetime, is_forced: bool) -> None:
    until = now - ORPHAN_AGE
    due = OrphanKey.objects.filter(noted_at__lte=until)
    limit = max(SWEPT_AT_MOST, so_far.keys // SWEPT_SHARE)
    if not is_forced and due[: limit + 1].count() > limit:
        so_far.is_sweep_held_back = True
        return
    for retention_class in RetentionClass:
        after = UUID(int=0)
        rows = due.filter(retention_class=retention_class).order_by("subject_id")
        while subjects := list(
            rows.filter(subject_id__gt=after).values_list("subject_id", flat=True)[:CHUNK]
        ):
            after = subjects[-1]
            so_far.swept += _sweep_some(retention_class, subjects, until, now)


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


# --- a loss that nothing repairs -------------------------------------------------------------


def loss_reference() -> Reference:
    """Return what two people agree to: to give up exactly these documents."""
    digest, count = hashlib.sha256(), 0
    rows = LostKey.objects.filter(confirmed_at__isnull=False, accepted_at=None)
    pairs = rows.order_by("subject_id", "retention_class").values_list(
        "subject_id", "retention_class"
    )
    for subject_id, retention_class in pairs.iterator(chunk_size=CHUNK):
        digest.update(subject_id.bytes + bytes([retention_class]))
        count += 1
    return {"keys": count, "sha256": digest.hexdigest()}


def accept_losses(*, approval_id: UUID, now: datetime) -> None:
    """Give up the documents whose keys are lost; writing goes on. Raises NotApproved.

    The documents are deleted; of evidence in the ledger, which is never deleted, the next record
    of the person is under a new key. Cannot be undone, and nothing happens twice.
    """
    with _alone(), transaction.atomic(using="default"):
        reference = loss_reference()
        use_approval(approval_id=approval_id, kind=KIND, reference=reference, now=now)
        with transaction.atomic(using="vault"), connections["vault"].cursor() as cursor:
            cursor.execute(
                "UPDATE privacy_lostkey SET accepted_at = %s"
                " WHERE confirmed_at IS NOT NULL AND accepted_at IS NULL",
                [now],
            )
            # Rows under an epoch that is gone open nothing, and stand in the way of a new key.
            cursor.execute(
                "DELETE FROM dek USING privacy_lostkey AS lost WHERE lost.accepted_at = %s"
                " AND (dek.subject_id, dek.retention_class) ="
                " (lost.subject_id, lost.retention_class) AND dek.kek_epoch <> ALL(%s)",
                [now, key_ring().epochs()],
            )
        _settle(now)
