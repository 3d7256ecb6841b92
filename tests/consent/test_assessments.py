"""A balancing assessment is written, approved once, and looked at again in time."""

from datetime import date
from typing import Any

import pytest

from consent import services
from consent.models import BalancingAssessment
from consent.services import CannotPublish, NoDraft, PurposeUnknown
from tests.conftest import NOW
from tests.consent.officer import BALANCE, DOMINIQUE, assess, begin

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def events() -> None:
    begin()


def write(**changes: Any) -> list[tuple[str, str]]:
    services.save_assessment_draft(
        purpose_code="events", document={**BALANCE, **changes}, actor_id=DOMINIQUE, now=NOW
    )
    found = services.findings_against_assessment(purpose_code="events", day=NOW.date())
    return [(each.code, each.field) for each in found]


def test_a_draft_may_be_incomplete_and_is_kept_as_it_is() -> None:
    services.save_assessment_draft(
        purpose_code="events", document={"interest": "Fairs"}, actor_id=DOMINIQUE, now=NOW
    )
    draft = services.assessment_draft(purpose_code="events")
    assert draft is not None
    assert (draft.document["interest"], draft.document["balance"]) == ("Fairs", "")
    assert draft.updated_by == DOMINIQUE
    assert services.current_assessment(purpose_code="events") is None


@pytest.mark.parametrize(
    "name", ["interest", "necessity", "expectations", "balance", "b2b_relevance", "conclusion"]
)
def test_every_part_must_be_written(name: str) -> None:
    assert write(**{name: "  "}) == [("section_missing", name)]


def test_safeguards_are_needed_where_the_outcome_rests_on_them() -> None:
    assert write(safeguards="") == [("section_missing", "safeguards")]
    assert write(safeguards="", outcome="prevails") == []


def test_the_occupation_matters_only_for_professionals() -> None:
    assert write(b2b_relevance="", audience="consumers") == []
    assert write(b2b_relevance="", audience="anyone") == [("section_missing", "b2b_relevance")]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"outcome": ""}, "no_outcome"),
        ({"audience": "dogs"}, "no_audience"),
        ({"review_on": ""}, "no_review"),
        ({"review_on": "2026-11-23"}, "review_out_of_range"),
        ({"review_on": "2036-11-23"}, "review_out_of_range"),
    ],
)
def test_outcome_audience_and_review_are_needed(changes: dict[str, str], code: str) -> None:
    assert [each for each, _field in write(**changes)] == [code]
    with pytest.raises(CannotPublish):
        services.approve_assessment(purpose_code="events", actor_id=None, now=NOW)
    assert not BalancingAssessment.objects.filter(purpose="events").exists()


def test_approving_makes_a_version_and_the_earlier_ones_stay_readable() -> None:
    assert assess() == 1
    with pytest.raises(NoDraft):
        services.approve_assessment(purpose_code="events", actor_id=None, now=NOW)
    assert assess(balance="Four messages a year.") == 2
    newest, first = services.assessments_of(purpose_code="events")
    assert (newest.version, newest.texts["balance"]) == (2, "Four messages a year.")
    assert (first.version, first.texts["balance"]) == (1, BALANCE["balance"])
    assert (first.approved_by, first.approved_at) == (DOMINIQUE, NOW)
    assert services.current_assessment(purpose_code="events") == newest.id


def test_one_that_says_no_is_kept_and_is_no_basis() -> None:
    assess()
    assess(outcome="does_not_prevail")
    assert services.current_assessment(purpose_code="events") is None
    assert not services.assessments_of(purpose_code="events")[0].prevails


def test_a_review_is_due_from_its_day_on() -> None:
    services.seed_purposes(now=NOW)
    assess("targeted_promotion")
    entry = services.purpose_entry(code="targeted_promotion")
    assert not entry.is_review_due(date(2027, 11, 22))
    assert entry.is_review_due(date(2027, 11, 23))
    services.retire_purpose(code="targeted_promotion", actor_id=None, now=NOW)
    entry = services.purpose_entry(code="targeted_promotion")
    assert not entry.is_review_due(date(2027, 11, 23))


def test_the_first_assessments_ask_to_be_read_within_three_months() -> None:
    due = {
        each.code for each in services.purpose_register() if each.is_review_due(date(2027, 2, 22))
    }
    assert due == {"targeted_promotion", "phone_prospecting"}


def test_a_purpose_must_be_there() -> None:
    with pytest.raises(PurposeUnknown):
        services.save_assessment_draft(purpose_code="none", document={}, actor_id=None, now=NOW)
    with pytest.raises(PurposeUnknown):
        services.approve_assessment(purpose_code="none", actor_id=None, now=NOW)
