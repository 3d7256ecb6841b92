"""Forty made contacts that differ in everything a rule can ask, and a plain answer to a rule.

The answer is written a second time here, in Python over the rows, so that it can disagree. It is
True, False or None: of who does not agree to be measured nobody may say whether they open.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from consent.services import Answer, Basis
from crm.models import Account, Contact, ContactCampaign, Organisation, Segment
from tests.conftest import NOW
from tests.consent.people import newsletter, promotion, submit
from tests.crm.people import make_contact, make_lead
from tests.crm.segments.measured import make_deliveries

LANGUAGES, COUNTRIES = ["fr", "en", "pt-BR"], ["", "FR", "BE", "CH"]
STATUSES = ["new", "engaged", "customer", "former"]
SOURCES = ["site", "salon de Lyon", 'it\'s 100% "quoted"; --']
TAGS, FORMS = ["expo", "vip", "press"], ["contact", "quote", "webinar"]
LEAD_STATES = ["new", "in_progress", "answered", "closed"]
CAMPAIGNS = ["0199c0de-0000-7000-8000-000000000001", "0199c0de-0000-7000-8000-000000000002"]
OWNERS = ["0199c0de-0000-7000-8000-00000000000a", "0199c0de-0000-7000-8000-00000000000b"]
PURPOSES = ["newsletter", "targeted_promotion", "newsletter:email", "phone_prospecting:phone"]
PARIS = ZoneInfo("Europe/Paris")
TODAY = NOW.astimezone(PARIS).date()
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
    datetime(2025, 11, 22, 23, 30, tzinfo=UTC),  # a year ago today, in Paris only
]
ENDS = [
    None,
    TODAY,
    TODAY + timedelta(days=30),
    TODAY + timedelta(days=31),
    TODAY - timedelta(days=1),
    TODAY - timedelta(days=7),
    date(2024, 2, 29),
    date(2027, 2, 28),
    date(2021, 11, 23),
]
# Saved segments that rules name, the second naming the first.
_SAVED_IDS = [str(uuid5(UUID(int=0), name)) for name in ("french", "both")]
SAVED: dict[str, dict[str, Any]] = {
    _SAVED_IDS[0]: {
        "match": "all",
        "rules": [
            {"fact": "language", "is": "one_of", "value": ["fr"]},
            {"fact": "opened", "is": "ever", "value": False},
        ],
    },
    _SAVED_IDS[1]: {
        "match": "any",
        "rules": [
            {"fact": "segment", "is": "one_of", "value": [_SAVED_IDS[0]]},
            {"fact": "status", "is": "one_of", "value": ["customer"]},
        ],
    },
}


@dataclass
class Member:
    """A contact as the plain answer sees it."""

    id: UUID
    words: dict[str, str]
    sets: dict[str, set[str]]
    flags: dict[str, bool]
    moments: dict[str, datetime]
    contract_ends: date | None = None
    events: dict[str, list[datetime]] = field(default_factory=dict)
    agrees: bool = False
    # campaign -> (last opened, last clicked), of messages that left measured
    measured: dict[str, tuple[date | None, date | None]] = field(default_factory=dict)


def make_cast(*, with_permissions: bool = True) -> list[Member]:
    for number, name in zip(OWNERS, ("anna", "bruno"), strict=True):
        Account.objects.create(id=number, username=name, role="sales")
    _save_segments()
    members = [_member(number, with_permissions) for number in range(40)]
    if with_permissions:
        make_deliveries(CAMPAIGNS, {one.id: one.measured for one in members})
    return members


def _save_segments() -> None:
    for number, rules in SAVED.items():
        Segment.objects.create(id=number, name=number, rules=rules, created_at=NOW, updated_at=NOW)


def _member(number: int, with_permissions: bool) -> Member:
    words = {
        "language": LANGUAGES[number % 3],
        "country": COUNTRIES[number % 4],
        "status": STATUSES[(number // 2) % 4],
        "source": SOURCES[(number // 3) % 3],
    }
    flags: dict[str, Any] = {"has_phone": number % 2 == 0, "is_professional": number % 5 != 0}
    moments = {"created": MOMENTS[number % 8], "last_act": MOMENTS[(number * 3 + 1) % 8]}
    sets = {
        "tag": {tag for bit, tag in enumerate(TAGS) if number >> bit & 1},
        "campaign": {one for bit, one in enumerate(CAMPAIGNS) if (number * 3) >> bit & 1},
        "permission": set(),
    }
    organisation = _organisation(number)
    contact = make_contact(
        **words,
        **flags,
        created_at=moments["created"],
        last_act_at=moments["last_act"],
        tags=sorted(sets["tag"]),
        organisation=organisation,
    )
    member = Member(contact.id, words, sets, flags, moments)
    _describe_organisation(member, organisation)
    _make_leads(member, contact, number)
    member.events["sent"] = [MOMENTS[(number + len(one)) % 8] for one in sorted(sets["campaign"])]
    for one, at in zip(sorted(sets["campaign"]), member.events["sent"], strict=True):
        ContactCampaign.objects.create(contact=contact, campaign_id=one, sent_at=at)
    if with_permissions:
        sets["permission"] = _permit(contact, number)
        _measure(member, contact, number)
    return member


def _organisation(number: int) -> Organisation | None:
    if number % 4 == 0:
        return None
    return Organisation.objects.create(
        id=uuid5(UUID(int=0), f"organisation {number}"),
        country=COUNTRIES[(number // 4) % 4],
        contract_ends_on=ENDS[number % len(ENDS)],
        created_at=NOW,
    )


def _describe_organisation(member: Member, organisation: Organisation | None) -> None:
    ends = organisation.contract_ends_on if organisation else None
    member.contract_ends = ends
    member.words["organisation_country"] = organisation.country if organisation else ""
    member.flags["has_organisation"] = organisation is not None
    member.flags["under_contract"] = ends is not None and ends >= TODAY


def _make_leads(member: Member, contact: Contact, number: int) -> None:
    forms = [form for bit, form in enumerate(FORMS) if (number * 5) >> bit & 1]
    leads = [
        make_lead(
            contact,
            form_code=form,
            state=LEAD_STATES[(number + place) % 4],
            assigned_to_id=[None, *OWNERS][(number // 2 + place) % 3],
            received_at=MOMENTS[(number + 2 * place) % 8],
        )
        for place, form in enumerate(forms)
    ]
    member.sets["form"] = set(forms)
    member.sets["lead_state"] = {lead.state for lead in leads}
    member.sets["lead_owner"] = {str(one.assigned_to_id) for one in leads if one.assigned_to_id}
    member.flags["open_lead"] = bool(member.sets["lead_state"] & {"new", "in_progress"})
    member.events["lead_received"] = [lead.received_at for lead in leads]


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
    mail = {"newsletter", "newsletter:email"}
    if said == 2:
        submit(contact.id, _calls(), email=email, **is_confirmed)  # type: ignore[arg-type]
        return mail | {"phone_prospecting:phone"}
    submit(contact.id, promotion(is_ticked=said == 3), email=email, **is_confirmed)  # type: ignore[arg-type]
    return mail if said == 3 else {*mail, "targeted_promotion"}


def _calls() -> Answer:
    return Answer("phone_prospecting", "phone", Basis.CONSENT, None, True, "You may call me")


def _measure(member: Member, contact: Contact, number: int) -> None:
    """Let some agree to be measured, some not confirm it, and some ask to be left alone."""
    if number % 2:
        is_yes = number % 7 != 3
        asked = Answer(
            "email_measurement", "email", Basis.CONSENT, None, True, "You may see whether I read"
        )
        email = f"person{number}@example.org"
        submit(contact.id, asked, email=email, needs_confirmation=not is_yes)
        member.agrees = is_yes and number % 11 != 5
        if number % 11 == 5:
            Contact.objects.filter(id=contact.id).update(restricted_at=NOW)
    days = [None, TODAY, TODAY - timedelta(days=7), TODAY - timedelta(days=8), date(2026, 10, 1)]
    for place, one in enumerate(sorted(member.sets["campaign"])):
        if (number + place) % 5 != 2:
            opened = days[(number + place) % 5]
            member.measured[one] = (opened, days[(number * 2 + place) % 5] if opened else None)


# --- the plain answer ------------------------------------------------------------------------


def holds(member: Member, node: dict[str, Any]) -> bool | None:
    """Say in plain Python whether a contact is in a segment; None where nobody may say."""
    if "match" in node:
        return _together(node["match"], [holds(member, part) for part in node["rules"]])
    fact, operator, value = node["fact"], node["is"], node["value"]
    if fact in ("opened", "clicked", "opened_campaign", "clicked_campaign"):
        return _engaged(member, fact, operator, value)
    if fact == "segment":
        match = {"one_of": "any", "all_of": "all", "not_one_of": "none"}[operator]
        return _together(match, [holds(member, SAVED[one]) for one in value])
    if fact in member.flags:
        return member.flags[fact] is value
    if fact in member.moments:
        return _is_then(member.moments[fact], operator, value)
    if fact == "contract_ends":
        ends = member.contract_ends
        return ends is not None and _is_on(ends, operator, value)
    if fact in member.events:
        return _happened([_is_then(at, *_positive(operator, value)) for at in member.events[fact]],
                         operator, value)  # fmt: skip
    has = {member.words[fact]} if fact in member.words else member.sets[fact]
    return _among(operator, {one: one in has for one in value})


def _together(match: str, answers: list[bool | None]) -> bool | None:
    if not answers:
        return True
    if match == "none":
        inner = _together("any", answers)
        return None if inner is None else not inner
    if match == "all":
        return False if False in answers else None if None in answers else True
    return True if True in answers else None if None in answers else False


def _among(operator: str, answers: dict[str, bool | None]) -> bool | None:
    match = {"one_of": "any", "all_of": "all", "not_one_of": "none"}[operator]
    return _together(match, list(answers.values()))


def _engaged(member: Member, fact: str, operator: str, value: Any) -> bool | None:
    place = 0 if fact.startswith("opened") else 1
    if fact.endswith("_campaign"):
        return _among(
            operator,
            {
                one: member.measured[one][place] is not None
                if member.agrees and one in member.measured
                else None
                for one in value
            },
        )
    if not member.agrees or not member.measured:
        return None
    days = [dates[place] for dates in member.measured.values()]
    asked = _positive(operator, value)
    return _happened([_is_on(day, *asked) for day in days if day], operator, value)


def _positive(operator: str, value: Any) -> tuple[str, Any]:
    return ("in_last_days", value) if operator == "not_in_last_days" else (operator, value)


def _happened(answers: list[bool], operator: str, value: Any) -> bool:
    is_negative = operator == "not_in_last_days" or value is False
    return any(answers) is not is_negative


def _is_then(at: datetime, operator: str, value: Any) -> bool:
    if operator == "ever":
        return True
    if operator == "in_last_days":
        return NOW - at < timedelta(days=value)
    if operator == "not_in_last_days":
        return NOW - at >= timedelta(days=value)
    return _is_on(at.astimezone(PARIS).date(), operator, value)


def _is_on(day: date, operator: str, value: Any) -> bool:
    if operator == "ever":
        return True
    if operator == "in_last_days":
        return TODAY - timedelta(days=value) <= day <= TODAY
    if operator == "in_next_days":
        return TODAY <= day <= TODAY + timedelta(days=value)
    if operator == "anniversary_in_days":
        return _has_its_day(day, TODAY + timedelta(days=value))
    asked = date.fromisoformat(value)
    return day < asked if operator == "before" else day > asked


def _has_its_day(day: date, on: date) -> bool:
    """Whether `on` is the day of the year of `day`; a 29 February has the 28th where it must."""
    try:
        return day.replace(year=on.year) == on
    except ValueError:
        return on == date(on.year, 2, 28)
