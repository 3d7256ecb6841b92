"""A new key for the index of addresses: everybody is written anew, then the old rows go.

The steps, each safe to repeat and to crash in: a key is made and lives beside the old one; the
addresses of everybody are read in their documents and written under it too; when none is lacking,
the old epoch is retired, its rows are deleted, and its key follows once no backup of the vault has
such rows any more. `IndexEpoch` says how far it is; privacy/vault/tokens.py keeps both in step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from privacy.models import IndexEpoch, RetentionClass, TokenKind
from privacy.vault.index_keys import drop_index_key, index_keys_to_drop, make_index_key
from privacy.vault.indexes import InvalidAddress, normalise_email
from privacy.vault.keyring import key_ring
from privacy.vault.store import Document, read_documents
from privacy.vault.stream import subjects_after
from privacy.vault.tokens import FIRST, alone, side_by_side, token

AddressReader = Callable[[Document], tuple[Sequence[str], Sequence[str]]]
_READERS: list[AddressReader] = []
BATCH, BATCHES, ROWS = 500, 20, 5_000
RECOUNT_AFTER = timedelta(hours=1)
# Backups of the vault live seven days (docs/formats/vault.md): with one of them an old key may be
# needed again.
KEY_OUTLIVES_ROWS = timedelta(days=8)


class RotationUnderWay(Exception):
    """A rotation of the index is under way already: it must end first."""


class AddressesLacking(Exception):
    """Addresses cannot be read in any document; the message says how many."""


@dataclass(frozen=True)
class Work:
    """What a call did: people walked, rows deleted, and whether anything is left to do now."""

    walked: int = 0
    deleted: int = 0
    is_idle: bool = True


def register_address_reader(reader: AddressReader) -> None:
    """Say where addresses and numbers stand in a document; the last one registered does."""
    _READERS[:] = [reader]


def rotate_index(*, now: datetime) -> int:
    """Make a new index key and return its epoch; the worker does the rest.

    Raises RotationUnderWay, KeysMissing. The key comes first, for enrolments must not wait for a
    key server; a crash in between, or somebody else's rotation, leaves a key that nobody uses.
    """
    if _youngest() is not None:
        raise RotationUnderWay(RotationUnderWay.__doc__)
    used = IndexEpoch.objects.values_list("epoch", flat=True)
    epoch = make_index_key(key_ring(), above=max({FIRST, *used}), now=now)
    with transaction.atomic(using="vault"), connections["vault"].cursor() as cursor:
        living = alone(cursor)
        # Above every living one, or somebody's whole rotation went by meanwhile.
        if len(living) > 1 or epoch <= living[0]:
            raise RotationUnderWay(RotationUnderWay.__doc__)
        IndexEpoch.objects.get_or_create(
            epoch=living[0], defaults={"started_at": now, "filled_at": now}
        )
        IndexEpoch.objects.create(epoch=epoch, started_at=now)
    return epoch


def work_on_index_rotation(*, now: datetime, limit: int = BATCH, batches: int = BATCHES) -> Work:
    """Do the next bounded part of a rotation, if there is one. Safe to repeat and at once.

    Raises KeysMissing.
    """
    walked = deleted = 0
    for _batch in range(batches):
        if step := _walk_on(now, limit):
            walked += step
        elif _retire_when_complete(now):
            continue
        elif rows := _delete_rows(now):
            deleted += rows
        else:
            _drop_keys(now)
            return Work(walked, deleted, is_idle=True)
    return Work(walked, deleted, is_idle=False)


def finish_index_rotation(*, losing: int, now: datetime) -> None:
    """Retire the old epoch although `losing` addresses lack the new one: they are forgotten.

    Whoever has such an address becomes a new person when it comes again; a "no" of theirs holds,
    for it is kept by fingerprint. Raises AddressesLacking when it is another number.
    """
    young = _youngest()
    if young is None or young.filled_at is None:
        raise AddressesLacking("No rotation has come so far.")
    lacking = _count_lacking(young.epoch)
    if lacking != losing:
        raise AddressesLacking(f"{lacking} addresses lack epoch {young.epoch}, not {losing}.")
    _retire(young.epoch, now)


# --- everybody is written anew ---------------------------------------------------------------


def _youngest() -> IndexEpoch | None:
    """Return the epoch that is being filled, None when no rotation is under way."""
    living = list(IndexEpoch.objects.filter(retired_at=None).order_by("epoch"))
    return living[-1] if len(living) > 1 else None


def _walk_on(now: datetime, limit: int) -> int:
    """Write the next people under the new epoch; return how many, 0 when everybody is."""
    young = _youngest()
    if young is None or young.filled_at is not None:
        return 0
    with transaction.atomic(using="vault"):
        waiting = IndexEpoch.objects.select_for_update(skip_locked=True)
        walk = waiting.filter(epoch=young.epoch, filled_at=None).first()
        if walk is None:  # another worker walks
            return 0
        people = subjects_after(
            retention_class=RetentionClass.PROFILE, after=walk.walked_to, limit=limit
        )
        if people:
            _write_anew(people, walk.epoch)
            walk.walked_to, walk.walked = people[-1], walk.walked + len(people)
        else:
            walk.filled_at = now
        walk.save()
    return len(people)


def _write_anew(subject_ids: Sequence[UUID], epoch: int) -> None:
    """Write the addresses of these people under `epoch`, where the deciding epoch has them.

    What it has not is not written: the person was erased meanwhile, or the address is another's.
    """
    known = _addresses(subject_ids)
    with transaction.atomic(using="vault"), connections["vault"].cursor() as cursor:
        deciding, *others = side_by_side(cursor)
        if epoch not in others:
            return
        pairs = sorted((k, token(k, a, epoch), token(k, a, deciding)) for k, a in known)
        cursor.execute(
            "INSERT INTO bidx (kind, epoch, token, subject_id)"
            " SELECT b.kind, %s, w.young, b.subject_id"
            " FROM unnest(%s::int2[], %s::int8[], %s::int8[]) AS w (kind, young, old)"
            " JOIN bidx b ON b.kind = w.kind AND b.epoch = %s AND b.token = w.old"
            " ORDER BY b.kind, w.young ON CONFLICT DO NOTHING",
            [
                epoch,
                [int(kind) for kind, _, _ in pairs],
                [young for _, young, _ in pairs],
                [old for _, _, old in pairs],
                deciding,
            ],
        )


def _addresses(subject_ids: Sequence[UUID]) -> set[tuple[TokenKind, str]]:
    documents = read_documents(subject_ids=subject_ids, retention_class=RetentionClass.PROFILE)
    found: set[tuple[TokenKind, str]] = set()
    for document in documents.values():
        emails, phones = _READERS[0](document) if _READERS else ((), ())
        found |= {(TokenKind.PHONE, phone) for phone in phones if phone}
        found |= {(TokenKind.EMAIL, each) for each in map(_normalised, emails) if each}
    return found


def _normalised(email: str) -> str:
    try:
        return normalise_email(email)
    except InvalidAddress:
        return ""  # then no token was ever made of it


# --- the old epoch goes ----------------------------------------------------------------------

# A person whose addresses under the new epoch are fewer: nobody's are more (see tokens.py).
_LACKING = """
SELECT subject_id, count(*) FILTER (WHERE epoch <> %s) - count(*) FILTER (WHERE epoch = %s)
FROM bidx WHERE kind = %s AND epoch IN (SELECT epoch FROM privacy_indexepoch
                                        WHERE retired_at IS NULL)
GROUP BY subject_id
HAVING count(*) FILTER (WHERE epoch <> %s) > count(*) FILTER (WHERE epoch = %s)
"""
_HOW_MANY = "SELECT coalesce(sum(n), 0) FROM (" + _LACKING + ") AS s (id, n)"  # noqa: S608


def _count_lacking(epoch: int) -> int:
    return int(_asked(_HOW_MANY, epoch)[0][0])


def _asked(statement: str, epoch: int) -> list[tuple[Any, ...]]:
    with connections["vault"].cursor() as cursor:
        cursor.execute(statement, [epoch, epoch, int(TokenKind.EMAIL), epoch, epoch])
        return list(cursor.fetchall())


def _retire_when_complete(now: datetime) -> bool:
    """Retire the old epoch if none lacks the new one; return whether it was."""
    young = _youngest()
    if young is None or young.filled_at is None:
        return False
    if young.counted_at is not None and now < young.counted_at + RECOUNT_AFTER:
        return False
    if people := [row[0] for row in _asked(f"{_LACKING} LIMIT {ROWS}", young.epoch)]:
        # Their documents were written after the walk had passed: they were arriving just then.
        for start in range(0, len(people), BATCH):
            _write_anew(people[start : start + BATCH], young.epoch)
    young.lacking, young.counted_at = _count_lacking(young.epoch), now
    young.save(update_fields=["lacking", "counted_at"])
    if young.lacking:
        return False
    _retire(young.epoch, now)
    return True


def _retire(epoch: int, now: datetime) -> None:
    # Once nobody lacks it nobody will: from its first moment every enrolment has written it too.
    with transaction.atomic(using="vault"), connections["vault"].cursor() as cursor:
        if epoch in alone(cursor):
            old = IndexEpoch.objects.filter(epoch__lt=epoch, retired_at=None)
            old.update(retired_at=now)


def _delete_rows(now: datetime) -> int:
    """Delete some rows of a retired epoch; return how many."""
    old = IndexEpoch.objects.filter(emptied_at=None).exclude(retired_at=None).first()
    if old is None:
        return 0
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "DELETE FROM bidx WHERE ctid = ANY(ARRAY(SELECT ctid FROM bidx"
            " WHERE kind = ANY(%s::int2[]) AND epoch = %s LIMIT %s))",
            [[int(kind) for kind in TokenKind], old.epoch, ROWS],
        )
        deleted = int(cursor.rowcount)
    if not deleted:
        IndexEpoch.objects.filter(epoch=old.epoch).update(emptied_at=now)
    return deleted


def _drop_keys(now: datetime) -> None:
    emptied = IndexEpoch.objects.filter(emptied_at__lte=now - KEY_OUTLIVES_ROWS)
    for epoch in index_keys_to_drop(key_ring(), emptied.values_list("epoch", flat=True)):
        drop_index_key(key_ring(), epoch=epoch, now=now)


# --- for people ------------------------------------------------------------------------------


@dataclass(frozen=True)
class EpochState:
    epoch: int
    row: IndexEpoch | None
    rows: int


def index_epochs() -> list[EpochState]:
    """Return every index epoch that is known or has rows. Counts the whole table: for a command."""
    known: dict[int, IndexEpoch] = {each.epoch: each for each in IndexEpoch.objects.all()}
    with connections["vault"].cursor() as cursor:
        cursor.execute("SELECT epoch, count(*) FROM bidx GROUP BY epoch")
        counts = dict(cursor.fetchall())
    numbers = sorted({*known, *counts} or {FIRST})
    return [EpochState(n, known.get(n), counts.get(n, 0)) for n in numbers]
