"""Pictures, a brand, a saved block and the look before a launch, as a person sees them."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import Image
from crm.accounts.register import NewAccount, create_account
from tests.campaigns import cast
from tests.campaigns.images.pictures import picture
from tests.crm.staff import PASSWORD, code_now
from tests.journeys.browser import TAGS, Eyes, violations
from tests.journeys.stage import Stage, wait_for

# The gallery shows every ready-made mail, each compiled in a frame of its own.
pytestmark = pytest.mark.timeout(300)


def _marketer() -> NewAccount:
    return create_account(
        username=f"marketing-{uuid4().hex[:6]}",
        role="marketing",
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
    expect(page.get_by_role("link", name="Contacts").first).to_be_visible()
    return page


def _examine(sight: Eyes, page: Page, name: str) -> None:
    """Nothing spills over the edge, at a desk and on a telephone; both are kept to be looked at."""
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 860})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} pixels wide at {width}"
        sight.look(page, f"{name}-{width}")


def _add_a_picture(stage: Stage, sight: Eyes, page: Page, file: Path) -> str:
    page.goto(f"{stage.staff_url}/templates/images/")
    page.locator("#id_file").set_input_files(str(file))
    page.get_by_label("Name in the library").fill("Our logo")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("Say what the picture shows")).to_be_visible()
    page.locator("#id_file").set_input_files(str(file))
    page.get_by_label("What the picture says").fill("Example Ltd")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Our logo")).to_be_visible()
    _examine(sight, page, "image")
    page.goto(f"{stage.staff_url}/templates/images/")
    _examine(sight, page, "images")
    image = Image.objects.latest("created_at")
    return f"{stage.public_url}/media/{image.token}.{image.extension}"


def _set_up_a_brand(stage: Stage, sight: Eyes, page: Page) -> None:
    page.goto(f"{stage.staff_url}/templates/brands/new")
    page.get_by_label("Name of the brand").fill(f"Example {uuid4().hex[:4]}")
    page.get_by_label("Logo, from the image library").select_option(label="Our logo")
    page.locator("#id_main_colour").fill("#ffcc00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Too pale on #ffffff: contrast 1.5")).to_be_visible()
    page.locator("#id_main_colour").fill("#7a1f5c")
    page.locator("#id_band_colour").fill("#4a1238")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A newsletter in this look")).to_be_visible()
    page.wait_for_timeout(500)
    _examine(sight, page, "brand")


def _choose_it_for_a_block(stage: Stage, sight: Eyes, page: Page, address: str) -> None:
    page = sight.watch.over(page.context.new_page())
    page.goto(f"{stage.staff_url}/campaigns/new?from=letter.en")
    page.locator("#blocks > .campaigns-insert > summary").click()
    page.locator("#blocks > .campaigns-insert button[value='add:image:0']").click()
    block = page.locator(".campaigns-block").first
    block.get_by_role("button", name="Choose from the library").click()
    logo = block.get_by_role("button", name="Our logo")
    expect(logo).to_be_focused()
    _examine(sight, page, "choice")
    logo.press("Enter")
    expect(logo).to_have_count(0)
    expect(block.locator("input[name$='.src']")).to_have_value(address[len(stage.public_url) :])
    expect(block.locator("input[name$='.alt']")).to_have_value("Example Ltd")
    mail = page.frame_locator("[data-campaigns-frame] iframe:not([data-coming])")
    expect(mail.get_by_alt_text("Example Ltd").first).to_be_visible()
    page.close()


def test_what_mails_are_made_of_in_a_browser(stage: Stage, sight: Eyes, tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(picture("PNG", size=(1600, 500), colour=(122, 31, uuid4().int % 256)))
    page = _sign_in(stage, sight, _marketer())
    address = _add_a_picture(stage, sight, page, file)

    def is_published() -> bool:
        answer = page.context.request.get(address)
        return answer.status == 200 and "immutable" in answer.headers["cache-control"]

    wait_for(is_published, "the worker to publish the picture")
    _set_up_a_brand(stage, sight, page)
    _choose_it_for_a_block(stage, sight, page, address)
    page.goto(f"{stage.staff_url}/templates/")
    page.locator(".campaigns-gallery iframe").last.scroll_into_view_if_needed()
    page.wait_for_timeout(1500)
    _examine(sight, page, "gallery")
    page.goto(f"{stage.staff_url}/templates/blocks/new")
    page.get_by_label("Name of the block").fill("Next event")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Next event")).to_be_visible()
    _examine(sight, page, "blocks")
    page.goto(f"{stage.staff_url}/campaigns/{cast.draft()}/")
    page.get_by_role("button", name="Look at it now").click()
    expect(page.get_by_role("button", name="Look again")).to_be_visible(timeout=90_000)
    expect(page.locator("#preflight")).to_contain_text(re.compile("The opt-out link stands"))
    _examine(sight, page, "preflight")
    # The two answers that were refused on purpose are complained of by the browser itself.
    assert [each for each in sight.watch.complaints if "422" not in each] == []
    assert sight.watch.strangers == []


def test_these_pages_are_accessible(stage: Stage, sight: Eyes) -> None:
    page = _sign_in(stage, sight, _marketer())
    cookies = page.context.cookies()
    context = sight.browser.new_context(viewport={"width": 1280, "height": 860}, bypass_csp=True)
    context.add_cookies(cookies)  # type: ignore[arg-type]
    page = context.new_page()
    found = []
    for path in ("images/", "brands/", "brands/new", "blocks/", "blocks/new"):
        page.goto(f"{stage.staff_url}/templates/{path}")
        found += [f"{path}: {each}" for each in violations(page, TAGS)]
    assert found == []
