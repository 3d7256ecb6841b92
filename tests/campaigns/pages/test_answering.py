"""Answering a lead on its page: begun from a template, looked at, sent once."""

from uuid import uuid4

import pytest
from django.test import Client

from campaigns.models import Delivery, OutgoingMessage, ReplyTemplate
from campaigns.single import templates
from consent.services import seed_purposes
from crm.models import Contact, Lead
from tests.campaigns import cast
from tests.campaigns.delivery.conftest import inbox
from tests.conftest import NOW
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.pages.conftest import english, quick_hashes
from tests.crm.staff import staff_client
from tests.journeys.inbox import Inbox

__all__ = ["english", "inbox", "quick_hashes"]
pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def asked(name: str = "Alice") -> Lead:
    seed_purposes(now=NOW)
    return Lead.objects.get(contact=arrive(name, message="A quote, please"))


def written(**other: str) -> dict[str, str]:
    return {
        "subject": "For {{ company }}", "text": 'Dear {{ first_name | "you" }},\nhere it is.',
        "language": "en", "reference": str(uuid4()), "template": "", **other,
    }  # fmt: skip


def test_it_is_looked_at_then_sent_once_and_read_on_the_lead(inbox: Inbox) -> None:
    from campaigns import services

    lead, browser = asked(), staff_client("sales")
    url, form = f"/leads/{lead.id}/reply", written()
    assert "Answer by e-mail" in words(browser.get(f"/leads/{lead.id}/"))
    looked = browser.post(url, form)
    assert "For Alice & Co" in words(looked) and "Dear Alice," in words(looked)
    assert unlabelled(soup(looked)) == [] and not OutgoingMessage.objects.exists()
    for _twice in range(2):
        assert browser.post(url, {**form, "do": "send"}).headers["Location"] == f"/leads/{lead.id}/"
    assert "On its way" in words(browser.get(f"/leads/{lead.id}/"))
    services.send_single_messages(clock=cast.clock)
    (mail,) = inbox.to("alice@example.org")
    assert mail["Subject"] == "For Alice & Co"
    page = words(browser.get(f"/leads/{lead.id}/"))
    assert "Was answered by e-mail Sent" in page and "Dear Alice," in page and "Answered" in page

    lead, browser = asked("{{email}}"), staff_client(username="dominique")
    form = written(subject="Hello", text="Dear {{ first_name }}")
    browser.post(f"/leads/{lead.id}/reply", {**form, "do": "send"})


def test_what_stands_in_a_name_is_never_parsed() -> None:
    values = {"first_name": "{{ email }}", "email": "alice@example.org"}
    assert templates.filled("Dear {{ first_name }}", values) == "Dear {{ email }}"


def test_unknown_and_empty_fields_are_said_and_nothing_is_kept() -> None:
    lead, browser = asked(), staff_client()
    Contact.objects.update(language="fr")
    url = f"/leads/{lead.id}/reply"
    for text in ("{{ password }}", "{{ 7*7 }}", "", "4111 1111 1111 1111"):
        assert browser.post(url, written(text=text, do="send")).status_code == 422, text
    assert not OutgoingMessage.objects.exists() and not Delivery.objects.exists()


def test_who_may_not_be_written_to_is_said_before_a_word_is_written() -> None:
    lead, browser = asked(), staff_client()
    Contact.objects.update(restricted_at=NOW)
    page = browser.get(f"/leads/{lead.id}/reply")
    assert "their data be left unused" in words(page)
    sent = browser.post(f"/leads/{lead.id}/reply", {**written(), "do": "send"})
    assert sent.status_code == 422 and not OutgoingMessage.objects.exists()


def test_templates_are_written_used_archived_and_brought_back() -> None:
    lead, browser = asked(), staff_client("communication")
    form = {"name": "Quote", "language": "en", "subject": "Quote", "text": "Hi {{ first_name }}"}
    assert browser.post("/replies/new", {**form, "text": "{{ nonsense }}"}).status_code == 422
    browser.post("/replies/new", form)
    row = ReplyTemplate.objects.get()
    begun = browser.get(f"/leads/{lead.id}/reply", {"template": str(row.id)})
    assert "Hi {{ first_name }}" in words(begun)
    archived = browser.post(f"/replies/{row.id}/archive", follow=True)
    assert "“Quote” is archived" in words(archived)
    assert browser.get(f"/replies/{row.id}/").status_code == 404
    browser.post(f"/replies/{row.id}/restore")
    assert browser.get(f"/replies/{row.id}/").status_code == 200


def test_nobody_else_answers() -> None:
    lead = asked()
    for number, role in enumerate(("support", "dpo", "dsi", "operations", "administrator")):
        browser: Client = staff_client(role, username=f"somebody{number}")
        assert browser.get(f"/leads/{lead.id}/reply").status_code == 403, role
