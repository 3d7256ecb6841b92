"""Who of a segment can be reached: the steps and the reachable add up to the members."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.services import permits
from crm.models import Contact
from crm.services import count_members, membership, waterfall
from tests.conftest import NOW
from tests.crm.segments.cast import make_cast
from tests.crm.segments.test_membership import TREES, members

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture
def people(vault: None) -> None:
    for number, member in enumerate(make_cast()):
        contact = Contact.objects.filter(id=member.id)
        if number % 7 == 0:
            contact.update(has_email=False)
        if number % 5 == 1:
            contact.update(restricted_at=NOW)
        if number % 4 == 2:
            contact.update(unreachable_at=NOW)


def _expected(purpose: str, channel: str) -> Counter[str]:
    everybody = list(Contact.objects.all())
    allowed = permits(
        subject_ids=[one.id for one in everybody], purpose_code=purpose, channel=channel
    )
    found: Counter[str] = Counter()
    for one in everybody:
        if not (one.has_email if channel == "email" else one.has_phone):
            found["no_address"] += 1
        elif one.restricted_at:
            found["restricted"] += 1
        elif one.unreachable_at and channel == "email":
            found["unreachable"] += 1
        else:
            found["reachable" if one.id in allowed else "consent"] += 1
    return found


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("purpose", "channel"),
    [("newsletter", "email"), ("targeted_promotion", "email"), ("phone_prospecting", "phone")],
)
def test_each_contact_is_counted_once_for_the_first_reason(purpose: str, channel: str) -> None:
    answer = waterfall(rules=None, purpose_code=purpose, channel=channel, now=NOW)
    steps = {step.reason_code: step.contacts for step in answer.steps}
    expected = _expected(purpose, channel)
    for code in ("no_address", "restricted", "unreachable"):
        assert steps.pop(code, 0) == expected[code]
    assert answer.reachable == expected["reachable"]
    assert sum(steps.values()) == expected["consent"]
    assert answer.members == 40
    assert all(str(step.sentence) for step in answer.steps)


@pytest.mark.usefixtures("people")
def test_the_reasons_are_those_of_consent() -> None:
    answer = waterfall(rules=None, purpose_code="targeted_promotion", channel="email", now=NOW)
    codes = [step.reason_code for step in answer.steps]
    assert codes == ["no_address", "restricted", "unreachable", "no_permission", "objected"]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=TREES, purpose=st.sampled_from(["newsletter", "targeted_promotion", "unknown"]))
def test_members_are_reachable_plus_the_steps(
    people: None, tree: dict[str, Any], purpose: str
) -> None:
    answer = waterfall(rules=tree, purpose_code=purpose, channel="email", now=NOW)
    assert answer.members == answer.reachable + sum(step.contacts for step in answer.steps)
    assert answer.members == count_members(rules=tree, now=NOW) == len(members(tree))


def test_it_is_one_statement_also_with_parameters(
    django_assert_num_queries: Any,
) -> None:
    rules = {"match": "any", "rules": [{"fact": "source", "is": "one_of", "value": ["100%"]}]}
    assert "%s" in membership(rules=rules, now=NOW)[0]
    with django_assert_num_queries(1):
        answer = waterfall(rules=rules, purpose_code="newsletter", channel="email", now=NOW)
    assert (answer.members, answer.steps, answer.reachable) == (0, [], 0)
