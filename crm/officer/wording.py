"""The words of facts, states, outcomes and rules, and what changes between two of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, override, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from consent.services import DATA_TERMS, PURPOSE_TERMS, Basis
from crm.pages.labels import BASES, CHANNELS, words

STATES: Mapping[str, tuple[Promise, str]] = {
    "draft": (_("Never published"), "secondary"),
    "in_use": (_("In use"), "green"),
    "retired": (pgettext_lazy("purpose", "Retired"), "orange"),
}
CHANNEL_NAMES: Mapping[str, Promise] = {
    "email": _("E-mail"),
    "phone": _("Telephone"),
    "post": _("Post"),
    "sms": _("Text message"),
}
FACTS: Mapping[str, Promise] = {
    "title_fr": _("Title in French"),
    "title_en": _("Title in English"),
    "description_fr": _("Explanation in French"),
    "description_en": _("Explanation in English"),
    "recipients_fr": _("Recipients in French"),
    "recipients_en": _("Recipients in English"),
    "iri": _("Term of the vocabulary"),
    "more_iris": _("Further terms"),
    "data_categories": _("Data that are used"),
    "bases": _("Lawful bases"),
    "channels": _("Channels"),
    "is_marketing": _("Is it marketing?"),
    "retention_days": _("Days that data are kept"),
    "position": _("Place in lists"),
}
OUTCOMES: Mapping[str, tuple[Promise, str]] = {
    "prevails": (_("The interest prevails"), "green"),
    "prevails_with_safeguards": (_("The interest prevails, with the safeguards"), "green"),
    "does_not_prevail": (_("The interest does not prevail"), "red"),
}
AUDIENCES: Mapping[str, Promise] = {
    "professionals": _("Professionals, in their work"),
    "consumers": _("Consumers"),
    "anyone": _("Anyone, consumers among them"),
}
SECTIONS: Mapping[str, tuple[Promise, Promise]] = {
    "interest": (
        _("The interest"),
        _("What is wanted, by whom, and why it is lawful, precise and real."),
    ),
    "necessity": (
        _("Necessity"),
        _("Why the aim cannot be reached as well with less data or in a gentler way."),
    ),
    "expectations": (
        _("What people expect"),
        _("What a person in this situation would reasonably expect, and what they were told."),
    ),
    "balance": (
        _("The balance"),
        _("What it means for the person, against what it is worth to us."),
    ),
    "b2b_relevance": (
        _("Relevance to the occupation"),
        _("What links the message to the person's work (CNIL, prospecting of professionals)."),
    ),
    "safeguards": (
        _("Safeguards"),
        _("What protects the person: the box to say no, limits, deletion."),
    ),
    "conclusion": (_("Conclusion"), _("What follows from it, in a few sentences.")),
}
VALUES: Mapping[str, Promise] = {
    "opt_in": _("Only with consent, given beforehand"),
    "opt_out": _("With information and a way to say no"),
}


def duration(days: int) -> str:
    """Return a number of days as people say it, in the language that is active."""
    if days and days % 365 == 0:
        return ngettext("%(n)s year", "%(n)s years", days // 365) % {"n": days // 365}
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


@dataclass(frozen=True)
class Reading:
    """A purpose as it reads for a person, in one language."""

    language: str
    title: str
    description: str
    how: Sequence[str]
    bases: Sequence[str]
    data: Sequence[str]
    recipients: str
    kept: str


def readings(facts: Mapping[str, Any]) -> list[Reading]:
    """Return how a purpose reads in French and in English."""
    return [_reading(facts, language) for language in ("fr", "en")]


def _reading(facts: Mapping[str, Any], language: str) -> Reading:
    with override(language):
        return Reading(
            language,
            facts[f"title_{language}"],
            facts[f"description_{language}"],
            [str(words(CHANNELS, each)) for each in facts["channels"]],
            [_basis(each) for each in facts["bases"]],
            [str(DATA_TERMS.get(each, each)) for each in facts["data_categories"]],
            facts[f"recipients_{language}"],
            duration(facts["retention_days"]) if facts["retention_days"] else "",
        )


def _basis(basis: str) -> str:
    said = {
        Basis.CONSENT: gettext("only if you say yes, and until you say no"),
        Basis.LEGITIMATE_INTEREST: gettext("because we have a legitimate interest; you can object"),
        Basis.PRE_CONTRACT: gettext("because you asked for it"),
        Basis.CONTRACT: gettext("because our contract with you needs it"),
    }
    return {str(key): text for key, text in said.items()}.get(basis, basis)


@dataclass(frozen=True)
class Change:
    """A fact that changes: pieces that stay, that go ("gone") and that come ("new")."""

    name: str
    label: str | Promise
    pieces: Sequence[tuple[str, str]]

    @property
    def between(self) -> str:
        """What stands between its pieces; those of a text hold their own blanks."""
        if self.name.startswith(("title", "description", "recipients")):
            return ""
        return ", " if self.name in ("channels", "bases", "data_categories", "more_iris") else " "


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two states of a purpose, in the order of its page."""
    return [
        Change(name, FACTS[name], list(_pieces(name, before.get(name), after.get(name))))
        for name in FACTS
        if name in after and before.get(name) != after.get(name)
    ]


def _pieces(name: str, before: Any, after: Any) -> Iterator[tuple[str, str]]:
    if isinstance(before, list) and isinstance(after, list):
        yield from _items(name, before, after)
    elif isinstance(before, str) and isinstance(after, str) and name != "iri":
        yield from _texts(before, after)
    else:
        yield "gone", _value(name, before)
        yield "new", _value(name, after)


def _items(name: str, before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str]]:
    for each in dict.fromkeys([*before, *after]):
        kind = "gone" if each not in after else "new" if each not in before else "same"
        yield kind, _value(name, each)


def _texts(before: str, after: str) -> Iterator[tuple[str, str]]:
    old, new = (re.findall(r"\s+|\w+|[^\w\s]", text) for text in (before, after))
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield "same", "".join(old[a:b])
            continue
        if b > a:
            yield "gone", "".join(old[a:b])
        if d > c:
            yield "new", "".join(new[c:d])


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    names: Mapping[str, Mapping[str, Promise]] = {
        "iri": PURPOSE_TERMS,
        "more_iris": PURPOSE_TERMS,
        "data_categories": DATA_TERMS,
        "bases": BASES,
        "channels": CHANNEL_NAMES,
    }
    return str(names.get(name, {}).get(str(value), value))


def named(name: str, values: Sequence[str]) -> list[str]:
    """Return the words of a list of codes of a fact."""
    return [_value(name, value) for value in values]
