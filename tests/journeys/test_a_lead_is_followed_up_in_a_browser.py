"""A lead by keyboard, its answer, its reminder; and another system told through a kill -9."""

import ipaddress
import re
from uuid import uuid4

from playwright.sync_api import Page, expect
from pytest_django import Settings
from standardwebhooks import Webhook

from crm.accounts.register import NewAccount, create_account
from crm.models import WebhookCall
from crm.services import publish_event
from crm.webhooks import endpoints
from tests.campaigns import cast
from tests.crm.staff import PASSWORD, code_now
from tests.crm.webhooks.receiver import receiver
from tests.journeys import acts
from tests.journeys.browser import TAGS, Eyes, violations
from tests.journeys.stage import Stage, wait_for


def _account(role: str) -> NewAccount:
    return create_account(
        username=f"{role}-{uuid4().hex[:6]}",
        role=role,
        now=cast.clock(),
        password=PASSWORD,
        with_authenticator=True,
        language="en",
    )


def _sign_in(stage: Stage, sight: Eyes, account: NewAccount) -> Page:
    page = sight.page()
    page.goto(stage.staff_url)
    page.locator("input[name=username]").fill(account.account.username)
    page.keyboard.press("Enter")
    page.locator("input[name=password]").fill(account.password)
    page.keyboard.press("Enter")
    assert account.secret is not None
    page.locator("input[name=code]").fill(code_now(account.secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Notifications")).to_be_visible()
    return page


def _at_both_widths(sight: Eyes, page: Page, name: str) -> None:
    sight.look(page, name)
    assert violations(page, TAGS) == [], name
    page.set_viewport_size({"width": 390, "height": 860})
    sight.look(page, f"{name}-390")
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1280, "height": 860})
    assert wide <= 390, f"{name} is {wide} pixels wide on a telephone"


def _go_through_by_keyboard(stage: Stage, sight: Eyes, page: Page, code: str) -> None:
    page.goto(f"{stage.staff_url}/leads/?state=all&form={code}")
    expect(page.locator("[data-lead]")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("j")
    row = page.locator("[data-lead]").nth(1)
    expect(row).to_be_focused()
    page.keyboard.press("a")
    expect(row.get_by_role("button", name="Give back")).to_be_visible()
    expect(row).to_be_focused()
    page.keyboard.press("2")
    expect(row.locator("select")).to_have_value("in_progress")
    page.keyboard.press("x")
    expect(row.locator("input[type=checkbox]")).to_be_checked()
    _at_both_widths(sight, page, "inbox")
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/leads/[0-9a-f-]{36}/$"))


def _answer(stage: Stage, sight: Eyes, page: Page, email: str) -> None:
    page.get_by_role("link", name="Answer by e-mail").click()
    page.get_by_label("Subject").fill("Your demo")
    page.get_by_label("Text").fill("Hello {{ first_name }},\n\nlet us talk on Monday.")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("let us talk on Monday.").last).to_be_visible()
    _at_both_widths(sight, page, "answer")
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_text("The answer is on its way.")).to_be_visible()
    (mail,) = wait_for(lambda: stage.inbox.to(email), "the answer to arrive")
    assert mail["Subject"] == "Your demo"


def _note_and_remind(sight: Eyes, page: Page) -> None:
    page.get_by_label("Note", exact=True).fill("Prefers mornings.")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.get_by_text("The note is kept.")).to_be_visible()
    page.get_by_label("Remind me").select_option("3")
    page.get_by_role("button", name="Remind me").click()
    expect(page.get_by_text("The reminder is set.")).to_be_visible()
    wait_for(lambda: page.reload() and page.get_by_text("Sent", exact=True).count(), "Sent")
    _at_both_widths(sight, page, "lead")


def test_a_lead_is_answered_by_keyboard(stage: Stage, sight: Eyes) -> None:
    form = acts.publish_form()
    people = [f"lead-{uuid4().hex[:8]}@example.org" for _ in range(2)]
    for email in people:
        acts.post_lead(stage, form, email, fields={"given_name": "Zoé"})
    leads = acts.wait_for_leads(form, 2)
    page = _sign_in(stage, sight, _account("sales"))
    _go_through_by_keyboard(stage, sight, page, form["code"])
    opened = page.url.rstrip("/").rpartition("/")[2]
    (lead,) = [one for one in leads if str(one.id) == opened]
    email = next(each for each in people if acts.find(each) == [lead.contact_id])
    _answer(stage, sight, page, email)
    _note_and_remind(sight, page)
    assert sight.watch.complaints == [] and sight.watch.strangers == []


def test_other_systems_are_told_through_a_kill(
    stage: Stage, sight: Eyes, settings: Settings
) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with receiver() as hook:
        hook.answers.clear()
        endpoint, secret = endpoints.create_endpoint(
            name="billing", url=hook.url, kinds=["lead.created"], actor_id=uuid4(), now=cast.clock()
        )
        for _event in range(5):
            publish_event(kind="lead.created", ids={"lead_id": str(uuid4())}, at=cast.clock())
        wait_for(lambda: len(hook.calls) >= 1, "a call that is not answered yet")
        stage.kill("worker")
        hook.answers.set()
        stage.start("worker")
        calls = WebhookCall.objects.filter(endpoint=endpoint)
        # As if the time of the lease had gone by.
        calls.filter(state="waiting").update(lease_until=cast.clock())
        wait_for(lambda: calls.filter(state="done").count() == 5, "five events told")
        told = {Webhook(secret).verify(b, h)["data"]["lead_id"]: h for h, b in list(hook.calls)}
        assert len(told) == 5 and len(hook.calls) > 5
        page = _sign_in(stage, sight, _account("dsi"))
        page.goto(f"{stage.staff_url}/webhooks/{endpoint}/")
        expect(page.get_by_text("Told", exact=True)).to_have_count(5)
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text("The test is on its way")).to_be_visible()
        wait_for(lambda: page.reload() and page.get_by_text("Told", exact=True).count() == 6, "it")
        _at_both_widths(sight, page, "webhook")
        endpoints.remove_endpoint(endpoint_id=endpoint, now=cast.clock())
