"""Marketing reads what became of two campaigns: the account, who agreed to be measured, a file."""

import csv
import re
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from campaigns import services
from campaigns.models import Campaign, MeasuredMessage
from crm.accounts.register import NewAccount, create_account
from tests.campaigns import cast
from tests.campaigns.measurement.cast import mjml, page_of
from tests.crm.staff import PASSWORD, code_now
from tests.forms_intake import cast as forms
from tests.journeys import acts
from tests.journeys.browser import TAGS, Eyes, violations
from tests.journeys.stage import Stage, wait_for
from tests.journeys.test_only_who_agreed_is_measured import MEASUREMENT

_PIXEL = re.compile(r'<img src="([^"]+)" width="1" height="1"')
_LINK = re.compile(r'href="(http[^"]+/l/[^"]+)"')
MEASURED, READERS = 12, 2


def _marketer() -> NewAccount:
    return create_account(
        username=f"marketing-{uuid4().hex[:6]}",
        role="marketing",
        now=cast.clock(),
        password=PASSWORD,
        with_authenticator=True,
        language="en",
    )


def _sign_in(stage: Stage, page: Page, account: NewAccount) -> None:
    page.goto(f"{stage.staff_url}/campaigns/results/")
    page.locator("input[name=username]").fill(account.account.username)
    page.keyboard.press("Enter")
    page.locator("input[name=password]").fill(account.password)
    page.keyboard.press("Enter")
    assert account.secret is not None
    page.locator("input[name=code]").fill(code_now(account.secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Results of campaigns")).to_be_visible()


def _subscribe(stage: Stage, form: dict[str, Any], emails: list[str], consents: list[str]) -> None:
    def one(email: str) -> None:
        assert acts.post_lead(stage, form, email, consents=consents).status_code == 202
        acts.confirm(stage, email)
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, emails))


def _send(segment: UUID, name: str) -> UUID:
    campaign = cast.draft(subject=name, segment_id=segment, mjml=mjml())
    Campaign.objects.filter(id=campaign).update(name=name)
    services.launch(campaign_id=campaign, actor_id=None, now=cast.clock())
    acts.wait_until_finished(campaign)
    return campaign


@pytest.mark.timeout(400)
def test_what_became_of_two_campaigns(stage: Stage, sight: Eyes) -> None:
    form = acts.publish_form(purposes=[forms.REPLY, forms.NEWSLETTER, MEASUREMENT])
    mark = uuid4().hex[:6]
    measured = [f"measured{number}-{mark}@example.org" for number in range(MEASURED)]
    readers = [f"reader{number}-{mark}@example.org" for number in range(READERS)]
    _subscribe(stage, form, measured, ["newsletter:email", "email_measurement:email"])
    _subscribe(stage, form, readers, ["newsletter:email"])
    segment = acts.audience_of(form)
    first = _send(segment, f"Autumn {mark}")
    for number, email in enumerate(measured[:6]):
        page_in_mail = page_of(stage.inbox.to(email)[-1])
        (picture,) = _PIXEL.findall(page_in_mail)
        assert httpx.get(picture, timeout=30).status_code == 200
        if number < 3:
            assert httpx.get(_LINK.findall(page_in_mail)[0], timeout=30).status_code == 302
    assert acts.one_click(stage.inbox.to(readers[0])[-1]).status_code == 200
    wait_for(
        lambda: (
            MeasuredMessage.objects.filter(campaign_id=first).exclude(last_open_on=None).count()
            == 6
        ),
        "six openings to be kept",
    )
    _send(segment, f"Winter {mark}")

    page = sight.page()
    _sign_in(stage, page, _marketer())
    page.get_by_role("link", name=f"Autumn {mark}").click()
    expect(page.get_by_role("heading", name=f"Results of Autumn {mark}")).to_be_visible()
    page.get_by_role("button", name="Count again").click()
    main = page.locator(".results-main")
    expect(main).to_contain_text("of 14 in the audience")
    expect(main).to_contain_text("6 of 12")
    expect(main).to_contain_text("3 of 12")
    expect(page.locator("canvas").first).to_be_visible()
    sight.look(page, "results")
    assert violations(page, TAGS) == []
    with page.expect_download() as saved:
        page.get_by_role("link", name="Figures as CSV").click()
    rows = list(csv.reader(StringIO(saved.value.path().read_text("utf-8-sig")), delimiter=";"))
    assert len(rows) > 10

    page.goto(f"{stage.staff_url}/campaigns/results/")
    sight.look(page, "results-list")
    assert violations(page, TAGS) == []
    for name in ("Autumn", "Winter"):
        page.get_by_label(f"{name} {mark}").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Campaigns compared")).to_be_visible()
    expect(page.locator("table")).to_contain_text(f"Winter {mark}")
    sight.look(page, "results-compared")
    assert violations(page, TAGS) == []

    small = sight.page(width=390, language="fr-FR")
    small.context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    small.goto(f"{stage.staff_url}/campaigns/{first}/results")
    expect(small.locator("canvas").first).to_be_visible()
    sight.look(small, "results-phone")
    assert violations(small, TAGS) == []
    assert sight.watch.complaints == []
    assert sight.watch.strangers == []
