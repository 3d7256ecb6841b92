"""The search box of the list of contacts, with the real process: up, reading, behind, down."""

from typing import Any
from uuid import UUID

import pytest
from bs4 import Tag
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.models import Contact
from crm.pages import contact_search
from crm.search.asking import search_status
from crm.services import Person, receive_many
from tests.conftest import NOW
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.search.running import (
    Search,
    SearchHere,
    refused,
    superuser,
    until_ready,
    wait_until_found,
)
from tests.crm.staff import staff_client
from tests.journeys.stage import wait_for

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
URL, FIND = "/contacts/", "/contacts/find"


def names(response: object) -> list[str]:
    return [link.get_text(strip=True) for link in soup(response).select("tbody th a")]


def press(client: Client, response: object, label: str) -> Any:
    """Press the button of the pages of results, as a browser does."""
    for button in soup(response).select("nav form button"):
        if label in button.get_text():
            form = button.find_parent("form")
            assert isinstance(form, Tag)
            sent = {str(field["name"]): str(field["value"]) for field in form.select("input")}
            assert form["method"] == "post"
            return client.post(str(form["action"]), {**sent, str(button["name"]): button["value"]})
    return None


def many(count: int, **facets: Any) -> list[UUID]:
    people: list[Any] = [
        (Person(email=f"p{n}@crowd.example", given_name=f"P{n}", company="Crowd"), facets)
        for n in range(count)
    ]
    made = receive_many(people=people, now=NOW)
    wait_for(lambda: search_status().loaded >= count, "everybody to be heard of")
    return made


@pytest.mark.usefixtures("search_here")
def test_a_part_of_a_name_company_domain_address_or_number_finds(client: Client) -> None:
    one, other = arrive("Élodie"), arrive("Zoé")
    Contact.objects.filter(id=one).update(status="customer")
    wait_until_found("martin", one, other)
    for typed in ("elo", "ÉLODIE mart", "die & c", "élodie@ex", "LODIE"):
        response = client.post(FIND, {"words": typed})
        assert names(response) == ["Élodie Martin"]
        assert "Customer" in words(response)
        box = soup(response).select_one("input[name=words][type=search]")
        assert box is not None
        assert box["value"] == typed
    for typed in ("example.org", "06 12 34"):
        assert names(client.post(FIND, {"words": typed})) == ["Zoé Martin", "Élodie Martin"]


@pytest.mark.usefixtures("search_here")
def test_a_whole_address_leads_to_its_contact(client: Client) -> None:
    one = arrive("Anne")
    wait_until_found("anne", one)
    response = client.post(FIND, {"words": " ANNE@example.org "})
    assert response.headers["Location"] == f"/contacts/{one}/"


@pytest.mark.usefixtures("search_here")
def test_who_is_not_there_is_said_with_what_to_do(client: Client) -> None:
    arrive("Anne")
    for typed in ("zebra", "nobody@example.org"):
        response = client.post(FIND, {"words": typed})
        assert "No contact was found" in words(response)
        assert "a part of a name" in words(response)
        assert names(response) == []


@pytest.mark.usefixtures("search_here")
def test_pages_of_results_follow_without_a_gap_and_nothing_typed_is_in_an_address(
    client: Client,
) -> None:
    many(120)
    seen: list[str] = []
    response: Any = client.post(FIND, {"words": "crowd"})
    while response is not None:
        assert response.status_code == 200
        seen += names(response)
        page = soup(response)
        addresses = [str(one.get("href") or one.get("action")) for one in page.select("a, form")]
        assert not [address for address in addresses if "crowd" in address.lower()]
        last, response = response, press(client, response, "Next page")
    assert seen == [f"P{n}" for n in reversed(range(120))]
    assert names(press(client, last, "Back to the first page")) == seen[:50]


@pytest.mark.usefixtures("search_here")
def test_the_filters_narrow_what_is_found_and_stay_on_its_pages(client: Client) -> None:
    made = many(120)
    Contact.objects.filter(id__in=made[:60]).update(status="customer")
    first = client.post(FIND, {"words": "crowd", "status": "customer"})
    assert names(first) == [f"P{n}" for n in reversed(range(10, 60))]
    second = press(client, first, "Next page")
    assert names(second) == [f"P{n}" for n in reversed(range(10))]
    assert press(client, second, "Next page") is None
    filters = soup(second).select_one("form.people-filters")
    assert filters is not None
    assert filters["method"] == "post"
    chosen = filters.select_one("select[name=status] option[selected]")
    assert chosen is not None
    assert chosen["value"] == "customer"
    nobody = client.post(FIND, {"words": "crowd", "status": "former"})
    assert "Widen the filters" in words(nobody)


@pytest.mark.usefixtures("search_here")
def test_where_filters_leave_few_of_many_the_page_offers_to_look_further(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_search, "NARROWED_SIZE", 10)
    made = many(60)
    Contact.objects.filter(id=made[0]).update(status="customer")
    response: Any = client.post(FIND, {"words": "crowd", "status": "customer"})
    assert "None of those looked at so far" in words(response)
    response = press(client, response, "Look further")
    assert names(response) == ["P0"]


@pytest.mark.usefixtures("search_here")
def test_a_page_of_results_costs_the_same_as_one_result(client: Client) -> None:
    def cost(typed: str) -> int:
        with CaptureQueriesContext(connection) as crm:
            client.post(FIND, {"words": typed})
        return len(crm.captured_queries)

    many(60)
    assert cost("crowd") == cost("p59@crowd")


@pytest.mark.usefixtures("search_here")
def test_whose_data_must_be_left_unused_is_in_no_result(client: Client) -> None:
    one, other = arrive("Anne"), arrive("Annette")
    wait_until_found("anne", one, other)
    Contact.objects.filter(id=one).update(restricted_at=NOW)
    # At once, also before the process has heard of it.
    assert names(client.post(FIND, {"words": "anne"})) == ["Annette Martin"]


def test_while_it_reads_the_page_says_how_far_it_is(client: Client, idle_search: Search) -> None:
    arrive("Anne")
    with superuser("vault") as other, other.transaction():
        other.execute("LOCK TABLE dek IN ACCESS EXCLUSIVE MODE")  # so that it cannot go on
        here = SearchHere(idle_search.socket)
        wait_for(lambda: search_status().about, "it to begin")
        response = client.post(FIND, {"words": "anne"})
    assert "The search is still reading the contacts: 0 of about 1." in words(response)
    assert "Somebody may not be found yet." in words(response)
    until_ready()
    assert "still reading" not in words(client.post(FIND, {"words": "anne"}))
    here.stop()


def test_while_it_is_down_the_page_says_what_still_works(
    client: Client, search_here: SearchHere
) -> None:
    one = arrive("Anne")
    wait_until_found("anne", one)
    assert "The search does not answer" not in words(client.get(URL))
    search_here.stop()
    for response in (client.get(URL), client.post(FIND, {"words": "anne"})):
        assert response.status_code == 200
        assert "The search does not answer since" in words(response)
        assert "A whole e-mail address still leads to its contact" in words(response)
    exact = client.post(FIND, {"words": "anne@example.org"})
    assert exact.headers["Location"] == f"/contacts/{one}/"
    assert "No contact has this address." in words(client.post(FIND, {"words": "no@example.org"}))


def test_while_it_hears_of_no_change_the_page_says_since_when(
    client: Client, running_search: Search
) -> None:
    one = arrive("Anne")
    wait_until_found("anne", one)
    with refused():
        wait_for(lambda: search_status().behind_since, "it to notice")
        response = client.post(FIND, {"words": "anne"})
    assert names(response) == ["Anne Martin"]
    assert "The search has not heard of changes since" in words(response)


@pytest.mark.usefixtures("search_here")
def test_results_can_be_used_without_a_mouse_and_are_named_for_a_reader(client: Client) -> None:
    many(60)
    page = soup(client.post(FIND, {"words": "crowd"}))
    assert unlabelled(page) == []
    caption = page.select_one("caption")
    assert caption is not None
    assert "best matches first" in caption.get_text()
    assert not page.select("[tabindex]:not([tabindex='0'])[type=submit]")


def test_who_may_not_see_contacts_may_not_search_them(vault: None) -> None:
    assert staff_client("support").post(FIND, {"words": "anne"}).status_code == 403


@pytest.mark.usefixtures("client")
def test_the_home_page_of_information_systems_says_how_it_is(search_here: SearchHere) -> None:
    one = arrive("Anne")
    wait_until_found("anne", one)
    browser = staff_client("dsi", username="dominique")
    shown = words(browser.get("/"))
    assert "1 Contacts that the search holds" in shown
    assert "Anne" not in shown
    search_here.stop()
    assert "0 Contacts that the search holds it does not answer" in words(browser.get("/"))
