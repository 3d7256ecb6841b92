"""Key-encryption-key epochs from their making to their retirement: rows in step with the ring.

The file comes before its row, and both under one lock: a crash between leaves a file whose row the
next call writes. Which epochs were destroyed is known in both places, so that neither an older
vault nor an older ring brings one back.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Q

from privacy.models import KeyEpoch, SealingKeyPair
from privacy.vault.keyring import KeysMissing, LocalKeyRing, key_ring

Reason = KeyEpoch.Reason
ROTATION = timedelta(days=7)
# A date that lies further ahead than this was not written by a clock that was right.
CLOCKS_DIFFER = timedelta(hours=1)
# Backups of the vault live seven days (docs/keys.md); a day more, so that the last one that holds
# rows under an epoch is gone for sure before the epoch is.
DESTROYED_AFTER = timedelta(days=8)
_LOCK = 7_203_001


@contextmanager
def epochs_locked(*, now: datetime) -> Iterator[LocalKeyRing]:
    """A transaction on the vault in which nobody else makes, retires or destroys an epoch.

    Rows and ring are in step when it begins. Raises KeysMissing without a ring.
    """
    with transaction.atomic(using="vault"):
        with connections["vault"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        ring = key_ring()
        _sync(ring)
        yield ring


def sync_epochs(*, now: datetime) -> None:
    """Write the rows that are missing beside the ring's files; safe to repeat. KeysMissing."""
    with epochs_locked(now=now):
        pass


def rotate_epoch(*, now: datetime, reason: KeyEpoch.Reason) -> int:
    """Make a new epoch, retire the current one, and return the new number.

    Every process wraps under the new one from its next write; `rewrap` moves what is under older
    ones. Not safe twice: each call makes another epoch. Raises KeysMissing.
    """
    with epochs_locked(now=now) as ring:
        newest = KeyEpoch.objects.order_by("-number")[0]
        number = ring.add_epoch(now=now, after=newest.number)
        _retire(number, now)
        KeyEpoch.objects.create(number=number, reason=reason, made_at=now)
        return number


def rotate_if_due(*, now: datetime) -> int | None:
    """Make a new epoch when the current one is a week old; safe to repeat. Raises KeysMissing.

    Also when the current one is from the future: a clock ran ahead, and a week after that date may
    be years away.
    """
    with epochs_locked(now=now):
        current = KeyEpoch.objects.order_by("-number")[0]
        if -CLOCKS_DIFFER <= now - current.made_at < ROTATION:
            return None
        return rotate_epoch(now=now, reason=Reason.WEEKLY)


def _sync(ring: LocalKeyRing) -> None:
    rows = dict(KeyEpoch.objects.values_list("number", "destroyed_at"))
    notes = {number: _note(path.read_bytes()) for number, path in ring.destroyed_epochs().items()}
    living = ring.epochs()
    if not living:
        raise KeysMissing(KeysMissing.__doc__)
    for number in sorted((set(living) | notes.keys()) - rows.keys()):
        made_at = notes[number]["made_at"] if number in notes else made_at_of(ring, number)
        _retire(number, made_at)
        reason = Reason.FOUNDING if number == 1 else Reason.WEEKLY
        KeyEpoch.objects.create(number=number, reason=reason, made_at=made_at)
    for number, note in notes.items():
        if rows.get(number) is None:
            _mark_from(note)


def made_at_of(ring: LocalKeyRing, number: int) -> datetime:
    """Return when an epoch's file says that it was made; raises KeysMissing."""
    try:
        return datetime.fromisoformat(json.loads(ring.epoch_file(number))["created_at"])
    except (ValueError, KeyError):
        raise KeysMissing(KeysMissing.__doc__) from None


def _retire(successor: int, at: datetime) -> None:
    """Retire what is older than `successor`; an epoch made by a clock that runs ahead as well."""
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "UPDATE privacy_keyepoch SET retired_at = greatest(%s, made_at)"
            " WHERE number < %s AND retired_at IS NULL",
            [at, successor],
        )


def _mark_from(note: Mapping[str, Any]) -> None:
    """A vault from before the destruction learns of it from the ring."""
    row = KeyEpoch.objects.get(number=note["number"])
    row.retired_at = row.retired_at or note["retired_at"]
    row.destroyed_at, row.approval_id = note["destroyed_at"], note["approval"]
    row.file_sha256 = bytes.fromhex(note["file_sha256"]) or None
    row.save()


def epochs_from_the_future(*, now: datetime) -> list[int]:
    """Return the epochs that are not destroyed and were made, or retired, later than now."""
    ahead = now + CLOCKS_DIFFER
    rows = KeyEpoch.objects.filter(Q(made_at__gt=ahead) | Q(retired_at__gt=ahead))
    rows = rows.filter(destroyed_at=None).order_by("number")
    return list(rows.values_list("number", flat=True))


def note_emptied(*, now: datetime) -> None:
    """Note since when nothing is wrapped under each retired epoch; safe to repeat.

    An epoch that a slow process wrapped something under meanwhile begins anew.
    """
    used = {*epochs_in_use(), *SealingKeyPair.objects.values_list("kek_epoch", flat=True)}
    living = KeyEpoch.objects.filter(destroyed_at=None, retired_at__isnull=False)
    living.filter(number__in=used).exclude(emptied_at=None).update(emptied_at=None)
    empty = living.exclude(number__in=used)
    empty.filter(Q(emptied_at=None) | Q(emptied_at__gt=now)).update(emptied_at=now)


def _note(content: bytes) -> dict[str, Any]:
    """Return an attestation as it was left in the ring; raises KeysMissing if it is none."""
    try:
        note: dict[str, Any] = json.loads(content)
        for name in ("made_at", "retired_at", "destroyed_at"):
            note[name] = datetime.fromisoformat(note[name])
        for name in ("approval", "requested_by", "approved_by"):
            note[name] = UUID(note[name])
    except (ValueError, KeyError, TypeError):
        raise KeysMissing("A note of a destroyed epoch cannot be read.") from None
    return note


def destruction_note(ring: LocalKeyRing, number: int) -> dict[str, Any] | None:
    """Return what the ring keeps in the place of a destroyed epoch; raises KeysMissing."""
    path = ring.destroyed_epochs().get(number)
    return _note(path.read_bytes()) if path else None


def epochs_in_use() -> list[int]:
    """Return the epochs that data keys are wrapped under, without looking at each key."""
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE found AS (SELECT min(kek_epoch) AS epoch FROM dek UNION ALL"
            " SELECT (SELECT min(kek_epoch) FROM dek WHERE kek_epoch > found.epoch) FROM found"
            " WHERE found.epoch IS NOT NULL)"
            " SELECT epoch FROM found WHERE epoch IS NOT NULL"
        )
        return [row[0] for row in cursor.fetchall()]
