"""The segment builder: a rule tree as rows of a form, and rows of a form as a rule tree.

It works by posting the whole form, with or without htmx. The rows are named by their place:
`r` is the whole tree, `r.0` its first row, `r.1.0` the first row of the group in its second.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.segments.choices import Choice, choices_of, has_choices
from crm.segments.facts import FAMILIES
from crm.segments.rules import (
    ANNIVERSARY_MAX,
    DAYS_MAX,
    DEPTH_MAX,
    FACTS,
    MATCHES,
    OPERATORS,
    InvalidRules,
    Kind,
    parse,
    parse_rule,
)

ROOT, NEW_FACT = "r", "language"
Label = str | Promise

MATCH_NAMES: Mapping[str, Promise] = {
    "all": _("all of these"),
    "any": _("at least one of these"),
    "none": _("none of these"),
}
OPERATOR_NAMES: Mapping[str, Promise] = {
    "one_of": _("is one of"),
    "all_of": _("has all of"),
    "not_one_of": _("is none of"),
    "equal": _("is"),
    "in_last_days": _("in the last … days"),
    "not_in_last_days": _("not in the last … days"),
    "in_next_days": _("within the next … days"),
    "before": _("before"),
    "after": _("after"),
    "anniversary_in_days": _("on the day of the year in … days"),
    "ever": _("at any time"),
}
# What happens any number of times is said in other words than what every contact has once.
EVENT_NAMES: Mapping[str, Promise] = {
    "in_last_days": _("at least once in the last … days"),
    "not_in_last_days": _("never in the last … days"),
}
# What stands beside a number of days.
DAYS_NOTES: Mapping[str, Promise] = {
    "anniversary_in_days": _("days; 0 is today"),
}
DATED = (Kind.MOMENT, Kind.DAY, Kind.EVENT)


def facts_by_family() -> list[tuple[Label, list[tuple[str, Label]]]]:
    """Return every fact to choose from, under the name of its family."""
    groups = [
        (label, [(fact.name, fact.label) for fact in FACTS.values() if fact.family == family])
        for family, label in FAMILIES.items()
    ]
    return [(label, list(facts)) for label, facts in groups if facts]


class Offer:
    """What each fact offers to choose from, asked once per page however many rows want it."""

    def __init__(self) -> None:
        self._known: dict[str, list[Choice]] = {}

    def of(self, fact: str) -> list[Choice]:
        if fact not in self._known:
            self._known[fact] = choices_of(fact) or []
        return self._known[fact]


@dataclass
class RuleRow:
    """One rule as the form shows it; `raw` is what the fields hold, right or wrong."""

    path: str
    fact: str
    operator: str
    raw: list[str]
    offer: Offer
    error: Label = ""
    is_new: bool = False
    # It was moved: the same button takes the keyboard again.
    focus: str = ""

    @property
    def key(self) -> str:
        return self.path.replace(".", "-")

    @property
    def kind(self) -> Kind:
        return FACTS[self.fact].kind

    @property
    def operators(self) -> list[tuple[str, Label]]:
        names = {**OPERATOR_NAMES, **(EVENT_NAMES if self.kind is Kind.EVENT else {})}
        return [(one, names[one]) for one in OPERATORS[self.kind]]

    @property
    def widget(self) -> str:
        if self.kind is Kind.FLAG or self.operator == "ever":
            return "flag"
        if self.kind in DATED:
            return "days" if self.operator.endswith("days") else "day"
        return "choices" if has_choices(self.fact) else "lines"

    @property
    def least(self) -> int:
        return 0 if self.operator == "anniversary_in_days" else 1

    @property
    def most(self) -> int:
        return ANNIVERSARY_MAX if self.operator == "anniversary_in_days" else DAYS_MAX

    @property
    def note(self) -> Label:
        """What a number of days is beside it."""
        return DAYS_NOTES.get(self.operator, _("days"))

    @property
    def is_engagement(self) -> bool:
        return FACTS[self.fact].family == "engagement"

    @property
    def shape(self) -> str:
        """What the field of the value was made for."""
        return f"{self.fact}/{self.widget}"

    @property
    def choices(self) -> list[tuple[Choice, bool]]:
        """What can be ticked, and what is: a value that is no longer offered is kept in sight."""
        known = self.offer.of(self.fact)
        offered = {choice.value for choice in known}
        gone = [Choice(value, value) for value in self.raw if value not in offered]
        return [(choice, choice.value in self.raw) for choice in (*known, *gone)]

    @property
    def text(self) -> str:
        return "\n".join(self.raw)

    def node(self) -> dict[str, Any]:
        return {"fact": self.fact, "is": self.operator, "value": self._value()}

    def _value(self) -> object:
        first = self.raw[0].strip() if self.raw else ""
        if self.widget == "flag":
            return {"yes": True, "no": False}.get(first)
        if self.kind in DATED:
            is_number = self.operator.endswith("days") and re.fullmatch("[0-9]{1,9}", first)
            return int(first) if is_number else first
        if self.widget == "choices":
            return list(self.raw)
        lines = [line.strip() for text in self.raw for line in text.splitlines()]
        if self.fact in ("country", "organisation_country"):
            lines = [word.upper() for line in lines for word in re.split(r"[\s,;]+", line)]
        return [line for line in lines if line]

    def check(self, *, is_strict: bool) -> bool:
        """Say whether the rule is whole; one that was not begun is no mistake until it is saved."""
        try:
            parse_rule(self.node(), "")
        except InvalidRules as wrong:
            is_begun = any(text.strip() for text in self.raw)
            self.error = wrong.reason if is_begun or is_strict else ""
            return False
        return True


@dataclass
class GroupRow:
    path: str
    match: str
    parts: list["RuleRow | GroupRow"] = field(default_factory=list)
    error: Label = ""
    # A row was taken out of it: the keyboard goes on here, not at the top of the page.
    takes_focus: bool = False
    # It was moved: the same button takes the keyboard again.
    focus: str = ""

    is_group = True

    @property
    def key(self) -> str:
        return self.path.replace(".", "-")

    @property
    def depth(self) -> int:
        return self.path.count(".") + 1

    @property
    def can_nest(self) -> bool:
        return self.depth < DEPTH_MAX

    @property
    def matches(self) -> list[tuple[str, Label]]:
        return [(one, MATCH_NAMES[one]) for one in MATCHES]

    def node(self) -> dict[str, Any]:
        return {"match": self.match, "rules": [part.node() for part in self.parts]}

    def rows(self) -> Iterator["RuleRow | GroupRow"]:
        """Yield every row below, in the order of the page."""
        for part in self.parts:
            yield part
            if isinstance(part, GroupRow):
                yield from part.rows()

    def check(self, *, is_strict: bool) -> bool:
        """Put a reason beside every row that is wrong; return whether the whole tree is right."""
        answers = [
            row.check(is_strict=is_strict) for row in self.rows() if isinstance(row, RuleRow)
        ]
        if not all(answers):
            return False
        try:
            parse(self.node())
        except InvalidRules as wrong:
            self.blame(wrong)
            return False
        return True

    def blame(self, wrong: InvalidRules) -> None:
        """Put a reason beside the row that a path of the tree names."""
        place = ".".join([ROOT, *re.findall("[0-9]+", wrong.path)])
        for row in (self, *self.rows()):
            if row.path == place:
                row.error = wrong.reason


# --- from a saved tree -----------------------------------------------------------------------


def from_rules(rules: Mapping[str, Any]) -> GroupRow:
    """Return the rows of a tree that parses."""
    return _group_row(rules or {"match": "all", "rules": []}, ROOT, Offer())


def _group_row(node: Mapping[str, Any], path: str, offer: Offer) -> GroupRow:
    parts: Sequence[Mapping[str, Any]] = node["rules"]
    return GroupRow(
        path,
        node["match"],
        [
            _group_row(part, f"{path}.{place}", offer)
            if "match" in part
            else RuleRow(f"{path}.{place}", part["fact"], part["is"], _raw(part["value"]), offer)
            for place, part in enumerate(parts)
        ],
    )


def _raw(value: object) -> list[str]:
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, list):
        return [str(one) for one in value]
    return [value.isoformat() if isinstance(value, date) else str(value)]
