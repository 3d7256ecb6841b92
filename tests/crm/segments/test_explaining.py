"""Why one contact is in a segment: the same answer as for everybody at once, rule by rule."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.models import Segment
from crm.segments.explaining import NoSuchMember, explain_member, segments_holding
from crm.segments.facts import FACTS, OPERATORS
from crm.segments.rules import parse_rule
from crm.segments.wording import Wording
from tests.conftest import NOW
from tests.crm.segments.cast import SAVED, Member, holds, make_cast
from tests.crm.segments.test_membership import TREES, _samples

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture
def people(vault: None) -> list[Member]:
    return make_cast()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=TREES, number=st.integers(0, 39))
def test_the_explanation_of_each_is_the_plain_answer(
    people: list[Member], tree: dict[str, Any], number: int
) -> None:
    one = people[number]
    verdict = explain_member(contact_id=one.id, rules=tree, now=NOW)
    assert verdict.holds is holds(one, tree)
    for part, node in zip(verdict.parts, tree["rules"], strict=True):
        assert part.holds is holds(one, node)


def test_it_is_one_statement_however_many_rules(people: list[Member]) -> None:
    rule = {"fact": "tag", "is": "one_of", "value": ["vip"]}
    with CaptureQueriesContext(connection) as asked:
        explain_member(
            contact_id=people[0].id, rules={"match": "any", "rules": [rule] * 20}, now=NOW
        )
    assert len(asked.captured_queries) == 1


def test_the_segments_of_a_contact_are_asked_in_a_fixed_number_of_statements(
    people: list[Member],
) -> None:
    broken = {"match": "all", "rules": [{"fact": "gone", "is": "equal", "value": True}]}
    Segment.objects.create(id=uuid4(), name="Broken", rules=broken, created_at=NOW, updated_at=NOW)
    for one in people[:10]:
        with CaptureQueriesContext(connection) as asked:
            found = segments_holding(contact_id=one.id, now=NOW)
        assert len(asked.captured_queries) <= 3
        assert {str(row.id) for row in found.held} == {
            number for number, rules in SAVED.items() if holds(one, rules)
        }
        assert [row.name for row in found.unreadable] == ["Broken"]
        assert not found.is_cut


def test_who_is_no_contact_is_named_so() -> None:
    with pytest.raises(NoSuchMember):
        explain_member(contact_id=uuid4(), rules={}, now=NOW)
    with pytest.raises(NoSuchMember):
        segments_holding(contact_id=uuid4(), now=NOW)


@override_settings(LANGUAGE_CODE="en")
def test_every_fact_and_operator_has_words(people: list[Member]) -> None:
    with translation.override("en"):
        wording = Wording()
        for fact in FACTS.values():
            said = set()
            for operator in OPERATORS[fact.kind]:
                value = _samples(fact.name, operator)[-1]
                node = {"fact": fact.name, "is": operator, "value": value}
                said.add(wording.sentence(parse_rule(node, "")))
            assert len(said) == len(OPERATORS[fact.kind])
            assert all(text.startswith(f"{fact.label}: ") for text in said)
