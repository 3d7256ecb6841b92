"""The segment builder: a rule tree as rows of a form, and rows of a form as a rule tree.

It works by posting the whole form, with or without htmx. The rows are named by their place:
`r` is the whole tree, `r.0` its first row, `r.1.0` the first row of the group in its second.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.segments.choices import Choice, choices_of, has_choices
from crm.segments.rules import (
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
_FIELD = re.compile(r"(r(?:\.[0-9]{1,3}){0,8})\.(fact|match)")
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
    "before": _("before"),
    "after": _("after"),
}


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

    @property
    def key(self) -> str:
        return self.path.replace(".", "-")

    @property
    def kind(self) -> Kind:
        return FACTS[self.fact].kind

    @property
    def operators(self) -> list[tuple[str, Label]]:
        return [(one, OPERATOR_NAMES[one]) for one in OPERATORS[self.kind]]

    @property
    def widget(self) -> str:
        if self.kind is Kind.MOMENT:
            return "days" if self.operator.endswith("days") else "day"
        if self.kind is Kind.FLAG:
            return "flag"
        return "choices" if has_choices(self.fact) else "lines"

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
        if self.kind is Kind.FLAG:
            return {"yes": True, "no": False}.get(first)
        if self.kind is Kind.MOMENT:
            is_number = self.operator.endswith("days") and re.fullmatch("[0-9]{1,9}", first)
            return int(first) if is_number else first
        if self.widget == "choices":
            return list(self.raw)
        lines = [line.strip() for text in self.raw for line in text.splitlines()]
        if self.fact == "country":
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
            self._blame(wrong)
            return False
        return True

    def _blame(self, wrong: InvalidRules) -> None:
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


# --- from a posted form ----------------------------------------------------------------------


def from_post(post: QueryDict) -> GroupRow:
    """Return the rows that were posted, renumbered, after the button that was pressed."""
    return _Posted(post).group(ROOT, ROOT)


class _Posted:
    """One posted form: its fields by place, and the button that was pressed."""

    def __init__(self, post: QueryDict) -> None:
        self.post = post
        self.offer = Offer()
        verb, _colon, target = post.get("do", "").partition(":")
        self.action = (verb, target)
        self.children: dict[str, list[tuple[int, str, str]]] = {}
        for name in post:
            found = _FIELD.fullmatch(name)
            if found and found[1] != ROOT:
                parent, _dot, place = found[1].rpartition(".")
                self.children.setdefault(parent, []).append((int(place), found[1], found[2]))

    def group(self, old: str, new: str) -> GroupRow:
        match = self.post.get(f"{old}.match", "all")
        group = GroupRow(new, match if match in MATCHES else "all")
        for _place, path, what in sorted(self.children.get(old, [])):
            if self.action == ("remove", path):
                group.takes_focus = True
                continue
            place = f"{new}.{len(group.parts)}"
            read = self.rule if what == "fact" else self.group
            group.parts.append(read(path, place))
        end = f"{new}.{len(group.parts)}"
        if self.action == ("rule", old):
            group.parts.append(self.new_rule(end))
        if self.action == ("group", old) and group.can_nest:
            group.parts.append(GroupRow(end, "any", [self.new_rule(f"{end}.0")]))
        return group

    def new_rule(self, path: str) -> RuleRow:
        """Return an empty rule, which takes the keyboard."""
        first = OPERATORS[FACTS[NEW_FACT].kind][0]
        return RuleRow(path, NEW_FACT, first, [], self.offer, is_new=True)

    def rule(self, old: str, new: str) -> RuleRow:
        fact = self.post.get(f"{old}.fact", "")
        fact = fact if fact in FACTS else NEW_FACT
        allowed = OPERATORS[FACTS[fact].kind]
        operator = self.post.get(f"{old}.is", "")
        row = RuleRow(new, fact, operator if operator in allowed else allowed[0], [], self.offer)
        # Another fact or another kind of operator was chosen: the old value means nothing to it.
        if self.post.get(f"{old}.was", row.shape) == row.shape:
            row.raw = [text for text in self.post.getlist(f"{old}.value") if text]
        return row
