"""The page of one contact, and what staff do on it."""

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client

from consent.models import Permission
from consent.services import history
from crm.models import Contact, ContactTag, TimelineEntry
from crm.services import record_sent
from privacy.services import JournalUnreachable
from tests.conftest import NOW
from tests.consent.people import later, newsletter, permitted, promotion, submit
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.staff import make_account, signed_in, staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]


def url(contact_id: UUID, what: str = "") -> str:
    return f"/contacts/{contact_id}/{what}"


@pytest.fixture
def alice(vault: None) -> UUID:
    """Alice wrote, and said yes to the newsletter and nothing against offers."""
    contact_id = arrive(message="Do you deliver on Sundays?\nThank you")
    submit(
        contact_id,
        newsletter(is_ticked=True),
        promotion(is_ticked=False),
        needs_confirmation=False,
    )
    return contact_id


def test_the_page_shows_who_what_and_why(client: Client, alice: UUID) -> None:
    response = client.get(url(alice))
    shown = words(response)
    for expected in (
        "Alice Martin",
        "alice@example.org",
        "+33612345678",
        "Alice & Co",
        "Do you deliver on Sundays?",
        "The person said yes.",
        "The person was informed and did not object.",
        "The person has given no answer to this.",
        "Form contact, notice version 1.",
        "Filled in a form",
        "Said yes",
        "Did not object",
    ):
        assert expected in shown, expected
    assert unlabelled(soup(response)) == []


def test_what_a_person_typed_is_never_markup(client: Client) -> None:
    contact_id = arrive("<b>Eve</b>", message="<script>alert(1)</script>")
    page = soup(client.get(url(contact_id)))
    assert not page.select("main script, main b")
    assert "<script>alert(1)</script>" in page.get_text()


def test_a_contact_that_is_not_there_is_a_404(client: Client) -> None:
    for what in ("", "no"):
        assert client.get(url(uuid4(), what)).status_code == 404
    for what, data in (
        ("status", {"status": "customer"}),
        ("tag", {"title": "vip"}),
        ("untag", {"slug": "vip"}),
        ("no", {"purpose": "", "source": str(uuid4())}),
    ):
        assert client.post(url(uuid4(), what), data).status_code == 404


def test_a_status_is_changed_and_told(client: Client, alice: UUID) -> None:
    assert client.post(url(alice, "status"), {"status": "customer"}).status_code == 302
    client.post(url(alice, "status"), {"status": "customer"})
    assert Contact.objects.get().status == "customer"
    entry = TimelineEntry.objects.get(kind="status")
    assert entry.reference == {"from": "new", "to": "customer"}
    assert client.post(url(alice, "status"), {"status": "asleep"}).status_code == 400
    assert "Status changed Customer · camille" in words(client.get(url(alice)))


def test_a_tag_is_added_once_and_taken_off(client: Client, alice: UUID) -> None:
    client.post(url(alice, "tag"), {"title": "Salon d'été"})
    client.post(url(alice, "tag"), {"title": "salon d'ete"})
    assert ContactTag.objects.get().tag_id == "salon-dete"
    assert "Salon d'été" in words(client.get(url(alice)))
    client.post(url(alice, "untag"), {"slug": "salon-dete"})
    client.post(url(alice, "untag"), {"slug": "salon-dete"})
    assert not ContactTag.objects.exists()
    kinds = TimelineEntry.objects.exclude(kind="lead").values_list("kind", flat=True)
    assert sorted(kinds) == ["tagged", "untagged"]


@pytest.mark.parametrize("title", ["", "  ", "!!!", "x" * 61])
def test_a_tag_needs_a_letter(client: Client, alice: UUID, title: str) -> None:
    response = client.post(url(alice, "tag"), {"title": title}, follow=True)
    assert "Write a tag with at least one letter or digit." in words(response)
    assert not ContactTag.objects.exists()


def _say_no(client: Client, contact_id: UUID, purpose: str) -> dict[str, str]:
    """Open the confirmation and return what its form would send."""
    page = soup(client.get(url(contact_id, "no"), {"purpose": purpose} if purpose else {}))
    form = page.select_one("main form")
    assert form is not None
    return {
        str(field["name"]): str(field.get("value", ""))
        for field in form.select("input[name]")
        if field["name"] != "csrfmiddlewaretoken"
    }


def test_a_no_that_was_told_is_confirmed_first_then_holds(client: Client, alice: UUID) -> None:
    sent = _say_no(client, alice, "newsletter")
    assert permitted(alice)  # looking at the question changes nothing
    response = client.post(url(alice, "no"), sent, follow=True)
    assert "The no is recorded." in words(response)
    assert "The person withdrew their consent." in words(response)
    assert not permitted(alice)
    assert permitted(alice, "targeted_promotion")
    newest = history(subject_id=alice)[0]
    assert (newest.state, newest.method) == ("ConsentWithdrawn", "staff_on_behalf")


def test_the_same_no_sent_twice_is_recorded_once(client: Client, alice: UUID) -> None:
    sent = _say_no(client, alice, "newsletter")
    client.post(url(alice, "no"), sent)
    client.post(url(alice, "no"), sent)
    assert TimelineEntry.objects.filter(kind="no").count() == 1
    told = [line for line in history(subject_id=alice) if line.method == "staff_on_behalf"]
    assert len(told) == 1


def test_a_no_to_everything_ends_all_of_marketing(client: Client, alice: UUID) -> None:
    client.post(url(alice, "no"), _say_no(client, alice, ""))
    assert not permitted(alice)
    assert not permitted(alice, "targeted_promotion")
    assert "A no was recorded All of marketing" in words(client.get(url(alice)))


def test_an_unknown_purpose_or_a_forged_number_records_nothing(client: Client, alice: UUID) -> None:
    before = list(Permission.objects.values_list("state", flat=True))
    assert client.get(url(alice, "no"), {"purpose": "astrology"}).status_code == 404
    asked = {"purpose": "astrology", "source": str(uuid4())}
    assert client.post(url(alice, "no"), asked).status_code == 404
    assert client.post(url(alice, "no"), {"purpose": "newsletter"}).status_code == 400
    assert client.post(url(alice, "no"), {"purpose": "a b", "source": "1"}).status_code == 400
    assert list(Permission.objects.values_list("state", flat=True)) == before


def test_without_the_journal_nothing_is_claimed_to_be_recorded(
    client: Client, alice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(**_asked: object) -> None:
        raise JournalUnreachable

    sent = _say_no(client, alice, "newsletter")
    monkeypatch.setattr("crm.contacts.withdraw_on_behalf", unreachable)
    response = client.post(url(alice, "no"), sent)
    assert "nothing was recorded" in words(response)
    assert permitted(alice)
    assert not TimelineEntry.objects.filter(kind="no").exists()


def test_a_profile_that_does_not_open_leaves_the_rest_of_the_page(
    client: Client, alice: UUID
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE blob SET body = set_byte(body, 40, get_byte(body, 40) # 1)")
    shown = words(client.get(url(alice)))
    assert "The identity of this contact cannot be read" in shown
    assert "The message cannot be shown any more." in shown
    sent = _say_no(client, alice, "newsletter")
    assert "cannot be read" in words(client.post(url(alice, "no"), sent))


def test_the_data_protection_officer_reads_and_records_a_no_only(alice: UUID) -> None:
    browser = staff_client("dpo")
    page = soup(browser.get(url(alice)))
    assert not page.select("form[action$='/status'], form[action$='/tag']")
    for what, data in (("status", {"status": "former"}), ("tag", {"title": "x"})):
        assert browser.post(url(alice, what), data).status_code == 403
    browser.post(url(alice, "no"), _say_no(browser, alice, "newsletter"))
    assert not permitted(alice)


def test_the_timeline_names_the_campaign_and_the_colleague(client: Client, alice: UUID) -> None:
    campaign = uuid4()
    record_sent(campaign_id=campaign, contact_ids=[alice], at=later(days=1))
    other = signed_in(make_account("dominique", "sales"))
    other.post(url(alice, "tag"), {"title": "vip"})
    shown = words(client.get(url(alice)))
    assert f"Was sent a campaign {campaign}" in shown
    assert "Tag added vip · dominique" in shown


def test_restricted_and_bounced_are_said_first(client: Client, alice: UUID) -> None:
    Contact.objects.update(restricted_at=NOW, unreachable_at=NOW)
    shown = words(client.get(url(alice)))
    assert "asked that their data be left unused" in shown
    assert "bounced for good on" in shown
