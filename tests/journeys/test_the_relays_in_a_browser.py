"""Operations take a relay out in a browser: campaigns wait, say why, and go on when it is back."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from playwright.sync_api import Page, expect

from campaigns import services
from campaigns.models import Relay
from crm.accounts.register import NewAccount, create_account
from tests.campaigns import cast
from tests.crm.staff import PASSWORD, code_now
from tests.journeys import acts
from tests.journeys.browser import TAGS, Eyes, violations
from tests.journeys.stage import Stage, wait_for


def _operations() -> NewAccount:
    return create_account(
        username=f"operations-{uuid4().hex[:6]}",
        role="operations",
        now=cast.clock(),
        password=PASSWORD,
        with_authenticator=True,
        language="en",
    )


def _sign_in(stage: Stage, sight: Eyes, account: NewAccount) -> Page:
    page = sight.page()
    page.goto(f"{stage.staff_url}/relays/")
    page.locator("input[name=username]").fill(account.account.username)
    page.keyboard.press("Enter")
    page.locator("input[name=password]").fill(account.password)
    page.keyboard.press("Enter")
    assert account.secret is not None
    page.locator("input[name=code]").fill(code_now(account.secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Relays", exact=True)).to_be_visible()
    return page


@contextmanager
def _undone() -> Iterator[None]:
    """Whatever happens, the stage's relay works afterwards as it did before."""
    try:
        yield
    finally:
        Relay.objects.filter(code="default").update(is_enabled=True, per_day=None)


def _halt_of(campaign: object) -> str:
    return services.progress(campaign_id=campaign).halted_reason  # type: ignore[arg-type]


def test_a_relay_is_paused_in_a_browser_and_brought_back(stage: Stage, sight: Eyes) -> None:
    form = acts.publish_form()
    acts.subscribe(stage, form, [f"{uuid4().hex[:8]}@example.org" for _ in range(2)])
    with _undone():
        page = _sign_in(stage, sight, _operations())
        sight.look(page, "relays")
        assert violations(page, TAGS) == []
        page.get_by_role("button", name="Pause default").click()
        expect(page.get_by_text("Paused by hand")).to_be_visible()
        sight.look(page, "paused")
        campaign = acts.launch(form)
        wait_for(lambda: _halt_of(campaign) == "no_relay", "the campaign to say why it waits")
        page.get_by_role("link", name="Change default").click()
        page.get_by_label("At most in 24 hours").fill("100000")
        sight.look(page, "change")
        assert violations(page, TAGS) == []
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Bring back default").click()
        expect(page.get_by_text("Works").first).to_be_visible()
        assert acts.wait_until_finished(campaign).counts["sent"] == 2
        page.reload()
        expect(page.get_by_text("of 100,000")).to_be_visible()
        sight.look(page, "back")
        small = sight.page(width=390)
        small.context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
        small.goto(f"{stage.staff_url}/relays/")
        sight.look(small, "relays-phone")
    assert sight.watch.complaints == []
    assert sight.watch.strangers == []
