"""The end of a key-encryption-key epoch: two people, no row that needs it, and an attestation.

In this order, each step found again after a crash: the row in the vault (from then on the database
refuses anything under the epoch), the note in the ring, the file's deletion, the attestation in
crm. What was wrapped under it and lies in an old backup of the vault is then beyond reach.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from privacy.approvals import Reference, standing_approval, use_approval
from privacy.models import Approval, DataKey, KeyDestruction, KeyEpoch, SealingKeyPair
from privacy.vault.epochs import DESTROYED_AFTER, destruction_note, epochs_locked, sync_epochs
from privacy.vault.keyring import EpochInUse, key_ring

logger = logging.getLogger("privacy.vault")

DESTRUCTION, SCHEDULE = "key_destruction", "key_schedule"
SCHEDULE_LIFE = timedelta(days=365)
DESTRUCTION_LIFE = timedelta(days=7)
STATEMENT = (
    "The file of this key-encryption key was deleted here when no row of the vault needed it any"
    " more. Still to be deleted by hand, on the same day: every copy of this file that was made of"
    " the ring's folder, on other machines, in backups and in snapshots."
)


def schedule_reference() -> Reference:
    """What two people agree to for a year: due epochs are destroyed on their day."""
    return {"days_after_retirement": DESTROYED_AFTER.days}


def destruction_reference(*, epoch: int) -> Reference:
    return {"epoch": epoch}


def live_schedule(*, now: datetime) -> UUID | None:
    """Return the agreement under which due epochs are destroyed; None: they wait."""
    return standing_approval(kind=SCHEDULE, reference=schedule_reference(), now=now)


def due_epochs(*, now: datetime) -> list[int]:
    """Return the epochs that retired long enough ago, oldest first; rows may still need them."""
    rows = KeyEpoch.objects.filter(retired_at__lte=now - DESTROYED_AFTER, destroyed_at=None)
    return list(rows.order_by("number").values_list("number", flat=True))


@dataclass(frozen=True)
class Destroyed:
    """What a call destroyed, what waits for two people, and what rows still need."""

    epochs: tuple[int, ...] = ()
    unapproved: tuple[int, ...] = ()
    needed: tuple[int, ...] = ()


def destroy_due_epochs(*, now: datetime) -> Destroyed:
    """Destroy the due epochs under the schedule that two people agreed to; safe to repeat.

    Finishes what a crash left unfinished first. Raises KeysMissing without a ring.
    """
    finish_destructions(now=now)
    due, schedule = due_epochs(now=now), live_schedule(now=now)
    if schedule is None:
        return Destroyed(unapproved=tuple(due))
    done, needed = [], []
    for epoch in due:
        try:
            _mark(epoch, schedule, now)
            done.append(epoch)
        except EpochInUse:
            needed.append(epoch)
    finish_destructions(now=now)
    return Destroyed(epochs=tuple(done), needed=tuple(needed))


def destroy_epoch(*, epoch: int, approval_id: UUID, now: datetime) -> None:
    """Destroy one retired epoch, also before its day, with an agreement to just that.

    Raises NotApproved, and EpochInUse when it is the current one, gone, or needed by a row. A
    second call with the same agreement raises NotApproved.
    """
    sync_epochs(now=now)
    with transaction.atomic(using="default"):
        reference = destruction_reference(epoch=epoch)
        use_approval(approval_id=approval_id, kind=DESTRUCTION, reference=reference, now=now)
        _mark(epoch, approval_id, now)
    finish_destructions(now=now)


def _mark(epoch: int, approval_id: UUID, now: datetime) -> None:
    """From this commit on nothing can be wrapped under the epoch, and its end is decided."""
    with epochs_locked(now=now) as ring:
        # Waits for every writer that is about to wrap under it.
        row = KeyEpoch.objects.select_for_update().filter(number=epoch, destroyed_at=None).first()
        if row is None or row.retired_at is None:
            raise EpochInUse(f"Epoch {epoch} is not one that has retired.")
        for model in (DataKey, SealingKeyPair):
            if model.objects.filter(kek_epoch=epoch).exists():
                raise EpochInUse(f"Keys are wrapped under epoch {epoch}: `keys rewrap` first.")
        row.file_sha256 = hashlib.sha256(ring.epoch_file(epoch)).digest()
        row.destroyed_at, row.approval_id = now, approval_id
        row.save()


def finish_destructions(
    *, now: datetime, between: Callable[[str], None] = lambda _step: None
) -> list[int]:
    """Do what is left to do of destructions that were decided; safe to repeat and to kill.

    Also deletes the file of an epoch that an older copy of the ring brought back. `between` is
    told the name of each step that is done. Returns the epochs it had to do something for.
    """
    sync_epochs(now=now)
    ring, finished = key_ring(), []
    attested = KeyDestruction.objects.filter(kind=KeyDestruction.Kind.EPOCH)
    known = set(attested.values_list("number", flat=True))
    for row in KeyEpoch.objects.exclude(destroyed_at=None).order_by("number"):
        is_gone = ring.is_destroyed(row.number)
        if is_gone and row.number in known:
            continue
        content = destruction_note(ring, row.number) or _content(row)
        if content is None:
            logger.error("the agreement to destroy epoch %s is not in this database", row.number)
            continue
        if not is_gone:
            ring.destroy_epoch(row.number, note=_encoded(content))
            between("file deleted")
        _attest(content)
        between("attested")
        finished.append(row.number)
    return finished


def _content(row: KeyEpoch) -> dict[str, Any] | None:
    found = Approval.objects.filter(id=row.approval_id) if row.approval_id else None
    approval = found.first() if found is not None else None
    if approval is None:  # crm was put back to before it
        return None
    return {
        "number": row.number,
        "made_at": row.made_at,
        "retired_at": row.retired_at,
        "destroyed_at": row.destroyed_at,
        "approval": approval.id,
        "requested_by": approval.requested_by,
        "approved_by": approval.decided_by,
        "rows_left": 0,
        "file_sha256": bytes(row.file_sha256 or b"").hex(),
        "statement": STATEMENT,
    }


def _encoded(content: dict[str, Any]) -> bytes:
    words = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in content.items()
    }
    return json.dumps(words, indent=1, default=str).encode()


def _attest(content: dict[str, Any]) -> None:
    same = {name: content[name] for name in ("number", "made_at", "retired_at", "destroyed_at")}
    KeyDestruction.objects.bulk_create(
        [
            KeyDestruction(
                kind=KeyDestruction.Kind.EPOCH,
                **same,
                rows_left=content["rows_left"],
                file_sha256=bytes.fromhex(content["file_sha256"]),
                approval_id=content["approval"],
                requested_by=content["requested_by"],
                approved_by=content["approved_by"],
            )
        ],
        ignore_conflicts=True,
    )
    # The agreement is spent with the deed, also when a crash came between the two databases.
    Approval.objects.filter(id=content["approval"], kind=DESTRUCTION, used_at=None).update(
        used_at=content["destroyed_at"]
    )
