"""Balancing assessments: written as drafts, approved once and for ever, looked at again in time.

GDPR 6(1)(f) asks for the balance before the processing; EDPB guidelines 1/2024 for its three
steps (interest, necessity, balance), the person's expectations and what protects them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from consent.findings import CannotPublish, Finding, NoDraft, PurposeUnknown
from consent.models import BalancingAssessment, Draft, DraftKind, Purpose
from consent.purposes import DOES_NOT_PREVAIL

SECTIONS = (
    "interest",
    "necessity",
    "expectations",
    "balance",
    "b2b_relevance",
    "safeguards",
    "conclusion",
)
OUTCOMES = ("prevails", "prevails_with_safeguards", DOES_NOT_PREVAIL)
AUDIENCES = ("professionals", "consumers", "anyone")
REVIEW_WITHIN = timedelta(days=3 * 366)
_LENGTH = 20_000


@dataclass(frozen=True)
class Assessment:
    """One approved version, word for word."""

    id: UUID
    purpose_code: str
    version: int
    texts: Mapping[str, str]
    outcome: str
    audience: str
    review_on: date | None
    approved_at: datetime
    approved_by: UUID | None

    @property
    def prevails(self) -> bool:
        return self.outcome != DOES_NOT_PREVAIL

    def is_due(self, day: date) -> bool:
        return self.review_on is not None and self.review_on <= day


@dataclass(frozen=True)
class AssessmentDraft:
    document: Mapping[str, Any]
    updated_at: datetime
    updated_by: UUID | None


def assessments_of(*, purpose_code: str) -> list[Assessment]:
    """Return the approved assessments of a purpose, newest first."""
    rows = BalancingAssessment.objects.filter(purpose_id=purpose_code).order_by("-version")
    return [as_assessment(row) for row in rows]


def newest_assessments() -> dict[str, Assessment]:
    """Return purpose code -> its newest assessment, whatever it concluded."""
    rows = BalancingAssessment.objects.order_by("purpose_id", "version")
    return {row.purpose_id: as_assessment(row) for row in rows}


def as_assessment(row: BalancingAssessment) -> Assessment:
    return Assessment(
        row.id,
        row.purpose_id,
        row.version,
        {name: getattr(row, name) for name in SECTIONS},
        row.outcome,
        row.audience,
        row.review_on,
        row.approved_at,
        row.approved_by,
    )


def assessment_draft(*, purpose_code: str) -> AssessmentDraft | None:
    """Return what is being written of a purpose's next assessment, if anything is."""
    row = Draft.objects.filter(kind=DraftKind.ASSESSMENT, code=purpose_code).first()
    return AssessmentDraft(row.document, row.updated_at, row.updated_by) if row else None


def save_assessment_draft(
    *, purpose_code: str, document: Mapping[str, Any], actor_id: UUID | None, now: datetime
) -> None:
    """Keep what is written so far; nothing is checked and nothing rests on it.

    Calling twice is safe. Raises PurposeUnknown.
    """
    if not Purpose.objects.filter(code=purpose_code).exists():
        raise PurposeUnknown(PurposeUnknown.__doc__)
    kept = {name: str(document.get(name) or "")[:_LENGTH] for name in (*SECTIONS, *_CHOSEN)}
    Draft.objects.update_or_create(
        kind=DraftKind.ASSESSMENT,
        code=purpose_code,
        defaults={"document": kept, "updated_at": now, "updated_by": actor_id},
    )


_CHOSEN = ("outcome", "audience", "review_on")


def findings_against_assessment(*, purpose_code: str, day: date) -> list[Finding]:
    """Return what the draft still needs. Raises NoDraft."""
    draft = assessment_draft(purpose_code=purpose_code)
    if draft is None:
        raise NoDraft(NoDraft.__doc__)
    return [*_sections(draft.document), *_choices(draft.document), *_review(draft.document, day)]


def _sections(document: Mapping[str, Any]) -> Iterator[Finding]:
    optional = set()
    if document.get("audience") == "consumers":
        optional.add("b2b_relevance")
    if document.get("outcome") != "prevails_with_safeguards":
        optional.add("safeguards")
    for name in SECTIONS:
        if name not in optional and not str(document.get(name, "")).strip():
            yield Finding("section_missing", name, _("Write this part."))


def _choices(document: Mapping[str, Any]) -> Iterator[Finding]:
    if document.get("outcome") not in OUTCOMES:
        yield Finding("no_outcome", "outcome", _("Say how the balance comes out."))
    if document.get("audience") not in AUDIENCES:
        yield Finding("no_audience", "audience", _("Say whom the assessment is about."))


def _review(document: Mapping[str, Any], day: date) -> Iterator[Finding]:
    review_on = _day(document.get("review_on"))
    if review_on is None:
        yield Finding("no_review", "review_on", _("Say when it is to be looked at again."))
    elif not day < review_on <= day + REVIEW_WITHIN:
        text = _("The day of review lies ahead, within three years.")
        yield Finding("review_out_of_range", "review_on", text)


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def approve_assessment(*, purpose_code: str, actor_id: UUID | None, now: datetime) -> int:
    """Make the draft the next version, which nothing can change, and return its number.

    One that concludes that the interest does not prevail is approved too: it is the proof of a
    "no" to ourselves, and from then on no form can rest on that basis. Raises PurposeUnknown,
    NoDraft (so a second call approves nothing more), and CannotPublish with every finding.
    """
    with transaction.atomic(using="default"):
        if not Purpose.objects.select_for_update().filter(code=purpose_code).exists():
            raise PurposeUnknown(PurposeUnknown.__doc__)
        if found := findings_against_assessment(purpose_code=purpose_code, day=now.date()):
            raise CannotPublish(found)
        draft = Draft.objects.get(kind=DraftKind.ASSESSMENT, code=purpose_code)
        newest = BalancingAssessment.objects.filter(purpose_id=purpose_code).order_by("-version")
        version = (newest.values_list("version", flat=True).first() or 0) + 1
        BalancingAssessment.objects.create(
            id=uuid_utils.compat.uuid7(),
            purpose_id=purpose_code,
            version=version,
            approved_at=now,
            approved_by=actor_id,
            **{name: draft.document[name].strip() for name in SECTIONS},
            outcome=draft.document["outcome"],
            audience=draft.document["audience"],
            review_on=_day(draft.document["review_on"]),
        )
        draft.delete()
        return version
