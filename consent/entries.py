"""What the hash of a ledger row is made of, by layout: see docs/formats/ledger.md."""

import hashlib
import json
from datetime import UTC, datetime

from consent.models import LedgerEvent

# Rows of today. Layout 1 is that of the first rows; they keep it for ever.
LAYOUT = 2
_NAMES_OF_1 = (
    "record_id",
    "schema_version",
    "subject_id",
    "channel",
    "purpose_id",
    "basis",
    "assessment_id",
    "event_state",
    "event_type",
    "event_at",
    "received_at",
    "valid_until",
    "indicated_by",
    "method",
    "form_code",
    "form_version",
    "notice_id",
    "notice_sha256",
    "language",
    "control_text_sha256",
    "supersedes",
    "source_id",
    "actor_id",
)
_NAMES_OF_2 = (
    *_NAMES_OF_1,
    *("layout", "purpose_version", "shown_record", "source", "import_batch"),
)

# Kept: json.dumps would make one for each record (27 to 19 µs a row, measured).
_ENCODERS = {
    is_ascii: json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=is_ascii)
    for is_ascii in (True, False)
}


def canonical(row: LedgerEvent) -> bytes:
    """Return the record as the bytes that its hash is made of.

    JSON in UTF-8 with sorted names and no blanks (RFC 8785 gives the same for these values). From
    layout 2 on it holds the SHA-256 of the evidence's ciphertext, so that a record can be checked
    by somebody who is not given the evidence, and after its key is destroyed.
    """
    names = _NAMES_OF_1 if row.layout == 1 else _NAMES_OF_2
    content = {name: _plain(getattr(row, name), row.layout) for name in names}
    if row.layout != 1:
        sealed = bytes(row.evidence) if row.evidence is not None else None
        content["evidence_sha256"] = hashlib.sha256(sealed).hexdigest() if sealed else None
    return _ENCODERS[row.layout == 1].encode(content).encode()


def entry_hash(row: LedgerEvent) -> bytes:
    """SHA-256 of the canonical record; of layout 1 also of its evidence's ciphertext."""
    if row.layout == 1:
        return hashlib.sha256(b"\0" + canonical(row) + bytes(row.evidence or b"")).digest()
    return hashlib.sha256(canonical(row)).digest()


def _plain(value: object, layout: int) -> object:
    if value is None or isinstance(value, int | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        at = value.astimezone(UTC)
        return at.isoformat() if layout == 1 else at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value)
