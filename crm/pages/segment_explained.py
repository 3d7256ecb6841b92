"""What a person reads of why somebody is in a segment, or is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.pages.segment_builder import MATCH_NAMES
from crm.people import Profile, profiles
from crm.segments.explaining import Verdict, explain_member
from crm.segments.wording import Wording
from privacy.services import find_by_email

ANSWERS: Mapping[str, tuple[str | Promise, str, str]] = {
    "yes": (_("holds"), "check", "green"),
    "no": (_("does not hold"), "x", "secondary"),
    "unknown": (_("nobody may say"), "help-circle", "yellow"),
}


@dataclass(frozen=True)
class Line:
    """One rule, group or named segment in words, with the answer to it."""

    text: str | Promise
    answer: str
    parts: list["Line"]

    @property
    def answer_text(self) -> str | Promise:
        return ANSWERS[self.answer][0]

    @property
    def icon(self) -> str:
        return ANSWERS[self.answer][1]

    @property
    def colour(self) -> str:
        return ANSWERS[self.answer][2]


@dataclass(frozen=True)
class Explained:
    """Of one contact: in or out, and every rule. The name is what the reader may see."""

    contact_id: UUID
    profile: Profile | None
    is_in: bool
    has_unknown: bool
    match: str | Promise
    lines: list[Line]


def contact_of(who: str) -> UUID | None:
    """Return the contact of a whole address, or of a contact's number; None when nobody has it."""
    text = who.strip()
    if "@" in text:
        return next(iter(find_by_email(emails=[text]).values()), None)
    try:
        return UUID(text)
    except ValueError:
        return None


def explained(*, contact_id: UUID, rules: Mapping[str, Any], now: datetime) -> Explained:
    """Return the explanation of one contact. Raises InvalidRules and NoSuchMember."""
    verdict = explain_member(contact_id=contact_id, rules=rules, now=now)
    wording = Wording()
    return Explained(
        contact_id,
        profiles(contact_ids=[contact_id]).get(contact_id),
        verdict.holds is True,
        _has_unknown(verdict),
        MATCH_NAMES[str(verdict.said)],
        [_line(part, wording) for part in verdict.parts],
    )


def _line(verdict: Verdict, wording: Wording) -> Line:
    parts = [_line(part, wording) for part in verdict.parts]
    return Line(_text(verdict, wording), verdict.counts_as, parts)


def _text(verdict: Verdict, wording: Wording) -> str | Promise:
    if verdict.rule is not None:
        return wording.sentence(verdict.rule)
    said = str(verdict.said)
    return said if verdict.is_segment else MATCH_NAMES[said]


def _has_unknown(verdict: Verdict) -> bool:
    return verdict.holds is None or any(_has_unknown(part) for part in verdict.parts)
