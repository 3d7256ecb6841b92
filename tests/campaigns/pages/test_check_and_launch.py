"""From a draft to a launch: what is missing, who would get it, a test, the button."""

from uuid import UUID, uuid4

import pytest
from django.urls import reverse
from pytest_django import Settings

from campaigns import services
from campaigns.models import Campaign, Delivery
from crm.services import create_segment
from deploy.embedded.postgres import free_port
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser
from tests.conftest import NOW
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def _tick(campaign: UUID) -> dict[str, str]:
    seen = Campaign.objects.get(id=campaign).updated_at.isoformat()
    return {"seen": seen, "is_checked": "on"}


def test_the_page_says_who_would_get_it_and_why_others_would_not() -> None:
    cast.subscribers(2)
    cast.subscriber("silent@example.org", says_yes=False)
    cast.subscriber("unconfirmed@example.org", is_confirmed=False)
    text = desk.plain(desk.read(browser(), "campaign", cast.draft()))
    assert "In the segment 4" in text
    assert "The person has given no answer to this. − 1" in text
    assert "The person has not confirmed by e-mail yet. − 1" in text
    assert "Would get it now 2" in text
    assert "Send to 2 people" in text


def test_the_button_plans_one_message_for_each_of_them_and_says_how_many() -> None:
    contacts = cast.subscribers(3)
    campaign = cast.draft()
    client = browser()
    done = client.post(reverse("campaign-launch", args=[campaign]), _tick(campaign), follow=True)
    services.start(campaign_id=campaign, now=NOW)
    assert set(Delivery.objects.values_list("contact_id", flat=True)) == set(contacts)
    launched = Campaign.objects.get(id=campaign)
    assert (launched.state, launched.audience_size) == ("running", 3)
    text = done.content.decode()
    assert "The audience is being frozen; sending begins within seconds." in text
    actor = launched.changes.get(to_state="starting").actor_id
    assert str(actor) == client.session["_auth_user_id"]


def test_without_the_tick_nothing_is_launched() -> None:
    cast.subscribers(1)
    campaign = cast.draft()
    answer = browser().post(
        reverse("campaign-launch", args=[campaign]), {"seen": _tick(campaign)["seen"]}
    )
    assert answer.status_code == 422
    assert "Confirm that you have read the mail." in answer.content.decode()
    assert not Delivery.objects.exists()


def test_words_that_changed_after_they_were_read_are_not_launched() -> None:
    cast.subscribers(1)
    campaign = cast.draft()
    ticked = _tick(campaign)
    client = browser()
    client.post(reverse("campaign-edit", args=[campaign]), desk.words(subject="Other words"))
    done = client.post(reverse("campaign-launch", args=[campaign]), ticked, follow=True)
    assert "Somebody changed the campaign after you read it." in done.content.decode()
    assert Campaign.objects.get(id=campaign).state == "draft"
    assert not Delivery.objects.exists()


def test_a_second_press_of_the_button_plans_nothing_more() -> None:
    cast.subscribers(2)
    campaign = cast.draft()
    client, url = browser(), reverse("campaign-launch", args=[campaign])
    ticked = _tick(campaign)
    client.post(url, ticked)
    client.post(url, ticked)
    services.start(campaign_id=campaign, now=NOW)
    client.post(url, ticked)
    services.start(campaign_id=campaign, now=NOW)
    assert Delivery.objects.count() == 2


def test_broken_code_is_shown_with_line_and_column_and_no_button() -> None:
    cast.subscribers(1)
    campaign = cast.draft(mjml=desk.BROKEN)
    client = browser()
    html = desk.read(client, "campaign", campaign)
    assert "Line 3, column 2" in html
    assert f'{reverse("campaign-edit", args=[campaign])}#L3C2"' in html
    assert reverse("campaign-launch", args=[campaign]) not in html
    done = client.post(reverse("campaign-launch", args=[campaign]), _tick(campaign), follow=True)
    assert "The campaign cannot be launched yet" in done.content.decode()
    assert not Delivery.objects.exists()


def test_a_segment_with_nobody_to_write_to_has_no_button_and_says_why() -> None:
    cast.subscriber("silent@example.org", says_yes=False)
    campaign = cast.draft()
    html = desk.read(browser(), "campaign", campaign)
    assert "Nobody would get this mail now." in html
    assert reverse("campaign-launch", args=[campaign]) not in html


def test_the_waterfall_follows_the_segment_and_the_purpose() -> None:
    cast.subscribers(2)
    client = browser()
    nobody = create_segment(
        name="Germans",
        rules={"match": "all", "rules": [{"fact": "language", "is": "one_of", "value": ["de"]}]},
        now=NOW,
    )
    url = reverse("campaign-audience")
    everybody = client.get(url, {"purpose": "newsletter", "segment": ""}).content.decode()
    assert "Would get it now 2" in desk.plain(everybody)
    of_segment = client.get(url, {"purpose": "newsletter", "segment": str(nobody)})
    assert "In the segment 0" in desk.plain(of_segment.content.decode())
    other = client.get(url, {"purpose": "targeted_promotion", "segment": ""}).content.decode()
    assert "Would get it now 0" in desk.plain(other)
    gone = client.get(url, {"purpose": "newsletter", "segment": str(uuid4())}).content.decode()
    assert "This segment cannot be counted" in gone
    assert client.get(url, {"purpose": "reply_to_request"}).status_code == 404


@pytest.fixture
def relay(settings: Settings) -> Inbox:
    inbox = Inbox()
    settings.RELAY_URL = f"smtp://127.0.0.1:{inbox.port}?timeout=5&final_timeout=5"
    return inbox


def test_a_test_mail_reaches_the_mailbox_and_no_ledger(relay: Inbox) -> None:
    campaign = cast.draft()
    relay.start()
    try:
        done = browser().post(
            reverse("campaign-test", args=[campaign]), {"to": "me@example.org"}, follow=True
        )
    finally:
        relay.stop()
    [mail] = relay.to("me@example.org")
    assert mail["Subject"] == "Hello Camille"
    text = done.content.decode()
    assert "The relay has taken the test mail." in text
    assert "me@example.org" not in text
    assert not Delivery.objects.exists()


def test_the_words_of_a_relay_that_refuses_are_shown_and_the_address_is_kept(relay: Inbox) -> None:
    campaign = cast.draft()
    relay.answer = lambda _recipient: "554 5.7.1 Looks like spam to us"
    relay.start()
    try:
        answer = browser().post(reverse("campaign-test", args=[campaign]), {"to": "me@example.org"})
    finally:
        relay.stop()
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "The relay did not take the test mail." in text
    assert "It answered: 554 5.7.1 Looks like spam to us" in text
    assert 'value="me@example.org"' in text


def test_a_dead_relay_is_said_in_words(settings: Settings) -> None:
    settings.RELAY_URL = f"smtp://127.0.0.1:{free_port()}?timeout=2"
    answer = browser().post(reverse("campaign-test", args=[cast.draft()]), {"to": "me@example.org"})
    assert answer.status_code == 422
    assert "No connection to it: it may be down" in answer.content.decode()


def test_a_relay_address_that_cannot_be_used_is_said_in_words(settings: Settings) -> None:
    settings.RELAY_URL = "http://127.0.0.1:1"
    answer = browser().post(reverse("campaign-test", args=[cast.draft()]), {"to": "me@example.org"})
    assert answer.status_code == 422
    assert "Its address in the settings cannot be used" in answer.content.decode()


def test_a_mail_that_is_not_ready_is_not_tested() -> None:
    campaign = cast.draft(mjml=desk.BROKEN)
    answer = browser().post(reverse("campaign-test", args=[campaign]), {"to": "me@example.org"})
    assert answer.status_code == 422
    assert "Line 3, column 2" in answer.content.decode()


@pytest.mark.parametrize("typed", ["", "nobody", "a@b@c", "x@exa mple.org"])
def test_what_is_no_address_is_not_sent_to(typed: str) -> None:
    answer = browser().post(reverse("campaign-test", args=[cast.draft()]), {"to": typed})
    assert answer.status_code == 422
    assert 'id="id_to_error"' in answer.content.decode()


def test_an_invisible_character_in_the_subject_is_said_before_the_launch() -> None:
    cast.subscribers(1)
    campaign = cast.draft(subject="Hello \u202e{{ first_name }}")
    reasons = services.obstacles(campaign_id=campaign, now=NOW)
    assert len(reasons) == 1
    html = desk.read(browser(), "campaign", campaign)
    assert "holds an invisible character" in html
