"""Customer service at its pages, and the data protection officer who looks after it."""

import re
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import SupportTicket
from privacy.models import AccessRecord
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.staff import staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


@pytest.fixture
def sam(vault: None) -> Client:
    return staff_client("support", username="sam")


def opened(client: Client, number: str = "SUP-1") -> str:
    response = client.post(reverse("ticket-new"), {"reference": number})
    assert response.status_code == 302
    return str(response.headers["Location"])


def search(client: Client, ticket: str, email: str) -> object:
    return client.post(f"{ticket}find", {"email": email}, follow=True)


def test_from_an_empty_list_to_a_person_and_back(sam: Client) -> None:
    arrive("Alice", message="please call")
    assert "No ticket" in words(sam.get(reverse("ticket-list")))
    ticket = opened(sam, "sup-4711")
    assert unlabelled(soup(sam.get(ticket))) == []
    assert "No contact has this address." in words(search(sam, ticket, "nobody@example.org"))
    said = words(search(sam, ticket, "Alice@Example.org"))
    for expected in ("Martin", "Alice", "Alice & Co", "alice@example.org", "+33612345678"):
        assert expected in said
    assert "please call" not in said
    assert "alice" not in ticket
    closed = words(sam.post(f"{ticket}close", follow=True))
    assert "The ticket is closed" in closed
    again = words(sam.get(ticket))
    assert "This ticket is closed" in again
    assert "Martin" not in again
    assert AccessRecord.objects.count() == 1


def test_a_name_is_no_number_and_the_page_says_what_to_write(sam: Client) -> None:
    response = sam.post(reverse("ticket-new"), {"reference": "Madame Dupont"})
    assert response.status_code == 422
    assert "Write it as the help desk does" in words(response)
    assert unlabelled(soup(response)) == []
    assert not SupportTicket.objects.exists()


def test_after_five_addresses_the_page_takes_no_more(sam: Client) -> None:
    arrive("Alice")
    ticket = opened(sam)
    for number in range(5):
        search(sam, ticket, f"guess{number}@example.org")
    said = search(sam, ticket, "alice@example.org")
    assert "Too many addresses were tried" in words(said)
    assert "Martin" not in words(said)


def test_after_twenty_misses_a_day_no_ticket_takes_more_and_the_officer_sees_it(
    sam: Client,
) -> None:
    arrive("Alice")
    last = ""
    for number in range(4):
        last = opened(sam, f"SUP-{number}")
        for guess in range(5):
            search(sam, last, f"guess{number}{guess}@example.org")
    fresh = opened(sam, "SUP-9")
    said = words(search(sam, fresh, "alice@example.org"))
    assert "Too many addresses that nobody has were tried today" in said
    assert "Martin" not in said
    shown = words(staff_client("dpo", username="dana").get(last))
    assert "Of them, nobody's 5" in shown
    assert "within a day 20 of 20 at most" in shown


def test_a_colleague_does_not_see_my_ticket(sam: Client) -> None:
    arrive("Alice")
    ticket = opened(sam)
    search(sam, ticket, "alice@example.org")
    tom = staff_client("support", username="tom")
    assert tom.get(ticket).status_code == 404
    assert tom.post(f"{ticket}find", {"email": "alice@example.org"}).status_code == 404
    assert "SUP-1" not in words(tom.get(reverse("ticket-list")))


def test_without_a_ticket_there_is_no_person(sam: Client) -> None:
    alice = arrive("Alice")
    for name in ("contact", "contact-permissions", "contact-records"):
        assert sam.get(reverse(name, args=[alice])).status_code == 403
    assert sam.get(reverse("contact-list")).status_code == 403
    assert sam.post(reverse("contact-find"), {"email": "alice@example.org"}).status_code == 403
    assert sam.post(reverse("ask-address"), {"address": "alice@example.org"}).status_code == 403


def test_the_officer_sees_every_ticket_and_who_read_what(sam: Client) -> None:
    alice = arrive("Alice")
    ticket = opened(sam)
    search(sam, ticket, "alice@example.org")
    dpo = staff_client("dpo", username="dana")
    page = words(dpo.get(reverse("ticket-list")))
    assert "SUP-1" in page
    assert "sam" in page
    response = dpo.get(ticket)
    said = words(response)
    assert re.search(r"sam Ticket of customer service Identity 1", said)
    assert "Martin" not in said
    assert soup(response).find("a", href=reverse("contact", args=[alice]))
    assert "Ticket of customer service" in words(dpo.get(reverse("contact-readings", args=[alice])))


def test_the_list_is_paged_by_the_last_row_seen(sam: Client) -> None:
    for number in range(51):
        opened(sam, f"SUP-{number}")
    first = soup(sam.get(reverse("ticket-list")))
    shown = {str(a.text) for a in first.select("tbody a")}
    following = first.select_one("a[rel=next]")
    assert len(shown) == 50
    assert following is not None
    second = soup(sam.get(str(following["href"])))
    rest = {str(a.text) for a in second.select("tbody a")}
    assert shown | rest == {f"SUP-{number}" for number in range(51)}
    assert not shown & rest


def test_a_ticket_of_an_erased_person_says_so(sam: Client) -> None:
    arrive("Alice")
    ticket = opened(sam)
    search(sam, ticket, "alice@example.org")
    from privacy.services import RetentionClass, destroy_documents

    row = SupportTicket.objects.get()
    assert row.contact_id is not None
    destroy_documents(
        subject_ids=[UUID(str(row.contact_id))], retention_class=RetentionClass.PROFILE
    )
    assert "cannot be read any more" in words(sam.get(ticket))
