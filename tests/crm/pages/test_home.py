"""What crm puts on the home page."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from crm import contacts
from crm.contacts import how_many_contacts
from crm.services import Choice, register_choices
from tests.crm.pages.arrivals import arrive, words
from tests.crm.people import make_contact
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]


def test_the_home_page_shows_new_leads_and_contacts(client: Client) -> None:
    arrive("Alice")
    arrive("Alice")
    arrive("Bob")
    shown = words(client.get("/"))
    assert "3 New leads" in shown
    assert "2 Contacts" in shown
    assert "Newest leads" in shown
    assert "Bob Martin" in shown


@pytest.mark.usefixtures("vault")
def test_another_role_sees_none_of_it() -> None:
    arrive("Alice")
    shown = words(staff_client("dsi").get("/"))
    assert "Alice" not in shown
    assert "Leads" not in shown


def test_a_few_contacts_are_counted_and_many_are_estimated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contacts, "COUNTED_EXACTLY", 10)
    for _number in range(10):
        make_contact()
    assert vars(how_many_contacts()) == {"count": 10, "is_exact": True}
    for _number in range(20):
        make_contact()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_contact")
    assert vars(how_many_contacts()) == {"count": 30, "is_exact": False}


def test_a_form_that_has_a_name_is_shown_by_it(client: Client) -> None:
    register_choices(fact="form", provider=lambda: [Choice("contact", "Write to us")])
    arrive("Alice", lead_id=uuid4())
    assert "Write to us" in words(client.get("/"))
    assert "Write to us" in words(client.get("/leads/"))
    assert "Write to us" in words(client.get("/contacts/"))
