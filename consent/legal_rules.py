"""Rules of law that the product applies as settings, each with its source.

A company's counsel may read a text differently, and texts change: the value is a setting, the
reading is written beside it, and what held at any moment stays known for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import uuid_utils.compat
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.models import Channel, LegalRule

OPT_IN, OPT_OUT = "opt_in", "opt_out"
SOURCE_LEAST, SOURCE_MOST = 10, 2000
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
_CALLS_OPT_IN = datetime(2026, 8, 11, tzinfo=ZoneInfo("Europe/Paris"))


class RuleUnknown(Exception):
    """There is no such rule."""


class RuleRefused(Exception):
    """The change is not recorded: `field` is wrong, and `sentence` says how."""

    def __init__(self, field: str, sentence: Promise) -> None:
        super().__init__(field)
        self.field, self.sentence = field, sentence


@dataclass(frozen=True)
class Reading:
    """A value of a rule from a moment on, and the text it is read from."""

    value: str
    source: str
    since: datetime
    decided_by: UUID | None = None
    is_default: bool = True


@dataclass(frozen=True)
class Rule:
    """A rule that can be set: what it is about, and which values it may have."""

    code: str
    label: Promise
    # Words to choose from, or the least and the most of a number.
    values: tuple[str, ...] = (OPT_IN, OPT_OUT)
    between: tuple[int, int] | None = None
    defaults: tuple[Reading, ...] = ()

    def takes(self, value: str) -> bool:
        if self.between is None:
            return value in self.values
        least, most = self.between
        return value.isascii() and value.isdigit() and least <= int(value) <= most


@dataclass(frozen=True)
class RuleNow:
    """A rule with the reading that holds, and the earlier and later ones, newest first."""

    rule: Rule
    reading: Reading
    readings: Sequence[Reading]


_RULES = (
    Rule(
        "phone_prospecting.consumers",
        _("Calling consumers to sell"),
        defaults=(
            Reading(OPT_OUT, "C. conso. L.223-1 avant la loi 2025-594 (Bloctel)", _ALWAYS),
            Reading(OPT_IN, "C. conso. L.223-1 (loi 2025-594, art. 13)", _CALLS_OPT_IN),
        ),
    ),
    Rule(
        "phone_prospecting.professionals",
        _("Calling professionals to sell"),
        defaults=(
            Reading(OPT_OUT, "RGPD art. 6(1)(f); C. conso. L.223-1 vise le consommateur", _ALWAYS),
        ),
    ),
    Rule(
        "email_prospecting.consumers",
        _("Writing to consumers to sell, by e-mail or text message"),
        defaults=(Reading(OPT_IN, "CPCE art. L.34-5", _ALWAYS),),
    ),
    Rule(
        "email_prospecting.professionals",
        _("Writing to professionals to sell, by e-mail or text message"),
        defaults=(Reading(OPT_OUT, "CNIL, prospection B2B: information et opposition", _ALWAYS),),
    ),
    Rule(
        "retention.prospect_days",
        _("Longest time that a prospect's data are kept, in days"),
        between=(30, 3650),
        defaults=(
            Reading("1095", "CNIL, délibération 2021-131: 3 ans après le dernier contact", _ALWAYS),
        ),
    ),
    Rule(
        "reask.months",
        _("Shortest time before a refused consent may be asked for again, in months"),
        between=(1, 60),
        defaults=(Reading("6", "CNIL, délibération 2026-042", _ALWAYS),),
    ),
)
RULES: Mapping[str, Rule] = {rule.code: rule for rule in _RULES}


def legal_rule(*, code: str, at: datetime) -> str:
    """Return the value of a rule that held, or holds, at a moment. Raises RuleUnknown."""
    return _now(_rule(code), _decided(code), at).reading.value


def legal_rules(*, at: datetime) -> list[RuleNow]:
    """Return every rule with its readings, in the order of pages."""
    rows = _decided()
    return [_now(rule, [row for row in rows if row.code == rule.code], at) for rule in _RULES]


def change_legal_rule(
    *, code: str, value: str, source: str, actor_id: UUID | None, now: datetime
) -> None:
    """Set a rule from now on, with the text it is read from; what held before stays known.

    The same value and source again write nothing. Raises RuleUnknown and RuleRefused.
    """
    rule, source = _rule(code), " ".join(source.split())
    if not rule.takes(value):
        raise RuleRefused("value", _("This is not a value that the rule can have."))
    if not SOURCE_LEAST <= len(source) <= SOURCE_MOST:
        text = _("Write the text that you read this from: law, article, decision, date.")
        raise RuleRefused("source", text)
    with transaction.atomic(using="default"):
        held = _now(rule, _decided(code), now).reading
        if (held.value, held.source) != (value, source):
            LegalRule.objects.create(
                id=uuid_utils.compat.uuid7(),
                code=code,
                value=value,
                source=source,
                decided_at=now,
                decided_by=actor_id,
            )


def consent_wanted(*, channel: str, is_professional: bool, now: datetime) -> bool:
    """Say whether selling over a channel needs a consent: legitimate interest is not enough.

    Text messages follow the rule of e-mail (CPCE L.34-5 names both); no text asks it of post.
    """
    if channel == Channel.POST:
        return False
    kind = "phone" if channel == Channel.PHONE else "email"
    whom = "professionals" if is_professional else "consumers"
    return legal_rule(code=f"{kind}_prospecting.{whom}", at=now) == OPT_IN


def _rule(code: str) -> Rule:
    if code not in RULES:
        raise RuleUnknown(RuleUnknown.__doc__)
    return RULES[code]


def _decided(code: str = "") -> list[LegalRule]:
    rows = LegalRule.objects.order_by("decided_at", "id")
    return list(rows.filter(code=code) if code else rows)


def _now(rule: Rule, rows: Sequence[LegalRule], at: datetime) -> RuleNow:
    """The newest wins, be it a law that comes into force or a reading that was decided.

    So a decision does not outlive a change of the law that it knew nothing of.
    """
    decided = [Reading(r.value, r.source, r.decided_at, r.decided_by, False) for r in rows]
    readings = sorted([*rule.defaults, *decided], key=lambda reading: reading.since)
    held = [reading for reading in readings if reading.since <= at]
    return RuleNow(rule, held[-1], readings[::-1])
