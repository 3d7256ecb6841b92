"""Words that stand in a row of their own, sealed under a subject's key of a class.

A document is one per subject and class and is rewritten as a whole: right for a profile, wrong for
what only ever grows, such as notes and messages. Those are sealed one by one, each bound to its
subject, its class and its own id, in the same format as the evidence of the ledger. They die with
the key of their class, as a document does: a table that keeps them is named to `register_evidence`,
so that the audit of keys knows what a key is still needed for.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from privacy.models import RetentionClass
from privacy.reading import note_reading
from privacy.vault.formats import RecordPlace, Unreadable, open_blob, seal_blob
from privacy.vault.installation import instance_id
from privacy.vault.store import Document, decode, encode, obtain_keys, read_keys

logger = logging.getLogger("privacy.vault")


@dataclass(frozen=True, repr=False)
class SealedRecord:
    """What a row keeps of a record: whose key, which record, and the ciphertext."""

    id: UUID
    subject_id: UUID
    sealed: bytes


def seal_record(
    *, subject_id: UUID, retention_class: RetentionClass, record_id: UUID, document: Document
) -> bytes:
    """Return a record as a row may keep it; the key is durable before this returns.

    Raises KeysLost, EpochMissing and Unreadable. Calling twice gives two ciphertexts of the same.
    """
    key = obtain_keys([subject_id], retention_class)[subject_id]
    place = RecordPlace(instance_id(), subject_id, int(retention_class), key.generation, record_id)
    return seal_blob(key=key.key, place=place, plaintext=encode(document))


def open_records(
    *, records: Iterable[SealedRecord], retention_class: RetentionClass
) -> dict[UUID, Document]:
    """Return id -> document of the records that open, in one query whatever their number.

    One that does not (its key was destroyed) is absent, and logged by its subject's id alone.
    Where an account reads, a line says so before; raises as `privacy.reading.note_reading` does.
    """
    wanted = list(records)
    if not wanted:
        return {}
    subjects = sorted({record.subject_id for record in wanted})
    note_reading(subject_ids=subjects, retention_class=retention_class)
    keys = read_keys(subjects, retention_class, missing=set())
    found: dict[UUID, Document] = {}
    for record in wanted:
        try:
            key = keys[record.subject_id]
            place = RecordPlace(
                instance_id(), record.subject_id, int(retention_class), key.generation, record.id
            )
            found[record.id] = decode(open_blob(key=key.key, place=place, body=record.sealed))
        except (Unreadable, KeyError):
            logger.error("security: a record of subject %s does not open", record.subject_id)
    return found
