"""A rule tree as SQL says the same as the tree read in plain Python, for every fact."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.segments.rules import FACTS, OPERATORS, Kind
from crm.services import count_members, membership
from tests.conftest import NOW
from tests.crm.segments import cast
from tests.crm.segments.cast import Member, holds, make_cast

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]

VALUES: dict[str, list[Any]] = {
    "language": cast.LANGUAGES,
    "country": ["FR", "BE", "CH", "DE"],
    "status": cast.STATUSES,
    "source": [*cast.SOURCES, "%s", "'; DROP TABLE crm_contact; --"],
    "tag": [*cast.TAGS, "nobody-has-it"],
    "form": [*cast.FORMS, "nobody-filled-it"],
    "campaign": [*cast.CAMPAIGNS, "0199c0de-0000-7000-8000-000000000003"],
    "permission": [*cast.PURPOSES, "unknown_purpose"],
    "organisation_country": ["FR", "BE", "CH", "DE"],
    "lead_state": cast.LEAD_STATES,
    "lead_owner": [*cast.OWNERS, "0199c0de-0000-7000-8000-00000000000c"],
    "opened_campaign": [*cast.CAMPAIGNS, "0199c0de-0000-7000-8000-000000000003"],
    "clicked_campaign": [*cast.CAMPAIGNS, "0199c0de-0000-7000-8000-000000000003"],
    "segment": list(cast.SAVED),
}
DAYS = ["2026-10-01", "2026-10-02", "2026-09-30", "2026-11-23", "2020-02-29"]
# 97 days after the 23rd of November is a 28 February.
AHEAD = [0, 1, 97, 98, 366]
SPANS = [1, 6, 7, 8, 30, 31, 400, 36_500]


@pytest.fixture
def people(vault: None) -> list[Member]:
    return make_cast()


def members(rules: dict[str, Any] | None) -> set[UUID]:
    statement, parameters = membership(rules=rules, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    assert len(rows) == len(set(rows))  # nobody twice
    return {row[0] for row in rows}


def _samples(fact: str, operator: str) -> list[Any]:
    kind = FACTS[fact].kind
    if kind is Kind.FLAG or operator == "ever":
        return [True, False]
    if kind in (Kind.WORD, Kind.SET):
        return [[word] for word in VALUES[fact]] + [VALUES[fact][:2], VALUES[fact]]
    if operator == "anniversary_in_days":
        return AHEAD
    return SPANS if operator.endswith("days") else DAYS


def _value(fact: str, operator: str) -> st.SearchStrategy[Any]:
    if FACTS[fact].kind in (Kind.WORD, Kind.SET):
        return st.lists(st.sampled_from(VALUES[fact]), min_size=1, max_size=4)
    return st.sampled_from(_samples(fact, operator))


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    fact = draw(st.sampled_from(sorted(FACTS)))
    operator = draw(st.sampled_from(OPERATORS[FACTS[fact].kind]))
    return {"fact": fact, "is": operator, "value": draw(_value(fact, operator))}


MATCH = st.sampled_from(["all", "any", "none"])


def _groups(parts: st.SearchStrategy[Any], least: int) -> st.SearchStrategy[dict[str, Any]]:
    listed = st.lists(parts, min_size=least, max_size=3)
    return st.fixed_dictionaries({"match": MATCH, "rules": listed})


TREES = _groups(rules() | _groups(rules() | _groups(rules(), 1), 1), 0)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=TREES)
def test_sql_and_plain_python_agree(people: list[Member], tree: dict[str, Any]) -> None:
    assert members(tree) == {one.id for one in people if holds(one, tree)}


CASES = [(fact, operator) for fact in FACTS for operator in OPERATORS[FACTS[fact].kind]]


def test_each_fact_with_each_operator(people: list[Member]) -> None:
    for fact, operator in CASES:
        sizes = set()
        for value in _samples(fact, operator):
            rule = {"fact": fact, "is": operator, "value": value}
            tree = {"match": "all", "rules": [rule]}
            found = members(tree)
            assert found == {one.id for one in people if holds(one, tree)}, rule
            assert count_members(rules=tree, now=NOW) == len(found)
            sizes.add(len(found))
        assert sizes - {0, len(people)}, f"{fact} {operator}: no sample tells anybody apart"


@pytest.mark.parametrize("nothing", [None, {}, {"match": "any", "rules": []}])
def test_no_rules_are_everybody(people: list[Member], nothing: dict[str, Any] | None) -> None:
    assert members(nothing) == {one.id for one in people}


@pytest.mark.parametrize(
    ("fact", "hostile"),
    [
        ("source", "'; DROP TABLE crm_contact; --"),
        ("source", "%s %(x)s %%"),
        ("source", "\\'); SELECT pg_sleep(9); --"),
        ("source", "{membership}"),
        ("tag", "x-OR-1_1"),
    ],
)
def test_a_value_never_becomes_text_of_the_statement(fact: str, hostile: str) -> None:
    tree = {"match": "any", "rules": [{"fact": fact, "is": "one_of", "value": [hostile]}]}
    harmless = {"match": "any", "rules": [{"fact": fact, "is": "one_of", "value": ["x"]}]}
    statement, parameters = membership(rules=tree, now=NOW)
    assert statement == membership(rules=harmless, now=NOW)[0]
    assert parameters == [[hostile]]
    assert members(tree) == set()
