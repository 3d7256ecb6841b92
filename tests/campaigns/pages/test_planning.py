"""The pages of a campaign's moment, its second person, its A/B test and its later rounds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from campaigns import services
from campaigns.models import Campaign, Comparison, Delivery, DeliveryState, LaunchPlan
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser
from tests.campaigns.planning.cast import compared, sample_is_sent, started, state
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def _seen(campaign: UUID) -> dict[str, str]:
    return {"seen": Campaign.objects.get(id=campaign).updated_at.isoformat()}


def _post(client: Client, name: str, campaign: UUID, **given: str) -> str:
    url = reverse(name, args=[campaign])
    if name == "campaign-agree":
        given["asked"] = _asked(campaign)
    return desk.plain(client.post(url, given, follow=True).content.decode())


def _asked(campaign: UUID) -> str:
    """The question that the page of the second person holds."""
    return str(LaunchPlan.objects.get(campaign_id=campaign).approval_id)


def _on(day: datetime, hour: str = "10:00") -> dict[str, str]:
    return {"day": day.strftime("%Y-%m-%d"), "hour": hour}


def test_a_moment_is_typed_in_paris_and_can_be_moved_and_taken_back() -> None:
    cast.subscribers(1)
    campaign, client = cast.draft(), browser()
    day = timezone.now() + timedelta(days=30)
    said = _post(client, "campaign-schedule", campaign, **_seen(campaign), **_on(day))
    assert "It is scheduled." in said
    assert "10:00 (Europe/Paris)" in said
    kept = Campaign.objects.get(id=campaign).scheduled_at
    assert kept is not None
    assert kept.astimezone(UTC).hour in (8, 9)
    moved = _post(client, "campaign-schedule", campaign, **_seen(campaign), **_on(day, "11:30"))
    assert "11:30 (Europe/Paris)" in moved
    assert "It is a draft again" in _post(client, "campaign-unschedule", campaign)
    assert state(campaign) == "draft"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"day": "2020-01-01", "hour": "10:00"}, "That moment is over."),
        ({"day": "2999-01-01", "hour": "10:00"}, "more than a year ahead"),
        ({"day": "2027-03-28", "hour": "02:30"}, "That hour does not exist on this day"),
        ({"day": "", "hour": "10:00"}, "This field is required."),
    ],
)
def test_a_moment_that_cannot_be_is_refused_in_words(given: dict[str, str], said: str) -> None:
    cast.subscribers(1)
    campaign = cast.draft()
    assert said in _post(browser(), "campaign-schedule", campaign, **_seen(campaign), **given)
    assert state(campaign) == "draft"


def test_local_hours_need_a_day_that_has_begun_nowhere() -> None:
    cast.subscribers(1)
    campaign = cast.draft()
    soon = timezone.localtime() + timedelta(hours=2)
    given = {**_on(soon, soon.strftime("%H:%M")), "is_by_local_hour": "on"}
    said = _post(browser(), "campaign-schedule", campaign, **_seen(campaign), **given)
    assert "at least 13 hours ahead" in said


def test_what_did_not_start_says_why_on_its_page_and_at_home(settings: Settings) -> None:
    cast.subscribers(3)
    client = browser()
    campaign = cast.draft()
    settings.CAMPAIGN_APPROVAL_SIZE = 2
    services.begin_launch(
        campaign_id=campaign, actor_id=UUID(client.session["_auth_user_id"]), now=NOW
    )
    services.start(campaign_id=campaign, now=NOW)
    text = desk.plain(desk.read(client, "campaign", campaign))
    assert "A second person had not agreed" in text
    home = desk.plain(desk.read(client, "home"))
    assert "A second person had not agreed" in home


def test_one_asks_and_another_agrees_and_the_button_appears(settings: Settings) -> None:
    cast.subscribers(3)
    settings.CAMPAIGN_APPROVAL_SIZE = 2
    campaign, author, colleague = cast.draft(), browser(), browser("communication")
    assert "Send to 3 people" not in desk.plain(desk.read(author, "campaign", campaign))
    assert "Asked." in _post(author, "campaign-ask", campaign, **_seen(campaign))
    assert "another person decides it" in _post(author, "campaign-agree", campaign, do="agree")
    text = desk.plain(desk.read(colleague, "campaign", campaign))
    assert "Decide" in text
    assert "People at most 3" in desk.plain(desk.read(colleague, "campaign-agree", campaign))
    assert "You agreed." in _post(colleague, "campaign-agree", campaign, do="agree")
    assert "Send to 3 people" in desk.plain(desk.read(author, "campaign", campaign))


def test_a_refusal_without_a_reason_asks_for_one(settings: Settings) -> None:
    cast.subscribers(3)
    settings.CAMPAIGN_APPROVAL_SIZE = 2
    campaign, author, officer = cast.draft(), browser(), browser("dpo")
    _post(author, "campaign-ask", campaign, **_seen(campaign))
    assert "Say why" in _post(officer, "campaign-agree", campaign, do="refuse")
    _post(officer, "campaign-agree", campaign, do="refuse", reason="people")
    text = desk.plain(desk.read(author, "campaign", campaign))
    assert "Refused: These are not the right people" in text


def test_the_test_is_set_and_says_how_many_messages_it_needs() -> None:
    cast.subscribers(1)
    campaign, client = cast.draft(), browser()
    text = desk.plain(desk.read(client, "campaign-compare", campaign))
    assert "Openings, from 20 % to 25 % 1,094" in text
    assert "those who agree to be measured" in text
    given = {"variants": "3", "sample_percent": "25", "rule": "clicks", "wait_minutes": "60"}
    said = _post(client, "campaign-compare", campaign, **_seen(campaign), **given)
    assert "3 variants, sent to 25 % of the audience" in said
    assert "a variant B that has no words yet" in said
    bad = {**given, "sample_percent": "0"}
    again = client.post(reverse("campaign-compare", args=[campaign]), _seen(campaign) | bad)
    assert again.status_code == 422
    _post(client, "campaign-compare", campaign, do="remove")
    assert not Comparison.objects.exists()


def test_no_number_is_shown_before_its_time_and_a_person_chooses_after() -> None:
    cast.subscribers(20)
    client, campaign = browser(), started(compared(rule="person", wait_minutes=1))
    text = desk.plain(desk.read(client, "campaign", campaign))
    assert "No numbers are shown before it is over." in text
    assert "Waiting for the A/B test" in text
    assert "cannot be chosen now" in _post(client, "campaign-choose", campaign, variant="1")
    sample_is_sent(campaign)
    services.decide_due(now=NOW)
    text = desk.plain(desk.read(client, "campaign", campaign))
    assert "choose what goes to the rest" in text
    assert "Fewest opt-outs, among everybody" in text
    said = _post(client, "campaign-choose", campaign, variant="1")
    assert "A person chose B." in said
    assert not Delivery.objects.filter(state=DeliveryState.HELD).exists()


def test_the_page_waits_while_the_audience_is_frozen() -> None:
    cast.subscribers(2)
    client, campaign = browser(), cast.draft()
    services.begin_launch(campaign_id=campaign, actor_id=None, now=NOW)
    html = desk.read(client, "campaign", campaign)
    assert "Waiting for a worker." in html
    assert desk.offences(html) == []
    url = reverse("campaign-progress", args=[campaign])
    assert "Being prepared" in client.get(url, {"state": "starting"}).content.decode()
    services.start(campaign_id=campaign, now=NOW)
    assert client.get(url, {"state": "starting"}).headers["HX-Refresh"] == "true"


def test_the_missing_are_counted_and_unknown_ones_need_a_choice() -> None:
    cast.subscribers(3)
    client, campaign = browser(), started(cast.draft())
    rows = Delivery.objects.order_by("id").values_list("id", flat=True)
    states = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNKNOWN)
    for row, outcome in zip(rows, states, strict=True):
        Delivery.objects.filter(id=row).update(state=outcome)
    services.sweep(now=NOW)
    html = desk.read(client, "campaign-missing", campaign)
    assert desk.offences(html) == []
    text = desk.plain(html)
    assert "Also 1 person whose message failed" in text
    assert "would then get it twice" in text
    assert "Nobody would get it with this choice." in _post(client, "campaign-missing", campaign)
    assert "being prepared" in _post(client, "campaign-missing", campaign, with_failed="on")
    services.start(campaign_id=campaign, now=NOW)
    text = desk.plain(desk.read(client, "campaign", campaign))
    assert "Sent to the missing" in text
    assert cast.counts(campaign) == {"sent": 1, "queued": 1, "unknown": 1}


def test_cancelling_asks_why_and_the_history_says_it() -> None:
    cast.subscribers(1)
    client, campaign = browser(), cast.launched()
    assert "Say why" in _post(client, "campaign-cancel", campaign)
    assert state(campaign) == "running"
    said = _post(client, "campaign-cancel", campaign, reason="wrong_people")
    assert "The people are wrong" in said
    assert state(campaign) == "cancelled"
