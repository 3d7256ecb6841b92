"""The register of purposes as its officer reads it: what holds, what is being written, what was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from consent.assessments import Assessment, newest_assessments
from consent.findings import PurposeUnknown
from consent.models import Draft, DraftKind, Purpose, PurposeVersion
from consent.purpose_drafts import allows_interest, facts_of, written


@dataclass(frozen=True)
class PurposeEntry:
    """A purpose with everything that is known of it now."""

    code: str
    number: int
    state: str  # draft, in_use, retired
    # As it is published; of one that never was, as it is being written.
    facts: Mapping[str, Any]
    version: int
    published_at: datetime | None
    retired_at: datetime | None
    # What is being written, if it differs in any way from what is published.
    draft: Mapping[str, Any] | None
    drafted_at: datetime | None
    assessment: Assessment | None
    has_assessment_draft: bool

    @property
    def needs_assessment(self) -> bool:
        """Legitimate interest without an assessment that carries it."""
        rests = allows_interest(self.facts) and self.state != "retired"
        return rests and (self.assessment is None or not self.assessment.prevails)

    def is_review_due(self, day: date) -> bool:
        rests = allows_interest(self.facts) and self.state == "in_use"
        return rests and self.assessment is not None and self.assessment.is_due(day)

    @property
    def changes(self) -> list[str]:
        """Return the names of the facts that the draft would change."""
        if self.draft is None or self.published_at is None:
            return []
        return [name for name, value in self.draft.items() if value != self.facts[name]]


@dataclass(frozen=True)
class PublishedPurpose:
    """One published state of a purpose, word for word."""

    version: int
    document: Mapping[str, Any]
    sha256: str
    published_at: datetime
    published_by: UUID | None

    @property
    def is_retirement(self) -> bool:
        return "retired_at" in self.document


def purpose_register() -> list[PurposeEntry]:
    """Return every purpose, drafts and retired ones too, in the order of pages."""
    rows = Purpose.objects.order_by("position", "code")
    return _entries(list(rows))


def purpose_entry(*, code: str) -> PurposeEntry:
    """Return one purpose. Raises PurposeUnknown."""
    row = Purpose.objects.filter(code=code).first()
    if row is None:
        raise PurposeUnknown(PurposeUnknown.__doc__)
    return _entries([row])[0]


def published_purposes(*, code: str) -> list[PublishedPurpose]:
    """Return the published states of a purpose, newest first."""
    rows = PurposeVersion.objects.filter(purpose=code).order_by("-version")
    return [
        PublishedPurpose(
            row.version,
            row.document,
            bytes(row.sha256).hex(),
            row.published_at,
            row.published_by,
        )
        for row in rows
    ]


def _entries(rows: Sequence[Purpose]) -> list[PurposeEntry]:
    drafts = {(row.kind, row.code): row for row in Draft.objects.exclude(kind=DraftKind.NOTICE)}
    assessments = newest_assessments()
    return [_entry(row, drafts, assessments.get(row.code)) for row in rows]


def _entry(
    row: Purpose, drafts: Mapping[tuple[str, str], Draft], assessment: Assessment | None
) -> PurposeEntry:
    draft = drafts.get((DraftKind.PURPOSE, row.code))
    being_written = written(draft.document) if draft else None
    state = "retired" if row.retired_at else "in_use" if row.published_at else "draft"
    return PurposeEntry(
        row.code,
        row.number,
        state,
        being_written if being_written and not row.published_at else facts_of(row),
        row.version,
        row.published_at,
        row.retired_at,
        being_written,
        draft.updated_at if draft else None,
        assessment,
        (DraftKind.ASSESSMENT, row.code) in drafts,
    )
