"""Limits per relay and mail service, and a service that says "later": all are delivered, later."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from campaigns import services
from campaigns.models import Delivery, MailServiceLimit, Relay, RelayAllowance
from campaigns.relays import allowances
from campaigns.relays.addresses import know_relays
from campaigns.relays.mail_services import MAIL_SERVICES, service_of
from tests.campaigns import cast
from tests.campaigns.relays import scene
from tests.campaigns.smtp.relay import Script

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.mark.parametrize("unit", ["per_minute", "per_hour", "per_day"])
def test_a_relay_gets_no_more_than_its_limit_and_the_rest_waits_untouched(
    settings: Settings, unit: str
) -> None:
    cast.subscribers(8)
    campaign = cast.launched()
    script = Script()
    with scene.relays(settings, default=script):
        scene.change("default", carries_letters=False, **{unit: 5})
        cast.deliver(campaign)
        cast.deliver(campaign)
    account = services.progress(campaign_id=campaign)
    assert len(script.bodies) == 5
    assert (account.halted_reason, account.counts["queued"]) == ("relays_at_limit", 3)
    assert Counter(Delivery.objects.values_list("attempts", flat=True)) == {1: 5, 0: 3}


def test_a_limit_per_second_only_makes_it_slower(settings: Settings) -> None:
    cast.subscribers(9)
    campaign = cast.launched()
    script = Script()
    with scene.relays(settings, default=script):
        scene.change("default", carries_letters=False, per_second=4)
        started = timezone.now()
        cast.deliver(campaign)
        lasted = timezone.now() - started
    assert cast.counts(campaign) == {"sent": 9}
    assert lasted > timedelta(seconds=2)


def test_what_one_relay_may_not_take_any_more_goes_over_the_other(settings: Settings) -> None:
    cast.subscribers(7)
    campaign = cast.launched()
    small, large = Script(), Script()
    with scene.relays(settings, default=small, north=large):
        scene.change("default", carries_letters=False, per_hour=2, weight=1000)
        scene.change("north", weight=1)
        cast.deliver(campaign)
    assert cast.counts(campaign) == {"sent": 7}
    assert len(small.bodies) <= 2


def test_a_warm_up_lets_through_what_its_day_allows(settings: Settings) -> None:
    cast.subscribers(6)
    campaign = cast.launched()
    script = Script()
    today = timezone.localdate()
    with scene.relays(settings, default=script):
        scene.change(
            "default",
            carries_letters=False,
            warm_up_from=today - timedelta(days=1),
            warm_up_first_day=2,
            warm_up_growth_percent=200,
            warm_up_days=10,
        )
        cast.deliver(campaign)
        assert len(script.bodies) == 4
        assert services.progress(campaign_id=campaign).halted_reason == "relays_at_limit"
        # The plan is over: nothing is counted any more.
        scene.change("default", carries_letters=False, warm_up_from=today - timedelta(days=11))
        cast.deliver(campaign)
    assert cast.counts(campaign) == {"sent": 6}


def test_those_over_their_services_limit_come_later_in_turn_and_the_others_leave(
    settings: Settings,
) -> None:
    scene.subscribers(
        *(f"p{n}@gmail.com" for n in range(5)), *(f"p{n}@a{n}.example" for n in range(3))
    )
    MailServiceLimit.objects.create(service="gmail", per_minute=2)
    campaign = cast.launched()
    script = Script()
    with scene.relays(settings, default=script):
        scene.change("default", carries_letters=False)
        cast.deliver(campaign)
    assert cast.counts(campaign) == {"sent": 5, "queued": 3}
    waiting = Delivery.objects.filter(state=1).order_by("due_at")
    assert [row.attempts for row in waiting] == [0, 0, 0]
    gaps = [(row.due_at - timezone.now()).total_seconds() for row in waiting]
    assert 50 < gaps[0] < 70
    assert [round(gap - gaps[0], -1) for gap in gaps] == [0, 30, 60]  # two a minute
    assert services.progress(campaign_id=campaign).halted_reason == ""


def test_a_storm_of_later_loses_nobody(settings: Settings) -> None:
    scene.subscribers(
        *(f"p{n}@a{n}.example" for n in range(6)), *(f"p{n}@orange.fr" for n in range(6))
    )
    campaign = cast.launched()
    script = Script()
    answers = ("454 4.7.0 too many messages", "450 4.7.1 slower please", "421 4.7.0 try later")
    with scene.relays(settings, default=script):
        for number in range(12):  # longer than a message that is merely deferred is tried
            script.rcpt = answers[number % 3]
            cast.deliver(campaign)
            assert not script.bodies
            scene.end_of_pauses()
        script.rcpt = ""
        for _turn in range(40):
            cast.deliver(campaign)
            if cast.counts(campaign) == {"sent": 12}:
                break
            scene.end_of_pauses()
    assert cast.counts(campaign) == {"sent": 12}
    assert len(script.bodies) == 12
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def test_a_service_that_says_later_is_left_alone_and_the_others_are_not(settings: Settings) -> None:
    scene.subscribers(*(f"p{n}@orange.fr" for n in range(3)))
    first = cast.launched()
    script = Script.answering("rcpt", "450 4.7.1 slower please")
    with scene.relays(settings, default=script):
        cast.deliver(first)
        paused = RelayAllowance.objects.get(service="orange")
        assert paused.paused_until is not None
        assert paused.slowed_to is not None
        script.rcpt = ""
        scene.subscribers("p@gmail.com")
        second = cast.launched()
        cast.deliver(second)
        assert cast.counts(second)["sent"] == 1
        assert Delivery.objects.filter(
            campaign_id=second, state=1, attempts=0, due_at__gt=F("planned_at")
        ).count() == 3  # fmt: skip


def test_one_full_mailbox_slows_nobody_down(settings: Settings) -> None:
    scene.subscribers("p@orange.fr")
    campaign = cast.launched()
    with scene.relays(settings, default=Script.answering("rcpt", "452 4.2.2 mailbox full")):
        cast.deliver(campaign)
    row = Delivery.objects.get()
    assert (row.state, row.reason, row.attempts) == (1, "deferred", 1)
    assert not RelayAllowance.objects.exclude(paused_until=None).exists()


def test_many_workers_together_never_exceed_a_limit(settings: Settings) -> None:
    settings.RELAY_URL = scene.NOBODY
    know_relays()
    granted: list[int] = []

    def work() -> None:
        try:
            for _batch in range(12):
                taken = allowances.take(
                    relay="default",
                    services=["gmail", "", "gmail", ""],
                    relay_limits={"hour": 60},
                    limits={"gmail": {"hour": 25}},
                )
                granted.append(sum(taken.passes))
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(granted) == 60
    used = {row.service: sum(row.used["hour"].values()) for row in RelayAllowance.objects.all()}
    assert used == {"": 60, "gmail": 25}


def test_what_the_gate_stops_gives_its_allowance_back(settings: Settings) -> None:
    contacts = cast.subscribers(6)
    campaign = cast.launched()
    cast.opt_out(contacts[:3], [f"person{n}@example.org" for n in range(3)])
    script = Script()
    with scene.relays(settings, default=script):
        scene.change("default", carries_letters=False, per_day=4)
        cast.deliver(campaign)
    assert len(script.bodies) == 3
    assert sum(RelayAllowance.objects.get(service="").used["day"].values()) == 3


def test_counters_know_services_of_the_list_and_nobody_elses_domain(settings: Settings) -> None:
    scene.subscribers("me@durand-family.example", "me@GMAIL.com")
    campaign = cast.launched()
    with scene.relays(settings, default=Script()):
        scene.change("default", carries_letters=False, per_day=100)
        cast.deliver(campaign)
    assert set(RelayAllowance.objects.values_list("service", flat=True)) == {"", "gmail"}
    kept = str(list(RelayAllowance.objects.values())) + str(list(Relay.objects.values()))
    assert "durand" not in kept
    assert service_of("me@sub.gmail.com") == ""
    assert all(code.isalpha() for code in MAIL_SERVICES)
