"""The whole main job as people do it: form, letter, confirmation, campaign, opt-out, and why."""

import re
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

from crm.accounts.register import NewAccount, create_account
from tests.campaigns import cast
from tests.crm.staff import PASSWORD, code_now
from tests.journeys import acts
from tests.journeys.browser import Eyes
from tests.journeys.stage import Stage, wait_for


def _marketer() -> NewAccount:
    return create_account(
        username=f"marketing-{uuid4().hex[:6]}",
        role="marketing",
        now=cast.clock(),
        password=PASSWORD,
        with_authenticator=True,
        language="en",
    )


def _ask_for_the_newsletter(stage: Stage, sight: Eyes, form: dict[str, Any], email: str) -> None:
    page = sight.page()
    page.goto(f"{stage.public_url}/f/{form['code']}")
    newsletter = page.get_by_label("Send me the newsletter.")
    expect(newsletter).not_to_be_checked()
    sight.look(page, "form")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("First name").fill("Zoé")
    page.get_by_label("Last name").fill("O'Brien-Лев")
    newsletter.check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you, your message has arrived.")).to_be_visible()
    sight.look(page, "thanks")


def _confirm(stage: Stage, sight: Eyes, email: str) -> None:
    page = sight.page(width=390)
    page.goto(acts.link_in(acts.letter_to(stage, email), "c"))
    sight.look(page, "confirm")
    page.get_by_role("button", name="Yes, I confirm").click()
    expect(page.get_by_role("heading", name="Thank you, it is confirmed.")).to_be_visible()
    (lead,) = acts.find(email)
    wait_for(lambda: acts.is_permitted(lead), "the confirmation to take effect")


def _sign_in(stage: Stage, sight: Eyes, account: NewAccount) -> Page:
    page = sight.page()
    page.goto(stage.staff_url)
    sight.look(page, "sign-in")
    page.locator("input[name=username]").fill(account.account.username)
    page.keyboard.press("Enter")
    page.locator("input[name=password]").fill(account.password)
    page.keyboard.press("Enter")
    assert account.secret is not None
    page.locator("input[name=code]").fill(code_now(account.secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Contacts").first).to_be_visible()
    sight.look(page, "home")
    return page


def _make_segment(stage: Stage, sight: Eyes, page: Page, form: dict[str, Any]) -> str:
    name = f"By {form['code']}"
    page.goto(f"{stage.staff_url}/segments/new")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("What", exact=True).select_option("form")
    page.locator(f"input[type=checkbox][value={form['code']}]").check()
    expect(page.locator("#preview")).to_contain_text("1")
    sight.look(page, "segment")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile("/segments/"))
    return name


def _write_and_launch(stage: Stage, sight: Eyes, page: Page, segment: str, subject: str) -> None:
    page.goto(f"{stage.staff_url}/campaigns/new?from=newsletter.en")
    page.get_by_label("Name of the campaign").fill(subject)
    page.get_by_label("Purpose").select_option("newsletter")
    page.get_by_label("Segment").select_option(label=segment)
    page.get_by_label("Subject").fill(f"{{{{ first_name }}}}, {subject}")
    sight.look(page, "campaign-editor")
    page.get_by_role("button", name="Save and check").click()
    expect(page.get_by_role("heading", name="Launch", exact=True)).to_be_visible()
    sight.look(page, "campaign-check")


def _launch(sight: Eyes, page: Page) -> None:
    page.get_by_role("region", name="Launch", exact=True).get_by_role("checkbox").check()
    page.get_by_role("button", name=re.compile("^Send to 1 person")).click()
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=60_000)
    sight.look(page, "campaign-finished")


def test_form_to_inbox_to_confirmation_to_campaign_to_opt_out(stage: Stage, sight: Eyes) -> None:
    form = acts.publish_form(minimum_fill_seconds=0)
    email = f"zoe-{uuid4().hex[:8]}@example.org"
    subject = f"News {uuid4().hex[:6]}"
    account = _marketer()
    _ask_for_the_newsletter(stage, sight, form, email)
    _confirm(stage, sight, email)

    page = _sign_in(stage, sight, account)
    for path in ("contacts", "leads", "forms", "templates"):
        page.goto(f"{stage.staff_url}/{path}/")
        sight.look(page, path)
    segment = _make_segment(stage, sight, page, form)
    _write_and_launch(stage, sight, page, segment, subject)
    _launch(sight, page)
    mail = wait_for(lambda: stage.inbox.to(email)[1:], "the newsletter")[0]
    assert mail["Subject"] == f"Zoé, {subject}"

    visitor = sight.page(width=390)
    visitor.goto(acts.link_in(mail, "u"))
    sight.look(visitor, "opt-out")
    visitor.get_by_role("button", name="Stop these messages").click()
    expect(visitor.get_by_role("heading", name="It is done: these messages stop.")).to_be_visible()
    sight.look(visitor, "opted-out")
    (person,) = acts.find(email)
    wait_for(lambda: not acts.is_permitted(person), "the no to take effect")

    _write_and_launch(stage, sight, page, segment, f"{subject} again")
    expect(page.get_by_text("The person withdrew their consent.")).to_be_visible()
    expect(page.get_by_text("Nobody would get this mail now.")).to_be_visible()
    sight.look(page, "nobody-left")
    assert sight.watch.complaints == []
    assert sight.watch.strangers == []
