"""Assessments and rules are read, written and approved on their pages."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consent import services as consent
from consent.models import BalancingAssessment, LegalRule
from tests.consent.officer import BALANCE, DOMINIQUE, assess, begin
from tests.crm.pages.arrivals import soup, words

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


def a_year_from_now() -> str:
    day: date = timezone.now().date() + timedelta(days=365)
    return day.isoformat()


def url(name: str, *args: object) -> str:
    return reverse(name, args=args)


def test_an_assessment_is_written_approved_and_kept(officer: Client) -> None:
    begin()
    said = {**BALANCE, "review_on": a_year_from_now(), "balance": ""}
    officer.post(url("assessment-edit", "events"), {k: v for k, v in said.items() if v})
    page = soup(officer.get(url("assessment", "events")))
    assert [line["data-finding"] for line in page.select("[data-finding]")] == ["section_missing"]
    editor = soup(officer.get(url("assessment-edit", "events")))
    assert editor.select("#id_balance_error")
    officer.post(url("assessment-approve", "events"))
    assert not BalancingAssessment.objects.filter(purpose="events").exists()
    officer.post(url("assessment-edit", "events"), {**said, "balance": "Two messages a year."})
    assert "Two messages a year." in words(officer.get(url("assessment-approve", "events")))
    officer.post(url("assessment-approve", "events"))
    (kept,) = consent.assessments_of(purpose_code="events")
    assert (kept.version, kept.texts["balance"]) == (1, "Two messages a year.")
    assert "dominique" in words(officer.get(url("assessment-version", "events", 1)))


def test_the_next_version_begins_with_the_newest_and_a_new_day(officer: Client) -> None:
    editor = soup(officer.get(url("assessment-edit", "targeted_promotion")))
    newest = consent.assessments_of(purpose_code="targeted_promotion")[0]
    interest = editor.select_one("#id_interest")
    review = editor.select_one("#id_review_on")
    assert interest is not None
    assert review is not None
    assert interest.get_text().strip() == newest.texts["interest"]
    assert review["value"] == a_year_from_now()


def test_an_old_version_stays_readable_and_says_that_it_is_old(officer: Client) -> None:
    assess("targeted_promotion", balance="Another balance.")
    page = words(officer.get(url("assessment-version", "targeted_promotion", 1)))
    assert "A newer version holds." in page
    assert "Another balance." not in page
    assert "Another balance." in words(officer.get(url("assessment", "targeted_promotion")))


def test_a_review_that_is_due_is_seen_on_list_and_page(officer: Client) -> None:
    BalancingAssessment.objects.create(
        id=DOMINIQUE,
        purpose_id="targeted_promotion",
        version=2,
        outcome="prevails",
        review_on=timezone.now().date(),
        approved_at=timezone.now(),
    )
    for address in (
        url("purpose-list"),
        url("purpose", "targeted_promotion"),
        url("assessment", "targeted_promotion"),
    ):
        assert "Review due" in words(officer.get(address))


def test_one_that_says_no_says_what_to_do(officer: Client) -> None:
    assess("targeted_promotion", outcome="does_not_prevail")
    page = words(officer.get(url("assessment", "targeted_promotion")))
    assert "nobody is reached on that basis any more" in page
    assert "Does not prevail" in words(officer.get(url("purpose-list")))


def test_a_purpose_without_one_says_why_one_is_needed(officer: Client, marketing: Client) -> None:
    address = url("assessment", "newsletter")
    write = url("assessment-edit", "newsletter")
    assert soup(officer.get(address)).select(f'a[href="{write}"]')
    page = soup(marketing.get(address))
    assert "No assessment yet" in page.get_text()
    assert not page.select(f'a[href="{write}"]')


def test_a_day_that_is_no_day_is_refused_beside_its_field(officer: Client) -> None:
    response = officer.post(
        url("assessment-edit", "newsletter"), {**BALANCE, "review_on": "tomorrow"}
    )
    assert response.status_code == 422
    assert soup(response).select("#id_review_on_error")


def test_a_rule_is_changed_with_its_source_and_the_history_stays(officer: Client) -> None:
    address = url("rule-change", "reask.months")
    response = officer.post(address, {"value": "12", "source": "short"})
    assert response.status_code == 422
    assert soup(response).select("#id_source_error")
    response = officer.post(address, {"value": "none", "source": "Advice of counsel"})
    assert soup(response).select("#id_value_error")
    assert not LegalRule.objects.exists()
    officer.post(address, {"value": "12", "source": "Advice of counsel"})
    page = words(officer.get(url("rule-list")))
    assert "Advice of counsel" in page
    assert "dominique" in page
    assert "CNIL, délibération 2026-042" in page


def test_a_rule_of_two_values_is_chosen_from_a_list(officer: Client) -> None:
    address = url("rule-change", "phone_prospecting.professionals")
    options = soup(officer.get(address)).select("#id_value option")
    assert [option["value"] for option in options] == ["", "opt_in", "opt_out"]
    officer.post(address, {"value": "opt_in", "source": "Advice of counsel"})
    assert consent.consent_wanted(channel="phone", is_professional=True, now=timezone.now())
