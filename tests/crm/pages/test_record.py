"""One record shown, permissions as JSON, and what is kept for an address."""

from uuid import UUID, uuid4

import pytest
from django.test import Client

from consent.models import LedgerEvent, Seal, State
from consent.services import publish_notice
from crm.pages import api
from tests.conftest import NOW
from tests.consent.people import decide, later, newsletter, notice_id, promotion, submit
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]


@pytest.fixture
def alice(vault: None) -> UUID:
    contact = arrive()
    submit(
        contact, newsletter(is_ticked=True), promotion(is_ticked=False), needs_confirmation=False
    )
    return contact


def _given(contact: UUID) -> LedgerEvent:
    return LedgerEvent.objects.get(subject_id=contact, event_state=State.CONSENT_GIVEN)


def test_a_record_shows_the_notice_as_it_was_and_what_was_answered(
    client: Client, alice: UUID
) -> None:
    publish_notice(code="people", texts={"fr": "Un autre avis"}, is_substantive=True, now=later())
    event = _given(alice)
    response = client.get(f"/contacts/{alice}/records/{event.record_id}")
    shown = words(response)
    for expected in (
        "Avis",
        "people, version 1",
        "Said yes",
        "in a form",
        "contact",
        "Not sealed yet",
        bytes(event.entry_hash).hex(),
        bytes(event.notice_sha256 or b"").hex(),
        bytes(event.control_text_sha256 or b"").hex(),
        str(event.record_id),
    ):
        assert expected in shown, expected
    assert "Un autre avis" not in shown
    assert "192.0.2.0" not in shown
    assert f"/contacts/{alice}/records/{event.shown_record}" in response.content.decode()
    assert unlabelled(soup(response)) == []


def test_a_sealed_record_says_since_when(client: Client, alice: UUID) -> None:
    event = _given(alice)
    Seal.objects.create(
        tree_size=9,
        first_seq=1,
        last_seq=event.seq,
        root=bytes(32),
        checkpoint="",
        sealed_at=later(hours=1),
    )
    assert "Sealed on 23 November 2026 11:00, in the head of 9 records" in words(
        client.get(f"/contacts/{alice}/records/{event.record_id}")
    )


def test_nobody_elses_record_is_shown_under_a_contact(client: Client, alice: UUID) -> None:
    other = arrive("Bob")
    record_id = _given(alice).record_id
    assert client.get(f"/contacts/{other}/records/{record_id}").status_code == 404
    assert client.get(f"/contacts/{alice}/records/{uuid4()}").status_code == 404


def test_every_line_of_the_contact_leads_to_its_record(client: Client, alice: UUID) -> None:
    page = soup(client.get(f"/contacts/{alice}/"))
    records = set(LedgerEvent.objects.values_list("record_id", flat=True))
    linked = {str(link["href"]) for link in page.select("a[href*='/records/']")}
    assert linked == {f"/contacts/{alice}/records/{number}" for number in records}
    for link in linked:
        assert client.get(link).status_code == 200


def test_a_no_says_from_when_a_form_may_ask_again(client: Client, alice: UUID) -> None:
    decide("by_address", email="alice@example.org")
    assert "A form may ask again from 23 May 2027; nothing is sent by itself." in words(
        client.get(f"/contacts/{alice}/")
    )


def test_permissions_are_told_to_machines_as_the_page_says_them(
    client: Client, alice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "proof_url", lambda contact, code, channel: f"/p/{code}/{channel}")
    answer = client.get(f"/api/v1/contacts/{alice}/permissions").json()
    assert answer["contact_id"] == str(alice)
    lines = {(line["purpose"], line["channel"]): line for line in answer["permissions"]}
    event = _given(alice)
    assert lines["newsletter", "email"] == {
        "purpose": "newsletter",
        "channel": "email",
        "permitted": True,
        "reason_code": "permitted_consent",
        "sentence": "The person said yes.",
        "since": NOW.isoformat(),
        "record_id": str(event.record_id),
        "proof_url": "/p/newsletter/email",
    }
    never = lines["phone_prospecting", "phone"]
    assert (never["permitted"], never["reason_code"]) == (False, "no_permission")
    assert (never["since"], never["record_id"], never["proof_url"]) == (None, None, "")
    assert client.get(f"/api/v1/contacts/{uuid4()}/permissions").status_code == 404
    assert client.post(f"/api/v1/contacts/{alice}/permissions").status_code == 405


def test_support_sees_neither_records_nor_the_api(vault: None) -> None:
    browser = staff_client("support", username="support")
    contact = arrive()
    assert browser.get(f"/api/v1/contacts/{contact}/permissions").status_code == 403
    assert browser.get(f"/contacts/{contact}/records/{uuid4()}").status_code == 403


# --- an address ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["dpo"])
def test_what_is_kept_for_an_address_is_answered_without_its_contact(
    vault: None, role: str
) -> None:
    notice_id()
    browser = staff_client(role, username=role)
    decide("by_address", email="stranger@example.org")
    response = browser.post("/officer/address", {"address": " Stranger+Shop@Example.org "})
    shown = words(response)
    for expected in (
        "stranger+shop@example.org",
        "All of marketing",
        "by writing the address on our page",
        "23 November 2026",
        "said for the mailbox, whatever its +tag",
    ):
        assert expected in shown, expected
    assert unlabelled(soup(response)) == []


def test_a_number_is_asked_about_in_any_spelling(vault: None) -> None:
    browser = staff_client("dpo", username="dpo")
    contact = arrive()
    decide("by_address", email="alice@example.org")
    shown = words(browser.post("/officer/address", {"address": "06 12 34 56 78"}))
    assert contact
    assert "All of marketing" in shown


def test_nothing_kept_and_nonsense_are_said_plainly(vault: None) -> None:
    browser = staff_client("dpo", username="dpo")
    assert "No no is kept for this address." in words(
        browser.post("/officer/address", {"address": "new@example.org"})
    )
    assert "This is neither an e-mail address nor a telephone number." in words(
        browser.post("/officer/address", {"address": "hello"})
    )
    assert "Write an address or a number." in words(
        browser.post("/officer/address", {"address": ""})
    )


def test_an_address_in_the_url_is_not_looked_at(vault: None) -> None:
    browser = staff_client("dpo", username="dpo")
    decide("by_address", email="stranger@example.org")
    shown = words(browser.get("/officer/address?address=stranger@example.org"))
    assert "All of marketing" not in shown
    assert "stranger" not in shown


def test_who_may_ask_about_an_address(client: Client) -> None:
    assert client.get("/officer/address").status_code == 403
