"""The list of leads, and following one up."""

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.models import Lead, TimelineEntry
from tests.consent.people import later
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.staff import make_account, signed_in, staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
URL = "/leads/"
HTMX = {"HX-Request": "true"}


def names(response: object) -> list[str]:
    return [link.get_text(strip=True) for link in soup(response).select("tbody th a")]


def lead_of(contact_id: UUID) -> Lead:
    return Lead.objects.get(contact=contact_id)


def test_new_leads_are_shown_first_with_what_was_written(client: Client) -> None:
    arrive("Alice", message="A quote, please")
    arrive("Bob", at=later(hours=1), form_code="webinar")
    response = client.get(URL)
    assert names(response) == ["Bob Martin", "Alice Martin"]
    assert "A quote, please" in words(response)
    assert unlabelled(soup(response)) == []


def test_the_states_are_lists_of_their_own(client: Client) -> None:
    Lead.objects.filter(contact=arrive("Alice")).update(state="answered")
    arrive("Bob")
    assert names(client.get(URL)) == ["Bob Martin"]
    assert names(client.get(URL, {"state": "answered"})) == ["Alice Martin"]
    assert len(names(client.get(URL, {"state": "all"}))) == 2
    assert len(names(client.get(URL, {"state": "nonsense"}))) == 2
    assert "No lead here" in words(client.get(URL, {"state": "closed"}))


def test_no_new_lead_is_good_news(client: Client) -> None:
    assert "No new lead" in words(client.get(URL))


def test_a_lead_is_taken_given_back_and_told(client: Client) -> None:
    lead = lead_of(arrive())
    response = client.post(f"{URL}{lead.id}/assign", {"to": "me", "list": "new"})
    assert response.headers["Location"] == "/leads/?state=new"
    assert Lead.objects.get(assigned_to__username="camille") == lead
    assert names(client.get(URL, {"state": "all", "owner": "mine"})) == ["Alice Martin"]
    client.post(f"{URL}{lead.id}/assign", {"to": "nobody"})
    client.post(f"{URL}{lead.id}/assign", {"to": "nobody"})
    assert Lead.objects.get(assigned_to=None) == lead
    assert names(client.get(URL, {"state": "all", "owner": "mine"})) == []
    assert TimelineEntry.objects.filter(kind="lead_assigned").count() == 2
    assert "Lead assigned Nobody · camille" in words(client.get(f"/contacts/{lead.contact_id}/"))


def test_mine_are_not_those_of_a_colleague(client: Client) -> None:
    lead = lead_of(arrive())
    signed_in(make_account("dominique", "sales")).post(f"{URL}{lead.id}/assign", {"to": "me"})
    assert names(client.get(URL, {"state": "all", "owner": "mine"})) == []
    assert "dominique" in words(client.get(URL))


def test_a_state_is_changed_with_htmx_and_the_row_comes_back(client: Client) -> None:
    lead = lead_of(arrive())
    response = client.post(f"{URL}{lead.id}/state", {"state": "in_progress"}, headers=HTMX)
    row = soup(response)
    assert row.find("html") is None
    chosen = row.select_one("select option[selected]")
    assert chosen is not None
    assert chosen["value"] == "in_progress"
    assert TimelineEntry.objects.get(kind="lead_state").reference["to"] == "in_progress"


def test_what_is_not_a_state_or_not_a_lead_is_refused(client: Client) -> None:
    lead = lead_of(arrive())
    assert client.post(f"{URL}{lead.id}/state", {"state": "won"}).status_code == 400
    assert client.post(f"{URL}{uuid4()}/state", {"state": "closed"}).status_code == 404
    assert client.post(f"{URL}{uuid4()}/assign", {"to": "me"}).status_code == 404
    lead.refresh_from_db()
    assert lead.state == "new"


@pytest.mark.usefixtures("vault")
def test_the_data_protection_officer_reads_and_follows_nothing_up() -> None:
    lead = lead_of(arrive())
    browser = staff_client("dpo")
    assert not soup(browser.get(URL)).select("tbody form")
    assert browser.post(f"{URL}{lead.id}/state", {"state": "closed"}).status_code == 403
    assert browser.post(f"{URL}{lead.id}/assign", {"to": "me"}).status_code == 403


def test_pages_of_leads_follow_one_another(client: Client) -> None:
    for number in range(53):
        arrive(f"P{number}", at=later(minutes=number))
    first = client.get(URL, {"state": "all"})
    following = soup(first).select_one("a[rel=next]")
    assert following is not None
    second = client.get(URL + str(following["href"]).removeprefix(URL))
    assert names(first)[0] == "P52 Martin"
    assert names(second) == ["P2 Martin", "P1 Martin", "P0 Martin"]


def test_more_leads_cost_no_more_queries(client: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(URL).status_code == 200
        assert not [q for q in asked.captured_queries if "COUNT(" in q["sql"].upper()]
        return len(asked.captured_queries)

    arrive("P0")
    one = cost()
    for number in range(1, 12):
        arrive(f"P{number}")
    assert cost() == one
