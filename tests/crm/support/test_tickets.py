"""A ticket is about one person, read by its holder while it is open, and by nobody else."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from crm.models import SecurityEvent, SupportTicket
from crm.people import profiles
from crm.services import close_overdue_tickets
from crm.support.tickets import (
    MISSES_MOST,
    SEARCHES_MOST,
    AboutSomebody,
    NobodyThere,
    NotAReference,
    TicketClosed,
    TicketUnknown,
    TooManyMisses,
    TooManySearches,
    close_ticket,
    find_person,
    misses_of,
    misses_under,
    open_ticket,
    person_of,
)
from crm.tasks import close_tickets
from privacy.models import AccessRecord
from privacy.services import NoReader, readings_for
from tests.conftest import NOW
from tests.crm.pages.arrivals import arrive

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
SAM, TOM = uuid4(), uuid4()
LATER = NOW + timedelta(days=13)
TOO_LATE = NOW + timedelta(days=14)


@pytest.fixture
def ticket(vault: None) -> UUID:
    return open_ticket(reference="SUP-4711", actor_id=SAM, now=NOW)


def found(ticket: UUID, name: str = "Alice") -> UUID:
    person = arrive(name)
    email = f"{name.lower()}@example.org"
    find_person(ticket_id=ticket, email=email, actor_id=SAM, now=NOW)
    return person


@pytest.mark.parametrize("text", ["SUP-4711", " sup-4711 ", "4711", "INC0012345"])
def test_the_number_of_a_help_desk_is_taken(text: str) -> None:
    number = open_ticket(reference=text, actor_id=SAM, now=NOW)
    assert SupportTicket.objects.get(id=number).reference == text.strip().upper()


@pytest.mark.parametrize(
    "text", ["", "Dupont", "alice@example.org", "0612345678", "SUP 4711", "4711 Dupont", "SUP-"]
)
def test_words_about_a_person_are_no_number(text: str) -> None:
    with pytest.raises(NotAReference):
        open_ticket(reference=text, actor_id=SAM, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        SupportTicket.objects.create(
            id=uuid4(), reference=text, opened_by=SAM, opened_at=NOW, closes_at=LATER
        )


def test_the_holder_reads_the_five_fields_and_the_line_names_the_ticket(ticket: UUID) -> None:
    alice = found(ticket)
    profile = person_of(ticket_id=ticket, actor_id=SAM, now=LATER)
    assert profile is not None
    assert (profile.given_name, profile.family_name) == ("Alice", "Martin")
    assert (profile.email, profile.company) == ("alice@example.org", "Alice & Co")
    assert profile.phone == "+33612345678"
    assert (profile.country, profile.language, profile.job_title) == ("", "", "")
    [line] = readings_for(reference=str(ticket))
    assert (line.reader_id, line.why, line.subject_ids) == (SAM, "ticket", [alice])


def test_a_ticket_about_nobody_shows_nobody(ticket: UUID) -> None:
    assert person_of(ticket_id=ticket, actor_id=SAM, now=NOW) is None
    assert not AccessRecord.objects.exists()


def test_another_account_does_not_read_under_it(ticket: UUID) -> None:
    found(ticket)
    for act in (person_of, close_ticket):
        with pytest.raises(TicketUnknown):
            act(ticket_id=ticket, actor_id=TOM, now=NOW)
    with pytest.raises(TicketUnknown):
        find_person(ticket_id=ticket, email="bob@example.org", actor_id=TOM, now=NOW)
    assert not AccessRecord.objects.exists()


def test_a_closed_ticket_shows_nobody_and_says_so_in_the_log(
    ticket: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    found(ticket)
    close_ticket(ticket_id=ticket, actor_id=SAM, now=NOW)
    close_ticket(ticket_id=ticket, actor_id=SAM, now=LATER)
    with pytest.raises(TicketClosed):
        person_of(ticket_id=ticket, actor_id=SAM, now=NOW)
    assert f"security: account {SAM} used the closed ticket {ticket}" in caplog.text
    assert SupportTicket.objects.get().closed_at == NOW
    assert not AccessRecord.objects.exists()


def test_its_time_ends_it_before_any_sweep_and_the_sweep_writes_it_down(ticket: UUID) -> None:
    found(ticket)
    assert person_of(ticket_id=ticket, actor_id=SAM, now=TOO_LATE - timedelta(seconds=1))
    with pytest.raises(TicketClosed):
        person_of(ticket_id=ticket, actor_id=SAM, now=TOO_LATE)
    assert close_overdue_tickets(now=TOO_LATE - timedelta(seconds=1)) == 0
    assert close_overdue_tickets(now=TOO_LATE) == 1
    assert close_overdue_tickets(now=TOO_LATE) == 0
    row = SupportTicket.objects.get()
    assert (row.closed_at, row.closed_by) == (TOO_LATE, None)


def test_the_bell_closes_what_is_long_over() -> None:
    long_ago = NOW - timedelta(days=4000)
    open_ticket(reference="1", actor_id=SAM, now=long_ago)
    close_tickets()
    assert SupportTicket.objects.get().closed_at == long_ago + timedelta(days=14)


def test_a_ticket_is_about_one_person_for_good(ticket: UUID) -> None:
    alice, bob = found(ticket), arrive("Bob")
    with pytest.raises(AboutSomebody):
        find_person(ticket_id=ticket, email="bob@example.org", actor_id=SAM, now=NOW)
    assert SupportTicket.objects.get().contact_id == alice
    with pytest.raises(DatabaseError), transaction.atomic():
        SupportTicket.objects.update(contact_id=bob)


def test_a_closed_ticket_is_not_opened_again_and_none_is_deleted(ticket: UUID) -> None:
    close_ticket(ticket_id=ticket, actor_id=SAM, now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        SupportTicket.objects.update(closed_at=None, closed_by=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        SupportTicket.objects.all().delete()


def test_addresses_are_not_tried_out_under_a_ticket(ticket: UUID) -> None:
    arrive("Alice")
    for number in range(SEARCHES_MOST):
        with pytest.raises(NobodyThere):
            find_person(ticket_id=ticket, email=f"guess{number}@example.org", actor_id=SAM, now=NOW)
    with pytest.raises(TooManySearches):
        find_person(ticket_id=ticket, email="alice@example.org", actor_id=SAM, now=NOW)
    assert SupportTicket.objects.get().contact_id is None


def test_addresses_are_not_tried_out_under_many_tickets(
    ticket: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    arrive("Alice")
    for number in range(MISSES_MOST):
        other = open_ticket(reference=str(number), actor_id=SAM, now=NOW)
        with pytest.raises(NobodyThere):
            find_person(ticket_id=other, email=f"guess{number}@example.org", actor_id=SAM, now=NOW)
    caplog.clear()
    for _again in range(2):
        with pytest.raises(TooManyMisses):
            find_person(ticket_id=ticket, email="alice@example.org", actor_id=SAM, now=NOW)
    assert caplog.text.count("event=addresses_tried") == 1
    assert "guess" not in str(list(SecurityEvent.objects.values()))
    assert misses_of(account_id=SAM, now=NOW) == MISSES_MOST
    mine = open_ticket(reference="TOM-1", actor_id=TOM, now=NOW)
    find_person(ticket_id=mine, email="alice@example.org", actor_id=TOM, now=NOW)
    tomorrow = NOW + timedelta(days=1)
    find_person(ticket_id=ticket, email="alice@example.org", actor_id=SAM, now=tomorrow)
    row = SupportTicket.objects.get(id=ticket)
    assert (row.contact_id is not None, row.searches, misses_under(row)) == (True, 1, 0)


def test_in_the_staff_process_a_ticket_names_its_reader_for_its_person_alone(
    ticket: UUID, settings: object
) -> None:
    alice = found(ticket)
    settings.PROCESS = "staff"  # type: ignore[attr-defined]
    assert person_of(ticket_id=ticket, actor_id=SAM, now=NOW)
    with pytest.raises(NoReader):
        profiles(contact_ids=[alice])
