"""How the keys are: one line each, and what needs somebody."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db import connections

from privacy.fingerprint_epochs import (
    fingerprint_epochs,
    rows_by_epoch,
    writing_fingerprint_epoch,
)
from privacy.models import Approval, KeyDestruction, KeyEpoch, OrphanKey, SealingKeyPair
from privacy.vault.audit import lost_keys
from privacy.vault.destruction import due_epochs, live_schedule
from privacy.vault.epochs import DESTROYED_AFTER, ROTATION, epochs_from_the_future
from privacy.vault.keyring import KeysMissing, LocalKeyRing, key_ring

_LATE = timedelta(days=1)
_SOON = timedelta(days=30)


@dataclass
class KeyStatus:
    """What is shown, and of it what somebody has to do something about."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    reminders: list[str] = field(default_factory=list)


def key_status(*, now: datetime) -> KeyStatus:
    """Return the state of ring, epochs, schedule, sealing keys, fingerprints and the audit."""
    ring, status = key_ring(), KeyStatus()
    status.lines.append(f"Key ring: {ring.folder}")
    if not ring.exists() or not ring.epochs():
        status.problems.append(f"{ring.folder} has no keys: put them back. Nothing can be read.")
    wrapped = _wrapped()
    _epochs(ring, wrapped, status, now)
    _clock(status, now)
    _schedule(status, now)
    _fingerprints(status)
    _sealing(status, now)
    _audit(status, now)
    return status


def _wrapped() -> Counter[int]:
    with connections["vault"].cursor() as cursor:
        cursor.execute("SELECT kek_epoch, count(*) FROM dek GROUP BY kek_epoch")
        return Counter(dict(cursor.fetchall()))


def _epochs(ring: LocalKeyRing, wrapped: Counter[int], status: KeyStatus, now: datetime) -> None:
    rows = {row.number: row for row in KeyEpoch.objects.order_by("number")}
    for epoch in ring.epochs():
        state = _opens(partial(ring.kek, epoch))
        life = _life(rows.get(epoch))
        status.lines.append(f"  epoch {epoch}: {state}, wraps {wrapped[epoch]} data keys, {life}")
        if state != "opens":
            status.problems.append(f"Epoch {epoch} does not open: its file or the root is another.")
    if gone := sorted(wrapped.keys() - set(ring.epochs())):
        status.problems.append(f"Data keys are wrapped under epochs that are gone: {gone}.")
    living = [row for row in rows.values() if row.retired_at is None]
    if living and now - living[-1].made_at > ROTATION + _LATE:
        status.problems.append("The current epoch is over a week old: the beat or worker is still.")
    older = {n: wrapped[n] for n, row in rows.items() if row.retired_at and wrapped[n]}
    if older:
        total = sum(older.values())
        status.lines.append(f"  {total} data keys are still to be re-wrapped")
        if any((now - _retired(rows[n])) > _LATE for n in older):
            status.problems.append("Re-wrapping takes over a day: run `keys rewrap`.")
    destroyed = sorted(n for n, row in rows.items() if row.destroyed_at)
    if destroyed:
        status.lines.append(
            f"  {len(destroyed)} epochs are destroyed, the newest is {destroyed[-1]}"
        )
    known = KeyDestruction.objects.filter(kind=KeyDestruction.Kind.EPOCH)
    attested = set(known.values_list("number", flat=True))
    if found_gone := list(known.filter(file_sha256=None).values_list("number", flat=True)):
        status.lines.append(f"  of them had no file any more: {found_gone}")
    half = [n for n in destroyed if not ring.is_destroyed(n) or n not in attested]
    if half:
        status.problems.append(f"The destruction of epochs {half} is decided and not finished.")


def _clock(status: KeyStatus, now: datetime) -> None:
    if ahead := epochs_from_the_future(now=now):
        status.problems.append(
            f"The dates of epochs {ahead} are in the future: a clock ran ahead. See to it, then"
            " `keys rotate`; the schedule destroys them after that date only, two people"
            " (`keys destroy`) at once."
        )


def _retired(row: KeyEpoch) -> datetime:
    return row.retired_at or row.made_at


def _life(row: KeyEpoch | None) -> str:
    if row is None:
        return "has no row yet"
    if row.retired_at is None:
        return f"current since {row.made_at:%Y-%m-%d}, next one {row.made_at + ROTATION:%Y-%m-%d}"
    due = row.retired_at + DESTROYED_AFTER
    return f"retired {row.retired_at:%Y-%m-%d}, to be destroyed {due:%Y-%m-%d}"


def _schedule(status: KeyStatus, now: datetime) -> None:
    schedule, due = live_schedule(now=now), due_epochs(now=now)
    if schedule is not None:
        until = Approval.objects.get(id=schedule).expires_at
        status.lines.append(f"  schedule of destruction: agreed until {until:%Y-%m-%d}")
        if until - now < _SOON:
            status.reminders.append(f"The schedule of destruction ends on {until:%Y-%m-%d}.")
    else:
        status.lines.append("  schedule of destruction: NONE")
        status.reminders.append("No schedule of destruction: two people agree by `keys schedule`.")
    if due and schedule is None:
        status.problems.append(
            f"Epochs {due} are due and WAIT: erased people can be read from an old backup of the"
            " vault until two people agree to a schedule (`keys schedule`)."
        )


def _fingerprints(status: KeyStatus) -> None:
    rows, writing = rows_by_epoch(), writing_fingerprint_epoch()
    for epoch in fingerprint_epochs():
        role = "is written under" if epoch == writing else "is asked about"
        held = f"{rows.get(epoch, 0)} rows hold it"
        state = _opens(partial(key_ring().fingerprint_key, epoch))
        status.lines.append(f"  fingerprint epoch {epoch}: {state}, {role}, {held}")
    if gone := sorted(rows.keys() - set(fingerprint_epochs())):
        status.problems.append(f"Suppressions are kept under epochs that are gone: {gone}.")


def _sealing(status: KeyStatus, now: datetime) -> None:
    pairs = list(SealingKeyPair.objects.order_by("id"))
    for pair in pairs:
        status.lines.append(f"  sealing key {pair.id}: made {pair.created_at:%Y-%m-%d %H:%M} UTC")
    if not pairs or now - pairs[-1].created_at > 2 * _LATE:
        status.problems.append("There is no sealing key of these days: the worker is still.")


def _audit(status: KeyStatus, now: datetime) -> None:
    if lost := lost_keys():
        status.problems.append(
            f"The keys of {lost} documents are LOST and nothing is written: put the newest vault"
            " and ring back, then `keys audit`; or give them up (`keys audit --accept-loss`)."
        )
    if OrphanKey.objects.filter(noted_at__lte=now - 2 * _LATE).exists():
        status.problems.append(
            "Keys without a document wait to be swept: was crm put back from an older copy?"
            " If not, `keys audit --sweep` (two people)."
        )


def _opens(use: Callable[[], object]) -> str:
    try:
        use()
    except KeysMissing:
        return "DOES NOT OPEN"
    return "opens"
