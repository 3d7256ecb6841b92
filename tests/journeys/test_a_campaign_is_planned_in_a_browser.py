"""A campaign is compared, agreed to by another, scheduled, sent, and sent to whoever was missed."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.models import Campaign, CampaignVersion
from crm.accounts.register import NewAccount, create_account
from tests.campaigns import cast
from tests.crm.staff import PASSWORD, code_now
from tests.journeys import acts
from tests.journeys.browser import Eyes
from tests.journeys.stage import Stage, wait_for
from tests.journeys.test_a_planned_campaign_starts_once import people_of, segment_of

COUNTRY = "GL"


def _account(role: str) -> NewAccount:
    return create_account(
        username=f"{role}-{uuid4().hex[:6]}",
        role=role,
        now=cast.clock(),
        password=PASSWORD,
        with_authenticator=True,
        language="en",
    )


def _signed_in(stage: Stage, sight: Eyes, role: str, *, width: int = 1280) -> Page:
    account, page = _account(role), sight.page(width=width)
    page.goto(stage.staff_url)
    page.locator("input[name=username]").fill(account.account.username)
    page.keyboard.press("Enter")
    page.locator("input[name=password]").fill(account.password)
    page.keyboard.press("Enter")
    assert account.secret is not None
    page.locator("input[name=code]").fill(code_now(account.secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading").first).to_be_visible()
    page.wait_for_url(re.compile(r"/$"))
    return page


def _draft() -> UUID:
    campaign = cast.draft(subject="Planned in a browser", segment_id=segment_of(COUNTRY))
    first = Campaign.objects.get(id=campaign)
    CampaignVersion.objects.create(
        campaign_id=campaign,
        variant=1,
        language=first.language,
        subject="Planned, variant B",
        mjml=first.mjml,
        updated_at=cast.clock(),
    )
    return campaign


def _compare(sight: Eyes, page: Page) -> None:
    page.get_by_role("link", name="Compare variants").click()
    page.get_by_label("Part of the audience in the test").fill("100")
    page.get_by_label("What decides").select_option("opt_outs")
    page.get_by_label("How long to wait").select_option("60")
    sight.look(page, "compare")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("2 variants, sent to 100 %")).to_be_visible()


def _agree(stage: Stage, sight: Eyes, url: str) -> None:
    page = _signed_in(stage, sight, "communication", width=390)
    expect(page.get_by_text("Waits for a second person").first).to_be_visible()
    sight.look(page, "home-of-the-second-person")
    page.goto(url)
    page.get_by_role("link", name="Decide").click()
    agree = page.get_by_role("button", name="Agree to exactly this")
    expect(agree).to_be_visible(timeout=60_000)
    sight.look(page, "agree")
    agree.click()
    expect(page.get_by_text("Another person has agreed")).to_be_visible()


def _schedule(sight: Eyes, page: Page) -> None:
    moment = timezone.localtime() + timedelta(minutes=1, seconds=10)
    page.locator("#id_day").fill(moment.strftime("%Y-%m-%d"))
    page.locator("#id_hour").fill(moment.strftime("%H:%M"))
    page.get_by_role("button", name="Schedule it").click()
    expect(page.get_by_text("(Europe/Paris)").first).to_be_visible()
    sight.look(page, "scheduled")


# It waits for a minute to pass.
@pytest.mark.timeout(400)
def test_compared_agreed_scheduled_sent_and_sent_to_the_missing(stage: Stage, sight: Eyes) -> None:
    emails = people_of(COUNTRY, 4)  # one more than the stage lets a person write to alone
    url = f"{stage.staff_url}/campaigns/{_draft()}/"
    page = _signed_in(stage, sight, "marketing")
    page.goto(url)
    sight.look(page, "check")
    _compare(sight, page)
    page.get_by_role("button", name="Ask for an agreement").click()
    expect(page.get_by_text("another person decides it")).to_be_visible()
    sight.look(page, "asked")
    _agree(stage, sight, url)
    page.goto(url)
    _schedule(sight, page)
    campaign = UUID(url.rstrip("/").rpartition("/")[2])
    wait_for(lambda: Campaign.objects.get(id=campaign).launched_at, "its moment", seconds=150)
    acts.wait_until_finished(campaign)
    subjects = {str(mail["Subject"]) for email in emails for mail in stage.inbox.to(email)}
    assert subjects <= {"Planned in a browser", "Planned, variant B"}
    assert all(len(stage.inbox.to(email)) == 1 for email in emails)
    page.goto(url)
    expect(page.get_by_text("No numbers are shown before").first).to_be_visible()
    sight.look(page, "finished")

    late = people_of(COUNTRY, 1)[0]
    page.set_viewport_size({"width": 390, "height": 860})
    page.get_by_role("link", name="Send to the missing").click()
    sight.look(page, "missing")
    page.get_by_role("button", name="Send to them").click()
    wait_for(lambda: stage.inbox.to(late), "the later round")
    acts.wait_until_finished(campaign)
    page.goto(url)
    expect(page.get_by_role("heading", name="Sent to the missing")).to_be_visible()
    sight.look(page, "two-rounds")
    assert all(len(stage.inbox.to(email)) == 1 for email in emails)
    assert sight.watch.complaints == []
    assert sight.watch.strangers == []
