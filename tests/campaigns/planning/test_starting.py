"""A launch that a page begins and a worker finishes: once, or not at all."""

import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connections, transaction
from pytest import MonkeyPatch

from campaigns import launching, services
from campaigns.models import AudienceExclusion, Campaign, CompiledContent, Delivery
from campaigns.planning import starting
from campaigns.services import ChangedMeanwhile, NotReady, WrongState
from tests.campaigns import cast
from tests.campaigns.planning.cast import MINUTE, adds_up, begun, halted, started, state
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def test_the_request_plans_nothing_and_the_worker_everything() -> None:
    cast.subscribers(2)
    campaign = begun(cast.draft())
    assert (state(campaign), Delivery.objects.count()) == ("starting", 0)
    services.start(campaign_id=campaign, now=NOW)
    assert (state(campaign), Delivery.objects.count()) == ("running", 2)
    adds_up(campaign)


def test_a_double_click_is_one_launch() -> None:
    cast.subscribers(2)
    campaign = begun(cast.draft())
    with pytest.raises(WrongState, match="starting"):
        begun(campaign)
    for _twice in range(2):
        services.start(campaign_id=campaign, now=NOW)
    assert Delivery.objects.count() == 2
    moves = [each.to_state for each in Campaign.objects.get(id=campaign).changes.order_by("id")]
    assert moves == ["draft", "starting", "running"]


def test_words_that_nobody_read_are_not_launched() -> None:
    cast.subscribers(1)
    campaign = cast.draft()
    with pytest.raises(ChangedMeanwhile):
        services.begin_launch(campaign_id=campaign, actor_id=None, seen_at=NOW - MINUTE, now=NOW)
    assert state(campaign) == "draft"


def test_what_is_not_ready_does_not_begin() -> None:
    with pytest.raises(NotReady):
        begun(cast.draft(mjml="<mjml></mjml>"))


def test_what_is_no_longer_ready_goes_back_with_a_word() -> None:
    cast.subscribers(1)
    campaign = begun(cast.draft())
    Campaign.objects.filter(id=campaign).update(purpose_id="email_measurement")
    services.start(campaign_id=campaign, now=NOW)
    assert (state(campaign), halted(campaign)) == ("draft", "not_ready")
    assert not Delivery.objects.exists()
    assert not CompiledContent.objects.exists()


class Crash(Exception):
    """What ends a worker in the middle."""


def test_a_crash_before_the_commit_leaves_a_campaign_that_starts_again(
    monkeypatch: MonkeyPatch,
) -> None:
    cast.subscribers(3)
    campaign = begun(cast.draft())

    def crash(*_given: object, **_named: object) -> None:
        assert Delivery.objects.count() == 3, "the audience was planned already"
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(launching, "_run", crash)
        with pytest.raises(Crash):
            services.start(campaign_id=campaign, now=NOW)
    assert (state(campaign), Delivery.objects.count()) == ("starting", 0)
    assert not AudienceExclusion.objects.exists()
    services.start(campaign_id=campaign, now=NOW)
    assert (state(campaign), Delivery.objects.count()) == ("running", 3)
    adds_up(campaign)


def test_it_is_cancelled_before_a_worker_comes() -> None:
    cast.subscribers(1)
    campaign = begun(cast.draft())
    services.cancel(campaign_id=campaign, actor_id=None, reason="wrong_words", now=NOW)
    services.start(campaign_id=campaign, now=NOW)
    assert (state(campaign), Delivery.objects.count()) == ("cancelled", 0)
    assert Campaign.objects.get(id=campaign).changes.latest("id").reason == "wrong_words"


def _in_a_thread(act: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            act()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _while_frozen(monkeypatch: MonkeyPatch, campaign: UUID, act: Callable[[], None]) -> None:
    """Start it in a worker; `act` runs when the rows are written and not committed."""
    is_written, may_go_on = threading.Event(), threading.Event()
    freeze = launching._freeze

    def slow(*given: object) -> int:
        planned = freeze(*given)  # type: ignore[arg-type]
        is_written.set()
        assert may_go_on.wait(20)
        return planned

    monkeypatch.setattr(launching, "_freeze", slow)
    worker = _in_a_thread(lambda: services.start(campaign_id=campaign, now=NOW))
    try:
        assert is_written.wait(20)
        act()
    finally:
        may_go_on.set()
        worker.join(20)
    assert not worker.is_alive()


def test_a_cancel_does_not_wait_for_the_freezing_and_undoes_it(monkeypatch: MonkeyPatch) -> None:
    cast.subscribers(3)
    campaign = begun(cast.draft())

    def cancel() -> None:
        with transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            services.cancel(campaign_id=campaign, actor_id=None, now=NOW)

    _while_frozen(monkeypatch, campaign, cancel)
    assert state(campaign) == "cancelled"
    assert not Delivery.objects.exists()
    assert not AudienceExclusion.objects.exists()


def test_a_second_worker_leaves_a_campaign_alone_that_is_being_frozen(
    monkeypatch: MonkeyPatch,
) -> None:
    cast.subscribers(2)
    campaign = begun(cast.draft())
    seen: list[str] = []

    def second() -> None:
        services.start(campaign_id=campaign, now=NOW)
        seen.append(state(campaign))

    _while_frozen(monkeypatch, campaign, second)
    assert seen == ["starting"]
    assert (state(campaign), Delivery.objects.count()) == ("running", 2)


def test_a_beat_rings_again_for_whatever_was_not_started(monkeypatch: MonkeyPatch) -> None:
    cast.subscribers(1)
    campaign = begun(cast.draft())
    rung: list[UUID] = []
    monkeypatch.setattr(starting, "ring_start", rung.append)
    services.start_due(now=NOW)
    assert rung == [campaign]
    services.start(campaign_id=campaign, now=NOW)
    services.start_due(now=NOW)
    assert rung == [campaign]


def test_nobody_to_write_to_is_a_finished_campaign() -> None:
    cast.subscriber("silent@example.org", says_yes=False)
    campaign = started(cast.draft())
    assert state(campaign) == "finished"
    assert services.progress(campaign_id=campaign).exclusions == {"no_permission": 1}
