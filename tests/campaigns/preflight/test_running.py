"""Asked for by a person, done by the worker, kept for the words that were looked at."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.urls import reverse

from campaigns import services
from campaigns.models import Campaign, CampaignVersion, Preflight
from campaigns.preflight import running
from campaigns.preflight.findings import Finding, passed, unknown
from campaigns.preflight.running import ask_preflight
from tests.campaigns import cast
from tests.campaigns.content.pieces import mail
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The web, the DNS and the filter are tested by themselves; what is asked of them is kept."""
    asked: list[str] = []

    def link(url: str) -> Finding:
        asked.append(url)
        return passed("link", url=url, status=200)

    monkeypatch.setattr(running, "link_finding", link)
    monkeypatch.setattr(running, "resolver_texts", lambda: lambda _name: [])
    monkeypatch.setattr(running, "spam_finding", lambda _message: unknown("spam-not-installed"))
    return asked


def codes(campaign: UUID) -> set[str]:
    return {each["code"] for each in Preflight.objects.get(campaign=campaign).findings}


def test_it_is_asked_for_done_and_shown(offline: list[str]) -> None:
    campaign = cast.draft()
    client = browser()
    assert "Look at it now" in desk.read(client, "campaign", campaign)
    client.post(reverse("campaign-preflight-ask", args=[campaign]))
    page = desk.read(client, "campaign", campaign)
    assert "hx-get" in page[page.index('id="preflight"') :][:400]
    assert services.look_before_launch(clock=cast.clock) == 1
    assert services.look_before_launch(clock=cast.clock) == 0
    html = desk.read(client, "campaign-preflight", campaign)
    text = desk.plain(html)
    assert "The plain text part is there" in text
    assert "SPF: mail.localhost.example does not say who may send for it." in text
    assert "hx-get" not in html
    assert desk.offences(desk.read(client, "campaign", campaign)) == []
    assert offline == ["https://www.example.com/"]


def test_words_that_were_changed_since_are_said_to_be() -> None:
    campaign = cast.draft()
    ask_preflight(campaign_id=campaign, now=NOW)
    services.look_before_launch(clock=cast.clock)
    assert "changed since" not in desk.read(browser(), "campaign-preflight", campaign)
    Campaign.objects.filter(id=campaign).update(updated_at=NOW + timedelta(hours=1))
    assert "changed since" in desk.read(browser("communication"), "campaign-preflight", campaign)


def test_every_version_is_looked_at_and_named() -> None:
    campaign = cast.draft()
    CampaignVersion.objects.create(
        campaign_id=campaign, variant=1, language="fr", subject="GRATUIT!! MAINTENANT!!",
        mjml=mail("<mj-text><a href='https://fr.example/'>x</a></mj-text>"), updated_at=NOW,
    )  # fmt: skip
    ask_preflight(campaign_id=campaign, now=NOW)
    services.look_before_launch(clock=cast.clock)
    kept = Preflight.objects.get(campaign=campaign).findings
    loud = next(each for each in kept if each["code"] == "exclamations")
    assert loud["detail"]["version"] == "B FR"
    assert "https://fr.example/" in {each["detail"].get("url") for each in kept}


def test_a_broken_mail_is_said_to_be() -> None:
    campaign = cast.draft(mjml=desk.BROKEN)
    ask_preflight(campaign_id=campaign, now=NOW)
    services.look_before_launch(clock=cast.clock)
    assert {"broken", "spam-broken"} <= codes(campaign)
    assert "Stops the launch" in desk.read(browser(), "campaign-preflight", campaign)


def test_one_look_that_fails_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_message: bytes) -> Finding:
        raise RuntimeError("secret words")

    monkeypatch.setattr(running, "spam_finding", broken)
    campaign = cast.draft()
    ask_preflight(campaign_id=campaign, now=NOW)
    services.look_before_launch(clock=cast.clock)
    assert {"failed", "link", "opt-out"} <= codes(campaign)
    assert "secret words" not in str(Preflight.objects.get(campaign=campaign).findings)


def test_at_most_fifty_links_are_asked_for(offline: list[str]) -> None:
    many = "".join(f"<a href='https://a.example/{n}'>{n}</a>" for n in range(70))
    campaign = cast.draft(mjml=mail(f"<mj-text>{many}</mj-text>"))
    ask_preflight(campaign_id=campaign, now=NOW)
    services.look_before_launch(clock=cast.clock)
    assert len(offline) == 50


def test_one_that_a_dead_worker_began_is_begun_again() -> None:
    campaign = cast.draft()
    ask_preflight(campaign_id=campaign, now=cast.clock())
    Preflight.objects.update(steps=3)
    assert services.look_before_launch(clock=cast.clock) == 0
    Preflight.objects.update(asked_at=cast.clock() - timedelta(minutes=11))
    assert services.look_before_launch(clock=cast.clock) == 1


def test_a_launched_campaign_is_not_looked_at_any_more() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    browser().post(reverse("campaign-preflight-ask", args=[campaign]))
    assert not Preflight.objects.exists()


def test_two_workers_do_not_take_the_same_one() -> None:
    campaign = cast.draft()
    ask_preflight(campaign_id=campaign, now=cast.clock())
    assert running._claim(cast.clock()) == campaign
    assert running._claim(cast.clock()) is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT steps FROM campaigns_preflight")
        assert cursor.fetchone() == (1,)


def test_the_links_of_one_look_have_an_end(
    monkeypatch: pytest.MonkeyPatch, offline: list[str]
) -> None:
    monkeypatch.setattr(running, "LINKS_SECONDS", 0.0)
    campaign = cast.draft()
    ask_preflight(campaign_id=campaign, now=NOW)
    services.look_before_launch(clock=cast.clock)
    assert offline == []
    assert "link-unanswered" in codes(campaign)


def test_what_two_workers_did_not_finish_is_given_up() -> None:
    campaign = cast.draft()
    ask_preflight(campaign_id=campaign, now=cast.clock())
    for _worker in range(2):
        assert running._claim(cast.clock()) == campaign
        Preflight.objects.update(asked_at=cast.clock() - timedelta(minutes=11))
    assert running._claim(cast.clock()) is None
    row = Preflight.objects.get()
    assert (row.state, [each["code"] for each in row.findings]) == ("done", ["failed"])
    ask_preflight(campaign_id=campaign, now=cast.clock())  # a person may ask anew
    assert running._claim(cast.clock()) == campaign


def test_a_newer_question_is_not_answered_by_an_older_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = cast.draft()
    ask_preflight(campaign_id=campaign, now=NOW)

    def changed_meanwhile(_message: bytes) -> Finding:
        Campaign.objects.filter(id=campaign).update(updated_at=NOW + timedelta(hours=1))
        ask_preflight(campaign_id=campaign, now=NOW)
        return unknown("spam-not-installed")

    monkeypatch.setattr(running, "spam_finding", changed_meanwhile)
    assert running._claim(cast.clock()) == campaign
    running._look(campaign, cast.clock)
    row = Preflight.objects.get()
    assert (row.state, row.steps, row.findings) == ("waiting", 0, [])
    monkeypatch.setattr(running, "spam_finding", lambda _message: unknown("spam-not-installed"))
    assert services.look_before_launch(clock=cast.clock) == 1
    assert Preflight.objects.get().state == "done"
