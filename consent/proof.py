"""The proof pack: everything that shows why a permission exists, to be checked without us.

A zip whose bytes depend on what is in the ledger and on `now` alone. Format:
docs/formats/receipts.md.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from consent.attest import PACK, ledger_part, readable_bytes, with_signature
from consent.models import BalancingAssessment, LedgerEvent, Notice, PurposeVersion
from consent.purposes import told
from consent.records import moment, record_documents, with_context
from privacy.services import Unreadable, open_evidence

_VERIFIER = Path(__file__).parent / "static" / "consent" / "accord_verify.py"
_README = Path(__file__).parent / "proof_readme.txt"


class NothingToProve(Exception):
    """The ledger holds nothing of this person for this purpose and channel."""


def proof_pack(
    *,
    subject_id: UUID,
    purpose_code: str,
    channel: str,
    with_evidence: bool,
    now: datetime,
    upto_seq: int | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return the zip for one person, purpose and channel, as the ledger is now or was at a row.

    With the evidence (network, browser) only for whoever may see it. `extra` are files of the
    caller, under names of their own. It changes nothing. Raises NothingToProve.
    """
    rows = _rows(subject_id, purpose_code, channel, upto_seq)
    if not rows:
        raise NothingToProve(NothingToProve.__doc__)
    files = {
        "README.txt": _README.read_bytes(),
        "accord_verify.py": _VERIFIER.read_bytes(),
        "records.jsonld": readable_bytes(with_context({"@graph": record_documents(rows)})),
        "ledger.json": readable_bytes(ledger_part(rows)),
        **_notices(rows),
        "purposes.json": _json(_purposes(rows)),
        "assessments.json": _json(_assessments(rows)),
        "control_texts.json": _json(_control_texts(rows)),
        **(extra or {}),
    }
    if with_evidence:
        files["evidence.json"] = _json([_evidence(row) for row in rows if row.evidence])
    manifest = {
        "format": "accord-proof/1",
        "made_at": moment(now),
        "subject": str(subject_id),
        "purpose": purpose_code,
        "channel": channel,
        "files": {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)},
    }
    files["manifest.json"] = readable_bytes(with_signature(manifest, prefix=PACK))
    return _zip(files, now)


def _rows(
    subject_id: UUID, purpose_code: str, channel: str, upto_seq: int | None
) -> list[LedgerEvent]:
    """All events of this permission, and the notices they name that were shown with others."""
    related = LedgerEvent.objects.select_related("notice", "purpose", "assessment")
    events = related.filter(subject_id=subject_id, purpose=purpose_code, channel=channel)
    if upto_seq is not None:
        events = events.filter(seq__lte=upto_seq)
    rows = {row.record_id: row for row in events}
    named = {row.shown_record for row in rows.values() if row.shown_record}
    rows |= {row.record_id: row for row in related.filter(record_id__in=named - set(rows))}
    return sorted(rows.values(), key=lambda row: row.seq)


def _json(document: object) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _notices(rows: Iterable[LedgerEvent]) -> dict[str, bytes]:
    """Each notice as a file of its own, whose SHA-256 is the one in the records."""
    shown: dict[UUID, Notice] = {row.notice.id: row.notice for row in rows if row.notice}
    files, listed = {}, []
    for notice in sorted(shown.values(), key=lambda each: each.id):
        place = f"v{notice.version}r{notice.revision}.{notice.language}"
        name = f"notices/{notice.code}.{place}.txt"
        files[name] = notice.text.encode()
        listed.append(
            {
                "id": str(notice.id),
                "code": notice.code,
                "version": notice.version,
                "revision": notice.revision,
                "language": notice.language,
                "kind": notice.kind,
                "published_at": moment(notice.published_at),
                "sha256": bytes(notice.sha256).hex(),
                "file": name,
            }
        )
    return {"notices.json": _json(listed), **files}


def _purposes(rows: Sequence[LedgerEvent]) -> list[dict[str, Any]]:
    """What the purpose said in each version that a record names; what it says now for old rows."""
    named = {row.purpose_version for row in rows if row.purpose_version}
    kept = PurposeVersion.objects.filter(purpose=rows[0].purpose_id, version__in=named)
    found: list[dict[str, Any]] = [
        {
            "version": each.version,
            "document": each.document,
            "sha256": bytes(each.sha256).hex(),
            "published_at": moment(each.published_at),
        }
        for each in kept.order_by("version")
    ]
    if len(named) < len({row.purpose_version for row in rows}):
        found.append({"version": None, "document": told(rows[0].purpose), "sha256": None})
    return found


def _assessments(rows: Iterable[LedgerEvent]) -> list[dict[str, Any]]:
    found: dict[UUID, BalancingAssessment] = {
        row.assessment.id: row.assessment for row in rows if row.assessment
    }
    return [_assessment(found[number]) for number in sorted(found)]


def _assessment(each: BalancingAssessment) -> dict[str, Any]:
    names = [
        *("version", "interest", "necessity", "balance", "b2b_relevance", "expectations"),
        *("safeguards", "conclusion", "outcome", "audience"),
    ]
    return {
        "id": str(each.id),
        "purpose": each.purpose_id,
        "approved_at": moment(each.approved_at),
        "review_on": each.review_on.isoformat() if each.review_on else None,
        **{name: getattr(each, name) for name in names},
    }


def _control_texts(rows: Iterable[LedgerEvent]) -> list[dict[str, Any]]:
    return [
        {
            "record": str(row.record_id),
            "form": row.form_code,
            "form_version": row.form_version,
            "sha256": bytes(row.control_text_sha256).hex(),
        }
        for row in rows
        if row.control_text_sha256
    ]


def _evidence(row: LedgerEvent) -> dict[str, Any]:
    try:
        opened = open_evidence(
            subject_id=row.subject_id, record_id=row.record_id, sealed=bytes(row.evidence or b"")
        )
    except Unreadable:
        # The header and its proofs still hold: they are made over the ciphertext.
        return {"record": str(row.record_id), "state": "its key was destroyed"}
    return {"record": str(row.record_id), "state": "readable", "evidence": opened}


def _zip(files: Mapping[str, bytes], now: datetime) -> bytes:
    pack = io.BytesIO()
    with zipfile.ZipFile(pack, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=now.timetuple()[:6])
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=6)
    return pack.getvalue()
