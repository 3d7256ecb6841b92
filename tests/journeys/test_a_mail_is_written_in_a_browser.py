"""A campaign written block by block with the keyboard alone, looked at in every view, and changed
in the visual editor: the strict policy is never violated, and nothing comes from elsewhere."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from campaigns.content.blocks.ready import ready_mail
from campaigns.models import Campaign
from consent.services import seed_purposes
from crm.accounts.register import NewAccount, create_account
from tests.campaigns import cast
from tests.crm.staff import PASSWORD, code_now
from tests.journeys.browser import Eyes
from tests.journeys.stage import Stage, wait_for

pytestmark = [pytest.mark.usefixtures("stage"), pytest.mark.timeout(300)]


def _writer() -> NewAccount:
    return create_account(
        username=f"writer-{uuid4().hex[:6]}", role="communication", now=cast.clock(),
        password=PASSWORD, with_authenticator=True, language="en",
    )  # fmt: skip


def _sign_in(stage: Stage, page: Page, account: NewAccount) -> None:
    page.goto(stage.staff_url)
    for name, text in (("username", account.account.username), ("password", account.password)):
        page.locator(f"input[name={name}]").fill(text)
        page.keyboard.press("Enter")
    assert account.secret is not None
    page.locator("input[name=code]").fill(code_now(account.secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Campaigns").first).to_be_visible()


def _press(page: Page, selector: str, key: str = "Enter") -> None:
    """As somebody does who came there with the Tab key."""
    page.locator(selector).focus()
    page.keyboard.press(key)


def _order(page: Page) -> list[str | None]:
    return [
        each.get_attribute("data-campaigns-block")
        for each in page.locator(".campaigns-block").all()
    ]


def _said(page: Page, words: str) -> None:
    expect(page.locator("#blocks-said")).to_have_text(words)


def _focused(page: Page, identity: str) -> None:
    expect(page.locator(f"#{identity}")).to_be_focused()


def _write_with_the_keyboard(page: Page, name: str) -> None:
    page.locator("#id_name").focus()
    page.keyboard.type(name)
    page.locator("#id_purpose").focus()
    page.keyboard.type("Our newsletter")
    page.locator("#id_subject").focus()
    page.keyboard.type("Hello {{ first_name }}")
    # The first block: its heading.
    _press(page, "#b1-summary")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("What is new")
    # A block between the second and the third.
    page.locator("#block-b2 > .campaigns-insert > summary").focus()
    page.keyboard.press("Enter")
    _press(page, "button[value='add:quote:2']")
    _said(page, "Quote added at place 3.")
    assert _order(page) == ["b1", "b2", "b5", "b3", "b4"]
    _focused(page, "block-b5-html-rich")
    page.keyboard.type("Short and ")
    page.keyboard.press("Control+b")
    page.keyboard.type("clear")
    page.keyboard.press("Tab")
    page.keyboard.type("A reader")


def _reorder_with_the_keyboard(page: Page) -> None:
    _press(page, "#b5-down")
    _said(page, "Quote moved to place 4 of 5.")
    _focused(page, "b5-down")
    page.keyboard.press("Enter")
    _said(page, "Quote moved to place 5 of 5.")
    _focused(page, "b5-down")
    page.keyboard.press("Enter")
    _said(page, "Quote is the last block.")
    _focused(page, "b5-down")
    for place in (4, 3):
        _press(page, "#b5-up", "Space")
        _said(page, f"Quote moved to place {place} of 5.")
    _press(page, "#b5-copy")
    _said(page, "Quote duplicated.")
    assert _order(page) == ["b1", "b2", "b5", "b6", "b3", "b4"]
    _press(page, "#b6-delete")
    _said(page, "Quote deleted. It can be put back.")
    _focused(page, "blocks-undo")
    page.keyboard.press("Enter")
    _said(page, "Quote is back.")
    _press(page, "#b6-delete")
    expect(page.locator("#block-b6")).to_have_count(0)


def _see_every_view(sight: Eyes, page: Page) -> None:
    frame = page.frame_locator("[data-campaigns-frame] iframe:not([data-coming])")
    for view in ("phone", "text", "dark", "inverted", "desktop"):
        page.locator(f"#view-{view}").focus()
        page.keyboard.press("Space")
        expect(page.locator("[data-campaigns-frame] iframe")).to_have_count(1)
        expect(frame.get_by_text("Short and").first).to_be_visible()
        if view == "phone":
            width = page.locator("[data-campaigns-frame] iframe").bounding_box()
            assert width is not None
            assert width["width"] == 375
        sight.look(page, f"mail-{view}")


def _draw_larger(page: Page, identity: str) -> None:
    """As the corner of a text area does: its size is a style of its own from then on."""
    page.evaluate("id => { document.getElementById(id).style.height = '9rem'; }", identity)


def _drag(page: Page) -> None:
    _draw_larger(page, "block-b5-html")
    page.locator("#block-b5 .campaigns-grip").drag_to(page.locator("#block-b1"))
    _said(page, "The order is changed.")
    assert _order(page)[:3] != ["b1", "b2", "b5"]
    expect(page.locator("#b5-summary")).to_contain_text(re.compile(r"^[12]\."))


def _change_visually(sight: Eyes, page: Page, campaign: Campaign) -> None:
    page.get_by_role("link", name="Visual editor").click()
    expect(page.locator("[data-visual][data-ready]")).to_have_count(1)
    expect(page.locator("[data-visual-refused]")).to_be_hidden()
    canvas = page.frame_locator("#visual-canvas iframe.gjs-frame")
    text = canvas.get_by_text("What is new")
    expect(text).to_be_visible()
    text.dblclick()
    page.keyboard.press("Control+a")
    page.keyboard.type("Seen and changed")
    canvas.locator("body").click(position={"x": 5, "y": 5})
    sight.look(page, "visual")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#id_mjml")).to_be_visible()
    campaign.refresh_from_db()
    assert "Seen and changed" in campaign.mjml
    assert "opt_out_url" in campaign.mjml
    assert campaign.blocks is None
    expect(page.get_by_text("Nothing to put right: this mail can be sent.")).to_be_visible()
    sight.look(page, "code")


def test_written_by_keyboard_seen_in_every_view_and_changed_visually(
    stage: Stage, sight: Eyes
) -> None:
    seed_purposes(now=cast.clock())
    page, name = sight.page(), f"By keyboard {uuid4().hex[:6]}"
    _sign_in(stage, page, _writer())
    page.goto(f"{stage.staff_url}/campaigns/new")
    _write_with_the_keyboard(page, name)
    _reorder_with_the_keyboard(page)
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile("/edit$"))
    campaign = Campaign.objects.get(name=name)
    assert campaign.blocks is not None
    quote = campaign.blocks["blocks"][2]
    assert (quote["html"], quote["source"]) == ("Short and <b>clear</b>", "A reader")
    sight.look(page, "blocks")
    _see_every_view(sight, page)
    _drag(page)
    # The page saves by itself, and says so.
    expect(page.locator("[data-campaigns-unsaved]")).to_contain_text("Saved at")
    wait_for(lambda: Campaign.objects.get(name=name).blocks != campaign.blocks, "the page to save")

    phone = page.context.new_page()
    phone.set_viewport_size({"width": 390, "height": 860})
    sight.watch.over(phone).goto(page.url)
    sight.look(phone, "blocks-on-a-telephone")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.close()

    page.get_by_role("button", name="Add French").click()
    expect(page.get_by_role("navigation", name="Versions").get_by_role("link")).to_have_count(2)
    sight.look(page, "in-french")
    page.get_by_role("link", name="English").click()
    page.get_by_role("link", name="Earlier states").click()
    expect(page.get_by_role("button", name="Go back to this").first).to_be_visible()
    sight.look(page, "states")
    page.get_by_role("link", name="Back to writing").click()
    page.get_by_role("link", name="Turn into code").click()
    sight.look(page, "to-code")
    page.get_by_role("button", name="Turn it into code").click()
    expect(page.locator("#id_mjml")).to_be_visible()
    assert Campaign.objects.get(name=name).blocks is None
    assert sight.watch.complaints == []
    assert sight.watch.strangers == []


def test_changed_in_the_visual_editor_without_a_violation(stage: Stage, sight: Eyes) -> None:
    ready = ready_mail("blank.en")
    assert ready is not None
    campaign = Campaign.objects.get(
        id=cast.draft(mjml=ready.mjml.replace("Your title", "What is new"))
    )
    page = sight.page()
    _sign_in(stage, page, _writer())
    page.goto(f"{stage.staff_url}/campaigns/{campaign.id}/edit")
    _change_visually(sight, page, campaign)
    assert sight.watch.complaints == []
    assert sight.watch.strangers == []
