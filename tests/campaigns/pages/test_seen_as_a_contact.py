"""A mail as one person will get it: their words and blocks, what the role sees of them, noted."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from campaigns.models import Campaign
from crm.models import Contact
from crm.organisations import Change, create_organisation
from crm.services import Person, receive_many
from privacy.models import AccessRecord
from privacy.services import readings
from tests.campaigns.content.test_conditions import blocks, section
from tests.campaigns.pages.desk import browser, words
from tests.conftest import NOW
from tests.crm.search.conftest import idle_search, search_here
from tests.crm.search.running import wait_until_found

__all__ = ["idle_search", "search_here"]
pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]

LETTER = blocks(
    section('Hello {{ first_name }} {{ last_name }} of {{ company | "nowhere" }}'),
    section('Your work: {{ job_title | "kept from you" }}, in {{ country | "some country" }}'),
    section("Only in German", "language is de"),
    section("Only in French", "language is fr"),
    section("For customers", "status is customer"),
    section("<a href='{{ opt_out_url }}'>No more</a>"),
)


def person(given_name: str = "Ottilie", **facets: Any) -> UUID:
    who = Person(
        email=f"{given_name.lower()}@contact.example", given_name=given_name,
        family_name="Vermilion", company="Vermilion & Co", job_title="Bookbinder", country="DE",
    )  # fmt: skip
    (contact,) = receive_many(people=[(who, {"language": "de", "source": "test"})], now=NOW)
    Contact.objects.filter(id=contact).update(**facets)
    return contact


def seen(client: Client, contact: UUID | str, mjml: str = LETTER, **changed: str) -> Any:
    given = words(mjml=mjml, contact=str(contact), **changed)
    return client.post(reverse("mail-preview"), given)


def reader_id(client: Client) -> UUID:
    return UUID(client.session["_auth_user_id"])


def test_words_and_blocks_are_those_of_the_person() -> None:
    client, contact = browser(), person(status="customer")
    page = seen(client, contact)
    text = page.content.decode()
    assert "Hello Ottilie Vermilion of Vermilion &amp; Co" in text
    assert "Only in German" in text
    assert "For customers" in text
    assert "Only in French" not in text
    assert "Camille" not in text
    Contact.objects.filter(id=contact).update(language="fr", status="new")
    text = seen(client, contact, view="text").content.decode()
    assert "Only in French" in text
    assert "Only in German" not in text
    assert "For customers" not in text
    # Looking is not sending: the links do nothing, and nothing is kept.
    assert "/u/test" in page.content.decode()
    assert "sandbox" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert not Campaign.objects.exists()


@pytest.mark.parametrize("role", ["marketing", "communication"])
def test_a_role_sees_its_own_fields_and_no_more(role: str) -> None:
    text = seen(browser(role), person()).content.decode()
    assert "Hello Ottilie Vermilion" in text
    assert "Your work: kept from you, in some country" in text
    assert "Bookbinder" not in text


def test_each_look_is_written_down_and_counted() -> None:
    client, contact = browser(), person()
    seen(client, "")
    assert not AccessRecord.objects.exists()  # the made-up person is nobody's reading
    seen(client, contact)
    line = AccessRecord.objects.get()
    assert (line.reader_id, line.why) == (reader_id(client), "mail-preview")
    assert (line.subject_ids, line.is_refused) == ([contact], False)
    assert readings(reader_id=reader_id(client), now=datetime.now(UTC)).opened_hour == 1


def test_who_has_read_too_many_sees_nobody(settings: Settings) -> None:
    client, contact = browser(), person()
    settings.READS_OPENED_HOUR = settings.READS_OPENED_DAY = 0
    page = seen(client, contact)
    assert page.status_code == 429
    assert "Ottilie" not in page.content.decode()


def test_who_may_not_be_shown_is_not_shown() -> None:
    client, restricted = browser(), person("Rufus", restricted_at=NOW)
    for contact in (restricted, uuid4(), "nonsense"):
        text = seen(client, contact).content.decode()
        assert "This person cannot be shown: look for them again." in text
        assert "Rufus" not in text
    assert not AccessRecord.objects.exists()


def test_the_organisation_is_opened_for_mails_that_name_it() -> None:
    number = create_organisation(
        change=Change(name="The Whole Guild"), country="DE", contract_ends_on=None,
        actor_id=uuid4(), now=NOW,
    )  # fmt: skip
    client, contact = browser(), person(organisation_id=number)
    seen(client, contact)
    assert [line.subject_ids for line in AccessRecord.objects.all()] == [[contact]]
    named = blocks(section('With {{ organisation | "your firm" }}'))
    assert "With The Whole Guild" in seen(client, contact, named).content.decode()
    assert AccessRecord.objects.filter(subject_ids=[number], why="mail-preview").exists()


@pytest.mark.usefixtures("search_here")
def test_the_person_is_found_by_words_that_stand_in_no_address() -> None:
    client, contact, hidden = browser(), person(), person("Rufus")
    wait_until_found("vermilion", contact, hidden)
    Contact.objects.filter(id=hidden).update(restricted_at=NOW)
    url = reverse("mail-persons")
    found = client.post(url, {"person": "vermil"}).content.decode()
    assert f'name="contact" value="{contact}"' in found
    assert "Ottilie Vermilion" in found
    assert "Rufus" not in found
    line = AccessRecord.objects.get(subject_ids__contains=[contact])
    assert (line.reader_id, line.why) == (reader_id(client), "mail-persons")
    assert "Nobody is found." in client.post(url, {"person": "qqqqqq"}).content.decode()
    assert "at least two letters" in client.post(url, {"person": "a"}).content.decode()
    assert client.get(url, {"person": "vermil"}).status_code == 405
