"""The inbox: narrowed, ordered, many at once, and put back."""

from uuid import uuid4

import pytest
from django.test import Client

from crm.models import Lead, LeadReminder, Notification, TimelineEntry
from tests.conftest import NOW
from tests.consent.people import later
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.staff import make_account, signed_in, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
URL = "/leads/"


def names(response: object) -> list[str]:
    return [link.get_text(strip=True) for link in soup(response).select("tbody th a")]


def lead_of(name: str, **kind: object) -> Lead:
    return Lead.objects.get(contact=arrive(name, **kind))  # type: ignore[arg-type]


def test_it_is_narrowed_by_owner_form_and_overdue_reminder(client: Client) -> None:
    alice, bob = lead_of("Alice"), lead_of("Bob", form_code="demo")
    client.post(f"{URL}{alice.id}/assign", {"to": "me"})
    client.post(f"{URL}{bob.id}/remind", {"when": "1"})
    assert names(client.get(URL, {"owner": "mine"})) == ["Alice Martin"]
    assert names(client.get(URL, {"owner": "nobody"})) == ["Bob Martin"]
    assert names(client.get(URL, {"form": "demo"})) == ["Bob Martin"]
    assert names(client.get(URL, {"overdue": "1"})) == []
    LeadReminder.objects.update(due_at=NOW)
    page = client.get(URL, {"overdue": "1"})
    assert names(page) == ["Bob Martin"] and "Overdue" in words(page)
    assert unlabelled(soup(page)) == []
    assert len(names(client.get(URL, {"owner": "x", "form": "'; --", "order": "x"}))) == 2


def test_the_best_score_comes_first_page_by_page(client: Client) -> None:
    for number in range(53):
        arrive(f"P{number}", at=later(minutes=number))
    for number, lead in enumerate(Lead.objects.order_by("received_at")):
        Lead.objects.filter(id=lead.id).update(score=number % 7)
    first = client.get(URL, {"order": "score"})
    link = soup(first).select_one("a[rel=next]")
    assert link is not None
    second = client.get(str(link["href"]))
    shown = names(first) + names(second)
    assert len(shown) == len(set(shown)) == 53
    scores = dict(Lead.objects.values_list("contact", "score"))
    order = [scores[one.contact_id] for one in Lead.objects.order_by("-score", "-id")]
    assert order == sorted(order, reverse=True)
    assert "Best score first" in words(first)


def test_many_are_taken_and_closed_at_once_and_put_back(client: Client) -> None:
    alice, bob, carol = lead_of("Alice"), lead_of("Bob"), lead_of("Carol")
    Lead.objects.filter(id=carol.id).update(state="closed")
    chosen = {"lead": [str(alice.id), str(bob.id), str(carol.id)], "list": "state=new"}
    page = client.post(f"{URL}bulk", {**chosen, "act": "close"}, follow=True)
    assert "2 leads were changed." in words(page)
    assert set(Lead.objects.values_list("state", flat=True)) == {"closed"}
    page = client.post(f"{URL}undo", {"list": "state=new"}, follow=True)
    assert "2 leads are as they were." in words(page)
    states = dict(Lead.objects.values_list("id", "state"))
    assert states == {alice.id: "new", bob.id: "new", carol.id: "closed"}
    assert "nothing to undo" in words(client.post(f"{URL}undo", follow=True))
    client.post(f"{URL}bulk", {**chosen, "act": "take"})
    assert Lead.objects.filter(assigned_to__username="camille").count() == 3
    client.post(f"{URL}undo")
    assert not Lead.objects.exclude(assigned_to=None).exists()
    assert TimelineEntry.objects.filter(kind="lead_assigned").count() == 6


def test_nothing_ticked_too_many_or_nonsense_changes_nothing(client: Client) -> None:
    lead = lead_of("Alice")
    page = client.post(f"{URL}bulk", {"act": "close"}, follow=True)
    assert "Tick the leads first" in words(page)
    many = [str(uuid4()) for _ in range(51)]
    assert client.post(f"{URL}bulk", {"act": "close", "lead": many}).status_code == 400
    assert client.post(f"{URL}bulk", {"act": "close", "lead": "x"}).status_code == 400
    assert client.post(f"{URL}bulk", {"act": "win", "lead": str(lead.id)}).status_code == 400
    lead.refresh_from_db()
    assert lead.state == "new"


def test_an_address_of_elsewhere_is_not_followed(client: Client) -> None:
    lead = lead_of("Alice")
    response = client.post(
        f"{URL}{lead.id}/state", {"state": "closed", "list": "//evil.example/?state=new"}
    )
    assert response.headers["Location"] == "/leads/?state=all"


def test_a_colleague_who_is_given_a_lead_hears_of_it(client: Client) -> None:
    lead, colleague = lead_of("Alice"), make_account("dominique", "sales")
    client.post(f"{URL}{lead.id}/give", {"to": str(colleague.id)})
    browser = signed_in(colleague)
    assert "Notifications 1" in words(browser.get(URL))
    told = Notification.objects.get()
    opened = browser.post(f"/notifications/{told.id}/open")
    assert opened.headers["Location"] == f"/leads/{lead.id}/"
    assert "Notifications 1" not in words(browser.get(URL))
    assert client.post(f"/notifications/{told.id}/open").status_code == 404
    assert client.post(f"{URL}{lead.id}/give", {"to": str(uuid4())}).status_code == 400


@pytest.mark.usefixtures("vault")
def test_who_does_not_follow_leads_up_cannot_be_given_one() -> None:
    support, lead = make_account("robin", "support"), lead_of("Alice")
    browser = staff_client("sales")
    assert browser.post(f"{URL}{lead.id}/give", {"to": str(support.id)}).status_code == 400


@pytest.mark.usefixtures("vault")
@pytest.mark.parametrize("role", ["support", "operations", "dsi", "administrator"])
def test_other_roles_see_none_of_it(role: str) -> None:
    lead = lead_of("Alice")
    browser = staff_client(role)
    addresses = (URL, f"{URL}{lead.id}/", f"{URL}{lead.id}/reply", "/api/v1/leads", "/replies/",
                 f"/api/v1/leads/{lead.id}", f"{URL}reminders", f"{URL}scores/")  # fmt: skip
    for address in addresses:
        assert browser.get(address).status_code == 403, address
