"""Scores: points by rules, with their reasons; none for whoever objected."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from consent.services import withdraw_on_behalf
from crm.models import Contact, ContactScore, Lead, ScoreRule
from crm.scoring import store
from crm.scoring.reckoning import distribution, reckon_scores
from crm.scoring.store import RuleDraft, TooManyRules
from crm.segments.rules import InvalidRules
from tests.campaigns.cast import clock
from tests.consent import people
from tests.crm.pages.arrivals import arrive, words
from tests.crm.pages.conftest import client, english, quick_hashes
from tests.crm.staff import staff_client

__all__ = ["client", "english", "quick_hashes"]
pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def form_is(code: str) -> dict[str, Any]:
    return {"match": "all", "rules": [{"fact": "form", "is": "one_of", "value": [code]}]}


def rule(
    name: str, points: int, rules: dict[str, Any] | None = None, days: int | None = None
) -> UUID:
    draft = RuleDraft(name=name, rules=rules or {}, points=points, half_life_days=days)
    return store.create_rule(draft=draft, actor_id=uuid4(), now=clock())


def score(contact: UUID) -> tuple[int | None, str]:
    reckon_scores(now=clock())
    row = ContactScore.objects.get(contact=contact)
    return row.points, row.refusal


def test_points_are_summed_and_explained(client: Client) -> None:
    alice, bob = arrive("Alice", form_code="demo"), arrive("Bob", form_code="jobs", at=clock())
    rule("Asked for a demo", 20, form_is("demo"))
    rule("Wants a job", -30, form_is("jobs"))
    rule("Is there", 5)
    assert score(alice) == (25, "") and score(bob) == (-25, "")
    assert Lead.objects.get(contact=alice).score == 25
    page = words(client.get(f"/leads/{Lead.objects.get(contact=alice).id}/"))
    assert "Why 25:" in page and "Asked for a demo +20" in page and "Is there +5" in page
    assert "Wants a job" not in page


def test_a_new_lead_and_a_changed_rule_reckon_anew() -> None:
    alice = arrive("Alice")
    number = rule("Demo", 20, form_is("demo"))
    assert score(alice) == (0, "")
    arrive("Alice", form_code="demo", at=clock())
    assert score(alice) == (20, "")
    draft = RuleDraft(name="Demo", rules=form_is("demo"), points=40, half_life_days=None)
    store.change_rule(rule_id=number, draft=draft, now=clock())
    assert score(alice) == (40, "")
    store.archive_rule(rule_id=number, now=clock())
    assert score(alice) == (0, "")
    store.restore_rule(rule_id=number)
    assert score(alice) == (40, "")


def test_points_halve_with_each_half_life() -> None:
    alice = arrive("Alice")
    rule("Fresh", 80, days=10)
    for days, points in ((0, 80), (10, 40), (20, 20)):
        Contact.objects.update(last_act_at=clock() - timedelta(days=days))
        ContactScore.objects.update(computed_at=None)
        assert score(alice) == (points, "")


def test_a_score_of_yesterday_is_reckoned_anew_and_one_of_today_is_not() -> None:
    alice = arrive("Alice")
    rule("Is there", 5)
    assert score(alice) == (5, "")
    ContactScore.objects.update(points=77)
    assert score(alice) == (77, "")
    ContactScore.objects.update(computed_at=clock() - timedelta(days=2))
    assert score(alice) == (5, "")


@pytest.mark.parametrize("purpose", ["targeted_promotion", ""])
def test_who_objects_has_no_score_from_that_moment(purpose: str, client: Client) -> None:
    alice = arrive("Alice")
    people.submit(alice, people.promotion(is_ticked=False))
    rule("Is there", 5)
    assert score(alice) == (5, "")
    withdraw_on_behalf(
        subject_id=alice, email="alice@example.org", purpose_code=purpose, source_id=uuid4(),
        actor_id=uuid4(), now=clock(),
    )  # fmt: skip
    row = ContactScore.objects.get()
    assert (row.points, row.parts, row.refusal) == (None, [], "objected")
    assert Lead.objects.get().score == 0
    assert score(alice) == (None, "objected")
    page = words(client.get(f"/leads/{Lead.objects.get().id}/"))
    assert "The person objected" in page and "Why" not in page


def test_a_no_that_only_the_address_knows_counts_too() -> None:
    from consent.services import apply_waiting_decisions
    from privacy.services import drop_envelope

    alice = arrive("Alice")
    rule("Is there", 5)
    drop_envelope(
        kind="decision", context="by_address", envelope_id=uuid4(),
        document={"action": "by_address", "language": "fr", "email": "alice@example.org"},
        now=clock(),
    )  # fmt: skip
    apply_waiting_decisions(now=clock())
    ContactScore.objects.update(refusal="", points=5, computed_at=None)
    assert score(alice) == (None, "objected")


def test_a_no_to_the_newsletter_ends_no_score() -> None:
    alice = arrive("Alice")
    people.submit(alice, people.newsletter(is_ticked=True), needs_confirmation=False)
    rule("Is there", 5)
    withdraw_on_behalf(
        subject_id=alice, email="alice@example.org", purpose_code="newsletter",
        source_id=uuid4(), actor_id=uuid4(), now=clock(),
    )  # fmt: skip
    assert score(alice) == (5, "")


def test_a_restricted_person_has_none() -> None:
    alice = arrive("Alice")
    rule("Is there", 5)
    Contact.objects.update(restricted_at=clock())
    assert score(alice) == (None, "restricted")


def test_rules_are_bounded_and_of_the_language() -> None:
    with pytest.raises(InvalidRules):
        rule("Bad", 5, {"match": "all", "rules": [{"fact": "email", "is": "equal", "value": 1}]})
    for number in range(store.RULES_MAX):
        rule(f"R{number}", 1)
    with pytest.raises(TooManyRules):
        rule("One more", 1)


def test_the_page_shows_how_leads_would_be_spread_and_saves() -> None:
    arrive("Alice", form_code="demo")
    arrive("Bob", at=clock())
    browser = staff_client("sales")
    form = {
        "name": "Demo", "points": "20", "half_life_days": "", "r.match": "all",
        "r.0.fact": "form", "r.0.is": "one_of", "r.0.was": "form/choices", "r.0.value": "demo",
    }  # fmt: skip
    page = browser.post("/leads/scores/new", {**form, "do": "count"})
    assert "20 … 1" in words(page) and "0 … 1" in words(page)
    assert not ScoreRule.objects.exists()
    assert browser.post("/leads/scores/new", {**form, "do": "save"}).status_code == 302
    saved = ScoreRule.objects.get()
    assert (saved.name, saved.points, saved.rules) == ("Demo", 20, form_is("demo"))
    assert distribution(rules=[saved], now=clock()) == [(0, 1), (20, 1)]
    assert (
        staff_client("dpo", username="noor")
        .post(f"/leads/scores/{saved.id}/", {**form, "do": "save"})
        .status_code
        == 403
    )


def test_a_change_of_rules_touches_no_score_in_its_request() -> None:
    for name in ("Alice", "Bob"):
        arrive(name, at=clock())
    number = rule("Is there", 5)
    assert reckon_scores(now=clock()) == 2
    assert reckon_scores(now=clock()) == 0
    draft = RuleDraft(name="Is there", rules={}, points=7, half_life_days=None)
    with CaptureQueriesContext(connection) as asked:
        store.change_rule(rule_id=number, draft=draft, now=clock())
    touched = " ".join(each["sql"] for each in asked.captured_queries)
    assert "crm_contactscore" not in touched and "crm_lead" not in touched
    assert reckon_scores(now=clock()) == 2
    assert set(ContactScore.objects.values_list("points", flat=True)) == {7}


def test_a_batch_that_is_reckoned_by_the_old_rules_is_reckoned_again() -> None:
    alice = arrive("Alice")
    number = rule("Is there", 5)
    ahead = clock() + timedelta(hours=1)  # a worker whose clock is wrong
    reckon_scores(now=ahead)
    draft = RuleDraft(name="Is there", rules={}, points=7, half_life_days=None)
    store.change_rule(rule_id=number, draft=draft, now=clock())
    assert score(alice) == (7, "")


def test_the_preview_leaves_out_who_said_no_before_a_worker_has_come_to_them() -> None:
    alice = arrive("Alice")
    arrive("Bob", at=clock())
    people.submit(alice, people.promotion(is_ticked=False))
    number = rule("Is there", 5)
    withdraw_on_behalf(
        subject_id=alice, email="alice@example.org", purpose_code="targeted_promotion",
        source_id=uuid4(), actor_id=uuid4(), now=clock(),
    )  # fmt: skip
    ContactScore.objects.update(refusal="")  # nobody has come to it
    rules = [ScoreRule.objects.get(id=number)]
    assert distribution(rules=rules, now=clock()) == [(0, 1)]
