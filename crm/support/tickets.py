"""Tickets of customer service: opened, about one person, closed; never a list of people.

Customer service is no reader of its own (crm/access.py). An open ticket names its holder as one,
for the one person it is about: whatever is read stands under the ticket in the journal of readings.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from crm.accounts.security_events import Kind, happened, record_event
from crm.merging import kept_ids
from crm.models import Contact, Role, SupportTicket
from crm.people import Profile, profiles
from privacy.services import find_by_email, reading_as

logger = logging.getLogger("crm.support")

# Nothing but a number, with the letters that a help desk puts before it: no room for a name.
REFERENCE = re.compile(r"[A-Z]{0,8}-?[0-9]{1,8}")
# A mistyped address is corrected; a list of addresses is not tried out.
SEARCHES_MOST = 5
# Nor under many tickets: whoever works on real ones mistypes a few addresses a day.
MISSES_MOST = 20
MISSES_WITHIN = timedelta(days=1)


class NotAReference(ValueError):
    """A ticket carries the number of the help desk: letters, a dash and at most eight digits."""


class TicketUnknown(Exception):
    """There is no such ticket of this account."""


class TicketClosed(Exception):
    """The ticket is closed: open another one."""


class TooManySearches(Exception):
    """So many addresses were typed under this ticket that no other one is looked for."""


class TooManyMisses(Exception):
    """The account looked for too many addresses that nobody has: it looks for none more today."""


class NobodyThere(Exception):
    """No contact has this address."""


class AboutSomebody(Exception):
    """The ticket is about a person already: another person needs another ticket."""


def is_open(ticket: SupportTicket, *, now: datetime) -> bool:
    """Say whether a ticket is open: nobody closed it and its time is not over."""
    return ticket.closed_at is None and now < ticket.closes_at


def open_ticket(*, reference: str, actor_id: UUID, now: datetime) -> UUID:
    """Open a ticket about nobody yet, and return its id. Not safe twice: it opens another one.

    Raises NotAReference.
    """
    number = reference.strip().upper()
    if not REFERENCE.fullmatch(number):
        raise NotAReference(NotAReference.__doc__)
    row = SupportTicket.objects.create(
        id=uuid_utils.compat.uuid7(),
        reference=number,
        opened_by=actor_id,
        opened_at=now,
        closes_at=now + timedelta(days=settings.TICKET_DAYS),
    )
    return UUID(str(row.id))


def _mine(ticket_id: UUID, actor_id: UUID, now: datetime) -> SupportTicket:
    """Return an open ticket of the account, locked. Raises TicketUnknown, TicketClosed."""
    rows = SupportTicket.objects.select_for_update()
    ticket = rows.filter(id=ticket_id, opened_by=actor_id).first()
    if ticket is None:
        raise TicketUnknown(TicketUnknown.__doc__)
    if not is_open(ticket, now=now):
        logger.warning("security: account %s used the closed ticket %s", actor_id, ticket_id)
        raise TicketClosed(TicketClosed.__doc__)
    return ticket


def find_person(*, ticket_id: UUID, email: str, actor_id: UUID, now: datetime) -> None:
    """Make an open ticket be about the contact of exactly this address; for good.

    An address that nobody has is an event of the account; twenty a day are the most, under all
    of its tickets together. Requests at the same moment may each pass once.

    Raises TicketUnknown, TicketClosed, AboutSomebody, TooManySearches, TooManyMisses, NobodyThere.
    """
    _refuse_trying(ticket_id, actor_id, now)
    with transaction.atomic():
        ticket = _mine(ticket_id, actor_id, now)
        if ticket.contact_id is not None:
            raise AboutSomebody(AboutSomebody.__doc__)
        if ticket.searches >= SEARCHES_MOST:
            logger.warning("security: account %s searched too often: %s", actor_id, ticket_id)
            raise TooManySearches(TooManySearches.__doc__)
        SupportTicket.objects.filter(id=ticket_id).update(searches=F("searches") + 1)
    subjects = find_by_email(emails=[email]).values()
    kept = kept_ids(subjects)
    numbers = [kept.get(number, number) for number in subjects]
    found = Contact.objects.filter(id__in=numbers).values_list("id", flat=True).first()
    if found is None:
        _note_miss(Kind.ADDRESS_UNKNOWN, ticket_id, actor_id, now)
        raise NobodyThere(NobodyThere.__doc__)
    SupportTicket.objects.filter(id=ticket_id, contact_id=None).update(contact_id=found)


def _refuse_trying(ticket_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Raise TooManyMisses for an account that used up its misses; the first time is an alarm."""
    if misses_of(account_id=actor_id, now=now) < MISSES_MOST:
        return
    if not _how_often(Kind.ADDRESSES_TRIED, actor_id, now):
        _note_miss(Kind.ADDRESSES_TRIED, ticket_id, actor_id, now)
    raise TooManyMisses(TooManyMisses.__doc__)


def misses_of(*, account_id: UUID, now: datetime) -> int:
    """Return how many addresses an account looked for within a day that nobody has."""
    return _how_often(Kind.ADDRESS_UNKNOWN, account_id, now)


def _how_often(kind: Kind, account_id: UUID, now: datetime) -> int:
    # The empty print leads into the index of kinds and days: few rows of one day.
    return happened(kind, within=MISSES_WITHIN, now=now, name_print="", account_id=account_id)


def _note_miss(kind: Kind, ticket_id: UUID, actor_id: UUID, now: datetime) -> None:
    reference = {"ticket": str(ticket_id)}
    record_event(kind, now=now, account_id=actor_id, reference=reference)


def misses_under(ticket: SupportTicket) -> int:
    """Return how many addresses were tried under a ticket that nobody has."""
    return ticket.searches - (ticket.contact_id is not None)


def person_of(*, ticket_id: UUID, actor_id: UUID, now: datetime) -> Profile | None:
    """Return the five fields of whom an open ticket is about; None while it is about nobody.

    Also None once the person was erased, or cannot be read. Raises TicketUnknown, TicketClosed.
    """
    with transaction.atomic():
        contact_id = _mine(ticket_id, actor_id, now).contact_id
    if contact_id is None:
        return None
    number = kept_ids([contact_id]).get(contact_id, contact_id)
    with _reading_under(ticket_id, actor_id, now):
        return profiles(contact_ids=[number]).get(number)


@contextmanager
def _reading_under(ticket_id: UUID, actor_id: UUID, now: datetime) -> Iterator[None]:
    with reading_as(
        reader_id=actor_id,
        why="ticket",
        reference=str(ticket_id),
        scope=Role.SUPPORT,
        at=now,
    ):
        yield


def close_ticket(*, ticket_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Close a ticket of the account; safe twice. Raises TicketUnknown."""
    mine = SupportTicket.objects.filter(id=ticket_id, opened_by=actor_id)
    closed = mine.filter(closed_at=None).update(closed_at=now, closed_by=actor_id)
    if not closed and not mine.exists():
        raise TicketUnknown(TicketUnknown.__doc__)


def close_overdue_tickets(*, now: datetime) -> int:
    """Close what nobody closed in time; return how many. Safe to repeat."""
    overdue = SupportTicket.objects.filter(closed_at=None, closes_at__lte=now)
    return overdue.update(closed_at=F("closes_at"))


def tickets_of(*, account_id: UUID | None) -> QuerySet[SupportTicket]:
    """Return the tickets of an account, or everybody's: to be paged through, newest first."""
    rows = SupportTicket.objects.all()
    return rows if account_id is None else rows.filter(opened_by=account_id)
