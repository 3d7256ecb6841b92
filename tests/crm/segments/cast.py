"""Forty made contacts that differ in everything a rule can ask, and a plain answer to a rule.

The answer is written a second time here, in Python over the rows, so that it can disagree.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from crm.models import Contact, ContactCampaign
from tests.conftest import NOW
from tests.consent.people import newsletter, promotion, submit
from tests.crm.people import make_contact

LANGUAGES, COUNTRIES = ["fr", "en", "pt-BR"], ["", "FR", "BE", "CH"]
STATUSES = ["new", "engaged", "customer", "former"]
SOURCES = ["site", "salon de Lyon", 'it\'s 100% "quoted"; --']
TAGS, FORMS = ["expo", "vip", "press"], ["contact", "quote", "webinar"]
CAMPAIGNS = ["0199c0de-0000-7000-8000-000000000001", "0199c0de-0000-7000-8000-000000000002"]
PURPOSES = ["newsletter", "targeted_promotion", "phone_prospecting"]
PARIS = ZoneInfo("Europe/Paris")
MIDNIGHT = datetime(2026, 10, 1, tzinfo=PARIS).astimezone(UTC)
# On the edges that rules ask about, and a moment beside them.
MOMENTS = [
    NOW,
    NOW - timedelta(days=7),
    NOW - timedelta(days=7, seconds=-1),
    NOW - timedelta(days=30),
    MIDNIGHT,
    MIDNIGHT - timedelta(seconds=1),
    MIDNIGHT + timedelta(days=1),
    NOW - timedelta(days=400),
]


@dataclass
class Member:
    """A contact as the plain answer sees it."""

    id: UUID
    words: dict[str, str]
    sets: dict[str, set[str]]
    flags: dict[str, bool]
    moments: dict[str, datetime]


def make_cast(*, with_permissions: bool = True) -> list[Member]:
    return [_member(number, with_permissions) for number in range(40)]


def _member(number: int, with_permissions: bool) -> Member:
    words = {
        "language": LANGUAGES[number % 3],
        "country": COUNTRIES[number % 4],
        "status": STATUSES[(number // 2) % 4],
        "source": SOURCES[(number // 3) % 3],
    }
    flags = {"has_phone": number % 2 == 0, "is_professional": number % 5 != 0}
    moments = {"created": MOMENTS[number % 8], "last_act": MOMENTS[(number * 3 + 1) % 8]}
    sets = {
        "tag": {tag for bit, tag in enumerate(TAGS) if number >> bit & 1},
        "form": {form for bit, form in enumerate(FORMS) if (number * 5) >> bit & 1},
        "campaign": {one for bit, one in enumerate(CAMPAIGNS) if (number * 3) >> bit & 1},
        "permission": set(),
    }
    contact = make_contact(
        **words,
        **flags,
        created_at=moments["created"],
        last_act_at=moments["last_act"],
        tags=sorted(sets["tag"]),
        forms=sorted(sets["form"]),
    )
    for one in sorted(sets["campaign"]):
        ContactCampaign.objects.create(contact=contact, campaign_id=one, sent_at=NOW)
    if with_permissions:
        sets["permission"] = _permit(contact, number)
    return Member(contact.id, words, sets, flags, moments)


def _permit(contact: Contact, number: int) -> set[str]:
    """Let the person answer a form by the real verbs; return what they may be written to for."""
    email = f"person{number}@example.org"
    said = number % 6
    if said == 0:
        return set()  # never asked
    if said == 1:
        submit(contact.id, newsletter(is_ticked=True), email=email)  # not confirmed yet
        return set()
    is_confirmed = {"needs_confirmation": False}
    submit(contact.id, newsletter(is_ticked=True), email=email, **is_confirmed)  # type: ignore[arg-type]
    if said == 2:
        return {"newsletter"}
    submit(contact.id, promotion(is_ticked=said == 3), email=email, **is_confirmed)  # type: ignore[arg-type]
    return {"newsletter"} if said == 3 else {"newsletter", "targeted_promotion"}


def holds(member: Member, node: dict[str, Any]) -> bool:
    """Say in plain Python whether a contact is in a segment."""
    if "match" in node:
        answers = [holds(member, part) for part in node["rules"]]
        if not answers:
            return True
        return {"all": all(answers), "any": any(answers), "none": not any(answers)}[node["match"]]
    fact, operator, value = node["fact"], node["is"], node["value"]
    if fact in member.flags:
        return member.flags[fact] is value
    if fact in member.moments:
        return _is_then(member.moments[fact], operator, value)
    has = {member.words[fact]} if fact in member.words else member.sets[fact]
    shared = has & set(value)
    return {
        "one_of": bool(shared),
        "all_of": shared == set(value),
        "not_one_of": not shared,
    }[operator]


def _is_then(at: datetime, operator: str, value: Any) -> bool:
    if operator == "in_last_days":
        return NOW - at < timedelta(days=value)
    if operator == "not_in_last_days":
        return NOW - at >= timedelta(days=value)
    day, local = date.fromisoformat(value), at.astimezone(PARIS).date()
    return local < day if operator == "before" else local > day
