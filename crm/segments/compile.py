"""From a checked rule tree to SQL. The text is made of our own literals; values are parameters."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.timezone import get_default_timezone

from crm.segments.rules import Group, Kind, Rule, parse

Compiled = tuple[str, list[Any]]

_COLUMNS: Mapping[str, str] = {
    "language": "c.language",
    "country": "c.country",
    "status": "c.status",
    "source": "c.source",
    "has_phone": "c.has_phone",
    "is_professional": "c.is_professional",
    "created": "c.created_at",
    "last_act": "c.last_act_at",
}
# Holds when the contact has any of the words.
_HAS_ANY: Mapping[str, str] = {
    "tag": (
        "EXISTS (SELECT 1 FROM crm_contacttag t"
        " WHERE t.contact_id = c.id AND t.tag_id = ANY(%s::text[]))"
    ),
    "form": (
        "EXISTS (SELECT 1 FROM crm_lead l"
        " WHERE l.contact_id = c.id AND l.form_code = ANY(%s::text[]))"
    ),
    "campaign": (
        "EXISTS (SELECT 1 FROM crm_contactcampaign k"
        " WHERE k.contact_id = c.id AND k.campaign_id = ANY(%s::uuid[]))"
    ),
    # The gate itself, for everybody at once: a segment never decides it differently.
    "permission": (
        "EXISTS (SELECT 1 FROM unnest(%s::text[]) w, consent_refusals(w, 'email') r"
        " WHERE r.subject_id = c.id AND r.refusal IS NULL)"
    ),
}
_MOMENTS: Mapping[str, str] = {
    "in_last_days": ">",
    "not_in_last_days": "<=",
    "before": "<",
    "after": ">=",
}


def membership(*, rules: Mapping[str, Any] | None, now: datetime) -> Compiled:
    """Return a statement of one column, the ids of the segment's contacts, and its parameters.

    The only text from outside is in the parameters. None and {} are everybody. Raises
    InvalidRules. The statement can be nested in another one.
    """
    clause, parameters = _group(parse(rules), now)
    return f"SELECT c.id FROM crm_contact c WHERE {clause}", parameters  # noqa: S608


def _group(group: Group, now: datetime) -> Compiled:
    if not group.parts:
        return "TRUE", []
    clauses: list[str] = []
    parameters: list[Any] = []
    for part in group.parts:
        clause, given = _group(part, now) if isinstance(part, Group) else _rule(part, now)
        clauses.append(clause)
        parameters += given
    joined = (" AND " if group.match == "all" else " OR ").join(clauses)
    return (f"NOT ({joined})" if group.match == "none" else f"({joined})"), parameters


def _rule(rule: Rule, now: datetime) -> Compiled:
    name = rule.fact.name
    if rule.fact.kind is Kind.MOMENT:
        moment = _moment(rule.operator, rule.value, now)
        return f"{_COLUMNS[name]} {_MOMENTS[rule.operator]} %s", [moment]
    if rule.fact.kind is Kind.FLAG:
        return f"{_COLUMNS[name]} = %s", [rule.value]
    words = list(rule.value) if isinstance(rule.value, tuple) else []
    if rule.fact.kind is Kind.WORD:
        operator = "= ANY" if rule.operator == "one_of" else "<> ALL"
        return f"{_COLUMNS[name]} {operator}(%s::text[])", [words]
    if rule.operator == "all_of":
        return f"({' AND '.join([_HAS_ANY[name]] * len(words))})", [[word] for word in words]
    return f"{'NOT ' if rule.operator == 'not_one_of' else ''}{_HAS_ANY[name]}", [words]


def _moment(operator: str, value: object, now: datetime) -> datetime:
    """Return the instant a column is compared with; days of the calendar are the company's."""
    if isinstance(value, int):
        return now - timedelta(days=value)
    if not isinstance(value, date):
        raise TypeError(operator)
    day = value + timedelta(days=1) if operator == "after" else value
    return datetime.combine(day, time.min, tzinfo=get_default_timezone())
