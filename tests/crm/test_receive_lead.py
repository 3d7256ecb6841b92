"""A lead arrives: one address is one contact, and what was said is encrypted."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction

from crm.models import Contact, ContactTag, Lead, TimelineEntry
from crm.services import Person, profiles, receive_lead, receive_many
from privacy.models import Blob
from privacy.services import InvalidAddress, RetentionClass, read_documents
from tests.conftest import NOW
from tests.consent.people import later

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
ALICE = Person(
    email="alice@example.org",
    email_as_typed="Alice@Example.org",
    given_name="Alice",
    family_name="Martin",
    phone="+33612345678",
    company="Boulangerie Martin",
    country="FR",
)


def receive(
    person: Person = ALICE,
    *,
    lead_id: UUID | None = None,
    message: str = "Bonjour",
    at: datetime = NOW,
) -> UUID:
    with transaction.atomic():
        return receive_lead(
            lead_id=lead_id or uuid4(),
            person=person,
            message=message,
            language="fr",
            form_code="contact",
            form_version=2,
            source="site",
            received_at=at,
            now=at,
        )


def document(contact_id: UUID) -> dict[str, object]:
    cls = RetentionClass.PROFILE
    return read_documents(subject_ids=[contact_id], retention_class=cls)[contact_id]


def test_a_lead_makes_a_contact_a_profile_and_a_line_of_the_timeline() -> None:
    lead_id = uuid4()
    contact_id = receive(lead_id=lead_id)
    contact = Contact.objects.get()
    assert (contact.id, contact.language, contact.country) == (contact_id, "fr", "FR")
    assert (contact.source, contact.status, contact.has_phone) == ("site", "new", True)
    lead = Lead.objects.get()
    assert (lead.id, lead.contact_id, lead.state) == (lead_id, contact_id, "new")
    assert lead.has_message
    entry = TimelineEntry.objects.get()
    assert (entry.kind, entry.reference) == ("lead", {"form": "contact", "version": 2})
    profile = profiles(contact_ids=[contact_id])[contact_id]
    assert profile.display_name == "Alice Martin"
    assert (profile.email, profile.phone) == ("alice@example.org", "+33612345678")
    assert (profile.language, profile.country) == ("fr", "FR")


def test_the_same_lead_again_changes_nothing() -> None:
    lead_id = uuid4()
    first = receive(lead_id=lead_id)
    before = Blob.objects.get().rev
    assert receive(lead_id=lead_id, at=later(days=3)) == first
    assert (Lead.objects.count(), TimelineEntry.objects.count()) == (1, 1)
    assert Contact.objects.get().last_act_at == NOW
    assert Blob.objects.get().rev == before


def test_two_leads_of_one_address_are_one_contact() -> None:
    first = receive(message="Un")
    second = receive(
        Person(email="alice@example.org", company="Martin & Filles"), message="", at=later(days=1)
    )
    assert first == second
    assert Lead.objects.filter(contact_id=first).count() == 2
    profile = profiles(contact_ids=[first])[first]
    assert profile.company == "Martin & Filles"  # what the person says now
    assert profile.given_name == "Alice"  # an empty answer erases nothing
    assert [one["text"] for one in document(first)["messages"]] == ["Un"]  # type: ignore[attr-defined]


def test_the_last_act_is_the_latest_whatever_the_order_of_arrival() -> None:
    receive(at=later(days=2))
    receive(at=NOW)
    assert Contact.objects.get().last_act_at == later(days=2)


def test_the_newest_fifty_messages_are_kept_in_order() -> None:
    for number in range(52):
        contact_id = receive(message=f"message {number}", at=later(minutes=number))
    kept = [one["text"] for one in document(contact_id)["messages"]]  # type: ignore[attr-defined]
    assert kept == [f"message {number}" for number in range(2, 52)]


def _in_threads(work: Callable[[], UUID], times: int) -> list[UUID]:
    def run(_number: int) -> UUID:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_eight_leads_of_one_address_at_once_are_one_contact_and_eight_leads() -> None:
    found = _in_threads(receive, 8)
    assert len(set(found)) == 1
    assert Contact.objects.count() == 1
    assert Lead.objects.count() == 8
    assert len(document(found[0])["messages"]) == 8  # type: ignore[arg-type]


def test_one_lead_delivered_eight_times_at_once_is_one_lead() -> None:
    lead_id = uuid4()
    found = _in_threads(lambda: receive(lead_id=lead_id), 8)
    assert len(set(found)) == 1
    assert (Lead.objects.count(), TimelineEntry.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("   ", ""),
        ("Zoé\r\nBcc: all@example.org", "Zoé Bcc: all@example.org"),
        ("a\x00b", "a b"),
        ("\ud800", ""),
        ("N" * 5_000, "N" * 200),
        ("<b>Robert'); DROP TABLE", "<b>Robert'); DROP TABLE"),
    ],
)
def test_whatever_the_name_it_is_stored_on_one_line(given: str, kept: str) -> None:
    contact_id = receive(Person(email="bob@example.org", given_name=given))
    assert profiles(contact_ids=[contact_id])[contact_id].given_name == kept


def test_a_contact_without_a_name_is_shown_by_the_company_or_the_address() -> None:
    one = receive(Person(email="a@example.org", company="Acme"))
    two = receive(Person(email="b@example.org"))
    shown = profiles(contact_ids=[one, two])
    assert (shown[one].display_name, shown[two].display_name) == ("Acme", "b@example.org")


def test_an_address_that_is_none_is_refused_and_leaves_nothing() -> None:
    with pytest.raises(InvalidAddress):
        receive(Person(email="nobody"))
    assert not Contact.objects.exists()
    assert not Lead.objects.exists()


def test_no_word_of_the_person_is_anywhere_in_clear() -> None:
    receive(message="Mon numéro de dossier est Kangourou-77")
    rows: list[str] = []
    for alias in ("default", "vault"):
        connection = connections[alias]
        for table in connection.introspection.table_names():
            with connection.cursor() as cursor:
                cursor.execute(f'SELECT t::text FROM "{table}" t')
                rows += [row[0] for row in cursor.fetchall()]
    everything = "\n".join(rows)
    assert "contact" in everything  # the form's code: we did look at the rows
    secrets = ("Kangourou", "alice@", "Alice", "Martin", "612345678", "Boulangerie")
    for secret in secrets:
        assert secret not in everything
        assert secret.encode().hex() not in everything


def test_neither_a_person_nor_a_profile_prints_itself() -> None:
    contact_id = receive()
    assert "alice" not in repr(ALICE).lower()
    assert "alice" not in repr(profiles(contact_ids=[contact_id])).lower()


def test_many_people_arrive_in_a_few_statements_and_twice_is_once() -> None:
    people = [
        (
            Person(email=f"p{number}@example.org", given_name=f"P{number}"),
            {"language": "en", "country": "BE", "tags": ["expo", "vip"], "status": "customer"},
        )
        for number in range(30)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crm.reception.BATCH", 20)
        ids = receive_many(people=people, now=NOW)  # type: ignore[arg-type]
        again = receive_many(people=people, now=later(days=1))  # type: ignore[arg-type]
    assert ids == again
    assert Contact.objects.filter(country="BE", language="en", status="customer").count() == 30
    assert ContactTag.objects.count() == 60
    assert profiles(contact_ids=[ids[29]])[ids[29]].given_name == "P29"
    assert profiles(contact_ids=[ids[29]])[ids[29]].country == "BE"


def test_an_import_changes_nothing_of_a_contact_that_is_there() -> None:
    contact_id = receive()
    other = Person(email="alice@example.org", given_name="Mallory")
    assert receive_many(people=[(other, {"status": "former"})], now=NOW) == [contact_id]
    assert Contact.objects.get().status == "new"
    assert profiles(contact_ids=[contact_id])[contact_id].given_name == "Alice"
