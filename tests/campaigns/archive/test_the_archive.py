"""Campaigns that anybody may read: a person says so, and takes it back; nobody is in them."""

from datetime import timedelta
from uuid import UUID
from xml.etree import ElementTree

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from campaigns import services
from campaigns.archive import public_views
from campaigns.models import Campaign, CampaignVersion, PublishedIssue, StateChange
from tests.campaigns import cast
from tests.campaigns.measurement.cast import as_public_role, launched, measured_reader
from tests.campaigns.pages.desk import browser, plain
from tests.conftest import NOW

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


@pytest.fixture
def visitor(public_side: Client, vault: None) -> Client:
    return public_side


def _shown(campaign: UUID, *, is_public: bool = True) -> None:
    services.mark_public(campaign_id=campaign, is_public=is_public, actor_id=None, now=NOW)
    services.publish_issues()


def _page(visitor: Client, path: str, status: int = 200) -> str:
    response = visitor.get(path)
    assert response.status_code == status
    return response.content.decode()


def test_nothing_is_shown_unless_somebody_says_so(visitor: Client) -> None:
    measured_reader()
    campaign = launched()
    services.publish_issues()
    assert not PublishedIssue.objects.exists()
    _page(visitor, f"/archive/{campaign}/en", 404)
    assert "Nothing is here" in _page(visitor, "/archive/?lang=en")


@pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
def test_a_shown_campaign_names_nobody_and_measures_nothing(visitor: Client) -> None:
    contact = measured_reader()
    campaign = launched()
    _shown(campaign)
    with as_public_role():
        page = _page(visitor, f"/archive/{campaign}/en?lang=en")
        mail = visitor.get(f"/archive/{campaign}/en/mail")
    html = mail.content.decode()
    assert "Hello" in page
    for word in ("alice", "Alice", str(contact), "/o/", "/l/", "/u/"):
        assert word not in html.replace("/archive/links", "")
    assert html.count("/archive/links") >= 1
    assert '<base target="_blank">' in html
    assert "default-src 'none'" in mail["Content-Security-Policy"]
    assert "sandbox" in mail["Content-Security-Policy"]
    assert not mail.cookies


def test_what_is_taken_back_is_gone_and_the_history_says_who(visitor: Client) -> None:
    measured_reader()
    campaign = launched()
    _shown(campaign)
    _shown(campaign)  # twice is safe
    assert "Hello" in _page(visitor, "/archive/?lang=en")
    _shown(campaign, is_public=False)
    _page(visitor, f"/archive/{campaign}/en", 404)
    _page(visitor, f"/archive/{campaign}/en/mail", 404)
    words = StateChange.objects.filter(campaign_id=campaign).exclude(reason="")
    assert list(words.values_list("reason", flat=True)) == ["made_public", "made_private"]


def test_a_cancelled_campaign_leaves_and_does_not_come_back(visitor: Client) -> None:
    measured_reader()
    campaign = launched()
    _shown(campaign)
    services.cancel(campaign_id=campaign, actor_id=None, now=NOW)
    services.publish_issues()
    _page(visitor, f"/archive/{campaign}/en", 404)
    services.mark_public(campaign_id=campaign, is_public=False, actor_id=None, now=NOW)
    with pytest.raises(services.NotToBePublished):
        services.mark_public(campaign_id=campaign, is_public=True, actor_id=None, now=NOW)


def test_an_older_copy_of_intake_is_mended(visitor: Client) -> None:
    measured_reader()
    campaign = launched()
    _shown(campaign)
    PublishedIssue.objects.all().delete()
    services.publish_issues()
    assert PublishedIssue.objects.get().campaign_id == campaign


def test_each_language_has_its_own_issue(visitor: Client) -> None:
    measured_reader()
    campaign = Campaign.objects.get(id=launched())
    draft = services.copy_campaign(
        campaign_id=campaign.id, name="Again", actor_id=cast.people_actor(), now=NOW
    )
    CampaignVersion.objects.create(
        campaign_id=draft,
        language="fr",
        subject='Bonjour {{ first_name | "à vous" }}, des nouvelles',
        preheader="Ce qui change",
        mjml=campaign.mjml,
        updated_at=NOW,
    )
    services.launch(campaign_id=draft, actor_id=None, now=NOW)
    _shown(draft)
    french = _page(visitor, "/archive/?lang=fr")
    assert "Bonjour à vous, des nouvelles" in french
    assert "Ce qui change" in french
    assert "Hello" not in french
    assert "Bonjour" not in _page(visitor, "/archive/?lang=en")


def test_the_list_has_pages_and_a_broken_mark_is_the_first(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_views, "PAGE_SIZE", 2)
    for number in range(5):
        PublishedIssue.objects.create(
            campaign_id=UUID(int=number + 1),
            language="en",
            subject=f"Issue {number}",
            html="<p>",
            text="",
            # Two of one moment: the number decides.
            sent_at=NOW + timedelta(hours=number // 2),
        )
    seen, path = [], "/archive/?lang=en"
    while path:
        page = _page(visitor, path)
        seen += [number for number in range(5) if f"Issue {number}<" in page]
        _before, found, rest = page.partition("before=")
        path = f"/archive/?lang=en&before={rest.partition(chr(34))[0]}" if found else ""
    assert sorted(seen) == [0, 1, 2, 3, 4]
    assert len(seen) == 5
    assert "Issue 4" in _page(visitor, "/archive/?lang=en&before=nonsense_x")


def _channel(feed: bytes) -> ElementTree.Element:
    channel = ElementTree.fromstring(feed).find("channel")  # noqa: S314
    assert channel is not None
    return channel


def test_the_feed_is_rss_of_one_language(visitor: Client) -> None:
    measured_reader()
    campaign = launched()
    _shown(campaign)
    response = visitor.get("/archive/en.xml")
    assert response["Content-Type"].startswith("application/rss+xml")
    channel = _channel(response.content)
    assert [item.findtext("title") for item in channel.iter("item")] == ["Hello"]
    link = channel.findtext("item/link")
    assert link is not None
    assert link.endswith(f"/archive/{campaign}/en")
    assert list(_channel(visitor.get("/archive/fr.xml").content).iter("item")) == []


def test_the_archive_says_when_it_cannot_be_read(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_work: object) -> None:
        raise OperationalError

    monkeypatch.setattr(public_views, "on_intake", away)
    response = visitor.get("/archive/?lang=en")
    assert response.status_code == 503
    assert response["Cache-Control"] == "no-store"
    assert "try again" in plain(response.content.decode())


def test_the_ways_to_say_no_are_explained(visitor: Client) -> None:
    assert reverse("by-address", urlconf="deploy.urls_public") in _page(
        visitor, "/archive/links?lang=en"
    )


@pytest.mark.parametrize("role", ["marketing", "communication"])
def test_staff_show_it_and_take_it_back(role: str) -> None:
    campaign = launched()
    client = browser(role)
    address = reverse("campaign-public", args=[campaign])
    client.post(address, {"public": "yes"})
    assert Campaign.objects.get(id=campaign).is_public
    page = plain(client.get(reverse("campaign", args=[campaign])).content.decode())
    assert "Shown in the archive" in page
    assert f"/archive/{campaign}/en" in page
    client.post(address, {"public": "no"})
    assert not Campaign.objects.get(id=campaign).is_public
