"""What is known of every contact, for rules to ask: a registry, closed to whoever writes a rule.

Floors above register facts of their own when the programme starts. The SQL of a fact is a literal
of our own code, about the contact `c`; what a rule says travels as parameters.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

STATUSES = ("new", "engaged", "customer", "former", "unreachable")
LEAD_STATES = ("new", "in_progress", "answered", "closed")


class Kind(StrEnum):
    """What a fact is: the kind decides the operators and the values."""

    WORD = "word"  # one word per contact, or none
    SET = "set"  # any number of words per contact
    FLAG = "flag"
    MOMENT = "moment"  # an instant that every contact has
    DAY = "day"  # a day of the calendar, or none
    EVENT = "event"  # something that happened any number of times


OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.WORD: ("one_of", "not_one_of"),
    Kind.SET: ("one_of", "all_of", "not_one_of"),
    Kind.FLAG: ("equal",),
    Kind.MOMENT: ("in_last_days", "not_in_last_days", "before", "after", "anniversary_in_days"),
    Kind.DAY: ("in_next_days", "in_last_days", "before", "after", "anniversary_in_days"),
    Kind.EVENT: ("in_last_days", "not_in_last_days", "ever"),
}

FAMILIES: Mapping[str, Promise] = {
    "person": _("The contact"),
    "permission": _("Permissions"),
    "organisation": _("Organisation and contract"),
    "lead": _("Forms and leads"),
    "campaign": _("Past campaigns"),
    "engagement": _("Openings and clicks, of people who agree to be measured"),
    "segment": _("Other segments"),
}


class NotAWord(Exception):
    """The text cannot be a value of this fact; the argument says why."""


@dataclass(frozen=True)
class Fact:
    """Something that is known of every contact.

    `sql` is a condition. Of words it has one %s, a list: does the contact have any of them? Where a
    word is asked for alone (`is_by_word`) the parameters of one word are `split(word)`. Of dates it
    has {test}, and `on` is the column that is tested: an instant, or a day (`is_day`). A flag has
    as many %s as it wants of today.

    `known` is the condition under which anybody may say; where it does not hold, a rule is neither
    true nor false of the contact. With words it takes the parameters of one word. `allowed` is the
    part of it that `sql` does not imply.
    """

    name: str
    kind: Kind
    label: Promise
    family: str
    sql: str
    on: str = ""
    is_day: bool = False
    word: Callable[[str], str] = lambda text: text
    is_by_word: bool = False
    split: Callable[[str], list[object]] = lambda word: [[word]]
    known: str = ""
    allowed: str = ""

    @property
    def operators(self) -> tuple[str, ...]:
        return OPERATORS[self.kind]


# --- words -----------------------------------------------------------------------------------


def _shaped(pattern: str, reason: Promise) -> Callable[[str], str]:
    shape = re.compile(pattern)

    def check(text: str) -> str:
        if not shape.fullmatch(text):
            raise NotAWord(reason)
        return text

    return check


def _of(words: tuple[str, ...], reason: Promise) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in words:
            raise NotAWord(reason)
        return text

    return check


def number_of(reason: Promise) -> Callable[[str], str]:
    """Return a check that a word is an id, which says `reason` when it is not."""

    def check(text: str) -> str:
        try:
            return str(UUID(text))
        except ValueError:
            raise NotAWord(reason) from None

    return check


CAMPAIGN = number_of(_("This is not the number of a campaign."))
_CODE = _shaped(r"[A-Za-z0-9_-]{1,64}", _("A code has letters, digits, hyphens and underscores."))
_LANGUAGE = _shaped(r"[a-z]{2}(-[A-Z]{2})?", _("A language is written like fr or en."))
_COUNTRY = _shaped(r"[A-Z]{2}", _("A country is two capital letters, like FR."))
_PERMISSION = _shaped(
    r"[A-Za-z0-9_-]{1,48}(:(email|phone|post|sms))?",
    _("A permission is a purpose, like newsletter, or a purpose and a channel: newsletter:phone."),
)


def _purpose_and_channel(word: str) -> list[object]:
    purpose, _colon, channel = word.partition(":")
    return [purpose, channel or "email"]


# --- the facts of crm ------------------------------------------------------------------------


def _column(name: str) -> str:
    return f"c.{name} = ANY(%s::text[])"


def _lead(condition: str) -> str:
    return f"EXISTS (SELECT 1 FROM crm_lead l WHERE l.contact_id = c.id AND {condition})"  # noqa: S608


def _organisation(condition: str) -> str:
    start = "EXISTS (SELECT 1 FROM crm_organisation o WHERE o.id = c.organisation_id"
    return f"{start} AND {condition})"


def _sent(condition: str) -> str:
    start = "EXISTS (SELECT 1 FROM crm_contactcampaign k WHERE k.contact_id = c.id"
    return f"{start} AND {condition})"


# The gate itself, for everybody at once: a segment never decides it differently. No refusal is
# written as "at most the empty text": of "IS NULL" the planner believes that one in two hundred
# passes, and looks each of half a million people up by itself; of an order, that a third does.
_PERMITTED = (
    "EXISTS (SELECT 1 FROM consent_refusals(%s::text, %s::text) r"
    " WHERE r.subject_id = c.id AND coalesce(r.refusal, '') <= '')"
)
_TAGGED = (
    "EXISTS (SELECT 1 FROM crm_contacttag t"
    " WHERE t.contact_id = c.id AND t.tag_id = ANY(%s::text[]))"
)
_W, _S, _F, _M = Kind.WORD, Kind.SET, Kind.FLAG, Kind.MOMENT

_OF_THE_PERSON = (
    Fact("language", _W, _("Language"), "person", _column("language"), word=_LANGUAGE),
    Fact("country", _W, _("Country"), "person", _column("country"), word=_COUNTRY),
    Fact(
        "status", _W, _("Status"), "person", _column("status"),
        word=_of(STATUSES, _("There is no such status.")),
    ),
    Fact("source", _W, _("Source"), "person", _column("source")),
    Fact("tag", _S, _("Tag"), "person", _TAGGED, word=_CODE),
    Fact("has_phone", _F, _("Has a telephone number"), "person", "c.has_phone"),
    Fact("is_professional", _F, _("Is a professional"), "person", "c.is_professional"),
    Fact("created", _M, _("Became a contact"), "person", "{test}", on="c.created_at"),
    Fact("last_act", _M, _("Last act of the person"), "person", "{test}", on="c.last_act_at"),
    Fact(
        "permission", _S, _("May be reached for"), "permission", _PERMITTED,
        word=_PERMISSION, is_by_word=True, split=_purpose_and_channel,
    ),
)  # fmt: skip
_OF_THE_ORGANISATION = (
    Fact(
        "has_organisation", _F, _("Has an organisation"), "organisation",
        "c.organisation_id IS NOT NULL",
    ),
    Fact(
        "organisation_country", _W, _("Country of the organisation"), "organisation",
        _organisation("o.country = ANY(%s::text[])"), word=_COUNTRY,
    ),
    Fact(
        "under_contract", _F, _("Is a customer under contract"), "organisation",
        _organisation("o.contract_ends_on >= %s::date"),
    ),
    Fact(
        "contract_ends", Kind.DAY, _("The contract ends"), "organisation",
        _organisation("{test}"), on="o.contract_ends_on", is_day=True,
    ),
)  # fmt: skip
_OF_LEADS = (
    Fact(
        "form", _S, _("Form filled in"), "lead", _lead("l.form_code = ANY(%s::text[])"),
        word=_CODE,
    ),
    Fact(
        "lead_received", Kind.EVENT, _("Filled in any form"), "lead",
        _lead("{test}"), on="l.received_at",
    ),
    Fact(
        "open_lead", _F, _("Has an open lead"), "lead",
        _lead("l.state IN ('new', 'in_progress')"),
    ),
    Fact(
        "lead_state", _S, _("State of a lead"), "lead", _lead("l.state = ANY(%s::text[])"),
        word=_of(LEAD_STATES, _("There is no such state of a lead.")),
    ),
    Fact(
        "lead_owner", _S, _("Who follows a lead up"), "lead",
        _lead("l.assigned_to_id = ANY(%s::uuid[])"),
        word=number_of(_("This is not the number of an account.")),
    ),
)  # fmt: skip
_OF_CAMPAIGNS = (
    Fact(
        "campaign", _S, _("Campaign received"), "campaign",
        _sent("k.campaign_id = ANY(%s::uuid[])"), word=CAMPAIGN,
    ),
    Fact(
        "sent", Kind.EVENT, pgettext_lazy("fact", "Was sent a campaign"), "campaign",
        _sent("{test}"), on="k.sent_at",
    ),
)  # fmt: skip
# Said by the rules of the other segment, which stand in its place: it has no SQL of its own.
SEGMENT = Fact(
    "segment", _S, _("Is in the segment"), "segment", "",
    word=number_of(_("This is not the number of a segment.")),
)  # fmt: skip

_KNOWN: dict[str, Fact] = {
    fact.name: fact
    for fact in (*_OF_THE_PERSON, *_OF_THE_ORGANISATION, *_OF_LEADS, *_OF_CAMPAIGNS, SEGMENT)
}
FACTS: Mapping[str, Fact] = MappingProxyType(_KNOWN)


class FactTaken(Exception):
    """Another fact has this name."""


def register_fact(fact: Fact) -> None:
    """Add what a floor above knows of contacts; twice the same is once. Raises FactTaken.

    `fact.sql` is a literal of that floor, never anything that was typed.
    """
    if _KNOWN.setdefault(fact.name, fact) is not fact:
        raise FactTaken(FactTaken.__doc__)
