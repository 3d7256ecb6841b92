"""Every document has its key and every key its document: looked at in order, in bounded memory.

A document without a key was erased (the journal or a removal a while ago says so), or its key is
LOST: then writing stops, because going on would make a repair impossible. A key without a document
is an orphan: noted at first, and swept when it still is one an hour later, at another audit. That
is a guess, and so a sweep excuses no loss: whoever came back since may have had a newer key.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Q

from privacy.approvals import Reference, use_approval
from privacy.erasures import Erased, erased_by_journal
from privacy.models import DataKey, LostKey, OrphanKey, RemovedKey, RetentionClass
from privacy.vault.epochs import epochs_locked
from privacy.vault.interlock import documents_in_order, holders
from privacy.vault.keyring import key_ring
from privacy.vault.one_audit import AuditRunning as AuditRunning
from privacy.vault.one_audit import alone, exactly
from privacy.vault.removal import delete_documents
from privacy.vault.stream import Rows, _rows
from privacy.vault.sweeping import ORPHAN_AGE, sweep_due

CHUNK = 1_000
# As long as a copy of crm may still hold the documents: it may be put back.
REMEMBERED = timedelta(days=30)
KIND = "key_loss"
_KEYS = (
    "COPY (SELECT subject_id, kek_epoch FROM dek WHERE retention_class = {} ORDER BY subject_id)"
    " TO STDOUT (FORMAT BINARY)"
)


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
    # Of the lost ones those whose key a sweep deleted: it looks as if an older crm was put back.
    lost_after_sweep: int = 0
    _living: frozenset[int] = field(default=frozenset(), repr=False)

    @property
    def needs_someone(self) -> bool:
        return bool(self.lost) or self.is_sweep_held_back


def audit_keys(*, now: datetime) -> Audited:
    """Compare documents and keys, raise or lift the alarm of lost keys, sweep old orphans.

    Too many orphans are not swept but reported: `sweep_orphans` takes two people. Epochs may be
    made, and keys moved to them, meanwhile. Safe to repeat and to kill. Raises AuditRunning,
    KeysMissing without a ring (then nothing is concluded), and JournalUnreachable.
    """
    with alone():
        key_ring().current_epoch()
        so_far = Audited()
        for retention_class in RetentionClass:
            _compare(retention_class, so_far, now)
        so_far.erased += _ask_journal(now)
        _settle(now)
        _forget_removed(now)
        swept = sweep_due(keys=so_far.keys, now=now)
        so_far.swept, so_far.is_sweep_held_back = swept or 0, swept is None
        so_far.lost, so_far.lost_after_sweep = lost_keys(), _lost_after_sweep()
        so_far.accepted = LostKey.objects.exclude(accepted_at=None).count()
        return so_far


def lost_keys() -> int:
    """Return how many keys are lost and not accepted: while there is one, nothing is written."""
    return LostKey.objects.filter(confirmed_at__isnull=False, accepted_at=None).count()


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
                if not _is_gone(key[1], so_far):
                    yield key[0], False
                key = _next_key(keys, so_far)
            elif document is not None and key is not None:
                so_far.documents += 1
                if _is_gone(key[1], so_far):
                    yield document[0], True
                document, key = next(documents, None), _next_key(keys, so_far)


def _is_gone(epoch: int, so_far: Audited) -> bool:
    """Whether an epoch is not in the ring; one that is made meanwhile is found at its first key."""
    if epoch not in so_far._living:
        so_far._living = frozenset(key_ring().epochs())
    return epoch not in so_far._living


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
    """Note whose keys are lost, and finish the removals whose remover died before the document."""
    # The documents first: one that is there by now had its key before.
    holding = holders(found, retention_class)
    keyed, opening = _keys_of(found, retention_class)
    bereft = holding - opening
    removed = _removed(bereft - keyed, retention_class)
    so_far.erased += len(removed)
    left = [subject for subject, at in removed.items() if at <= now - ORPHAN_AGE]
    delete_documents(subject_ids=left, retention_class=RetentionClass(retention_class))
    LostKey.objects.bulk_create(
        [
            LostKey(subject_id=subject, retention_class=retention_class, noted_at=now)
            for subject in bereft - removed.keys()
        ],
        ignore_conflicts=True,
    )


def _removed(keyless: Iterable[UUID], retention_class: int) -> dict[UUID, datetime]:
    """Return whose key was destroyed on purpose, and when; for those who have no key at all."""
    rows = RemovedKey.objects.filter(retention_class=retention_class, subject_id__in=list(keyless))
    return dict(rows.filter(is_swept=False).values_list("subject_id", "removed_at"))


def _keys_of(subjects: Sequence[UUID], retention_class: int) -> tuple[set[UUID], set[UUID]]:
    """Return who has a key under any epoch, and who has one under an epoch that is there.

    The ring is looked at before and after: an epoch may be made, and one destroyed, in between.
    """
    rows = DataKey.objects.filter(retention_class=retention_class, subject_id__in=list(subjects))
    living = set(key_ring().epochs())
    epochs = dict(rows.values_list("subject_id", "kek_epoch"))
    living.update(key_ring().epochs())
    return set(epochs), {subject for subject, epoch in epochs.items() if epoch in living}


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
    for retention_class in RetentionClass:
        after = UUID(int=0)
        while rows := _lost_after(retention_class, after):
            after = rows[-1].subject_id
            subjects = [row.subject_id for row in rows]
            accepted = [row.subject_id for row in rows if row.accepted_at]
            _keyed, back = _keys_of(subjects, retention_class)
            if retention_class != RetentionClass.PROOF:
                closed = set(accepted) - back
                delete_documents(subject_ids=list(closed), retention_class=retention_class)
            over = (set(subjects) - holders(subjects, retention_class)) | back
            LostKey.objects.filter(retention_class=retention_class, subject_id__in=over).delete()


def _lost_after(retention_class: int, after: UUID) -> list[LostKey]:
    rows = LostKey.objects.filter(retention_class=retention_class, subject_id__gt=after)
    return list(rows.order_by("subject_id")[:CHUNK])


def _forget_removed(now: datetime) -> None:
    """Forget removals a month old, and those whose subject has a key again: it came later."""
    RemovedKey.objects.filter(removed_at__lt=now - REMEMBERED).delete()
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "DELETE FROM privacy_removedkey AS removed USING dek"
            " WHERE (dek.subject_id, dek.retention_class) ="
            " (removed.subject_id, removed.retention_class)"
        )


def _lost_after_sweep() -> int:
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM privacy_lostkey JOIN privacy_removedkey"
            " USING (subject_id, retention_class)"
            " WHERE is_swept AND confirmed_at IS NOT NULL AND accepted_at IS NULL"
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


# --- a loss that nothing repairs -------------------------------------------------------------


def loss_reference() -> Reference:
    """Return what two people agree to: to give up exactly these documents."""
    lost = LostKey.objects.filter(confirmed_at__isnull=False, accepted_at=None)
    return exactly(lost, name="sha256")


def accept_losses(*, approval_id: UUID, now: datetime) -> None:
    """Give up the documents whose keys are lost; writing goes on. Raises NotApproved.

    The documents are deleted; of evidence in the ledger, which is never deleted, the next record
    of the person is under a new key. Cannot be undone, and nothing happens twice.
    """
    with alone(), transaction.atomic(using="default"):
        reference = loss_reference()
        use_approval(approval_id=approval_id, kind=KIND, reference=reference, now=now)
        # No epoch is made meanwhile: a key that was just moved to it would look like one of these.
        with epochs_locked(now=now) as ring, connections["vault"].cursor() as cursor:
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
                [now, ring.epochs()],
            )
        _settle(now)
