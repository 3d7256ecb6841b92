"""A launch at a moment: once, of the people of that moment, and only if it is ready then."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from pytest_django import Settings

from campaigns import services
from campaigns.delivery import statements
from campaigns.models import Campaign, Delivery, LaunchPlan, StateChange
from campaigns.services import NotReady, TooFar, TooSoon, WrongState
from crm.models import Contact
from crm.services import create_segment
from tests.campaigns import cast
from tests.campaigns.planning.cast import MINUTE, adds_up, halted, state
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
LATER = NOW + timedelta(days=2)


def _scheduled(**how: Any) -> UUID:
    campaign = cast.draft()
    services.schedule(
        campaign_id=campaign,
        actor_id=cast.people_actor(),
        scheduled_at=LATER,
        now=NOW,
        **how,
    )
    return campaign


def _pass_time(now: datetime) -> None:
    """What beat and a worker do at a moment."""
    services.start_due(now=now)
    for campaign in Campaign.objects.filter(state="starting").values_list("id", flat=True):
        services.start(campaign_id=campaign, now=now)


def test_it_starts_at_its_moment_and_not_before() -> None:
    cast.subscribers(2)
    campaign = _scheduled()
    _pass_time(LATER - MINUTE)
    assert (state(campaign), Delivery.objects.count()) == ("scheduled", 0)
    _pass_time(LATER)
    assert (state(campaign), Delivery.objects.count()) == ("running", 2)
    adds_up(campaign)


def test_the_audience_is_that_of_the_moment() -> None:
    contact = cast.subscriber("early@example.org")
    campaign = _scheduled()
    late = cast.subscriber("late@example.org")
    Contact.objects.filter(id=contact).update(restricted_at=NOW)
    _pass_time(LATER)
    assert [each.contact_id for each in Delivery.objects.filter(campaign_id=campaign)] == [late]


def test_two_beats_and_several_workers_start_it_once() -> None:
    cast.subscribers(3)
    campaign = _scheduled()
    together = threading.Barrier(4)

    def beat_and_worker() -> None:
        together.wait(10)
        try:
            statements.start_due(now=LATER)
            services.start(campaign_id=campaign, now=LATER)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=beat_and_worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    _pass_time(LATER)
    assert Delivery.objects.count() == 3
    moves = StateChange.objects.filter(campaign_id=campaign).order_by("id")
    assert [each.to_state for each in moves] == ["draft", "scheduled", "starting", "running"]


def test_it_is_moved_and_taken_back() -> None:
    cast.subscribers(1)
    campaign = _scheduled()
    services.schedule(
        campaign_id=campaign,
        actor_id=None,
        scheduled_at=LATER + MINUTE,
        now=NOW,
    )
    _pass_time(LATER)
    assert state(campaign) == "scheduled"
    for _twice in range(2):
        services.unschedule(campaign_id=campaign, actor_id=None, now=NOW)
    _pass_time(LATER + MINUTE)
    assert state(campaign) == "draft"
    assert Campaign.objects.get(id=campaign).scheduled_at is None
    assert not Delivery.objects.exists()


def test_what_has_started_is_not_moved_any_more() -> None:
    cast.subscribers(1)
    campaign = _scheduled()
    _pass_time(LATER)
    with pytest.raises(WrongState, match="running"):
        services.unschedule(campaign_id=campaign, actor_id=None, now=LATER)
    with pytest.raises(WrongState, match="running"):
        services.schedule(
            campaign_id=campaign, actor_id=None, scheduled_at=LATER + MINUTE, now=LATER
        )


def test_a_moment_that_is_over_or_very_far_is_refused() -> None:
    campaign = cast.draft()
    for moment, refusal in ((NOW, TooSoon), (NOW + timedelta(days=400), TooFar)):
        with pytest.raises(refusal):
            services.schedule(campaign_id=campaign, actor_id=None, scheduled_at=moment, now=NOW)
    assert state(campaign) == "draft"


def test_what_is_not_ready_is_not_scheduled() -> None:
    with pytest.raises(NotReady):
        services.schedule(
            campaign_id=cast.draft(mjml="<mjml></mjml>"), actor_id=None, scheduled_at=LATER, now=NOW
        )


def test_what_is_not_ready_at_its_moment_becomes_a_draft_with_a_word(settings: Settings) -> None:
    cast.subscribers(1)
    campaign = _scheduled()
    settings.ORGANISATION_NAME = ""
    _pass_time(LATER)
    assert (state(campaign), halted(campaign)) == ("draft", "not_ready")
    assert not Delivery.objects.exists()
    change = StateChange.objects.filter(campaign_id=campaign).latest("id")
    assert (change.to_state, change.reason, change.actor_id) == ("draft", "not_ready", None)


def test_a_segment_whose_rules_changed_is_asked_for_its_new_people() -> None:
    cast.subscribers(1)
    rules = {"match": "all", "rules": [{"fact": "country", "is": "one_of", "value": ["JP"]}]}
    segment = create_segment(name="Japan", rules=rules, now=NOW)
    campaign = cast.draft(segment_id=segment)
    services.schedule(campaign_id=campaign, actor_id=None, scheduled_at=LATER, now=NOW)
    Contact.objects.update(country="JP")
    _pass_time(LATER)
    assert services.progress(campaign_id=campaign).audience == 1


# --- at the hour of each person -----------------------------------------------------------------


def test_each_person_gets_it_at_the_hour_of_their_own_clocks() -> None:
    people = dict(zip(("JP", "US", "FR", "", "XX"), cast.subscribers(5), strict=True))
    for country, contact in people.items():
        Contact.objects.filter(id=contact).update(country=country)
    campaign = _scheduled(is_by_local_hour=True)  # 25 November 2026, 10:00 in Paris
    assert datetime(2026, 11, 25, 9, tzinfo=UTC) == LATER
    plan = LaunchPlan.objects.get(campaign_id=campaign)
    assert plan.start_at is not None
    # Tonga and its neighbours are thirteen hours ahead of Greenwich, twelve of Paris.
    assert plan.start_at == LATER - timedelta(hours=12)
    _pass_time(plan.start_at - MINUTE)
    assert state(campaign) == "scheduled"
    _pass_time(plan.start_at)
    due = dict(Delivery.objects.values_list("contact_id", "due_at"))
    assert {country: due[contact] for country, contact in people.items()} == {
        "JP": datetime(2026, 11, 25, 1, tzinfo=UTC),
        "US": datetime(2026, 11, 25, 15, tzinfo=UTC),
        "FR": LATER,
        "": LATER,
        "XX": LATER,
    }
    adds_up(campaign)


def test_a_moment_that_is_over_for_the_first_country_is_refused() -> None:
    campaign = cast.draft()
    with pytest.raises(TooSoon):
        services.schedule(
            campaign_id=campaign,
            actor_id=None,
            scheduled_at=NOW + timedelta(hours=11),
            is_by_local_hour=True,
            now=NOW,
        )
