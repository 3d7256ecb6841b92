"""Sealed envelopes between the public side, which drops them, and the worker, which opens them."""

import json
import logging
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction

from privacy.intake_journal import IntakeJournal
from privacy.models import Envelope, KeyDestruction, SealingKeyPair, SealingPublicKey
from privacy.vault.formats import (
    Unreadable,
    length_prefixed,
    unwrap_sealing_key,
    wrap_sealing_key,
)
from privacy.vault.installation import instance_id
from privacy.vault.keyring import key_ring
from privacy.vault.sealing import open_sealed, seal

logger = logging.getLogger("privacy.envelopes")
T = TypeVar("T")

# Eight days: as long as the keys that wrapped it, see docs/formats/vault.md.
SEALING_KEY_LIFE = timedelta(days=8)


class IntakeClosed(Exception):
    """The submission could not be kept: the sender must be told, and may try again."""


class Refused(Exception):
    """The content of an envelope cannot be accepted; the argument is a short code for it."""


@dataclass(frozen=True)
class OpenedEnvelope:
    id: UUID
    kind: str
    context: str
    document: dict[str, Any]
    received_at: datetime


@dataclass(frozen=True)
class Drained:
    """What a call did: handled, put aside, and left for the next call because it failed."""

    handled: int
    quarantined: int
    left: int


# --- the public side -------------------------------------------------------------------------


def drop_envelope(
    *,
    kind: str,
    context: str,
    envelope_id: UUID,
    document: dict[str, Any],
    now: datetime,
    is_journaled: bool = True,
) -> None:
    """Seal a document and keep it twice: in the intake table and in the intake journal.

    Dropping the same id again changes nothing. Raises TooLarge, and IntakeClosed when it could
    not be kept for sure. What nobody would miss after a restore is not journaled: the journal
    would keep for years when it came.
    """
    plaintext = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    key = _newest_key()
    sealed = seal(
        public_key=X25519PublicKey.from_public_bytes(bytes(key.public)),
        plaintext=plaintext,
        kind=kind,
        instance_id=key.instance_id,
        envelope_id=envelope_id,
        context=context,
        seal_key=key.id,
    )
    row = Envelope(
        id=envelope_id, kind=kind, context=context, seal_key=key.id, sealed=sealed, received_at=now
    )
    try:
        # The frame is on its way to the disk while the database commits. If the row then fails,
        # the journal holds more than was acknowledged: harmless, for ids make a replay idempotent.
        ticket = _append_intake_journal(row, now) if is_journaled else None
        on_intake(partial(_insert, row))
        if ticket is not None:
            _JOURNAL.sync(ticket)
    except (DatabaseError, InterfaceError, OSError) as error:
        raise IntakeClosed(IntakeClosed.__doc__) from error


def on_intake(work: Callable[[], T]) -> T:
    """Do a reading, or a writing that may be repeated, on the intake database.

    Once more on a new connection if the kept one had died: the public side does not ask before
    each request whether it is alive, as Django would. Raises what the second try raises.
    """
    try:
        return work()
    except (OperationalError, InterfaceError):
        if connections["intake"].in_atomic_block:
            raise
        connections["intake"].close()
        return work()


_KEY: dict[str, tuple[float, SealingPublicKey]] = {}


def _newest_key() -> SealingPublicKey:
    """Return the key to seal to, remembered for a moment.

    A remembered key is never a dead one: a pair lives for SEALING_KEY_LIFE after its successor.
    """
    read_at, key = _KEY.get("newest", (0.0, None))
    if key is not None and time.monotonic() - read_at < settings.INTAKE_MEMORY_SECONDS:
        return key
    try:
        key = on_intake(SealingPublicKey.objects.order_by("-id").first)
    except (OperationalError, InterfaceError) as error:
        raise IntakeClosed(IntakeClosed.__doc__) from error
    if key is None:
        raise IntakeClosed("There is no sealing key yet.")
    _KEY["newest"] = time.monotonic(), key
    return key


def _insert(row: Envelope) -> None:
    """One statement that commits itself: the ORM would spend three round trips on it.

    The public role may insert and nothing else: no RETURNING, no conflict target.
    """
    with connections["intake"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO privacy_envelope"
            " (id, kind, context, seal_key, sealed, received_at, failure)"
            " VALUES (%s, %s, %s, %s, %s, %s, '') ON CONFLICT DO NOTHING",
            [row.id, row.kind, row.context, row.seal_key, bytes(row.sealed), row.received_at],
        )


_JOURNAL = IntakeJournal()


def _append_intake_journal(row: Envelope, now: datetime) -> int:
    """Keep the sealed bytes outside the database too: a restore must not lose anybody's "no"."""
    payload = length_prefixed(
        row.kind.encode(), row.context.encode(), row.id.bytes, row.seal_key.to_bytes(4, "big"),
        now.isoformat().encode(), bytes(row.sealed),
    )  # fmt: skip
    frame = len(payload).to_bytes(4, "big") + payload + zlib.crc32(payload).to_bytes(4, "big")
    return _JOURNAL.append(settings.INTAKE_JOURNAL_DIR / f"{now:%Y%m%d}.log", frame)


# --- the worker ------------------------------------------------------------------------------


def refresh_sealing_key(*, now: datetime) -> None:
    """Make the day's key pair, publish its public half, and delete pairs that are spent.

    Calling twice is safe. A pair is spent when a newer one has been there for SEALING_KEY_LIFE
    and no envelope waits for it.
    """
    number = int(f"{now:%Y%m%d}")
    private = X25519PrivateKey.generate()
    epoch = key_ring().current_epoch()
    SealingKeyPair.objects.bulk_create(
        [
            SealingKeyPair(
                id=number,
                public=private.public_key().public_bytes_raw(),
                private_wrapped=wrap_sealing_key(
                    kek=key_ring().kek(epoch),
                    instance_id=instance_id(),
                    seal_key=number,
                    private=private.private_bytes_raw(),
                ),
                kek_epoch=epoch,
                created_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    _publish_sealing_keys()
    _delete_spent_keys(now)


def _publish_sealing_keys() -> None:
    published = set(SealingPublicKey.objects.values_list("id", flat=True))
    SealingPublicKey.objects.bulk_create(
        [
            SealingPublicKey(
                id=pair.id,
                public=bytes(pair.public),
                instance_id=instance_id(),
                created_at=pair.created_at,
            )
            for pair in SealingKeyPair.objects.filter(retired_at=None).exclude(id__in=published)
        ],
        ignore_conflicts=True,
    )


def _delete_spent_keys(now: datetime) -> None:
    """Destroy the private halves that nothing waits for, attest it, then drop their rows.

    An emptied row is found again whatever comes between: none goes without its attestation.
    """
    pairs = list(SealingKeyPair.objects.order_by("id"))
    waiting = set(Envelope.objects.values_list("seal_key", flat=True).distinct())
    spent = {
        pair.id: successor.created_at
        for pair, successor in pairwise(pairs)
        if pair.id not in waiting and now - successor.created_at >= SEALING_KEY_LIFE
    }
    # The public half goes first: nobody may seal to a key that is about to die.
    SealingPublicKey.objects.filter(id__in=spent).delete()
    SealingKeyPair.objects.filter(id__in=spent, retired_at=None).update(
        private_wrapped=b"", retired_at=now
    )
    _attest_sealing_keys(spent)


def _attest_sealing_keys(retired: Mapping[int, datetime]) -> None:
    """Attest the pairs whose private half is destroyed, and drop their rows; safe to repeat."""
    emptied = list(SealingKeyPair.objects.filter(id__in=retired).exclude(retired_at=None))
    KeyDestruction.objects.bulk_create(
        [
            KeyDestruction(
                kind=KeyDestruction.Kind.SEALING,
                number=pair.id,
                made_at=pair.created_at,
                retired_at=retired[pair.id],
                destroyed_at=pair.retired_at,
            )
            for pair in emptied
            if pair.retired_at is not None
        ],
        ignore_conflicts=True,
    )
    SealingKeyPair.objects.filter(id__in=[pair.id for pair in emptied]).delete()


def drain_envelopes(
    *,
    kind: str,
    handle: Callable[[OpenedEnvelope], None],
    limit: int,
    now: datetime,
    waits_for_others: bool = False,
) -> Drained:
    """Open the oldest waiting envelopes and hand each to `handle`, in a transaction on crm.

    `handle` must be idempotent by the envelope's id: a crash after its commit brings the envelope
    again. Refused or Unreadable puts it aside, kept sealed; any other failure leaves it for the
    next call. Several workers may drain at once: they take different envelopes, or, with
    `waits_for_others`, wait until what another one is handling has taken effect.
    Raises OperationalError if a database is gone.
    """
    done: list[UUID] = []
    failed: dict[str, list[UUID]] = {}
    with transaction.atomic(using="intake"):
        rows = list(
            Envelope.objects.filter(kind=kind, quarantined_at__isnull=True)
            .order_by("received_at", "id")
            .select_for_update(skip_locked=not waits_for_others)[:limit]
        )
        keys = _private_keys({row.seal_key for row in rows})
        for row in rows:
            code = _handle_one(row, keys, handle)
            if code is None:
                done.append(row.id)
            elif code:
                failed.setdefault(code, []).append(row.id)
        Envelope.objects.filter(id__in=done).delete()
        for code, ids in failed.items():
            Envelope.objects.filter(id__in=ids).update(quarantined_at=now, failure=code)
    aside = sum(map(len, failed.values()))
    return Drained(len(done), aside, len(rows) - len(done) - aside)


def _handle_one(
    row: Envelope,
    keys: dict[int, X25519PrivateKey],
    handle: Callable[[OpenedEnvelope], None],
) -> str | None:
    """Return None when handled, a code to put the envelope aside with, or "" to try again."""
    try:
        opened = _open(row, keys)
        with transaction.atomic(using="default"):
            handle(opened)
    except Unreadable:
        return "unreadable"
    except Refused as refusal:
        return str(refusal)[:32]
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # Class and place only: messages of databases and parsers quote what they choke on.
        logger.error("envelope %s waits: %s in %s", row.id, type(error).__name__, _place(error))
        return ""
    return None


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"


def _private_keys(numbers: set[int]) -> dict[int, X25519PrivateKey]:
    found = {}
    for pair in SealingKeyPair.objects.filter(id__in=numbers, retired_at=None):
        private = unwrap_sealing_key(
            kek=key_ring().kek(pair.kek_epoch),
            instance_id=instance_id(),
            seal_key=pair.id,
            wrapped=bytes(pair.private_wrapped),
        )
        found[pair.id] = X25519PrivateKey.from_private_bytes(private)
    return found


def _open(row: Envelope, keys: dict[int, X25519PrivateKey]) -> OpenedEnvelope:
    private = keys.get(row.seal_key)
    if private is None:
        raise Unreadable
    plaintext = open_sealed(
        private_key=private,
        sealed=bytes(row.sealed),
        kind=row.kind,
        instance_id=instance_id(),
        envelope_id=row.id,
        context=row.context,
        seal_key=row.seal_key,
    )
    try:
        document = json.loads(plaintext)
    except ValueError:
        raise Unreadable from None
    if not isinstance(document, dict):
        raise Unreadable
    return OpenedEnvelope(row.id, row.kind, row.context, document, row.received_at)
