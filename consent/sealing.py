"""The ledger's log: rows become entries of a tree that can only grow, under signed heads.

The folder of the log is outside the database, and its heads are the truth: a row that is altered,
removed or moved later no longer fits what was signed. Exact bytes: docs/formats/ledger.md.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from consent.models import LedgerEvent, Seal
from privacy.services import (
    Head,
    LogBusy,
    LogDamaged,
    NotSigned,
    Proof,
    Prover,
    SignedLog,
    Signer,
    log_signer,
)

# That a row is in the log: index, tree_size, hashes, checkpoint.
SealProof = Proof
_ENTRY_VERSION, _ENTRY_SIZE = 1, 57
_BATCH = 5_000
# One call: what it holds in memory is a batch, what its transaction takes is some seconds.
SEAL_LIMIT = 100_000
# Writers take this lock shared, in a trigger of the table, for the rest of their transaction.
_WRITERS, _SEALER = 79, 80
_PATIENCE_SECONDS, _PAUSE_SECONDS = 5.0, 0.02


class SealBroken(Exception):
    """The log and the ledger do not agree: nothing is sealed until somebody has looked."""


class Entry(NamedTuple):
    """What the log holds of a row: enough to name it, nothing about a person."""

    seq: int
    record_id: UUID
    entry_hash: bytes

    def encode(self) -> bytes:
        number = self.seq.to_bytes(8, "big")
        return bytes([_ENTRY_VERSION]) + number + self.record_id.bytes + self.entry_hash


def decode_entry(content: bytes) -> Entry:
    """Return what an entry says; raises ValueError."""
    if len(content) != _ENTRY_SIZE or content[0] != _ENTRY_VERSION:
        raise ValueError("This is not an entry of the ledger's log.")
    return Entry(int.from_bytes(content[1:9], "big"), UUID(bytes=content[9:25]), content[25:])


def ledger_signer() -> Signer:
    """Return the key of the ledger's log. Raises KeysMissing, NotFounded, LogDamaged."""
    return log_signer(folder=settings.ANCHOR_DIR, host=settings.MAIL_DOMAIN)


def seal_ledger(*, now: datetime, limit: int = SEAL_LIMIT) -> int:
    """Put rows that are not sealed yet into the log and sign it; return how many.

    Nothing to do is three small queries. Calling twice is safe, also at the same time, and after a
    crash at any point. Raises SealBroken when log and ledger do not agree, and KeysMissing.
    """
    try:
        with transaction.atomic():
            if not _is_only_sealer():
                return 0
            signer = ledger_signer()
            log = SignedLog(settings.ANCHOR_DIR, signer.verifier)
            last = _adopt(log, Seal.objects.order_by("-tree_size").first(), now)
            return _seal(log, signer, last, limit, now)
    except LogBusy:
        return 0
    except NotSigned:
        raise SealBroken(
            f"The newest head in {settings.ANCHOR_DIR} was not signed by this installation: put"
            " back the newest copy of the folder that is."
        ) from None
    except LogDamaged as error:
        raise SealBroken(f"{error} Put back the newest copy of {settings.ANCHOR_DIR}.") from None
    except OSError as error:
        raise SealBroken(f"{settings.ANCHOR_DIR} cannot be written: {error.strerror}.") from None


def unsealed_since() -> datetime | None:
    """Return since when the oldest record that is not sealed yet waits; None if none does."""
    last = Seal.objects.order_by("-last_seq").values_list("last_seq", flat=True).first()
    rows = LedgerEvent.objects.filter(seq__gt=last or 0).order_by("seq")
    return rows.values_list("received_at", flat=True).first()


def proof_of(*, seqs: Sequence[int]) -> dict[int, SealProof]:
    """Return the proofs of ledger rows, all to the newest head; a row not sealed yet is absent.

    Reads a few tiles a row, and only the public half of the key is used. Raises LogDamaged,
    NotSigned when the folder of the log is not whole.
    """
    prover = SignedLog(settings.ANCHOR_DIR, ledger_signer().verifier).prover()
    if prover is None:
        return {}
    places = {seq: _place(prover, seq) for seq in seqs}
    return {seq: prover.prove(place) for seq, place in places.items() if place is not None}


def _place(prover: Prover, seq: int) -> int | None:
    """Return the place of a row's entry: they are in the order of seq, so halving finds it."""
    low, high = 0, prover.size
    while low < high:
        middle = (low + high) // 2
        found = decode_entry(prover.entry(middle)).seq
        if found == seq:
            return middle
        low, high = (middle + 1, high) if found < seq else (low, middle)
    return None


# --- sealing ----------------------------------------------------------------------------------


def _is_only_sealer() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SEALER])
        return bool(cursor.fetchone()[0])


def _seal(log: SignedLog, signer: Signer, last: Seal | None, limit: int, now: datetime) -> int:
    cut = _cut(last.last_seq if last else 0)
    if cut is None:
        return 0
    rows = islice(_rows(after=last.last_seq if last else 0, until=cut), limit)
    first_seq = last_seq = 0
    with log.writer() as writer:
        before = writer.size
        if before != (last.tree_size if last else 0):
            raise SealBroken("The log grew beside this database: only one may write to it.")
        while batch := list(islice(rows, _BATCH)):
            first_seq, last_seq = first_seq or batch[0].seq, batch[-1].seq
            writer.append(row.encode() for row in batch)
        head, note = writer.commit(origin=signer.verifier.name, sign=signer.sign)
    _record(head, note, (first_seq, last_seq), now)
    return head.size - before


def _cut(last_seq: int) -> int | None:
    """Return the number up to which no row can appear any more; None if there is nothing new.

    Numbers are drawn before their rows can be seen. Whoever drew one below the newest visible row
    did so holding the writers' lock, and still holds it or has ended: so waiting for the present
    holders is enough. Asking for the lock itself would do as well, but every writer would then
    queue behind us for as long as one of them takes its time.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(seq) FROM consent_ledgerevent WHERE seq > %s", [last_seq])
        cut: int | None = cursor.fetchone()[0]
        if cut is None:
            return None
        holders = _writing(cursor, None)
        until = time.monotonic() + _PATIENCE_SECONDS
        while holders:
            if time.monotonic() > until:
                return None  # somebody takes long: the next bell will do
            time.sleep(_PAUSE_SECONDS)
            holders = _writing(cursor, holders)
    return cut


def _writing(cursor: CursorWrapper, among: list[str] | None) -> list[str]:
    """Return the transactions of others that hold the writers' lock, of all or of `among`."""
    cursor.execute(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND classid = 0"
        " AND objid = %s AND objsubid = 1 AND granted AND pid IS DISTINCT FROM pg_backend_pid()"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND (%s::text[] IS NULL OR virtualtransaction = ANY(%s))",
        [_WRITERS, among, among],
    )
    return [row[0] for row in cursor.fetchall()]


def _rows(*, after: int, until: int | None = None) -> Iterator[Entry]:
    """Yield the entries of rows in the order of seq."""
    rows = LedgerEvent.objects.order_by("seq").values_list("seq", "record_id", "entry_hash")
    if until is not None:
        rows = rows.filter(seq__lte=until)
    while batch := list(rows.filter(seq__gt=after)[:_BATCH]):
        yield from (Entry(seq, record_id, bytes(each)) for seq, record_id, each in batch)
        after = batch[-1][0]


def _record(head: Head, note: str, seqs: tuple[int, int], now: datetime) -> Seal:
    return Seal.objects.create(
        tree_size=head.size,
        first_seq=seqs[0],
        last_seq=seqs[1],
        root=head.root,
        checkpoint=note,
        sealed_at=now,
    )


# --- after a crash, or a restored copy ----------------------------------------------------------


def _adopt(log: SignedLog, last: Seal | None, now: datetime) -> Seal | None:
    """Take heads that the log has and the database has not, if they are about its rows.

    The head is on disk before its Seal: a crash in between leaves it ahead by one.
    """
    newest = log.newest()
    size = newest[0].size if newest else 0
    if last and (size < last.tree_size or not newest):
        raise SealBroken(
            f"The log in {log.folder} has {size} entries and this database knows of"
            f" {last.tree_size}: put back the newest copy of the folder."
        )
    if last and newest and size == last.tree_size and newest[0].root != bytes(last.root):
        raise SealBroken(f"The log in {log.folder} is not the one that this database knows.")
    if newest and size > (last.tree_size if last else 0):
        rows = _rows(after=last.last_seq if last else 0)
        before = last.tree_size if last else 0
        for head, note in log.heads_above(before):
            entries = log.reader(head.size).entries(before, head.size)
            last = _record(head, note, _matched(entries, rows), now)
            before = head.size
    return last


def _matched(entries: Iterable[bytes], rows: Iterator[Entry]) -> tuple[int, int]:
    """Return the first and last seq of entries that equal the next rows; raises SealBroken."""
    first = seq = 0
    for content in entries:
        row, entry = next(rows, None), decode_entry(content)
        if row is None:
            raise SealBroken(
                f"Row {entry.seq} was sealed and this database does not have it: it was restored"
                " from an older copy. Put back the newest one; nothing is sealed until then."
            )
        if row != entry:
            raise SealBroken(
                f"Row {row.seq} is not what was sealed as row {entry.seq}: `manage.py ledger"
                " verify` says what was changed."
            )
        first, seq = first or row.seq, row.seq
    return first, seq
