"""Why one contact is in a segment, or is not: every rule asked by itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections

from crm.models import Segment
from crm.segments.compile import Compiled, condition, rule_condition
from crm.segments.references import Reference, Whole, leaves, reachable_from, whole
from crm.segments.rules import Group, InvalidRules, Rule, parse

# Segments that are asked about one contact at once, by name.
SEGMENTS_MOST = 200


class NoSuchMember(Exception):
    """There is no such contact."""


@dataclass(frozen=True)
class Verdict:
    """A rule, a group or a named segment, and whether it holds; None: nobody may say.

    `said` is a rule, the `match` of a group, or the name of a segment.
    """

    holds: bool | None
    said: Rule | str
    parts: tuple["Verdict", ...] = ()
    is_segment: bool = False

    @property
    def rule(self) -> Rule | None:
        return self.said if isinstance(self.said, Rule) else None

    @property
    def counts_as(self) -> str:
        return {True: "yes", False: "no", None: "unknown"}[self.holds]


def explain_member(*, contact_id: UUID, rules: Mapping[str, Any] | None, now: datetime) -> Verdict:
    """Return whether a contact is in a segment, rule by rule; who is not surely in it is out.

    One statement. Raises InvalidRules and NoSuchMember.
    """
    tree = whole(rules)
    answers = iter(_answers(list(leaves(tree)), contact_id, now))
    return _group(tree, answers)


def _answers(rules: list[Rule], contact_id: UUID, now: datetime) -> list[bool | None]:
    asked = [rule_condition(r, now, is_sure=s) for r in rules for s in (True, False)]
    row = _ask_of_one(asked, contact_id)
    pairs = zip(row[::2], row[1::2], strict=True)
    return [True if is_sure else None if may_be else False for is_sure, may_be in pairs]


def _ask_of_one(conditions: list[Compiled], contact_id: UUID) -> list[bool]:
    """Return whether each condition holds of a contact; raises NoSuchMember."""
    columns = ", ".join(["TRUE", *(f"({clause})" for clause, _given in conditions)])
    given = [value for _clause, values in conditions for value in values]
    with connections["default"].cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM crm_contact c WHERE c.id = %s",  # noqa: S608 - our literals
            [*given, contact_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise NoSuchMember(NoSuchMember.__doc__)
    return list(row[1:])


def _group(group: Whole, answers: Iterator[bool | None]) -> Verdict:
    parts = tuple(_part(part, answers) for part in group.parts)
    return Verdict(_together(group.match, [part.holds for part in parts]), group.match, parts)


def _part(part: Whole | Reference | Rule, answers: Iterator[bool | None]) -> Verdict:
    if isinstance(part, Rule):
        return Verdict(next(answers), part)
    if isinstance(part, Whole):
        return _group(part, answers)
    inner = tuple(
        Verdict(found.holds, named.name, found.parts, is_segment=True)
        for named in part.segments
        for found in [_group(named.group, answers)]
    )
    match = {"one_of": "any", "all_of": "all", "not_one_of": "none"}[part.rule.operator]
    return Verdict(_together(match, [one.holds for one in inner]), part.rule, inner)


def _together(match: str, holds: list[bool | None]) -> bool | None:
    """Kleene's logic: what nobody may say decides nothing, whichever of the two it is."""
    if not holds:
        return True
    decisive = match != "all"
    if decisive in holds:
        joined: bool | None = decisive
    else:
        joined = None if None in holds else not decisive
    return joined if match != "none" or joined is None else not joined


@dataclass(frozen=True)
class Holding:
    """The segments that hold a contact; `unreadable` say something that is no rule any more."""

    held: list[Segment]
    others: list[Segment]
    unreadable: list[Segment]
    is_cut: bool


def segments_holding(*, contact_id: UUID, now: datetime) -> Holding:
    """Return which saved segments hold a contact at this moment, asked in one statement.

    Raises NoSuchMember.
    """
    rows = list(Segment.objects.filter(archived_at=None).order_by("name")[: SEGMENTS_MOST + 1])
    conditions, readable, unreadable = _conditions(rows[:SEGMENTS_MOST], now)
    answers = _ask_of_one(conditions, contact_id)
    found = list(zip(readable, answers, strict=True))
    return Holding(
        [row for row, is_in in found if is_in],
        [row for row, is_in in found if not is_in],
        unreadable,
        len(rows) > SEGMENTS_MOST,
    )


def _conditions(
    rows: list[Segment], now: datetime
) -> tuple[list[Compiled], list[Segment], list[Segment]]:
    trees: list[tuple[Segment, Group]] = []
    unreadable: list[Segment] = []
    for row in rows:
        try:
            trees.append((row, parse(row.rules)))
        except InvalidRules:
            unreadable.append(row)
    # All of them as one tree, so that what they name is read once.
    saved = reachable_from(Group("any", tuple(tree for _row, tree in trees)))
    conditions: list[Compiled] = []
    readable: list[Segment] = []
    for row, _tree in trees:
        try:
            conditions.append(condition(whole(row.rules, saved=saved), now, is_sure=True))
            readable.append(row)
        except InvalidRules:
            unreadable.append(row)
    return conditions, readable, unreadable
