"""One record of the ledger as a person of the house reads it, and what is kept for an address."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from consent.addresses import Reach, marks_of
from consent.models import LedgerEvent, Notice, Seal, Suppression
from privacy.services import TokenKind


class RecordUnknown(Exception):
    """There is no such record of this person."""


@dataclass(frozen=True)
class SealedIn:
    """The signed head of the log that holds a record."""

    tree_size: int
    sealed_at: datetime


@dataclass(frozen=True)
class ShownRecord:
    """A record word for word, with the notice as it was shown then; never its evidence."""

    event: LedgerEvent
    notice: Notice | None
    control_text_sha256: str
    notice_sha256: str
    entry_hash: str
    sealed: SealedIn | None


@dataclass(frozen=True)
class KeptNo:
    """One "no" of the suppression list; an empty purpose is all of marketing."""

    kind: str
    purpose_code: str
    # It was said for the address with another +tag, or without one.
    is_wide: bool
    reason: str
    since: datetime


def shown_record(*, subject_id: UUID, record_id: UUID) -> ShownRecord:
    """Return a record of a person's history. Reads only. Raises RecordUnknown."""
    found = LedgerEvent.objects.filter(subject_id=subject_id, record_id=record_id)
    event = found.select_related("notice", "purpose").first()
    if event is None:
        raise RecordUnknown(RecordUnknown.__doc__)
    return ShownRecord(
        event,
        event.notice,
        _hex(event.control_text_sha256),
        _hex(event.notice_sha256),
        _hex(event.entry_hash),
        _sealed_in(event.seq),
    )


def _hex(value: bytes | memoryview | None) -> str:
    return bytes(value).hex() if value is not None else ""


def _sealed_in(seq: int) -> SealedIn | None:
    """The first head behind the record; None while it waits to be sealed."""
    seal = Seal.objects.filter(last_seq__gte=seq).order_by("last_seq").first()
    return SealedIn(seal.tree_size, seal.sealed_at) if seal else None


def kept_for(*, email: str = "", phone: str = "") -> list[KeptNo]:
    """Return what is kept for a normalised address or a number in E.164, oldest first.

    Answers for addresses of nobody we know, too: that is what the list is for. Reads only.
    """
    marks = marks_of([Reach(email, phone)])[0]
    kept: list[KeptNo] = []
    for fingerprints, kind in ((marks.email, TokenKind.EMAIL), (marks.phone, TokenKind.PHONE)):
        if fingerprints is None:
            continue
        exact = {each.exact for each in fingerprints.every}
        either = exact | {each.wide for each in fingerprints.every}
        rows = Suppression.objects.filter(kind=kind, fingerprint__in=either)
        kept += [
            KeptNo(
                kind.label,
                row.purpose_code,
                bytes(row.fingerprint) not in exact,
                row.reason,
                row.created_at,
            )
            for row in rows.order_by("created_at", "purpose_code", "is_wide")
        ]
    return kept
