"""Which link was followed is kept of those who agree, by the day, and goes with the rest of it."""

from email.message import EmailMessage
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connections, transaction
from django.test import Client
from django.utils import timezone

from campaigns import services
from campaigns.models import Campaign, MeasuredClick, MeasuredMessage, TrackedLink
from consent.services import refresh_cards
from crm.models import Contact
from tests.campaigns import cast
from tests.campaigns.delivery.conftest import inbox
from tests.campaigns.measurement import cast as measured
from tests.campaigns.measurement.cast import ALICE, BOB, fetch, kept
from tests.campaigns.measurement.conftest import visitor
from tests.conftest import NOW
from tests.journeys.inbox import Inbox

__all__ = ["inbox", "visitor"]
pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture
def alice() -> UUID:
    return measured.measured_reader()


@pytest.fixture
def mail(alice: UUID, inbox: Inbox) -> EmailMessage:
    measured.sent()
    return inbox.to(ALICE)[0]


def _followed() -> dict[str, str]:
    """Address of a link -> the day it was last followed."""
    return {
        row.link.url: row.last_click_on.isoformat()
        for row in MeasuredClick.objects.select_related("link")
    }


def test_each_link_has_its_own_day(visitor: Client, mail: EmailMessage) -> None:
    first, second, *_rest = measured.links_in(mail)
    urls = list(TrackedLink.objects.order_by("position").values_list("url", flat=True))
    today = timezone.localdate().isoformat()
    fetch(visitor, first)
    fetch(visitor, first)
    kept()
    assert _followed() == {urls[0]: today}
    fetch(visitor, second)
    kept()
    assert _followed() == {urls[0]: today, urls[1]: today}
    assert MeasuredMessage.objects.count() == 1


def test_an_opening_is_no_link(visitor: Client, mail: EmailMessage) -> None:
    fetch(visitor, measured.picture_in(mail))
    kept()
    assert MeasuredMessage.objects.count() == 1
    assert _followed() == {}


def test_the_later_day_is_kept_in_any_order(mail: EmailMessage) -> None:
    from campaigns.delivery.statements import note_measure
    from campaigns.models import Delivery

    delivery = Delivery.objects.get(is_measured=True)
    link = TrackedLink.objects.order_by("position")[0]
    for day in (24, 26, 25):
        assert note_measure(
            delivery_id=delivery.id, click_on=NOW.date().replace(day=day), link_id=link.id
        )
    assert _followed() == {link.url: "2026-11-26"}


def test_a_link_of_another_campaign_is_nobodys(mail: EmailMessage) -> None:
    from campaigns.delivery.statements import note_measure
    from campaigns.models import Delivery

    other = TrackedLink.objects.create(
        id=uuid4(), campaign_id=cast.draft(), position=0, url="https://other.example/"
    )
    delivery = Delivery.objects.get(is_measured=True)
    for link_id in (other.id, uuid4()):
        assert note_measure(delivery_id=delivery.id, click_on=NOW.date(), link_id=link_id)
    assert _followed() == {}


@pytest.mark.parametrize("way", ["measurement", "everything", "gone", "delivery"])
def test_whatever_ends_the_message_ends_its_links(
    visitor: Client, mail: EmailMessage, alice: UUID, way: str
) -> None:
    fetch(visitor, measured.links_in(mail)[0])
    kept()
    assert MeasuredClick.objects.count() == 1
    if way == "measurement":
        measured.decide(alice, ALICE, {"email_measurement": "no"})
    elif way == "everything":
        cast_token = measured.ways_to_say_no(alice, ALICE).preferences_url.rpartition("/")[2]
        from tests.consent import people

        people.decide("preferences", at=cast.clock(), token=cast_token, everything="no")
    elif way == "gone":
        Contact.objects.filter(id=alice).delete()
    else:
        Campaign.objects.get().delete()
    services.forget_measures()
    assert not MeasuredMessage.objects.exists()
    assert not MeasuredClick.objects.exists()


def test_the_database_itself_lets_no_link_stay_behind(visitor: Client, mail: EmailMessage) -> None:
    fetch(visitor, measured.links_in(mail)[0])
    kept()
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM campaigns_measuredmessage")
    assert not MeasuredClick.objects.exists()


def test_no_link_without_its_measured_message(mail: EmailMessage) -> None:
    link = TrackedLink.objects.order_by("position")[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        MeasuredClick.objects.create(message_id=1, link=link, last_click_on=NOW.date())


def test_after_a_no_a_link_that_was_sent_already_counts_no_more(
    visitor: Client, mail: EmailMessage, alice: UUID
) -> None:
    measured.decide(alice, ALICE, {"email_measurement": "no"})
    # The public side has not heard of it: the worker is asked all the same.
    fetch(visitor, measured.links_in(mail)[0])
    kept()
    assert _followed() == {}
    refresh_cards(now=cast.clock())
    fetch(visitor, measured.links_in(mail)[0])
    kept()
    assert _followed() == {}


def test_who_did_not_agree_has_no_link_to_count(inbox: Inbox) -> None:
    cast.subscriber(BOB)
    measured.sent()
    assert measured.links_in(inbox.to(BOB)[0]) == []
