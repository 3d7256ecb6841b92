"""What a purpose needs before anybody may be asked for it: everything at once, with reasons."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from consent.findings import Finding
from consent.legal_rules import consent_wanted, legal_rule
from consent.models import BalancingAssessment, Basis, Channel, Purpose
from consent.purposes import DOES_NOT_PREVAIL
from consent.vocabulary import DATA_OF_CHANNEL, DATA_TERMS, PURPOSE_TERMS

MEASUREMENT = "email_measurement"
RETENTION_MOST = 3650
TITLE_MOST, TEXT_MOST, POSITION_MOST = 120, 2000, 999
_LISTS = {
    "channels": frozenset(Channel.values),
    "bases": frozenset(Basis.values),
    "data_categories": frozenset(DATA_TERMS),
    "more_iris": frozenset(PURPOSE_TERMS),
}
_NEEDED = {
    "channels": _("Choose at least one channel."),
    "bases": _("Choose at least one lawful basis."),
    "data_categories": _("Say which data are used."),
}

Facts = Mapping[str, Any]


def findings_against(*, purpose: Purpose, facts: Facts, now: datetime) -> list[Finding]:
    """Return why these facts cannot be published as this purpose; empty when they can."""
    return [
        *_words(facts),
        *_lists(facts),
        *_numbers(facts, now),
        *_bases(purpose, facts),
        *_interest(purpose, facts, now),
    ]


def _words(facts: Facts) -> Iterator[Finding]:
    for language in ("fr", "en"):
        title, text = (str(facts[f"{name}_{language}"]) for name in ("title", "description"))
        if not title.strip():
            yield Finding("title_missing", f"title_{language}", _("Write the title."))
        if len(title) > TITLE_MOST:
            yield Finding("title_too_long", f"title_{language}", _("The title is too long."))
        if not text.strip():
            said = _("Say in plain words what happens.")
            yield Finding("description_missing", f"description_{language}", said)
    told = [language for language in ("fr", "en") if str(facts[f"recipients_{language}"]).strip()]
    if len(told) == 1:
        missing = "en" if told == ["fr"] else "fr"
        said = _("Name the recipients in both languages, or in none.")
        yield Finding("recipients_missing", f"recipients_{missing}", said)


def _lists(facts: Facts) -> Iterator[Finding]:
    for name, known in _LISTS.items():
        if name in _NEEDED and not facts[name]:
            yield Finding(f"no_{name}", name, _NEEDED[name])
        if not set(facts[name]) <= known:
            yield Finding(f"unknown_{name}", name, _("One of these is not in the list."))
    if facts["iri"] not in PURPOSE_TERMS:
        said = _("Choose the term of the vocabulary that fits best.")
        yield Finding("unknown_iri", "iri", said)
    used = set(facts["data_categories"])
    for channel in _LISTS["channels"] & set(facts["channels"]):
        if used and not DATA_OF_CHANNEL[channel] & used:
            said = _("A channel needs data that are not named here: an address or a number.")
            yield Finding("channel_without_data", "data_categories", said)
            break


def _numbers(facts: Facts, now: datetime) -> Iterator[Finding]:
    days = facts["retention_days"]
    if not 1 <= days <= RETENTION_MOST:
        said = _("Say for how many days the data are kept, at most ten years.")
        yield Finding("no_retention", "retention_days", said)
    most = int(legal_rule(code="retention.prospect_days", at=now))
    if facts["is_marketing"] and days > most:
        said = _("This is longer than the rule for prospects allows: %(days)s days.")
        yield Finding("retention_too_long", "retention_days", said % {"days": most})
    if not 0 <= facts["position"] <= POSITION_MOST:
        yield Finding("bad_position", "position", _("The place is a number up to 999."))


def _bases(purpose: Purpose, facts: Facts) -> Iterator[Finding]:
    bases = _LISTS["bases"] & set(facts["bases"])
    with_choice = {Basis.CONSENT.value, Basis.LEGITIMATE_INTEREST.value}
    if facts["is_marketing"] and not bases <= with_choice:
        said = _("Marketing rests on consent or on legitimate interest, and the person can say no.")
        yield Finding("marketing_needs_choice", "bases", said)
    # CNIL deliberation 2026-042: individual measurement of opens, for professionals too.
    if purpose.code == MEASUREMENT and bases - {Basis.CONSENT.value}:
        said = _("Measuring who opens rests on consent and on nothing else (CNIL 2026-042).")
        yield Finding("measurement_needs_consent", "bases", said)
    # "No to everything" was said of what was marketing then: it must not slip out of it.
    if purpose.published_at is not None and facts["is_marketing"] != purpose.is_marketing:
        said = _("Whether it is marketing stays as people were told: make another purpose.")
        yield Finding("marketing_is_fixed", "is_marketing", said)


def _interest(purpose: Purpose, facts: Facts, now: datetime) -> Iterator[Finding]:
    if Basis.LEGITIMATE_INTEREST not in facts["bases"]:
        return
    newest = BalancingAssessment.objects.filter(purpose=purpose).order_by("-version").first()
    if newest is None:
        said = _("Legitimate interest needs an approved balancing assessment first.")
        yield Finding("no_assessment", "bases", said)
        return
    if newest.outcome == DOES_NOT_PREVAIL:
        said = _("The newest assessment concludes that the interest does not prevail.")
        yield Finding("does_not_prevail", "bases", said)
    if facts["is_marketing"] and newest.audience != "professionals":
        wanted = [
            channel
            for channel in facts["channels"]
            if consent_wanted(channel=channel, is_professional=False, now=now)
        ]
        if wanted:
            said = _("The assessment speaks of consumers: by law their consent is needed here.")
            yield Finding("consumers_need_consent", "bases", said)
