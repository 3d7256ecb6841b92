"""A campaign after its launch: numbers that add up, brakes that work, reasons in words."""

import re
from uuid import UUID

import pytest
from django.urls import reverse

from campaigns import services
from campaigns.models import Campaign, Delivery, DeliveryState
from campaigns.pages.figures import FULL, parts
from campaigns.pages.labels import advice, reason
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def _become(campaign: UUID, *outcomes: tuple[DeliveryState, str]) -> None:
    """What the worker writes: one outcome for each message."""
    rows = Delivery.objects.filter(campaign_id=campaign).order_by("id")
    for row, (state, why) in zip(rows, outcomes, strict=True):
        Delivery.objects.filter(id=row.id).update(state=state, reason=why)


@pytest.fixture
def mixed() -> UUID:
    cast.subscribers(7)
    cast.subscriber("silent@example.org", says_yes=False)
    campaign = cast.launched()
    _become(
        campaign,
        (DeliveryState.SENT, ""),
        (DeliveryState.SENT, ""),
        (DeliveryState.BOUNCED, "rejected"),
        (DeliveryState.SKIPPED, "withdrawn"),
        (DeliveryState.FAILED, "deferred_too_long"),
        (DeliveryState.UNKNOWN, "hand_over_unproven"),
        (DeliveryState.QUEUED, ""),
    )
    return campaign


def test_the_account_says_what_became_of_everybody(mixed: UUID) -> None:
    text = desk.plain(desk.read(browser(), "campaign", mixed))
    for line in (
        "7 people in the audience 85 %",
        "Sent: the relay has them 2",
        "Bounced 1 The receiving server refused it for good. 1",
        "Left out at the last moment 1 The person withdrew their consent. 1",
        "Failed 1 The receiving server said “later” until it was too late. 1",
        "Unknown 1",
        "Still to come 1",
        "Audience: all of these together 7",
        "In the segment 8 The person has given no answer to this. − 1 Audience 7",
    ):
        assert line in text, line


def test_the_lines_and_the_bar_add_up_to_the_audience(mixed: UUID) -> None:
    account = services.progress(campaign_id=mixed)
    shown = parts(account)
    assert sum(part.count for part in shown) == account.audience == 7
    assert sum(part.width for part in shown) == FULL
    assert [part.left for part in shown] == [
        sum(each.width for each in shown[:at]) for at in range(len(shown))
    ]
    for part in shown:
        assert sum(line.count for line in part.reasons) in {0, part.count}


def test_while_it_runs_the_page_asks_again_and_then_stops(mixed: UUID) -> None:
    client = browser()
    url = reverse("campaign-progress", args=[mixed])
    html = desk.read(client, "campaign", mixed)
    assert f'hx-get="{url}?state=running" hx-trigger="every 2s"' in html
    assert 'role="progressbar"' in html
    assert 'aria-valuenow="85"' in html
    fragment = client.get(url, {"state": "running"}).content.decode()
    assert "<html" not in fragment
    assert "every 2s" in fragment
    Delivery.objects.filter(state=DeliveryState.QUEUED).update(state=DeliveryState.SENT)
    services.sweep(now=NOW)
    ended = client.get(url, {"state": "running"})
    assert (ended.headers["HX-Refresh"], ended.content) == ("true", b"")
    last = desk.read(client, "campaign", mixed)
    assert "hx-trigger" not in last
    assert 'aria-valuenow="100"' in last


def test_a_paused_campaign_is_watched_until_what_was_leaving_has_left(mixed: UUID) -> None:
    services.pause(campaign_id=mixed, actor_id=None, now=NOW)
    client = browser()
    assert "every 2s" not in desk.read(client, "campaign", mixed)
    Delivery.objects.filter(state=DeliveryState.QUEUED).update(state=DeliveryState.HANDING)
    assert "every 2s" in desk.read(client, "campaign", mixed)


def test_pause_resume_and_cancel_do_what_they_say_and_stand_in_the_history() -> None:
    cast.subscribers(2)
    client, campaign = browser(), cast.launched()

    def press(name: str) -> str:
        url = reverse(f"campaign-{name}", args=[campaign])
        answer = client.post(url, {"reason": "wrong_words"}, follow=True)
        return desk.plain(answer.content.decode())

    def state() -> str:
        return Campaign.objects.get(id=campaign).state

    assert "Paused." in press("pause")
    assert state() == "paused"
    assert "Sending goes on." in press("resume")
    assert state() == "running"
    text = press("cancel")
    assert "The campaign is cancelled." in text
    assert state() == "cancelled"
    assert "The campaign was cancelled before this message's turn. 2" in text.replace("&#x27;", "'")
    assert re.search(r"Cancelled by marketing .* Sending by marketing .* Paused by marketing", text)
    assert "The campaign is in another state meanwhile" in press("resume")
    assert state() == "cancelled"


def test_cancelling_asks_first_and_says_what_cannot_be_called_back(mixed: UUID) -> None:
    client = browser()
    url = reverse("campaign-cancel", args=[mixed])
    text = desk.plain(client.get(url).content.decode())
    assert "1 message that has not left will not be sent." in text
    assert "2 messages have left and cannot be called back." in text
    assert Campaign.objects.get(id=mixed).state == "running"


def test_a_finished_campaign_has_no_brakes(mixed: UUID) -> None:
    Delivery.objects.filter(state=DeliveryState.QUEUED).update(state=DeliveryState.SENT)
    services.sweep(now=NOW)
    client = browser()
    html = desk.read(client, "campaign", mixed)
    for name in ("pause", "resume", "cancel", "launch"):
        assert reverse(f"campaign-{name}", args=[mixed]) not in html
    assert "by the program" in html
    answer = client.get(reverse("campaign-cancel", args=[mixed]))
    assert answer.headers["Location"] == reverse("campaign", args=[mixed])


@pytest.mark.parametrize(
    ("halted", "words"),
    [
        ("relay_unreachable", "The mail relay does not answer"),
        ("journal_behind", "The privacy journal knows of events"),
        ("journal_unreachable", "The privacy journal cannot be read."),
        ("decisions_waiting", "Opt-outs are waiting"),
    ],
)
def test_what_stopped_it_is_said_with_what_to_do(mixed: UUID, halted: str, words: str) -> None:
    Campaign.objects.filter(id=mixed).update(halted_reason=halted)
    html = desk.read(browser(), "campaign", mixed)
    assert words in html
    assert "your administrators" in html or "your mail server" in html
    known = advice(halted)
    assert known is not None
    assert known.then


# Every reason that the engine and its statements write, kept here so that none is left wordless.
@pytest.mark.parametrize(
    "code",
    [
        "no_address", "restricted", "unreachable", "no_permission", "not_confirmed", "refused",
        "withdrawn", "expired", "objected", "suppressed", "erased", "unreadable", "cancelled",
        "paused", "rejected", "deferred_too_long", "connection_lost_too_often",
        "hand_over_unproven", "bad_address", "unsafe_header", "missing_value", "unsafe_body",
    ],
)  # fmt: skip
def test_every_reason_is_a_sentence(code: str) -> None:
    assert str(reason(code)).endswith(".")


def test_a_name_in_a_campaign_is_text_and_never_markup() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    Campaign.objects.filter(id=campaign).update(name="<script>1</script>", sender_name="<b>x")
    html = desk.read(browser(), "campaign", campaign)
    assert "<script>1" not in html
    assert "<b>x" not in html


def test_the_figures_are_a_page_of_their_own(mixed: UUID) -> None:
    html = desk.read(browser(), "campaign", mixed)
    assert reverse("campaign-results", args=[mixed]) in html
    # Of so few people openings would be about persons: none are shown here either.
    assert "measured" not in desk.plain(html)
