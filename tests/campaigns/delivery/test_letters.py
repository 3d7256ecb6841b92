"""The letter that asks a person to confirm: required, so it is sent until it has certainly left."""

import pytest
from pytest_django import Settings

from campaigns import services
from campaigns.models import Delivery, DeliveryKind, DeliveryState
from tests.campaigns import cast
from tests.campaigns.smtp.relay import DROP, Script, relay
from tests.conftest import NOW
from tests.consent import people
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def send() -> None:
    services.send_letters(clock=cast.clock)


def test_a_request_is_answered_by_one_letter_without_anything_typed(inbox: Inbox) -> None:
    cast.subscriber("alice@example.org", is_confirmed=False, name="Evil http://spam.example")
    send()
    send()
    (letter,) = inbox.to("alice@example.org")
    body = letter.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "/c/" in text and "spam.example" not in letter.as_string()
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe"] is None


def test_the_link_of_the_letter_confirms(inbox: Inbox) -> None:
    contact = cast.subscriber("alice@example.org", is_confirmed=False)
    assert not people.permitted(contact)
    send()
    body = inbox.to("alice@example.org")[0].get_body(("plain",))
    assert body is not None
    token = body.get_content().split("/c/")[1].split()[0].rstrip(">")
    people.decide("confirm", token=token, at=cast.clock())
    assert people.permitted(contact)


def test_a_letter_in_doubt_is_sent_again_with_the_same_message_id(settings: Settings) -> None:
    cast.subscriber("alice@example.org", is_confirmed=False)
    with relay(Script.answering("dot", DROP)) as address:
        settings.RELAY_URL = f"smtp://127.0.0.1:{address.port}?timeout=2&final_timeout=2"
        send()
    row = Delivery.objects.get(kind=DeliveryKind.CONFIRMATION)
    assert (row.state, row.reason) == (DeliveryState.QUEUED, "in_doubt")
    Delivery.objects.update(due_at=NOW)
    script = Script()
    with relay(script) as address:
        settings.RELAY_URL = f"smtp://127.0.0.1:{address.port}?timeout=2&final_timeout=2"
        send()
    assert len(script.bodies) == 1
    assert Delivery.objects.get().state == DeliveryState.SENT


def test_a_request_that_was_answered_needs_no_letter_any_more(inbox: Inbox) -> None:
    from consent.models import ConfirmationRequest

    cast.subscriber("alice@example.org", is_confirmed=False)
    ConfirmationRequest.objects.update(confirmed_at=NOW)
    send()
    assert inbox.recipients() == []
    assert Delivery.objects.get().reason == "answered_or_late"


def test_a_letter_that_stays_in_doubt_is_not_sent_for_ever(settings: Settings) -> None:
    cast.subscriber("alice@example.org", is_confirmed=False)
    Delivery.objects.update(attempts=7)
    with relay(Script.answering("dot", DROP)) as address:
        settings.RELAY_URL = f"smtp://127.0.0.1:{address.port}?timeout=2&final_timeout=2"
        send()
    assert Delivery.objects.get().state == DeliveryState.UNKNOWN
