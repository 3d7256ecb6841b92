"""The encrypted documents of subjects: data keys in `vault`, blobs in `crm`.

No transaction spans the two databases. The order of writes makes every crash harmless: a key is
durable in the vault before a blob that needs it is written in crm, and the floor of a revision is
raised after that revision is committed. A crash between leaves a key nobody uses, never a blob
nobody can open.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from privacy.models import RetentionClass
from privacy.reading import note_reading
from privacy.vault.formats import (
    KEY_SIZE,
    BlobPlace,
    KeyPlace,
    RecordPlace,
    Unreadable,
    open_blob,
    seal_blob,
    unwrap_key,
    wrap_key,
)
from privacy.vault.installation import instance_id
from privacy.vault.interlock import KeysLost, claim_keys, new_generations
from privacy.vault.keyring import EpochMissing, key_ring
from privacy.vault.removal import note_removed
from privacy.vault.tokens import alone

logger = logging.getLogger("privacy.vault")

Document = dict[str, Any]
SCHEMA = 1
WRITE_ATTEMPTS = 20


class Conflict(Exception):
    """The document kept changing under us."""


@dataclass(frozen=True, repr=False)
class DataKeyInUse:
    """An unwrapped data key. It has no repr: keys are never printed."""

    key: bytes
    generation: int
    rev_floor: int


# --- data keys -------------------------------------------------------------------------------


def read_keys(
    subject_ids: Sequence[UUID], retention_class: RetentionClass, *, missing: set[int] | None = None
) -> dict[UUID, DataKeyInUse]:
    """Return the keys that open. With `missing`, one under a missing epoch is like one that does
    not, and the epoch is put there; without, it raises EpochMissing: whoever writes must wait.
    """
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "SELECT subject_id, generation, kek_epoch, rev_floor, wrapped FROM dek"
            " WHERE retention_class = %s AND subject_id = ANY(%s::uuid[])",
            [int(retention_class), list(subject_ids)],
        )
        rows = cursor.fetchall()
    keys: dict[UUID, DataKeyInUse] = {}
    for row in rows:
        try:
            keys[row[0]] = _unwrap(retention_class, row, missing)
        except Unreadable:
            logger.error("security: data key of subject %s does not open", row[0])
    return keys


def _unwrap(
    retention_class: int, row: tuple[UUID, int, int, int, bytes], missing: set[int] | None
) -> DataKeyInUse:
    subject_id, generation, epoch, rev_floor, wrapped = row
    place = KeyPlace(instance_id(), subject_id, int(retention_class), generation)
    key = unwrap_key(kek=_kek(epoch, missing), place=place, wrapped=bytes(wrapped))
    return DataKeyInUse(key, generation, rev_floor)


def _kek(epoch: int, missing: set[int] | None) -> bytes:
    """Return an epoch's key. A missing one is looked for, and logged, once for each `missing`."""
    if missing is not None and epoch in missing:
        raise Unreadable
    try:
        return key_ring().kek_of_row(epoch)
    except EpochMissing as error:
        if missing is None:
            raise
        missing.add(epoch)
        logger.error("security: %s What is under it does not open.", error)
        raise Unreadable from None


def obtain_keys(
    subject_ids: Sequence[UUID], retention_class: RetentionClass, *, is_despite_loss: bool = False
) -> dict[UUID, DataKeyInUse]:
    """Return the data keys, made in the vault where there are none.

    Raises KeysLost, also for one subject whose document is there without its key; EpochMissing,
    where the file of a key's epoch is to be put back first; and Unreadable.
    """
    claim_keys(subject_ids, retention_class, is_despite_loss=is_despite_loss)
    found = read_keys(subject_ids, retention_class)
    missing = [subject for subject in subject_ids if subject not in found]
    if not missing:
        return found
    try:
        generations = new_generations(missing, retention_class)
    except KeysLost:
        # Or others made key and document between our looks at both: then the key is there now.
        made = read_keys(missing, retention_class)
        if not made:
            raise
        rest = [subject for subject in missing if subject not in made]
        return found | made | (obtain_keys(rest, retention_class) if rest else {})
    epoch = key_ring().current_epoch()
    kek = key_ring().kek(epoch)
    wrapped = [
        wrap_key(
            kek=kek,
            place=KeyPlace(instance_id(), subject, int(retention_class), generation),
            data_key=os.urandom(KEY_SIZE),
        )
        for subject, generation in zip(missing, generations, strict=True)
    ]
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO dek"
            " (subject_id, retention_class, generation, kek_epoch, rev_floor, wrapped)"
            " SELECT unnest(%s::uuid[]), %s, unnest(%s::int[]), %s, 0, unnest(%s::bytea[])"
            " ON CONFLICT DO NOTHING",
            [missing, int(retention_class), generations, epoch, wrapped],
        )
    # Read back: another process may have been first, and its key is the one that counts.
    found |= read_keys(missing, retention_class)
    if not found.keys() >= set(missing):
        raise Unreadable
    return found


def destroy_keys(*, subject_id: UUID, retention_classes: Sequence[RetentionClass]) -> int:
    """Delete data keys and, with the profile's, the tokens; return how many keys there were.

    What they encrypted can no longer be opened by anybody who does not also hold an older copy of
    the vault and the key-encryption key of that time. Calling twice is safe.
    """
    with transaction.atomic(using="vault"), connections["vault"].cursor() as cursor:
        alone(cursor)
        cursor.execute(
            "DELETE FROM dek WHERE subject_id = %s AND retention_class = ANY(%s::int2[])",
            [subject_id, [int(c) for c in retention_classes]],
        )
        deleted = cursor.rowcount
        note_removed([(subject_id, int(c)) for c in retention_classes])
        if RetentionClass.PROFILE in retention_classes:
            cursor.execute("DELETE FROM bidx WHERE subject_id = %s", [subject_id])
    return int(deleted)


# --- documents -------------------------------------------------------------------------------


def encode(document: Document) -> bytes:
    content = {"v": SCHEMA, "d": document}
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def decode(plaintext: bytes) -> Document:
    content = json.loads(plaintext)
    if content.get("v") != SCHEMA:
        raise Unreadable
    document: Document = content["d"]
    return document


def _open(
    subject_id: UUID, retention_class: int, rev: int, body: bytes, key: DataKeyInUse
) -> Document:
    if rev < key.rev_floor:  # an older state of the row was put back
        raise Unreadable
    place = BlobPlace(instance_id(), subject_id, int(retention_class), key.generation, rev)
    return decode(open_blob(key=key.key, place=place, body=body))


def read_documents(
    *, subject_ids: Iterable[UUID], retention_class: RetentionClass
) -> dict[UUID, Document]:
    """Return the documents that are there and open, in two queries whatever their number.

    One that does not open is absent from the answer, and logged by the subject's id alone. Where
    an account reads, a line says so before; raises as `privacy.reading.note_reading` does.
    """
    wanted = list(subject_ids)
    if not wanted:
        return {}
    note_reading(subject_ids=wanted, retention_class=retention_class)
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT subject_id, rev, body FROM blob"
            " WHERE retention_class = %s AND subject_id = ANY(%s::uuid[])",
            [int(retention_class), wanted],
        )
        rows = cursor.fetchall()
    keys = read_keys([row[0] for row in rows], retention_class, missing=set())
    documents: dict[UUID, Document] = {}
    for subject_id, rev, body in rows:
        try:
            documents[subject_id] = _open(
                subject_id, retention_class, rev, bytes(body), keys[subject_id]
            )
        except (Unreadable, KeyError):
            logger.error("security: document of subject %s does not open", subject_id)
    return documents


def change_document(
    *,
    subject_id: UUID,
    retention_class: RetentionClass,
    change: Callable[[Document], Document],
) -> int:
    """Replace a document by `change(document)` ({} if there is none); return the new revision.

    Raises Unreadable rather than write over what it cannot read, KeysLost, and Conflict when others
    keep winning. `change` may be called again with a newer document: it must have no other effect.
    It is given what was there: that is a reading too.
    """
    note_reading(subject_ids=[subject_id], retention_class=retention_class)
    key = obtain_keys([subject_id], retention_class)[subject_id]
    for _attempt in range(WRITE_ATTEMPTS):
        rev, before = _current(subject_id, retention_class, key)
        place = BlobPlace(instance_id(), subject_id, int(retention_class), key.generation, rev + 1)
        body = seal_blob(key=key.key, place=place, plaintext=encode(change(before)))
        if _put(subject_id, retention_class, rev + 1, body):
            raise_floor = partial(_raise_floor, subject_id, retention_class, rev + 1)
            transaction.on_commit(raise_floor, using="default", robust=True)
            return rev + 1
    raise Conflict(Conflict.__doc__)


def _current(
    subject_id: UUID, retention_class: RetentionClass, key: DataKeyInUse
) -> tuple[int, Document]:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT rev, body FROM blob WHERE subject_id = %s AND retention_class = %s",
            [subject_id, int(retention_class)],
        )
        row = cursor.fetchone()
    if row is None:
        return 0, {}
    return row[0], _open(subject_id, retention_class, row[0], bytes(row[1]), key)


def _put(subject_id: UUID, retention_class: int, rev: int, body: bytes) -> bool:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO blob (subject_id, retention_class, rev, body) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (subject_id, retention_class)"
            " DO UPDATE SET rev = excluded.rev, body = excluded.body"
            " WHERE blob.rev = excluded.rev - 1",
            [subject_id, int(retention_class), rev, body],
        )
        return bool(cursor.rowcount)


def _raise_floor(subject_id: UUID, retention_class: int, rev: int) -> None:
    with connections["vault"].cursor() as cursor:
        cursor.execute(
            "UPDATE dek SET rev_floor = %s"
            " WHERE subject_id = %s AND retention_class = %s AND rev_floor < %s",
            [rev, subject_id, int(retention_class), rev],
        )


def write_document(*, subject_id: UUID, retention_class: RetentionClass, document: Document) -> int:
    """Replace a whole document; return its new revision. Raises as change_document does."""
    return change_document(
        subject_id=subject_id, retention_class=retention_class, change=lambda _before: document
    )


def write_documents(*, documents: Mapping[UUID, Document], retention_class: RetentionClass) -> None:
    """Write the first document of many new subjects at once; existing documents are left alone.

    Raises KeysLost and Unreadable.
    """
    keys = obtain_keys(list(documents), retention_class)
    bodies = [
        seal_blob(
            key=keys[subject].key,
            place=BlobPlace(
                instance_id(), subject, int(retention_class), keys[subject].generation, 1
            ),
            plaintext=encode(document),
        )
        for subject, document in documents.items()
    ]
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO blob (subject_id, retention_class, rev, body)"
            " SELECT unnest(%s::uuid[]), %s, 1, unnest(%s::bytea[]) ON CONFLICT DO NOTHING",
            [list(documents), int(retention_class), bodies],
        )


# --- evidence --------------------------------------------------------------------------------


def seal_evidence(*, subject_id: UUID, records: Mapping[UUID, Document]) -> dict[UUID, bytes]:
    """Return evidence for records of the ledger, under the subject's `proof` key, each bound to
    its record.

    Also while keys are lost: a "no" does not wait. Of a subject whose own proof key is lost there
    is none, and the record goes without.
    """
    if not records:
        return {}
    try:
        key = obtain_keys([subject_id], RetentionClass.PROOF, is_despite_loss=True)[subject_id]
    except (KeysLost, EpochMissing, Unreadable):
        logger.error("security: the proof key of subject %s is lost", subject_id)
        return {}
    return {
        record_id: seal_blob(
            key=key.key,
            place=_record_place(subject_id, record_id, key),
            plaintext=encode(document),
        )
        for record_id, document in records.items()
    }


def open_evidence(*, subject_id: UUID, record_id: UUID, sealed: bytes) -> Document:
    """Return what `seal_evidence` sealed; raises Unreadable, also once the key is destroyed.

    Where an account reads, a line says so before; raises as `privacy.reading.note_reading` does.
    """
    note_reading(subject_ids=[subject_id], retention_class=RetentionClass.PROOF)
    key = read_keys([subject_id], RetentionClass.PROOF, missing=set()).get(subject_id)
    if key is None:
        raise Unreadable
    place = _record_place(subject_id, record_id, key)
    return decode(open_blob(key=key.key, place=place, body=sealed))


def _record_place(subject_id: UUID, record_id: UUID, key: DataKeyInUse) -> RecordPlace:
    return RecordPlace(
        instance_id(), subject_id, int(RetentionClass.PROOF), key.generation, record_id
    )
