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
from django.db.models import Exists, OuterRef

from privacy.approvals import Reference, standing_approval, use_approval
from privacy.models import Approval, DataKey, KeyDestruction, KeyEpoch, SealingKeyPair
from privacy.vault.epochs import (
    CLOCKS_DIFFER,
    DESTROYED_AFTER,
    destruction_note,
    epochs_locked,
    note_emptied,
    sync_epochs,
)
from privacy.vault.keyring import EpochInUse, KeysMissing, LocalKeyRing, key_ring

logger = logging.getLogger("privacy.vault")

DESTRUCTION, SCHEDULE = "key_destruction", "key_schedule"
SCHEDULE_LIFE = timedelta(days=365)
DESTRUCTION_LIFE = timedelta(days=7)
# From the last row that left an epoch to its end: time for a dump of the rows as they are now. The
# worker may have been still for a week, and re-wrap and destroy in one go.
EMPTY_FOR = timedelta(hours=24)
FOUND_GONE = (
    "The file of this key-encryption key was not there any more when no row of the vault needed it."
    " It was not deleted by the product, and what was in it is not known: whoever has it can open"
    " old copies of the vault. Still to be deleted by hand: every copy of this file, and the key of"
    " the key server, if one wrapped it."
)
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


def end_schedule(*, ended_by: UUID, now: datetime) -> int:
    """Take the agreement back: due epochs wait again. Return how many agreements there were.

    One person is enough to stop. Whoever wants it again needs two. Safe to repeat.
    """
    standing = Approval.objects.filter(
        kind=SCHEDULE, is_approved=True, used_at=None, expires_at__gt=now
    )
    ended = standing.update(used_at=now)
    if ended:
        logger.warning("security: account %s ended the schedule of destruction", ended_by)
    return ended


def due_epochs(*, now: datetime) -> list[int]:
    """Return the epochs that retired long enough ago, oldest first; rows may still need them.

    The successor that counts is one that is later by its date too: a clock that ran behind, or
    ahead, when one of them was made brings no end forward.
    """
    until = now - DESTROYED_AFTER
    later = KeyEpoch.objects.filter(
        number__gt=OuterRef("number"), made_at__gte=OuterRef("made_at"), made_at__lte=until
    )
    rows = KeyEpoch.objects.filter(Exists(later), retired_at__lte=until, destroyed_at=None)
    return list(rows.order_by("number").values_list("number", flat=True))


@dataclass(frozen=True)
class Destroyed:
    """What a call destroyed, and what waits: for people, for rows that need it, for a dump."""

    epochs: tuple[int, ...] = ()
    unapproved: tuple[int, ...] = ()
    needed: tuple[int, ...] = ()
    # Emptied less than a day ago.
    fresh: tuple[int, ...] = ()
    # Of the destroyed ones those whose file was not there; and files that are, but are no files.
    found_gone: tuple[int, ...] = ()
    unreadable: tuple[int, ...] = ()
    # Due, and not touched while the newest epoch is from the future.
    doubtful: tuple[int, ...] = ()


def destroy_due_epochs(*, now: datetime) -> Destroyed:
    """Destroy the due epochs under the schedule that two people agreed to; safe to repeat.

    One that was emptied less than a day ago waits, so that a dump of the vault holds its rows as
    they are now. Finishes what a crash left unfinished first. Raises KeysMissing without a ring.
    """
    finish_destructions(now=now)
    note_emptied(now=now)
    due, schedule = due_epochs(now=now), live_schedule(now=now)
    if is_clock_doubtful(now=now):
        return Destroyed(doubtful=tuple(due))
    if schedule is None:
        return Destroyed(unapproved=tuple(due))
    became = {epoch: _destroyed(epoch, schedule, now) for epoch in due}
    finish_destructions(now=now)
    return Destroyed(
        epochs=_that(became, "epochs", "found_gone"),
        **{name: _that(became, name) for name in set(became.values()) - {"epochs"}},
    )


def _that(became: dict[int, str], *names: str) -> tuple[int, ...]:
    return tuple(epoch for epoch, name in became.items() if name in names)


def _destroyed(epoch: int, schedule: UUID, now: datetime) -> str:
    """Decide the end of one due epoch; return what became of it, as `Destroyed` calls it."""
    emptied_at = KeyEpoch.objects.values_list("emptied_at", flat=True).get(number=epoch)
    if emptied_at is None:
        return "needed"
    if now - emptied_at < EMPTY_FOR:
        return "fresh"
    try:
        return "epochs" if _mark(epoch, schedule, now) else "found_gone"
    except EpochInUse:
        return "needed"
    except KeysMissing:
        return "unreadable"


def is_clock_doubtful(*, now: datetime) -> bool:
    """Whether the newest epoch is from the future: no age is to be trusted until the next one."""
    newest = KeyEpoch.objects.order_by("-number").first()
    return newest is not None and newest.made_at > now + CLOCKS_DIFFER


def destroy_epoch(*, epoch: int, approval_id: UUID, now: datetime) -> None:
    """Destroy one retired epoch, also before its day, with an agreement to just that.

    Raises NotApproved, EpochInUse when it is the current one, destroyed, or needed by a row, or
    while the newest epoch is from the future, and KeysMissing when its file cannot be read. A
    second call with the same agreement raises NotApproved.
    """
    sync_epochs(now=now)
    if is_clock_doubtful(now=now):
        raise EpochInUse("The newest epoch is from the future: see to the clock, `keys rotate`.")
    with transaction.atomic(using="default"):
        reference = destruction_reference(epoch=epoch)
        use_approval(approval_id=approval_id, kind=DESTRUCTION, reference=reference, now=now)
        _mark(epoch, approval_id, now)
    finish_destructions(now=now)


def _mark(epoch: int, approval_id: UUID, now: datetime) -> bool:
    """From this commit on nothing can be wrapped under the epoch, and its end is decided.

    Return whether its file is there: without rows that need it, it may as well be gone.
    """
    with epochs_locked(now=now) as ring:
        # Waits for every writer that is about to wrap under it.
        row = KeyEpoch.objects.select_for_update().filter(number=epoch, destroyed_at=None).first()
        if row is None or row.retired_at is None:
            raise EpochInUse(f"Epoch {epoch} is not one that has retired.")
        for model in (DataKey, SealingKeyPair):
            if model.objects.filter(kek_epoch=epoch).exists():
                raise EpochInUse(f"Keys are wrapped under epoch {epoch}: `keys rewrap` first.")
        row.file_sha256 = _digest(ring, epoch)
        row.destroyed_at, row.approval_id = now, approval_id
        row.save()
        return row.file_sha256 is not None


def _digest(ring: LocalKeyRing, epoch: int) -> bytes | None:
    """Return the digest of an epoch's file; None where there is none. KeysMissing."""
    if epoch not in ring.epochs():
        return None
    return hashlib.sha256(ring.epoch_file(epoch)).digest()


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
        "statement": STATEMENT if row.file_sha256 else FOUND_GONE,
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
                file_sha256=bytes.fromhex(content["file_sha256"]) or None,
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
