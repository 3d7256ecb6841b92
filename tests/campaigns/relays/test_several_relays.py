"""Several relays: work is shared, one that fails is left out, and no message is lost or doubled."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns import services
from campaigns.delivery import engine
from campaigns.delivery.fleet import Fleet
from campaigns.models import Delivery, DeliveryState, Relay, RelaySlot
from campaigns.relays import breaker, slots
from campaigns.relays.addresses import know_relays
from tests.campaigns import cast
from tests.campaigns.relays import scene
from tests.campaigns.smtp.relay import DROP, Script

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def recipients(script: Script) -> list[str]:
    return [
        line.split(b"<")[-1].rstrip(b">\r").decode()
        for body in script.bodies
        for line in body.split(b"\n")
        if line.startswith((b"To:", b" <"))
    ][: len(script.bodies)]


def test_two_relays_share_a_campaign(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.subscribers(24)
    campaign = cast.launched()
    draws = iter([0.9, 0.1] * 1000)
    monkeypatch.setattr(engine, "Fleet", partial(Fleet, draw=lambda: next(draws)))
    first, second = Script(), Script()
    with scene.relays(settings, default=first, north=second):
        cast.deliver(campaign)
    assert cast.counts(campaign) == {"sent": 24}
    handed = Counter(Delivery.objects.values_list("relay", flat=True))
    assert handed == {"default": len(first.bodies), "north": len(second.bodies)}
    assert first.bodies
    assert second.bodies
    assert len(first.bodies) + len(second.bodies) == 24


def test_a_relay_that_cannot_be_reached_is_left_out_and_the_campaign_goes_on(
    settings: Settings,
) -> None:
    cast.subscribers(3)
    campaign = cast.launched()
    alive = Script()
    with scene.relays(settings, north=alive):
        scene.change("default", weight=1000)
        scene.change("north", weight=1)
        cast.deliver(campaign)
    account = services.progress(campaign_id=campaign)
    assert (account.halted_reason, account.counts["sent"]) == ("", 3)
    out = Relay.objects.get(code="default")
    assert (out.state, out.failure, out.failures) == ("open", "unreachable", 1)
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize(
    ("stage", "answer", "failure"),
    [
        ("mail", "421 4.7.0 closing", "busy"),
        ("mail", "451 4.3.2 closed for a while", "busy"),
        # These refuse the sender: the relay itself stays as it was.
        ("mail", "550 5.7.1 not from you", ""),
        ("dot", "550 5.7.26 unauthenticated mail", ""),
        ("rcpt", DROP, "unreachable"),
    ],
)
def test_what_a_relay_says_of_itself_sends_the_messages_over_another(
    settings: Settings, stage: str, answer: str, failure: str
) -> None:
    cast.subscribers(4)
    campaign = cast.launched()
    alive = Script()
    with scene.relays(settings, default=Script.answering(stage, answer), north=alive):
        scene.change("default", weight=1000)
        scene.change("north", weight=1)
        cast.deliver(campaign)
        scene.make_due()
        Relay.objects.filter(code="default").update(is_enabled=False)
        cast.deliver(campaign)
    assert cast.counts(campaign) == {"sent": 4}
    assert len(alive.bodies) == 4
    assert Relay.objects.get(code="default").failure == failure


def test_what_may_have_left_is_not_sent_over_another_relay(settings: Settings) -> None:
    cast.subscribers(5)
    campaign = cast.launched()
    alive = Script()
    with scene.relays(settings, default=Script.answering("dot", DROP), north=alive):
        scene.change("default", weight=1000)
        scene.change("north", weight=1)
        cast.deliver(campaign)
        scene.make_due()
        cast.deliver(campaign)
    assert cast.counts(campaign) == {"sent": 4, "unknown": 1}
    assert len(alive.bodies) == 4


def test_only_when_no_relay_is_left_the_campaign_says_so(settings: Settings) -> None:
    cast.subscribers(2)
    campaign = cast.launched()
    settings.RELAY_URL = scene.NOBODY
    settings.RELAY_URLS = {"north": "smtp://127.0.0.1:10?timeout=1"}
    cast.deliver(campaign)
    account = services.progress(campaign_id=campaign)
    assert (account.halted_reason, account.counts["queued"]) == ("relay_unreachable", 2)
    assert set(Relay.objects.values_list("state", flat=True)) == {"open"}
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}


def test_nobody_asks_a_relay_again_before_its_time_is_over(settings: Settings) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    script = Script.answering("mail", "421 4.3.2 later")
    with scene.relays(settings, default=script):
        cast.deliver(campaign)
        asked = len(script.options)
        scene.make_due()
        cast.deliver(campaign)
        assert len(script.options) == asked
        assert services.progress(campaign_id=campaign).halted_reason == "relay_unreachable"


def test_after_its_time_one_message_tries_it_and_brings_it_back(settings: Settings) -> None:
    cast.subscribers(3)
    campaign = cast.launched()
    script = Script.answering("mail", "421 4.3.2 later")
    with scene.relays(settings, default=script):
        cast.deliver(campaign)
        asked = len(script.options)
        scene.end_of_pauses()
        cast.deliver(campaign)
        assert len(script.options) == asked + 1  # one message, and no more
        assert Relay.objects.get(code="default").failures == 2
        script.mail = ""
        scene.end_of_pauses()
        cast.deliver(campaign)
    row = Relay.objects.get(code="default")
    assert (row.state, row.failures, row.failure) == ("closed", 0, "")
    assert cast.counts(campaign) == {"sent": 3}


def test_only_one_worker_tries_a_relay_that_was_out(settings: Settings) -> None:
    settings.RELAY_URL = scene.NOBODY
    know_relays()
    now = timezone.now()
    breaker.trip(relay="default", failure="busy", at=now, jitter=0.0)
    assert not breaker.begin_probe(relay="default", at=now)
    later = now + timedelta(seconds=6)
    assert breaker.begin_probe(relay="default", at=later)
    assert not breaker.begin_probe(relay="default", at=later)
    breaker.give_up_probe(relay="default", at=later)
    assert breaker.begin_probe(relay="default", at=later)
    # A worker that died with it does not keep it for good.
    assert breaker.begin_probe(relay="default", at=later + timedelta(seconds=500))


def test_each_failure_in_a_row_takes_it_out_for_longer_and_several_workers_count_once(
    settings: Settings,
) -> None:
    settings.RELAY_URL = scene.NOBODY
    know_relays()
    at, pauses = timezone.now(), []
    for _failure in range(9):
        for _worker in range(3):
            breaker.trip(relay="default", failure="busy", at=at, jitter=0.0)
        row = Relay.objects.get(code="default")
        assert row.open_until is not None
        pauses.append((row.open_until - at).total_seconds())
        at = row.open_until
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600]


def test_a_relay_with_another_address_gets_a_new_chance(settings: Settings) -> None:
    settings.RELAY_URL = scene.NOBODY
    know_relays()
    breaker.trip(relay="default", failure="unreachable", at=timezone.now(), jitter=0.0)
    know_relays()
    assert Relay.objects.get(code="default").state == "open"
    settings.RELAY_URL = "smtp://127.0.0.1:11"
    know_relays()
    assert Relay.objects.get(code="default").state == "closed"


def test_no_address_of_a_relay_is_in_the_database(settings: Settings) -> None:
    settings.RELAY_URL = "smtps://ann:s3cr3t-pass@mail.example.org:465"
    settings.RELAY_URLS = {"brevo": "anymail:brevo?api_key=xkeysib-secret&tracking=off_in_account"}
    know_relays()
    kept = "".join(
        str(list(Relay.objects.filter(code=code).values())) for code in ("default", "brevo")
    )
    kept += "".join(bytes(row.address_print or b"").hex() for row in Relay.objects.all())
    assert "s3cr3t" not in kept
    assert "xkeysib" not in kept
    assert "mail.example.org" not in kept


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"is_enabled": False}, "no_relay"),
        ({"carries_newsletters": False}, "no_relay"),
        ({"sender_domains": ["other.example"]}, "no_relay"),
        ({"sender_domains": ["example.org"]}, ""),
    ],
)
def test_a_relay_carries_what_it_may(
    settings: Settings, values: dict[str, object], reason: str
) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    with scene.relays(settings, default=Script()):
        scene.change("default", **values)
        cast.deliver(campaign)
    account = services.progress(campaign_id=campaign)
    assert account.halted_reason == reason
    assert account.counts["sent"] == (0 if reason else 1)


def test_letters_go_over_the_relay_for_letters(settings: Settings) -> None:
    cast.subscriber("new@example.org", is_confirmed=False)
    for_news, for_letters = Script(), Script()
    with scene.relays(settings, default=for_news, north=for_letters):
        scene.change("default", carries_letters=False)
        services.send_letters(clock=cast.clock)
    assert (len(for_news.bodies), len(for_letters.bodies)) == (0, 1)
    assert Delivery.objects.get(campaign=None).state == DeliveryState.SENT


def test_a_relay_has_no_more_connections_than_it_may(settings: Settings) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    with scene.relays(settings, default=Script()):
        scene.change("default", max_connections=2)
        assert slots.take_slot(relay="default", most=2, worker="one")
        assert slots.take_slot(relay="default", most=2, worker="two")
        assert slots.take_slot(relay="default", most=2, worker="two")  # its own: held on to
        assert not slots.take_slot(relay="default", most=2, worker="three")
        RelaySlot.objects.filter(worker="one").update(lease_until=timezone.now())
        assert slots.take_slot(relay="default", most=2, worker="three")
        slots.leave_slot(relay="default", worker="three")
        cast.deliver(campaign)
        assert list(RelaySlot.objects.values_list("worker", flat=True)) == ["two"]
    assert cast.counts(campaign) == {"sent": 1}


def test_a_relay_given_by_hand_is_used_alone_and_leaves_no_trace(settings: Settings) -> None:
    cast.subscribers(2)
    campaign = cast.launched()
    script = Script()
    with scene.relays(settings, default=script):
        given = settings.RELAY_URL
        settings.RELAY_URL = scene.NOBODY
        services.deliver(campaign_id=campaign, clock=cast.clock, relay_url=scene.NOBODY)
        assert services.progress(campaign_id=campaign).halted_reason == "relay_unreachable"
        services.deliver(campaign_id=campaign, clock=cast.clock, relay_url=given)
    assert cast.counts(campaign) == {"sent": 2}
    assert Relay.objects.get().failures == 0
