"""The officer writes purposes by forms alone; everybody else reads at most."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from consent import services as consent
from consent.models import Draft, Purpose
from crm.officer import uses
from crm.officer.uses import PurposeUse
from tests.conftest import NOW
from tests.consent.officer import EVENTS, assess, begin, change, publish
from tests.crm.pages.arrivals import soup, words
from tests.crm.staff import staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
READERS = ["marketing", "sales", "communication"]


def url(name: str, *args: Any) -> str:
    return reverse(name, args=args)


def typed(**changes: Any) -> dict[str, Any]:
    said = {"code": "events", **EVENTS, **changes}
    return {name: value for name, value in said.items() if value not in (False, "")}


def findings(page: BeautifulSoup) -> list[str]:
    return [str(line["data-finding"]) for line in page.select("[data-finding]")]


@pytest.fixture
def uses_of_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"newsletter": [PurposeUse("Contact us", "/forms/contact/")]}
    monkeypatch.setattr(uses, "_REGISTERED", {"forms": lambda: found})


def test_a_purpose_is_written_looked_at_and_published(officer: Client) -> None:
    response = officer.post(url("purpose-new"), typed())
    assert response.headers["Location"] == url("purpose", "events")
    page = soup(officer.get(url("purpose", "events")))
    assert findings(page) == []
    readings = [each.get_text(" ", strip=True) for each in page.select(".officer-reading")]
    assert "Nos évènements" in readings[0]
    assert "Our events" in readings[1]
    assert "2 years" in readings[1]
    confirm = soup(officer.get(url("purpose-publish", "events")))
    assert confirm.select("form[method=post] button.btn-primary")
    assert Purpose.objects.get(code="events").published_at is None
    officer.post(url("purpose-publish", "events"))
    entry = consent.purpose_entry(code="events")
    assert (entry.state, entry.facts["title_en"]) == ("in_use", "Our events")
    (version,) = consent.published_purposes(code="events")
    assert version.published_by is not None
    assert "dominique" in words(officer.get(url("purpose-version", "events", 1)))


def test_what_is_missing_stands_beside_its_field_and_stops_the_publication(
    officer: Client,
) -> None:
    officer.post(url("purpose-new"), typed(title_fr="", bases=["A6-1-f-controller"]))
    page = soup(officer.get(url("purpose", "events")))
    assert findings(page) == ["title_missing", "no_assessment"]
    assert not page.select(f'a[href="{url("purpose-publish", "events")}"]')
    link = page.select_one('[data-finding="title_missing"] a')
    assert link is not None
    assert str(link["href"]).endswith("/edit#id_title_fr")
    editor = soup(officer.get(url("purpose-edit", "events")))
    field = editor.select_one("#id_title_fr")
    assert field is not None
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"] == "id_title_fr_error"
    assert editor.select_one("#id_title_fr_error")
    officer.post(url("purpose-publish", "events"))
    assert Purpose.objects.get(code="events").published_at is None


@pytest.mark.parametrize("code", ["", "Ab", "no spaces", "new", "rules", "9lives", "a" * 41])
def test_a_bad_code_keeps_what_was_typed(officer: Client, code: str) -> None:
    response = officer.post(url("purpose-new"), typed(code=code))
    assert response.status_code == 422
    page = soup(response)
    title = page.select_one("#id_title_fr")
    assert title is not None
    assert title["value"] == "Nos évènements"
    assert page.select("#id_code_error .accord-error")
    assert not Purpose.objects.filter(title_fr="Nos évènements").exists()


def test_a_code_that_was_used_is_refused_in_words(officer: Client) -> None:
    response = officer.post(url("purpose-new"), typed(code="newsletter"))
    assert response.status_code == 422
    assert "There is, or was, a purpose of this code." in words(response)


def test_what_a_draft_changes_is_shown_before_it_is_published(officer: Client) -> None:
    facts = consent.purpose_entry(code="newsletter").facts
    said = {**facts, "description_en": "Receive our news and a gift.", "channels": ["email"]}
    officer.post(url("purpose-edit", "newsletter"), {k: v for k, v in said.items() if v})
    for name in ("purpose", "purpose-publish"):
        page = soup(officer.get(url(name, "newsletter")))
        assert [each.get_text() for each in page.select(".officer-changes dt")] == [
            "Explanation in English"
        ]
        assert "gift" in [each.get_text() for each in page.select("ins")][-1]
        assert "advice" in next(each.get_text() for each in page.select("del"))
    assert consent.purpose_entry(code="newsletter").facts == facts
    officer.post(url("purpose-publish", "newsletter"))
    shown = soup(officer.get(url("purpose-version", "newsletter", 2)))
    assert shown.select("ins")
    assert "Receive our news, advice and invitations." in words(
        officer.get(url("purpose-version", "newsletter", 1))
    )


def test_marketing_cannot_be_switched_off_by_a_forged_form(officer: Client) -> None:
    facts = dict(consent.purpose_entry(code="newsletter").facts)
    facts["is_marketing"] = ""
    officer.post(url("purpose-edit", "newsletter"), {k: v for k, v in facts.items() if v})
    draft = consent.purpose_entry(code="newsletter").draft
    assert draft is not None
    assert draft["is_marketing"] is True


def test_a_draft_is_discarded(officer: Client) -> None:
    change("newsletter", title_en="News")
    response = officer.post(url("purpose-discard", "newsletter"))
    assert response.headers["Location"] == url("purpose", "newsletter")
    begin()
    response = officer.post(url("purpose-discard", "events"))
    assert response.headers["Location"] == url("purpose-list")
    assert not Draft.objects.exists()


@pytest.mark.usefixtures("uses_of_a_form")
def test_retiring_says_what_it_does_and_which_forms_still_ask(officer: Client) -> None:
    asked = officer.get(url("purpose-retire", "newsletter"))
    assert "Contact us" in words(asked)
    assert consent.purpose_entry(code="newsletter").state == "in_use"
    officer.post(url("purpose-retire", "newsletter"))
    assert consent.purpose_entry(code="newsletter").state == "retired"
    assert "Bring it back into use" in words(officer.get(url("purpose", "newsletter")))
    officer.post(url("purpose-bring-back", "newsletter"))
    assert consent.purpose_entry(code="newsletter").state == "in_use"


def test_what_may_not_come_back_says_why(officer: Client) -> None:
    consent.retire_purpose(code="targeted_promotion", actor_id=None, now=NOW)
    assess("targeted_promotion", outcome="does_not_prevail")
    response = officer.post(url("purpose-bring-back", "targeted_promotion"), follow=True)
    assert "The newest assessment concludes that the interest does not prevail." in words(response)
    assert consent.purpose_entry(code="targeted_promotion").state == "retired"


@pytest.mark.usefixtures("uses_of_a_form")
def test_the_list_says_state_basis_assessment_and_use(officer: Client) -> None:
    begin(bases=["A6-1-f-controller"])
    consent.retire_purpose(code="service_information", actor_id=None, now=NOW)
    rows = {
        str(row.select_one("th a")["href"]): row.get_text(" ", strip=True)  # type: ignore[index]
        for row in soup(officer.get(url("purpose-list"))).select("tbody tr")
    }
    assert "Assessment missing" in rows[url("purpose", "events")]
    assert "Assessed" in rows[url("purpose", "targeted_promotion")]
    assert "Contact us" in rows[url("purpose", "newsletter")]
    assert list(rows)[-1] == url("purpose", "service_information")


def test_without_any_purpose_the_page_says_how_to_begin(
    officer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent, "purpose_register", list)
    page = soup(officer.get(url("purpose-list")))
    assert "No purpose yet" in page.get_text()
    assert len(page.select(f'a[href="{url("purpose-new")}"]')) == 2


# --- who may -----------------------------------------------------------------------------------

WRITES = [
    ("purpose-new", ()),
    ("purpose-edit", ("newsletter",)),
    ("purpose-publish", ("newsletter",)),
    ("purpose-discard", ("newsletter",)),
    ("purpose-retire", ("newsletter",)),
    ("purpose-bring-back", ("newsletter",)),
    ("assessment-edit", ("newsletter",)),
    ("assessment-approve", ("newsletter",)),
    ("rule-change", ("reask.months",)),
]
READS = [
    ("purpose-list", ()),
    ("purpose", ("newsletter",)),
    ("purpose-version", ("newsletter", 1)),
    ("assessment", ("targeted_promotion",)),
    ("assessment-version", ("targeted_promotion", 1)),
    ("rule-list", ()),
]


@pytest.mark.parametrize("role", [*READERS, "support", "dsi", "administrator"])
def test_nobody_but_the_officer_writes(role: str) -> None:
    client = staff_client(role)
    change("newsletter", title_en="News")
    for name, args in WRITES:
        assert client.post(url(name, *args), {"value": "12"}).status_code == 403, name
    entry = consent.purpose_entry(code="newsletter")
    assert (entry.version, entry.draft is not None) == (1, True)


@pytest.mark.parametrize("role", [*READERS, "dpo"])
def test_those_who_ask_people_may_read_why(role: str) -> None:
    client = staff_client(role)
    for name, args in READS:
        response = client.get(url(name, *args))
        assert response.status_code == 200, name
        writes = [url(each, *a) for each, a in WRITES]
        if role != "dpo":
            found = [t for t in soup(response).select("main a") if t.get("href") in writes]
            assert found == [], name
            assert not soup(response).select("main form"), name


@pytest.mark.parametrize("role", ["support", "dsi", "administrator"])
def test_others_do_not_see_them(role: str) -> None:
    client = staff_client(role)
    for name, args in READS:
        assert client.get(url(name, *args)).status_code == 403, name


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("purpose", ("none",)),
        ("purpose-edit", ("none",)),
        ("purpose-publish", ("none",)),
        ("purpose-retire", ("none",)),
        ("purpose-version", ("newsletter", 9)),
        ("assessment", ("none",)),
        ("assessment-version", ("newsletter", 1)),
        ("rule-change", ("none",)),
    ],
)
def test_what_is_not_there_is_not_found(officer: Client, name: str, args: tuple[Any]) -> None:
    assert officer.get(url(name, *args)).status_code == 404


@pytest.mark.parametrize("name", ["purpose-publish", "purpose-retire", "assessment-approve"])
def test_looking_changes_nothing(officer: Client, name: str) -> None:
    begin()
    publish()
    officer.get(url(name, "events"))
    officer.head(url(name, "events"))
    entry = consent.purpose_entry(code="events")
    assert (entry.state, entry.version, entry.assessment) == ("in_use", 1, None)


def test_only_the_officer_is_told_of_a_first_step(officer: Client, marketing: Client) -> None:
    step = "Look at the balancing assessments"
    assess("targeted_promotion")
    assess("phone_prospecting")
    assert step not in words(officer.get("/"))
    begin(bases=["A6-1-f-controller"])
    assert step in words(officer.get("/"))
    assert step not in words(marketing.get("/"))
