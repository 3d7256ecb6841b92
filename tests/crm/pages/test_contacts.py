"""The list of contacts: who sees it, how it is narrowed, and the search that leaves no trace."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.models import Contact
from crm.people import Person
from crm.services import receive_many
from tests.conftest import NOW
from tests.consent.people import later
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
URL = "/contacts/"


def names(response: object) -> list[str]:
    return [link.get_text(strip=True) for link in soup(response).select("tbody th a")]


def many(count: int) -> None:
    people: list[Any] = [
        (Person(email=f"p{n}@example.org", given_name=f"P{n}"), {"created_at": later(minutes=n)})
        for n in range(count)
    ]
    receive_many(people=people, now=NOW)


def test_the_newest_contact_comes_first_with_the_decrypted_identity(client: Client) -> None:
    arrive("Alice", at=NOW)
    arrive("Bob", at=later(days=1))
    response = client.get(URL)
    assert names(response) == ["Bob Martin", "Alice Martin"]
    shown = words(response)
    assert "bob@example.org" in shown
    assert "Bob & Co" in shown


def test_nobody_yet_is_said_kindly(client: Client) -> None:
    assert "No contact yet" in words(client.get(URL))


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("marketing", 200),
        ("sales", 200),
        ("communication", 200),
        ("dpo", 200),
        ("support", 403),
        ("dsi", 403),
        ("administrator", 403),
    ],
)
@pytest.mark.usefixtures("vault")
def test_the_list_is_for_those_who_work_with_it(role: str, status: int) -> None:
    contact_id = arrive()
    browser = staff_client(role)
    assert browser.get(URL).status_code == status
    assert browser.get(f"/contacts/{contact_id}/").status_code == status
    assert browser.get("/leads/").status_code == status
    assert browser.get("/segments/").status_code == status
    assert browser.post("/contacts/find", {"words": "alice@example.org"}).status_code in {
        302 if status == 200 else 403
    }
    assert ("/contacts/" in browser.get("/").content.decode()) == (status == 200)


def test_pages_follow_one_another_without_a_gap_or_a_repeat(client: Client) -> None:
    many(120)
    seen: list[str] = []
    url = URL
    while url:
        response = client.get(url)
        seen += names(response)
        following = soup(response).select_one("a[rel=next]")
        url = str(following["href"]) if following else ""
    assert seen == [f"P{n}" for n in reversed(range(120))]


def test_contacts_of_the_same_instant_are_paged_too(client: Client) -> None:
    many(60)
    Contact.objects.update(created_at=NOW)
    first = client.get(URL)
    following = soup(first).select_one("a[rel=next]")
    assert following is not None
    second = client.get(str(following["href"]))
    assert len({*names(first), *names(second)}) == 60


@pytest.mark.parametrize("cursor", ["", "x", "1-2", "9" * 16 + "-" + "f" * 32, "-1-" + "0" * 32])
def test_a_broken_place_is_the_first_page(client: Client, cursor: str) -> None:
    arrive()
    response = client.get(URL, {"after": cursor})
    assert response.status_code == 200


def test_a_page_of_fifty_costs_the_same_as_a_page_of_one(client: Client) -> None:
    def cost() -> list[str]:
        with CaptureQueriesContext(connection) as crm:
            assert client.get(URL).status_code == 200
        return [query["sql"] for query in crm.captured_queries]

    many(1)
    one = cost()
    many(50)
    fifty = cost()
    assert len(fifty) == len(one)
    assert not [sql for sql in fifty if "COUNT(" in sql.upper() or "OFFSET" in sql.upper()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "customer"}, ["Bob"]),
        ({"language": "en"}, ["Bob"]),
        ({"tag": "vip"}, ["Bob"]),
        ({"source": "fair"}, ["Bob"]),
        ({"form": "quote"}, ["Alice"]),
        ({"form": "quote", "status": "customer"}, []),
        ({"tag": "unknown"}, ["Alice", "Bob"]),
        ({"status": "'; --", "source": "\x00"}, ["Alice", "Bob"]),
    ],
)
def test_the_filters_narrow_the_list(
    client: Client, query: dict[str, str], expected: list[str]
) -> None:
    arrive("Alice", form_code="quote", at=later(days=1))
    facets: Any = {"status": "customer", "language": "en", "source": "fair", "tags": ["vip"]}
    receive_many(people=[(Person(email="b@example.org", given_name="Bob"), facets)], now=NOW)
    response = client.get(URL, query)
    assert [name.split()[0] for name in names(response)] == expected
    if not expected:
        assert "No contact matches these filters" in words(response)


def test_the_filters_stay_on_the_next_page(client: Client) -> None:
    many(60)
    Contact.objects.update(status="customer")
    following = soup(client.get(URL, {"status": "customer"})).select_one("a[rel=next]")
    assert following is not None
    assert "status=customer" in str(following["href"])


@pytest.mark.parametrize("typed", ["alice@example.org", "  Alice@EXAMPLE.org "])
def test_an_exact_address_leads_to_its_contact(client: Client, typed: str) -> None:
    contact_id = arrive()
    response = client.post("/contacts/find", {"words": typed})
    assert response.headers["Location"] == f"/contacts/{contact_id}/"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nobody@example.org", "No contact has this address."),
        ("alice", "The search has not been started."),
        ("", "Write at least two letters or digits."),
        (" a ", "Write at least two letters or digits."),
        ("a" * 201, "at most 200 characters"),
    ],
)
def test_a_search_that_finds_nothing_says_why(client: Client, typed: str, said: str) -> None:
    arrive()
    response = client.post("/contacts/find", {"words": typed})
    assert response.status_code == 200
    assert said in words(response)


def test_an_address_is_never_taken_from_an_url(client: Client) -> None:
    arrive()
    assert client.get("/contacts/find?words=alice@example.org").status_code == 405
    page = soup(client.get(URL))
    form = page.select_one("form[role=search]")
    assert form is not None
    assert form["method"] == "post"


def test_every_control_has_a_label(client: Client) -> None:
    arrive()
    assert unlabelled(soup(client.get(URL))) == []


def test_a_contact_whose_profile_does_not_open_is_still_listed(client: Client) -> None:
    arrive()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE blob SET body = set_byte(body, 40, get_byte(body, 40) # 1)")
    response = client.get(URL)
    assert names(response) == ["Unreadable contact"]
