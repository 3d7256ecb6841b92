"""Newsletters leave something of every limit to the letters, and nobody waits without end."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns import services
from campaigns.delivery import fleet, statements
from campaigns.delivery.fleet import AtLimit
from campaigns.models import Delivery, DeliveryState
from campaigns.relays.choice import ways
from tests.campaigns import cast
from tests.campaigns.relays import scene
from tests.campaigns.smtp.relay import Script

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.mark.parametrize(
    "limit", [{"per_hour": 5}, {"per_day": 5}, {"per_minute": 5}], ids=lambda each: next(iter(each))
)
def test_a_campaign_leaves_room_for_a_letter(settings: Settings, limit: dict[str, int]) -> None:
    cast.subscribers(6)
    campaign = cast.launched()
    script = Script()
    with scene.relays(settings, default=script):
        scene.change("default", **limit)
        cast.deliver(campaign)
        assert cast.counts(campaign) == {"sent": 4, "queued": 2}
        cast.subscriber("new@example.org", is_confirmed=False)
        services.send_letters(clock=cast.clock)
        assert Delivery.objects.get(campaign=None).state == DeliveryState.SENT
    assert len(script.bodies) == 5  # and no more than the limit


def test_a_warm_up_that_has_not_begun_ends_the_turn_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    looks = []

    def counted(**words: object) -> object:
        looks.append(words)
        return ways(**words)  # type: ignore[arg-type]

    monkeypatch.setattr(fleet, "ways", counted)
    with scene.relays(settings, default=Script()):
        scene.change(
            "default",
            warm_up_from=timezone.localdate() + timedelta(days=2),
            warm_up_first_day=2,
            warm_up_growth_percent=200,
            warm_up_days=10,
        )
        started = time.monotonic()
        cast.deliver(campaign)
        services.send_letters(clock=cast.clock)
    assert services.progress(campaign_id=campaign).halted_reason == "relays_at_limit"
    assert len(looks) <= 2
    assert time.monotonic() - started < 5


def test_each_queue_is_asked_about_its_own_kind() -> None:
    cast.subscriber("new@example.org", is_confirmed=False)
    assert statements.is_due(campaign_id=None, kind="gate_letters")
    assert not statements.is_due(campaign_id=None, kind="gate_single")


def test_nobody_asks_again_at_once() -> None:
    assert AtLimit(0.0).wait_seconds == 0.05
