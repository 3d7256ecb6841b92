"""A relay that refuses one sender is out for that sender, and carries what others send."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns import services
from campaigns.models import Campaign, Delivery, DeliveryState, Relay, SenderRefusal
from campaigns.relays import senders
from campaigns.relays.addresses import know_relays
from tests.campaigns import cast
from tests.campaigns.relays import scene
from tests.campaigns.smtp.relay import Script

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def pause_is_over() -> None:
    SenderRefusal.objects.update(open_until=timezone.now())
    scene.make_due()


def test_others_go_on_over_a_relay_that_refuses_one_sender(settings: Settings) -> None:
    cast.subscribers(2)
    refused, other = cast.launched(), cast.launched()
    Campaign.objects.filter(id=refused).update(sender_address="news@refused.example")
    script = Script.answering("mail", "550 5.7.1 not from you")
    with scene.relays(settings, default=script):
        cast.deliver(refused)
        assert services.progress(campaign_id=refused).halted_reason == "sender_refused"
        assert Relay.objects.get(code="default").state == "closed"
        script.mail = ""
        cast.subscriber("new@example.org", is_confirmed=False)
        services.send_letters(clock=cast.clock)
        assert Delivery.objects.get(campaign=None).state == DeliveryState.SENT
        cast.deliver(other)
        assert cast.counts(other) == {"sent": 2}
        # Its own pause is not over: it is not asked again.
        scene.make_due()
        cast.deliver(refused)
        assert services.progress(campaign_id=refused).halted_reason == "sender_refused"
        pause_is_over()
        cast.deliver(refused)
    assert cast.counts(refused) == {"sent": 2}
    assert not SenderRefusal.objects.exists()
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def test_a_sender_that_is_refused_again_waits_for_longer_and_is_tried_with_one_message(
    settings: Settings,
) -> None:
    cast.subscribers(3)
    campaign = cast.launched()
    script = Script.answering("mail", "550 5.7.1 not from you")
    with scene.relays(settings, default=script):
        pauses = []
        for tries in range(1, 4):
            before = len(script.options)
            cast.deliver(campaign)
            assert len(script.options) - before == 1
            row = SenderRefusal.objects.get()
            assert (row.sender_domain, row.failures) == ("example.org", tries)
            pauses.append((row.open_until - row.failed_at).total_seconds())
            pause_is_over()
    assert 2.5 <= pauses[0] <= 5 < pauses[2] <= 20
    assert Relay.objects.get(code="default").failures == 0


def test_only_one_worker_tries_a_sender_again_and_a_try_not_made_is_anybodys(
    settings: Settings,
) -> None:
    settings.RELAY_URL = scene.NOBODY
    know_relays()
    at = timezone.now()
    which = {"relay": "default", "sender_domain": "example.org"}
    for _worker in range(3):
        senders.refuse(**which, at=at, jitter=0.0)
    later = SenderRefusal.objects.get(failures=1).open_until
    assert not senders.begin_probe(**which, at=at)
    assert senders.begin_probe(**which, at=later)
    assert not senders.begin_probe(**which, at=later)
    senders.give_up_probe(**which)
    assert senders.begin_probe(**which, at=later)
    senders.refuse(**which, at=later, jitter=0.0)
    assert SenderRefusal.objects.get().failures == 2
