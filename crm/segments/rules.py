"""The rule language: what a rule tree may say, and the parser that refuses everything else.

docs/segments.md is its reference. A tree is JSON as it is stored; a parsed tree is what is
compiled, so nothing that was not checked here reaches the database.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.segments.facts import FACTS, OPERATORS, STATUSES, Fact, Kind, NotAWord

# A tree that no person could read back is a mistake, and an endless one an attack.
DEPTH_MAX, RULES_MAX, VALUES_MAX, WORD_MAX, DAYS_MAX = 4, 40, 50, 64, 36_500
ANNIVERSARY_MAX = 366
_FIRST_YEAR, _LAST_YEAR = 1970, 2200


class InvalidRules(Exception):
    """The rule tree says something that the language does not have; `path` says where."""

    def __init__(self, path: str, reason: str | Promise) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


Value = tuple[str, ...] | bool | int | date


@dataclass(frozen=True)
class Rule:
    fact: Fact
    operator: str
    value: Value


@dataclass(frozen=True)
class Group:
    """`match` is all, any or none; a group without rules holds everybody."""

    match: str
    parts: tuple["Group | Rule", ...]


MATCHES = ("all", "any", "none")


# --- parsing ---------------------------------------------------------------------------------


def parse(rules: Mapping[str, Any] | None) -> Group:
    """Return the checked tree; None and {} hold everybody. Raises InvalidRules."""
    if rules is None or rules == {}:
        return Group("all", ())
    return _Parser().group(rules, "", 1)


class _Parser:
    """One pass over one tree; it counts the rules as it goes."""

    def __init__(self) -> None:
        self.rules = 0

    def group(self, node: object, path: str, depth: int) -> Group:
        node = _keys(node, {"match", "rules"}, path)
        if depth > DEPTH_MAX:
            raise InvalidRules(path, _("Groups are nested too deep."))
        if node["match"] not in MATCHES:
            raise InvalidRules(_join(path, "match"), _("A group matches all, any or none."))
        parts = node["rules"]
        if not isinstance(parts, list):
            raise InvalidRules(_join(path, "rules"), _("The rules of a group are a list."))
        if not parts and depth > 1:
            # "Any of nothing" would silently hold everybody.
            raise InvalidRules(_join(path, "rules"), _("This group needs a rule."))
        places = [_join(path, f"rules.{place}") for place in range(len(parts))]
        return Group(
            node["match"],
            tuple(self._part(p, at, depth) for p, at in zip(parts, places, strict=True)),
        )

    def _part(self, node: object, path: str, depth: int) -> Group | Rule:
        if isinstance(node, dict) and "match" in node:
            return self.group(node, path, depth + 1)
        self.rules += 1
        if self.rules > RULES_MAX:
            raise InvalidRules(path, _("There are too many rules."))
        return parse_rule(node, path)


def parse_rule(node: object, path: str) -> Rule:
    """Return one checked rule; raises InvalidRules with the path of what is wrong in it."""
    node = _keys(node, {"fact", "is", "value"}, path)
    fact = FACTS.get(node["fact"]) if isinstance(node["fact"], str) else None
    if fact is None:
        raise InvalidRules(_join(path, "fact"), _("There is no such fact."))
    operator = node["is"]
    if operator not in OPERATORS[fact.kind]:
        raise InvalidRules(_join(path, "is"), _("This fact has no such operator."))
    return Rule(fact, operator, _value(fact, operator, node["value"], _join(path, "value")))


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _keys(node: object, keys: set[str], path: str) -> dict[str, Any]:
    if not isinstance(node, dict) or node.keys() != keys:
        raise InvalidRules(path, _("This is neither a rule nor a group."))
    return node


def _value(fact: Fact, operator: str, value: object, path: str) -> Value:
    if fact.kind in (Kind.WORD, Kind.SET):
        return _words(fact, value, path)
    if fact.kind is Kind.FLAG or operator == "ever":
        if not isinstance(value, bool):
            raise InvalidRules(path, _("Choose yes or no."))
        return value
    if operator == "anniversary_in_days":
        return _days(value, path, least=0, most=ANNIVERSARY_MAX)
    return _days(value, path) if operator.endswith("days") else _day(value, path)


def _words(fact: Fact, value: object, path: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise InvalidRules(path, _("Choose at least one value."))
    if len(value) > VALUES_MAX:
        raise InvalidRules(path, _("There are too many values."))
    return tuple(dict.fromkeys(_word(fact, one, path) for one in value))


def _word(fact: Fact, value: object, path: str) -> str:
    # What cannot be printed (a NUL, half a surrogate pair) cannot be asked of the database.
    if not isinstance(value, str) or not value.isprintable():
        raise InvalidRules(path, _("A value is a text."))
    if not value or len(value) > WORD_MAX:
        raise InvalidRules(path, _("A value has between 1 and 64 characters."))
    try:
        return fact.word(value)
    except NotAWord as refusal:
        raise InvalidRules(path, refusal.args[0]) from None


def _days(value: object, path: str, *, least: int = 1, most: int = DAYS_MAX) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        if least:
            raise InvalidRules(path, _("Write a number of days, 1 or more."))
        raise InvalidRules(path, _("Write a number of days, 0 (today) to 366."))
    return value


def _day(value: object, path: str) -> date:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise InvalidRules(path, _("There is no such day.")) from None
        if _FIRST_YEAR <= day.year <= _LAST_YEAR:
            return day
    raise InvalidRules(path, _("Write a day, like 2026-01-31."))


__all__ = [
    "ANNIVERSARY_MAX",
    "DAYS_MAX",
    "DEPTH_MAX",
    "FACTS",
    "MATCHES",
    "OPERATORS",
    "RULES_MAX",
    "STATUSES",
    "VALUES_MAX",
    "Fact",
    "Group",
    "InvalidRules",
    "Kind",
    "Rule",
    "parse",
    "parse_rule",
]
