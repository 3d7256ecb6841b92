"""The list: newest first, page by page, by state, in a fixed number of queries."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns import services
from campaigns.models import Campaign
from campaigns.pages.listing import PAGE_SIZE
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser
from tests.conftest import NOW

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


def _campaigns(count: int) -> list[UUID]:
    """Named by age; the last one is the newest."""
    made = [cast.draft() for _ in range(count)]
    for number, campaign in enumerate(made):
        # Two by two of the same moment: the order must hold all the same.
        at = NOW + timedelta(minutes=number // 2)
        Campaign.objects.filter(id=campaign).update(name=f"No. {number:03}", created_at=at)
    return made


def test_an_empty_list_invites_those_who_may_write() -> None:
    html = desk.read(browser(), "campaign-list")
    assert "No campaign yet" in html
    assert f'href="{reverse("campaign-start")}"' in html
    assert reverse("campaign-start") not in desk.read(browser("dpo"), "campaign-list")


def test_every_campaign_is_on_one_page_and_the_newest_is_first() -> None:
    _campaigns(2 * PAGE_SIZE + 3)
    client, url, seen = browser(), reverse("campaign-list"), []
    page = client.get(url)
    while True:
        seen.append([campaign.name for campaign, _state in page.context["campaigns"]])
        if not page.context["has_more"]:
            break
        page = client.get(url + page.context["next_url"])
    assert [len(names) for names in seen] == [PAGE_SIZE, PAGE_SIZE, 3]
    flat = [name for names in seen for name in names]
    assert len(set(flat)) == len(flat) == 2 * PAGE_SIZE + 3
    minutes = [int(name.removeprefix("No. ")) // 2 for name in flat]
    assert minutes == sorted(minutes, reverse=True)


def test_the_number_of_queries_does_not_grow_with_the_rows() -> None:
    client, url = browser(), reverse("campaign-list")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get(url)
        return len(captured)

    _campaigns(1)
    few = queries()
    _campaigns(12)
    assert queries() == few


@pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
@pytest.mark.usefixtures("vault")
def test_the_filter_shows_one_state_with_its_audience() -> None:
    cast.subscribers(2)
    cast.draft()
    cast.launched()
    client = browser()
    page = client.get(reverse("campaign-list"), {"state": "running"})
    [(campaign, state_name)] = page.context["campaigns"]
    assert (campaign.state, campaign.audience_size, str(state_name)) == ("running", 2, "Sending")
    assert len(client.get(reverse("campaign-list")).context["campaigns"]) == 2
    none = client.get(reverse("campaign-list"), {"state": "paused"}).content.decode()
    assert "No campaign in this state" in none


@pytest.mark.parametrize("asked", ["?state=nonsense", "?after=nonsense", "?after=" + "0" * 32])
def test_a_nonsense_address_shows_the_whole_list(asked: str) -> None:
    cast.draft()
    page = browser().get(reverse("campaign-list") + asked)
    assert len(page.context["campaigns"]) == 1


@pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
@pytest.mark.usefixtures("vault")
def test_the_home_page_counts_what_is_being_sent_and_shows_the_last_one() -> None:
    cast.subscribers(3)
    campaign = cast.launched()
    html = desk.plain(desk.read(browser(), "home"))
    assert "1 Campaigns being sent" in html
    assert "3 People in the last campaign News" in html
    services.pause(campaign_id=campaign, actor_id=None, now=NOW)
    assert "1 is stopped" in desk.plain(browser("communication").get("/").content.decode())


def test_the_first_step_leaves_the_home_page_with_the_first_draft() -> None:
    client = browser()
    assert "Write your first campaign" in desk.read(client, "home")
    cast.draft()
    assert "Write your first campaign" not in desk.read(client, "home")
