"""Forty people who were sent a campaign, as a list, and what must be counted of them."""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID, uuid4

from campaigns import services
from campaigns.models import (
    Campaign,
    Delivery,
    DeliveryState,
    MeasuredClick,
    MeasuredMessage,
    Return,
    TrackedLink,
)
from campaigns.results.cells import Cell
from consent.models import Permission
from consent.services import apply_waiting_decisions
from crm.models import Contact
from tests.campaigns import cast
from tests.campaigns.measurement import cast as measured
from tests.consent import people

FIRST_DAY = date(2026, 11, 23)
_ENDS = {
    **dict.fromkeys(range(32), (DeliveryState.SENT, "", "250 4bXyZ1")),
    32: (DeliveryState.BOUNCED, "rejected", "550 5.1.1"),
    33: (DeliveryState.BOUNCED, "rejected", "550 5.1.1"),
    34: (DeliveryState.BOUNCED, "returned", "5.2.2 mailbox_full"),
    35: (DeliveryState.SKIPPED, "withdrawn", ""),
    36: (DeliveryState.FAILED, "deferred_too_long", "451 4.7.1"),
    37: (DeliveryState.UNKNOWN, "hand_over_unproven", ""),
    38: (DeliveryState.QUEUED, "", ""),
    39: (DeliveryState.SKIPPED, "suppressed", ""),
}
# Who says no: at once; after forty days; after another campaign reached them; and who does not
# take part in this at all, because their message bounced.
AT_ONCE, TOO_LATE, AFTER_ANOTHER, BOUNCED = 1, 2, 3, 32


@dataclass(frozen=True)
class Someone:
    number: int

    @property
    def email(self) -> str:
        return f"person{self.number}@example.org"

    @property
    def state(self) -> DeliveryState:
        return _ENDS[self.number][0]

    @property
    def agrees(self) -> bool:
        return self.number < 24

    @property
    def variant(self) -> int:
        return self.number % 2

    @property
    def language(self) -> str:
        return "fr" if self.number < 13 else "en"

    @property
    def country(self) -> str:
        n = self.number
        return "FR" if n < 10 else "BE" if n < 16 else "CH" if n < 21 else ""

    @property
    def opened_on(self) -> date | None:
        is_reader = self.agrees and self.number % 3 == 0
        return FIRST_DAY + timedelta(days=self.number % 2) if is_reader else None

    @property
    def links(self) -> tuple[int, ...]:
        if not self.agrees or self.number % 6:
            return ()
        return (0, 1) if self.number % 12 == 0 else (1,)


EVERYBODY = [Someone(number) for number in range(40)]
AGREED = [each for each in EVERYBODY if each.agrees]


def tally(of: Callable[[Someone], Hashable]) -> Counter[Hashable]:
    return Counter(of(each) for each in EVERYBODY)


def cell(which: str, who: list[Someone]) -> Cell:
    return Cell(
        which,
        len(who),
        sum(each.opened_on is not None for each in who),
        sum(bool(each.links) for each in who),
    )


def campaign() -> UUID:
    """The campaign of these people, with everything that the world says of them."""
    contacts = [_contact(each) for each in EVERYBODY]
    cast.subscriber("silent@example.org", says_yes=False)
    made = cast.launched(mjml=measured.mjml())
    for each, contact in zip(EVERYBODY, contacts, strict=True):
        _end(each, contact, made)
    _another_campaign(contacts[AFTER_ANOTHER], made)
    _say_no(contacts)
    _come_back(made, contacts)
    return made


def _come_back(campaign_id: UUID, contacts: list[UUID]) -> None:
    """Two replies of one person, a complaint, a bounce; and a forged complaint about another."""
    for number, kind, why, status, attribution in (
        (0, "reply", "", "", "return_path"),
        (0, "reply", "", "", "return_path"),
        (5, "complaint", "", "", "message_id"),
        (34, "soft_bounce", "mailbox_full", "5.2.2", "return_path"),
        (7, "complaint", "", "", "forged"),
    ):
        about = Delivery.objects.get(campaign=campaign_id, contact_id=contacts[number])
        Return.objects.create(
            id=uuid4(), received_at=cast.clock(), source="mail", kind=kind, why=why, status=status,
            attribution=attribution, delivery_id=about.id, campaign_id=campaign_id,
        )  # fmt: skip


def _contact(each: Someone) -> UUID:
    contact = cast.subscriber(each.email)
    if each.agrees:
        people.submit(contact, measured.MEASUREMENT, email=each.email, needs_confirmation=False)
    Contact.objects.filter(id=contact).update(language=each.language, country=each.country)
    return contact


def _end(each: Someone, contact: UUID, campaign_id: UUID) -> None:
    state, reason, evidence = _ENDS[each.number]
    row = Delivery.objects.get(campaign=campaign_id, contact_id=contact)
    row.state, row.reason, row.evidence = state, reason, evidence
    row.variant = each.variant
    has_left = state in (DeliveryState.SENT, DeliveryState.BOUNCED, DeliveryState.UNKNOWN)
    if has_left:
        allowed = Permission.objects.get(subject_id=contact, purpose="newsletter")
        row.justification_seq = allowed.event_id
        days = 40 if each.number == TOO_LATE else 1
        row.handing_at = cast.clock() - timedelta(days=days)
    row.is_measured = each.agrees and has_left
    row.save()
    if each.opened_on or each.links:
        _measure(row, each)


def _measure(row: Delivery, each: Someone) -> None:
    message = MeasuredMessage.objects.create(
        delivery=row,
        campaign_id=row.reference_id,
        contact_id=row.contact_id,
        last_open_on=each.opened_on,
        last_click_on=FIRST_DAY if each.links else None,
    )
    for position in each.links:
        link = TrackedLink.objects.get(campaign=row.campaign_id, position=position)
        MeasuredClick.objects.create(message=message, link=link, last_click_on=FIRST_DAY)


def _another_campaign(contact: UUID, campaign_id: UUID) -> None:
    other = services.copy_campaign(
        campaign_id=campaign_id, name="Later", actor_id=UUID(int=1), now=cast.clock()
    )
    Campaign.objects.filter(id=other).update(state="finished")
    Delivery.objects.create(
        campaign_id=other, contact_id=contact, kind=1, reference_id=other,
        state=DeliveryState.SENT, due_at=cast.clock(), planned_at=cast.clock(),
        handing_at=cast.clock() - timedelta(hours=1),
    )  # fmt: skip


def _say_no(contacts: list[UUID]) -> None:
    who = (AT_ONCE, TOO_LATE, AFTER_ANOTHER, BOUNCED)
    cast.opt_out([contacts[n] for n in who], [EVERYBODY[n].email for n in who])
    apply_waiting_decisions(now=cast.clock())
