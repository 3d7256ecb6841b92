"""A person asks for a receipt behind the link of a letter, reads it, and checks it without us."""

from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from pytest_django import Settings

from tests.consent import verifier
from tests.journeys import acts
from tests.journeys.browser import NEEDED, Eyes, eyes, find_chromium
from tests.journeys.stage import Stage

EMAIL = "receipts@example.org"


def ordered(stage: Stage) -> str:
    """Confirm, press the button of the page behind the letter's link; return the next page."""
    form = acts.publish_form()
    assert acts.post_lead(stage, form, EMAIL, consents=["newsletter:email"]).status_code == 202
    letter = acts.letter_to(stage, EMAIL)
    acts.confirm(stage, EMAIL)
    answer = httpx.post(f"{acts.link_in(letter, 'p')}/receipt?lang=fr", timeout=30)
    assert answer.status_code == 303
    return urljoin(stage.public_url, answer.headers["Location"])


@pytest.mark.browser
def test_a_person_reads_a_receipt_takes_it_away_and_checks_it(
    stage: Stage, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANCHOR_DIR = stage.home / "anchor"
    # Playwright runs an event loop in this thread; the database is only asked between its calls.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    chromium = find_chromium()
    if chromium is None:
        pytest.skip(NEEDED)
    address = ordered(stage)
    with eyes(chromium) as seen:
        page = seen.page(width=390, language="fr-FR")  # a telephone
        page.goto(address)
        # No script: the page that waits looks again by itself until the receipt is there.
        page.locator("section.line").first.wait_for()
        assert _violations(page) == []
        seen.look(page, "receipt-telephone")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        _check_by_keyboard(page)
        with page.expect_download() as download:
            page.locator("a.button").click()
        path = tmp_path / "receipt.jsonld"
        download.value.save_as(path)
        done = verifier.run(path, "--key", verifier.key())
        assert done.returncode == 0, done.stdout + done.stderr
        assert "not in the log yet" not in done.stdout
        wide = seen.page(width=1280, language="en-GB")
        wide.goto(address.replace("lang=fr", "lang=en"))
        assert _violations(wide) == []
        assert "You said yes." in wide.inner_text("main")
        seen.look(wide, "receipt-wide")
        _look_at_the_others(stage, seen)
        assert seen.watch.strangers == []


def _look_at_the_others(stage: Stage, seen: Eyes) -> None:
    for name, address in (
        ("receipt-wait", f"{stage.public_url}/r/{'A' * 43}?lang=en"),
        ("receipt-gone", f"{stage.public_url}/r/none?lang=en"),
    ):
        page = seen.page()
        page.goto(address)
        assert _violations(page) == []
        seen.look(page, name)
        page.close()


def _check_by_keyboard(page: Page) -> None:
    """The download is reached with the tabulator alone, and seen to be."""
    for _step in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('a.button')"):
            return
    raise AssertionError("the download is not reached with the keyboard")


def _violations(page: Page) -> list[Any]:
    found = Axe().run(page).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]
