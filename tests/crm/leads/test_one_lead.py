"""The page of one lead: the thread in order, sealed notes, reminders that ring, the API."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client

from crm.lead_notes import notes_of
from crm.merging import merge_contacts, settle_merges
from crm.models import Lead, LeadNote, LeadReminder, Notification, TimelineEntry
from crm.services import ring_reminders
from privacy.models import AccessRecord
from privacy.services import RetentionClass
from privacy.vault.store import destroy_keys
from tests.campaigns.cast import clock
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.staff import staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)


def lead_of(name: str = "Alice", message: str = "A quote, please") -> Lead:
    return Lead.objects.get(contact=arrive(name, message=message))


def test_the_thread_is_what_happened_in_order(client: Client) -> None:
    lead = lead_of()
    url = f"/leads/{lead.id}/"
    client.post(f"{url}assign", {"to": "me"})
    client.post(f"{url}note", {"text": "Called, busy.\nAgain on Monday."})
    client.post(f"{url}state", {"state": "in_progress", "from": "lead"})
    page = client.get(url)
    items = [one.get_text(" ", strip=True) for one in soup(page).select(".leads-thread > li")]
    for begins, text in zip(
        ["Filled in a form", "Lead assigned", "Note", "Lead followed up"],
        ["A quote, please", "camille", "Again on Monday.", "In progress"],
        strict=True,
    ):
        item = items.pop(0)
        assert item.startswith(begins) and text in item
    assert items == [] and unlabelled(soup(page)) == []
    assert "alice@example.org" in words(page)


def test_a_note_is_sealed_and_its_reading_is_journaled(client: Client) -> None:
    lead = lead_of()
    client.post(f"/leads/{lead.id}/note", {"text": "Canary Zanzibar"})
    with connection.cursor() as cursor:
        for table in ("crm_leadnote", "crm_timelineentry", "crm_lead", "blob"):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text ILIKE '%%zanzibar%%'")
            assert cursor.fetchone() == (0,)
    assert "Zanzibar" in words(client.get(f"/leads/{lead.id}/"))
    read = AccessRecord.objects.filter(retention_class=RetentionClass.ACTIVITY)
    assert lead.contact_id in read.latest("at").subject_ids


def test_a_note_dies_with_its_key_and_no_other_row_opens_it(client: Client) -> None:
    alice, bob = lead_of(), lead_of("Bob")
    for lead in (alice, bob):
        client.post(f"/leads/{lead.id}/note", {"text": f"About {lead.contact_id}"})
    swapped = {row.lead_id: bytes(row.sealed) for row in LeadNote.objects.all()}
    LeadNote.objects.filter(lead=bob).update(sealed=swapped[alice.id])
    (note,) = notes_of(lead_id=bob.id)
    assert note.text is None
    destroy_keys(subject_id=alice.contact_id, retention_classes=[RetentionClass.ACTIVITY])
    assert "cannot be shown any more" in words(client.get(f"/leads/{alice.id}/"))


def test_notes_follow_their_lead_through_a_merge(client: Client) -> None:
    kept, absorbed = lead_of(), lead_of("Bob")
    client.post(f"/leads/{absorbed.id}/note", {"text": "Likes green."})
    merge_contacts(
        kept_id=kept.contact_id, absorbed_id=absorbed.contact_id, actor_id=uuid4(), now=clock()
    )
    settle_merges(now=clock())
    page = words(client.get(f"/leads/{absorbed.id}/"))
    assert "Likes green." in page and "alice@example.org" in page


def test_a_card_number_or_nothing_is_no_note(client: Client) -> None:
    lead = lead_of()
    for text in ("", "4111 1111 1111 1111"):
        assert client.post(f"/leads/{lead.id}/note", {"text": text}).status_code == 422
    assert client.post(f"/leads/{uuid4()}/note", {"text": "x"}).status_code == 404
    assert not LeadNote.objects.exists()


def _due(lead: Lead) -> None:
    LeadReminder.objects.filter(lead=lead).update(due_at=clock() - timedelta(minutes=1))


def test_a_reminder_rings_once_is_listed_put_off_and_done(client: Client) -> None:
    lead = lead_of()
    url = f"/leads/{lead.id}/"
    client.post(f"{url}remind", {"when": "3"})
    assert ring_reminders(now=clock()) == 0 and not Notification.objects.exists()
    _due(lead)
    assert ring_reminders(now=clock()) == 1
    assert ring_reminders(now=clock()) == 0
    assert Notification.objects.get().kind == "lead_reminder"
    assert "Alice Martin" in words(client.get("/leads/reminders"))
    assert "come back to a lead" in words(client.get("/notifications/"))
    client.post(f"{url}remind", {"when": "1"})
    assert "Nothing is due" in words(client.get("/leads/reminders"))
    assert LeadReminder.objects.filter(done_at=None).count() == 1
    _due(lead)
    ring_reminders(now=clock())
    assert Notification.objects.count() == 2
    client.post(f"{url}reminded")
    assert not LeadReminder.objects.filter(done_at=None).exists()
    client.post("/notifications/read")
    assert not Notification.objects.filter(read_at=None).exists()


def test_a_reminder_is_its_followers_and_never_in_the_past(client: Client) -> None:
    lead = lead_of()
    other = staff_client("sales", username="dominique")
    other.post(f"/leads/{lead.id}/assign", {"to": "me"})
    client.post(f"/leads/{lead.id}/remind", {"when": "7"})
    assert LeadReminder.objects.get().account.username == "dominique"
    past = client.post(f"/leads/{lead.id}/remind", {"when": "1", "day": "2020-01-01"})
    assert past.status_code == 422 and "still to come" in words(past)


def test_a_kind_that_nobody_knows_and_a_lead_that_is_gone_break_nothing(client: Client) -> None:
    from crm.bell import notify
    from crm.models import Account

    me = Account.objects.get(username="camille").id
    notify(account_ids=[me, uuid4()], kind="odd", reference={}, cause="odd:1", at=clock())
    notify(account_ids=[me], kind="odd", reference={}, cause="odd:1", at=clock())
    row = Notification.objects.get()
    assert client.get("/notifications/").status_code == 200
    assert client.post(f"/notifications/{row.id}/open").headers["Location"] == "/notifications/"


def test_the_bell_counts_no_further_than_it_shows(client: Client) -> None:
    from crm.bell import notify
    from crm.models import Account

    me = Account.objects.get(username="camille").id
    for number in range(120):
        notify(account_ids=[me], kind="odd", reference={}, cause=f"odd:{number}", at=clock())
    assert "Notifications 99+" in words(client.get("/"))


@pytest.mark.usefixtures("vault")
def test_the_api_says_what_the_role_may_see() -> None:
    lead = lead_of()
    sales, dpo = staff_client("sales"), staff_client("dpo", username="noor")
    listed = sales.get("/api/v1/leads").json()
    assert listed["after"] is None
    assert listed["leads"][0]["id"] == str(lead.id)
    assert "alice" not in str(listed).lower()
    one = sales.get(f"/api/v1/leads/{lead.id}").json()
    assert one["person"]["email"] == "alice@example.org" and one["message"] == "A quote, please"
    assert set(one["person"]) <= {"email", "given_name", "family_name", "phone", "company"}
    assert dpo.get(f"/api/v1/leads/{lead.id}").status_code == 200
    assert AccessRecord.objects.filter(why="api-lead").count() == 2


@pytest.mark.usefixtures("vault")
def test_the_officer_reads_and_writes_nothing() -> None:
    lead = lead_of()
    browser = staff_client("dpo")
    page = soup(browser.get(f"/leads/{lead.id}/"))
    assert not page.select("#content form")
    for act in ("note", "remind", "reminded", "give"):
        assert browser.post(f"/leads/{lead.id}/{act}").status_code == 403
    assert not TimelineEntry.objects.filter(kind="noted").exists()
    assert isinstance(lead.id, UUID)
