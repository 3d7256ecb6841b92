"""From a checked rule tree to SQL. The text is made of our own literals; values are parameters.

A rule may be neither true nor false of a contact (`Fact.known`). Each is therefore compiled in one
of two ways: it surely holds, or it may hold. Whoever is in a segment surely is; "none of these"
asks of its rules whether they may hold. That is Kleene's logic of three values without a NULL in
it, so that PostgreSQL can still turn the conditions into joins.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.timezone import get_default_timezone, get_default_timezone_name, localdate

from crm.segments.facts import Fact, Kind
from crm.segments.references import Reference, Whole, whole
from crm.segments.rules import Rule

Compiled = tuple[str, list[Any]]

_COMPARED: Mapping[str, str] = {
    "in_last_days": ">",
    "not_in_last_days": "<=",
    "before": "<",
    "after": ">=",
}


def membership(*, rules: Mapping[str, Any] | None, now: datetime) -> Compiled:
    """Return a statement of one column, the ids of the segment's contacts, and its parameters.

    The only text from outside is in the parameters. None and {} are everybody. Raises
    InvalidRules. The statement can be nested in another one, and further conditions of `c` may
    follow it. Segments that the rules name are read first.
    """
    clause, parameters = condition(whole(rules), now, is_sure=True)
    return f"SELECT c.id FROM crm_contact c WHERE ({clause})", parameters  # noqa: S608


def condition(group: Whole, now: datetime, *, is_sure: bool) -> Compiled:
    """Return when a contact `c` is in a group: surely, or maybe."""
    if not group.parts:
        return "TRUE", []
    is_none = group.match == "none"
    parts = [_part(part, now, is_sure=is_sure is not is_none) for part in group.parts]
    joined = _joined(" AND " if group.match == "all" else " OR ", parts)
    return _not(joined) if is_none else joined


def _part(part: Whole | Reference | Rule, now: datetime, *, is_sure: bool) -> Compiled:
    if isinstance(part, Rule):
        return rule_condition(part, now, is_sure=is_sure)
    if isinstance(part, Whole):
        return condition(part, now, is_sure=is_sure)
    is_not = part.rule.operator == "not_one_of"
    inner = [condition(one.group, now, is_sure=is_sure is not is_not) for one in part.segments]
    joined = _joined(" AND " if part.rule.operator == "all_of" else " OR ", inner)
    return _not(joined) if is_not else joined


def _joined(word: str, parts: list[Compiled]) -> Compiled:
    text = word.join(clause for clause, _given in parts)
    return f"({text})", [value for _clause, given in parts for value in given]


def _not(compiled: Compiled) -> Compiled:
    return f"NOT {compiled[0]}", compiled[1]


# --- one rule --------------------------------------------------------------------------------


def is_negative(rule: Rule) -> bool:
    """Say whether a rule holds where its fact does not."""
    if rule.operator == "not_in_last_days":
        return rule.fact.kind is Kind.EVENT
    return rule.operator == "not_one_of" or rule.value is False


def rule_condition(rule: Rule, now: datetime, *, is_sure: bool) -> Compiled:
    """Return when a rule holds of a contact `c`: surely, or maybe."""
    is_not = is_negative(rule)
    compiled = _positive(rule, now, is_sure=is_sure is not is_not)
    return _not(compiled) if is_not else compiled


def _positive(rule: Rule, now: datetime, *, is_sure: bool) -> Compiled:
    fact = rule.fact
    if isinstance(rule.value, tuple):
        return _words(fact, rule.operator, rule.value, is_sure=is_sure)
    if fact.kind is Kind.FLAG:
        return f"({fact.sql})", [localdate(now, get_default_timezone())] * fact.sql.count("%s")
    if rule.operator == "ever":
        held: Compiled = (fact.sql.replace("{test}", "TRUE"), [])
    else:
        test, given = _test(rule, now)
        held = (fact.sql.replace("{test}", test), given)
    return _if_known(fact, held, [], is_sure=is_sure)


def _words(fact: Fact, operator: str, words: tuple[str, ...], *, is_sure: bool) -> Compiled:
    if operator != "all_of" and not fact.is_by_word:
        return fact.sql, [list(words)]
    each = [
        _if_known(fact, (fact.sql, fact.split(w)), fact.split(w), is_sure=is_sure) for w in words
    ]
    return _joined(" AND " if operator == "all_of" else " OR ", each)


def _if_known(fact: Fact, held: Compiled, asked: list[object], *, is_sure: bool) -> Compiled:
    if not fact.known:
        return held
    text, given = held
    if is_sure:
        return f"({fact.allowed} AND {text})", given
    return f"(NOT ({fact.known}) OR {text})", [*asked, *given]


# --- dates -----------------------------------------------------------------------------------


def _test(rule: Rule, now: datetime) -> Compiled:
    fact, operator, value = rule.fact, rule.operator, rule.value
    today = localdate(now, get_default_timezone())
    if operator == "anniversary_in_days" and isinstance(value, int):
        return _anniversary(fact, today + timedelta(days=value))
    if fact.is_day:
        return _day_test(fact.on, operator, value, today)
    compared = "in_last_days" if is_negative(rule) else operator
    return f"{fact.on} {_COMPARED[compared]} %s", [_moment(operator, value, now)]


def _anniversary(fact: Fact, day: date) -> Compiled:
    """The same day of the year; a 29 February is kept on the 28th of the years without one."""
    named = [f"{day:%m%d}"]
    if named == ["0228"] and (day + timedelta(days=1)).month == 3:
        named.append("0229")
    if fact.is_day:
        return f"to_char({fact.on}::timestamp, 'MMDD') = ANY(%s::text[])", [named]
    zone = get_default_timezone_name()
    return f"to_char({fact.on} AT TIME ZONE %s, 'MMDD') = ANY(%s::text[])", [zone, named]


def _day_test(column: str, operator: str, value: object, today: date) -> Compiled:
    if isinstance(value, date):
        return f"{column} {'<' if operator == 'before' else '>'} %s::date", [value]
    if not isinstance(value, int):
        raise TypeError(operator)
    is_ahead, span = operator == "in_next_days", timedelta(days=value)
    first, last = (today, today + span) if is_ahead else (today - span, today)
    return f"{column} BETWEEN %s::date AND %s::date", [first, last]


def _moment(operator: str, value: object, now: datetime) -> datetime:
    """Return the instant a column is compared with; days of the calendar are the company's."""
    if isinstance(value, int):
        return now - timedelta(days=value)
    if not isinstance(value, date):
        raise TypeError(operator)
    day = value + timedelta(days=1) if operator == "after" else value
    return datetime.combine(day, time.min, tzinfo=get_default_timezone())
