"""What the pages of purposes show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consent import services as consent
from consent.services import Assessment, PublishedPurpose, PurposeEntry
from crm.models import Account
from crm.officer.uses import PurposeUse, purpose_uses
from crm.officer.wording import (
    AUDIENCES,
    FACTS,
    OUTCOMES,
    SECTIONS,
    STATES,
    changes,
    duration,
    named,
    readings,
)

Words = str | Promise


@dataclass(frozen=True)
class Mark:
    """A state in a word and a colour."""

    word: Words
    colour: str


@dataclass(frozen=True)
class RegisterLine:
    entry: PurposeEntry
    title: str
    state: Mark
    bases: list[str]
    channels: list[str]
    assessment: Mark | None
    kept: str
    uses: list[PurposeUse]


@dataclass(frozen=True)
class FindingLine:
    """What is to be put right, with the name of its field."""

    code: str
    field: str
    label: Words
    sentence: Words


def findings_in_words(findings: Iterable[consent.Finding]) -> list[FindingLine]:
    labels = {
        **FACTS,
        **{name: label for name, (label, _hint) in SECTIONS.items()},
        "outcome": _("How it comes out"),
        "audience": _("Whom it is about"),
        "review_on": _("Look at it again on"),
    }
    return [
        FindingLine(each.code, each.field, labels[each.field], each.sentence) for each in findings
    ]


def title_of(facts: Mapping[str, Any], code: str) -> str:
    name = "title_fr" if get_language() == "fr" else "title_en"
    return str(facts[name] or facts["title_fr"] or facts["title_en"] or code)


def register_lines(*, now: datetime) -> list[RegisterLine]:
    """Return every purpose: those in use first, retired ones last."""
    uses = purpose_uses()
    lines = [_line(each, uses.get(each.code, []), now) for each in consent.purpose_register()]
    return sorted(lines, key=lambda line: line.entry.state == "retired")


def _line(entry: PurposeEntry, uses: list[PurposeUse], now: datetime) -> RegisterLine:
    return RegisterLine(
        entry,
        title_of(entry.facts, entry.code),
        Mark(*STATES[entry.state]),
        named("bases", entry.facts["bases"]),
        named("channels", entry.facts["channels"]),
        assessment_mark(entry, now.date()),
        duration(entry.facts["retention_days"]) if entry.facts["retention_days"] else "",
        uses,
    )


def assessment_mark(entry: PurposeEntry, day: date) -> Mark | None:
    """Return what stands beside a purpose that rests on legitimate interest, or None."""
    if entry.needs_assessment:
        is_no = entry.assessment is not None
        return Mark(_("Does not prevail") if is_no else _("Assessment missing"), "red")
    if entry.is_review_due(day):
        return Mark(_("Review due"), "orange")
    if consent.Basis.LEGITIMATE_INTEREST in entry.facts["bases"] and entry.assessment:
        return Mark(_("Assessed"), "green")
    return None


def purpose_context(entry: PurposeEntry, *, now: datetime) -> dict[str, Any]:
    """Return what the page of one purpose shows."""
    found = consent.purpose_findings(code=entry.code, now=now) if entry.draft else []
    shown = entry.draft if entry.draft is not None else entry.facts
    history = consent.published_purposes(code=entry.code)
    return {
        "entry": entry,
        "title": title_of(entry.facts, entry.code),
        "state": Mark(*STATES[entry.state]),
        "findings": findings_in_words(found),
        "changes": changes(entry.facts, entry.draft) if entry.draft and entry.published_at else [],
        "readings": readings(shown),
        "facts": facts_in_words(shown),
        "mark": assessment_mark(entry, now.date()),
        "assessment": entry.assessment,
        "versions": with_names(history),
        "uses": purpose_uses().get(entry.code, []),
    }


def facts_in_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a purpose, or of a version of it, in words."""
    several = ("bases", "channels", "data_categories", "more_iris")
    return {
        **{name: named(name, facts[name]) for name in several},
        "iri": ", ".join(named("iri", [facts["iri"]])),
        "term": facts["iri"].rpartition("#")[2],
        "kept": duration(facts["retention_days"]) if facts["retention_days"] else "",
        "is_marketing": facts["is_marketing"],
    }


def version_context(entry: PurposeEntry, version: int) -> dict[str, Any] | None:
    """Return what the page of a published version shows; None if there is no such version."""
    history = consent.published_purposes(code=entry.code)
    found = next((each for each in history if each.version == version), None)
    if found is None:
        return None
    before = next((each for each in history if each.version == version - 1), None)
    return {
        "entry": entry,
        "title": title_of(found.document, entry.code),
        "version": found,
        "author": staff_names([found.published_by]).get(found.published_by, ""),
        "changes": changes(before.document, found.document) if before else [],
        "readings": readings(found.document),
        "facts": facts_in_words(found.document),
    }


def with_names(history: Iterable[PublishedPurpose]) -> list[tuple[PublishedPurpose, str]]:
    rows = list(history)
    names = staff_names(row.published_by for row in rows)
    return [(row, names.get(row.published_by, "")) for row in rows]


def staff_names(ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """Return the user names of members of staff, in one query."""
    wanted = {each for each in ids if each is not None}
    found = Account.objects.filter(id__in=wanted).values_list("id", "username") if wanted else []
    return dict(found)


def assessment_in_words(assessment: Assessment) -> dict[str, Any]:
    """Return an approved assessment as its page shows it."""
    return {
        "assessment": assessment,
        "sections": [
            (name, SECTIONS[name][0], text) for name, text in assessment.texts.items() if text
        ],
        "outcome": Mark(*OUTCOMES[assessment.outcome]),
        "audience": AUDIENCES[assessment.audience],
        "author": staff_names([assessment.approved_by]).get(assessment.approved_by, ""),
    }


def draft_in_words(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the draft of an assessment as the page before its approval shows it."""
    outcome = OUTCOMES.get(document["outcome"])
    return {
        "sections": [(name, SECTIONS[name][0], document[name]) for name in SECTIONS],
        "outcome": Mark(*outcome) if outcome else None,
        "audience": AUDIENCES.get(document["audience"], ""),
        "review_on": _day(document["review_on"]),
        "is_no": document["outcome"] == "does_not_prevail",
    }


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
