"""Role by field: what of a person each role is shown, on every page that shows one.

Every field of a person holds a word that is found nowhere else; each page is asked in each role.
"""

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from pytest_django import Settings

from consent.models import LedgerEvent
from consent.services import Channel
from crm.models import Account, Contact, Organisation, Role, SupportTicket
from crm.organisations import Change, attach_contact, create_organisation
from crm.services import Person, receive_lead
from crm.support.tickets import find_person, open_ticket
from privacy.models import AccessRecord, ReadMeter
from privacy.services import (
    RetentionClass,
    approve,
    change_document,
    read_documents,
    read_more_reference,
    reading_as,
    request_approval,
)
from tests.conftest import NOW
from tests.consent.people import newsletter, submit
from tests.crm.access.matrix import MATRIX
from tests.crm.exports.cast import ask
from tests.crm.pages.arrivals import words
from tests.crm.staff import make_account, signed_in, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])

FIVE = {
    "given_name": "Zephyrine",
    "family_name": "Quetzalcoatl",
    "company": "Wombatworks",
    "email": "zephyrine@canary.example",
    "phone": "+33612345678",
}
MORE = {
    "job_title": "Zookeeperess",
    "message": "Mellifluous question of mine",
    "other_email": "elsewhere@canary.example",
}
# Of the cast of consent: where the form was filled in. Only a proof pack holds it.
EVIDENCE = {"network": "192.0.2.0/24"}
# Of the organisation they belong to: in full on no page that is only opened.
NUMBERS = {"iban": "FR1420041010050500013M02606", "card": "4111111111111111"}
GROUPED = {"iban_grouped": "FR14 2004 1010", "card_grouped": "4111 1111 1111"}
MASKED = {"iban_masked": "FR •••• 2606", "card_masked": "•••• 1111", "notes": "Vermilionish"}
ALL = {**FIVE, **MORE, **EVIDENCE, **NUMBERS, **GROUPED, **MASKED}


class Case(NamedTuple):
    """A page about the person of these tests: what it may show, to whom."""

    name: str
    shown: frozenset[str]
    to: tuple[str, ...]


_FIVE = frozenset(FIVE)
_WRITERS = ("marketing", "sales", "communication")
_READERS = (*_WRITERS, "dpo")
_LEAD = frozenset({*FIVE, "message"})
CASES = [
    Case("contact", _LEAD | {"other_email"}, _READERS),
    Case("contact", frozenset({"job_title"}), ("dpo",)),
    Case("contact-list", _FIVE, _READERS),
    Case("contact-list", frozenset({"job_title"}), ("dpo",)),
    Case("contact-no", _FIVE, _READERS),
    Case("contact-merge", _FIVE, _WRITERS),
    Case("contact-record", _FIVE, _READERS),
    Case("lead-list", _LEAD, _READERS),
    Case("call-list", _FIVE, _WRITERS),
    Case("home", _FIVE, _READERS),
    Case("organisation", frozenset({"company", "given_name", "family_name"}), _READERS),
    Case("organisation", frozenset(MASKED), _READERS),
    Case("organisation-list", frozenset({"company"}), _READERS),
    Case("organisation-edit", frozenset({"company", *MASKED}), ("marketing", "sales")),
    Case("organisation-numbers", frozenset({"company"}), ("marketing", "sales", "dpo")),
    Case("ticket", _FIVE, ("support",)),
    Case("contact-proof", frozenset(EVIDENCE), ("dpo",)),
    Case("api-contact-proof", frozenset(EVIDENCE), ("dpo",)),
]


def allowed(role: str, name: str) -> set[str]:
    return {
        field for case in CASES if case.name == name and role in case.to for field in case.shown
    }


@pytest.fixture
def english(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def canary(anchor: Path, english: None) -> UUID:
    """One person, all of whose fields are filled in, with a lead and what they agreed to."""
    given = {name: value for name, value in FIVE.items() if name != "email"}
    person = Person(email=FIVE["email"], job_title=MORE["job_title"], country="MT", **given)
    with transaction.atomic():
        contact_id = receive_lead(
            lead_id=uuid4(),
            person=person,
            message=MORE["message"],
            language="fr",
            form_code="contact",
            form_version=1,
            source="site",
            received_at=NOW,
            now=NOW,
        )
    change_document(
        subject_id=contact_id,
        retention_class=RetentionClass.PROFILE,
        change=lambda before: {**before, "other_emails": [MORE["other_email"]]},
    )
    submit(contact_id, newsletter(is_ticked=True), needs_confirmation=False)
    number = create_organisation(
        change=Change(
            name=FIVE["company"],
            iban=NUMBERS["iban"],
            card_number=NUMBERS["card"],
            notes=MASKED["notes"],
        ),
        actor_id=uuid4(),
        country="FR",
        contract_ends_on=None,
        now=NOW,
    )
    attach_contact(organisation_id=number, email=FIVE["email"], actor_id=uuid4(), now=NOW)
    return contact_id


KEYS: tuple[tuple[str, ...], ...] = (
    (),
    ("contact_id",),
    ("ticket_id",),
    ("contact_id", "record_id"),
    ("organisation_id",),
    ("account_id",),
    ("export_id",),
    ("approval_id",),
    ("contact_id", "purpose", "channel"),
)


def asked_of_the_officers() -> dict[str, UUID]:
    """An export of everybody by whoever looks, and a request that waits for a second person."""
    account = Account.objects.get()
    account_id = account.id
    approval_id = request_approval(
        kind="read_more",
        reference=read_more_reference(reader_id=account_id, now=NOW),
        requested_by=uuid4(),
        now=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    export_id = ask(account, purpose_code="newsletter").id
    return {"account_id": account_id, "approval_id": approval_id, "export_id": export_id}


def addresses(contact_id: UUID, ticket_id: UUID) -> Iterator[tuple[str, str]]:
    """Every page that GET reaches with the ids of this person."""
    ids = {
        "contact_id": contact_id,
        "ticket_id": ticket_id,
        "organisation_id": Organisation.objects.get().id,
        **asked_of_the_officers(),
        "record_id": LedgerEvent.objects.filter(subject_id=contact_id)[0].record_id,
        "purpose": "newsletter",
        "channel": Channel.EMAIL,
    }
    for name in MATRIX:
        for wanted in KEYS:
            try:
                yield name, reverse(name, kwargs={key: ids[key] for key in wanted})
            except NoReverseMatch:  # an address with other parts
                continue
    yield "call-list", reverse("call-list") + "?segment=all"
    yield "lead-list", reverse("lead-list") + "?state=all"


def ticket_for(account_id: UUID) -> UUID:
    now = timezone.now()
    number = open_ticket(reference="SUP-1", actor_id=account_id, now=now)
    find_person(ticket_id=number, email=FIVE["email"], actor_id=account_id, now=now)
    return number


@pytest.mark.parametrize("role", sorted(Role.values))
def test_no_page_shows_a_role_more_than_its_fields(canary: UUID, role: str) -> None:
    account = make_account("tester", role)
    client = signed_in(account)
    ticket_id = ticket_for(account.id)
    asked, leaks = set(), []
    for name, url in addresses(canary, ticket_id):
        asked.add(name)
        response = client.get(url)
        found = {field for field, value in ALL.items() if value in _text(response)}
        leaks += [(name, url, field) for field in found - allowed(role, name)]
    assert leaks == []
    assert asked >= {case.name for case in CASES}


def _text(response: object) -> str:
    """What an answer says; of a pack, what its files say."""
    content = getattr(response, "content", b"")
    if content.startswith(b"PK"):
        pack = zipfile.ZipFile(io.BytesIO(content))
        content = b"".join(pack.read(each) for each in pack.namelist())
    return str(content.decode(errors="replace")).replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("name", "role", "fields"),
    [
        ("contact", "marketing", {*FIVE, "message"}),
        ("contact", "dpo", {*FIVE, "message", "job_title"}),
        ("contact-list", "sales", {"given_name", "family_name", "company", "email"}),
        ("contact-list", "dpo", {"given_name", "company", "job_title"}),
        ("lead-list", "communication", {"given_name", "company", "message"}),
        ("ticket", "support", set(FIVE)),
        ("home", "marketing", {"given_name", "family_name"}),
        ("contact-record", "sales", {"given_name", "family_name"}),
        ("contact-proof", "dpo", {"network"}),
    ],
)
def test_what_a_role_needs_is_there(canary: UUID, name: str, role: str, fields: set[str]) -> None:
    """So that the test above cannot pass on empty pages."""
    account = make_account("tester", role)
    ticket_id = ticket_for(account.id)
    urls = dict(addresses(canary, ticket_id))
    text = _text(signed_in(account).get(urls[name]))
    assert {field for field in fields if ALL[field] not in text} == set()


@pytest.mark.parametrize("role", ["operations", "dsi", "administrator", "support"])
def test_the_vault_itself_refuses_whoever_may_not_read(
    canary: UUID, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where a page of theirs would ask for a person by mistake."""

    def mistaken(*, role: str) -> list[object]:
        read_documents(subject_ids=[canary], retention_class=RetentionClass.PROFILE)
        return []

    monkeypatch.setattr("crm.shell.steps_of", mistaken)
    account = make_account("tester", role)
    assert signed_in(account).get("/").status_code == 403
    line = AccessRecord.objects.get()
    assert (line.reader_id, line.subject_ids, line.is_refused) == (account.id, [canary], True)


@pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
def test_a_page_that_fails_later_has_left_its_line(
    canary: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = staff_client("marketing")
    client.raise_request_exception = False
    monkeypatch.setattr("crm.pages.contact_view._timeline", lambda *_: 1 / 0)
    assert client.get(reverse("contact", args=[canary])).status_code == 500
    line = AccessRecord.objects.get()
    assert (line.why, line.subject_ids) == ("contact", [canary])


def test_a_list_is_one_line_of_all_who_stand_on_it(canary: UUID) -> None:
    client = staff_client("sales")
    client.get(reverse("contact-list"))
    line = AccessRecord.objects.get()
    assert (line.why, line.subject_ids) == ("contact-list", [canary])


def test_the_officer_sees_who_read_a_person_and_what_an_account_read(canary: UUID) -> None:
    sales = make_account("saul", "sales")
    signed_in(sales).get(reverse("contact", args=[canary]))
    dpo = staff_client("dpo", username="dana")
    page = dpo.get(reverse("contact-readings", args=[canary]))
    assert "saul Page of the contact Identity 1" in words(page)
    read = words(dpo.get(reverse("account-readings", args=[sales.id])))
    assert "Page of the contact Identity 1" in read
    assert "1 in this hour, 1 today" in read
    assert not [value for value in ALL.values() if value in read + words(page)]


def test_lines_of_readings_are_paged(canary: UUID) -> None:
    for number in range(51):
        with reading_as(reader_id=uuid4(), why="home", at=NOW + timedelta(seconds=number)):
            read_documents(subject_ids=[canary], retention_class=RetentionClass.PROFILE)
    dpo = staff_client("dpo")
    first = dpo.get(reverse("contact-readings", args=[canary]))
    assert _text(first).count("<tr>") == 51
    assert 'rel="next"' in _text(first)


def _stop(client: Client, settings: Settings, contact_id: UUID) -> str:
    settings.READS_OPENED_HOUR = settings.READS_OPENED_DAY = 0
    response = client.get(reverse("contact", args=[contact_id]))
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 25 * 3600
    return words(response)


def test_who_reads_too_many_is_told_until_when_and_whom_to_ask(
    canary: UUID, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    saul = make_account("saul", "sales")
    said = _stop(signed_in(saul), settings, canary)
    assert "You have opened as many people as one account may" in said
    assert "It goes on at" in said
    assert "data protection officer" in said
    assert not [value for value in ALL.values() if value in said]
    assert f"security: account {saul.id} reads more than its limit" in caplog.text
    assert not [value for value in ALL.values() if value in caplog.text]
    for role in ("dpo", "dsi"):
        home = words(staff_client(role, username=role).get("/"))
        assert "Accounts stopped today for reading too much" in home
        assert "saul" in home
    assert "Accounts stopped" not in words(staff_client("sales", username="other").get("/"))


def test_two_people_let_an_account_go_on_for_today(canary: UUID, settings: Settings) -> None:
    saul = make_account("saul", "sales")
    client = signed_in(saul)
    settings.READS_OPENED_HOUR = settings.READS_OPENED_DAY = 1
    assert client.get(reverse("contact", args=[canary])).status_code == 200
    assert client.get(reverse("contact", args=[canary])).status_code == 429
    dana = make_account("dana", "dpo")
    officer = signed_in(dana)
    asked = officer.post(reverse("account-read-more", args=[saul.id]), follow=True)
    assert "It holds for today once another person has agreed." in words(asked)
    assert client.get(reverse("contact", args=[canary])).status_code == 429
    now = timezone.now()
    from privacy.models import Approval

    row = Approval.objects.get()
    assert row.reference == read_more_reference(reader_id=saul.id, now=now)
    assert row.expires_at > now
    approve(approval_id=row.id, decided_by=uuid4(), now=now)
    assert client.get(reverse("contact", args=[canary])).status_code == 200
    page = words(officer.get(reverse("account-readings", args=[saul.id])))
    assert "Two people agreed that this account may read more today." in page
    assert ReadMeter.objects.get(reader_id=saul.id).refused == 2


def test_the_page_of_the_system_tells_of_no_person(canary: UUID) -> None:
    for role in ("operations", "dsi"):
        response = staff_client(role, username=role).get(reverse("system"))
        said = words(response)
        for expected in ("PostgreSQL", "Records to seal", "Privacy journal applied", "Last backup"):
            assert expected in said
        assert not [value for value in ALL.values() if value in _text(response)]
    assert not AccessRecord.objects.exists()
    assert Contact.objects.count() == 1
    assert not SupportTicket.objects.exists()
