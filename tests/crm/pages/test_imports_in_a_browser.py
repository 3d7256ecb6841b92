"""An import and a merge as a member of staff does them, in a real browser."""

from pathlib import Path

import pytest
from django.conf import settings as configured
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from crm import services
from crm.models import Contact
from tests.conftest import NOW
from tests.consent.arrivals import SOURCE, publish_indirect_notice
from tests.consent.people import newsletter, submit
from tests.crm.imports.files import file_of
from tests.crm.pages.arrivals import arrive
from tests.crm.staff import staff_client
from tests.journeys.browser import NEEDED, Eyes, eyes, find_chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
LINES = [
    *(f"person{n}@example.org;Camille {n};Roy;Ville de Lyon;061234567{n % 10}" for n in range(40)),
    "nobody;;;;",
    "person1@example.org;Encore;;;",
    "alice@example.org;Alice;Martin;;",
]


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver of the browser keeps a loop in this thread; the database is asked from it too."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def test_a_file_is_imported_and_two_contacts_are_merged(
    live_server: LiveServer, vault: None, allowed: None, tmp_path: Path
) -> None:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip(NEEDED)
    publish_indirect_notice()
    alice, alix = arrive("Alice"), arrive("Alix")
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    submit(alix, newsletter(is_ticked=True), email="alix@example.org", needs_confirmation=True)
    file = tmp_path / "people.csv"
    file.write_bytes(file_of(*LINES, header="E-mail;Prénom;Nom;Société;Téléphone"))
    session = staff_client().cookies[configured.SESSION_COOKIE_NAME].value
    base = live_server.url.replace("localhost", "127.0.0.1")
    with eyes(chromium) as browser:
        for width in (1280, 390):
            page = browser.page(width=width, language="fr-FR" if width == 390 else "en-GB")
            cookie = {"name": configured.SESSION_COOKIE_NAME, "value": session, "url": base}
            page.context.add_cookies([cookie])  # type: ignore[list-item]
            if width == 390:
                break
            _import(page, base, file, browser)
            _merge(page, base, str(alice), browser)
        for name in ("imports/", "imports/new", f"contacts/{alice}/"):
            page.goto(f"{base}/{name}")
            browser.look(page, f"narrow-{name.strip('/').replace('/', '-')[:20]}")
        assert browser.watch.complaints == []
        assert browser.watch.strangers == []


def _import(page: Page, base: str, file: Path, browser: Eyes) -> None:
    page.goto(f"{base}/imports/")
    browser.look(page, "imports-none")
    page.get_by_role("link", name="Import a file").first.click()
    page.get_by_label("File").set_input_files(str(file))
    page.get_by_label("Where these people are from").fill(SOURCE)
    browser.look(page, "import-new")
    page.get_by_role("button", name="Look at it first").click()
    expect(page.get_by_text("43 lines are being looked at")).to_be_visible()
    services.work_on_imports(now=NOW)
    expect(page.get_by_role("heading", name="What it would do")).to_be_visible()
    page.get_by_text("Line by line").click()
    browser.look(page, "import-look")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("of 43 lines")).to_be_visible()
    browser.look(page, "import-running")
    services.work_on_imports(now=NOW)
    expect(page.get_by_role("heading", name="What became of it")).to_be_visible()
    browser.look(page, "import-report")
    assert Contact.objects.count() == 42


def _merge(page: Page, base: str, contact: str, browser: Eyes) -> None:
    page.goto(f"{base}/contacts/{contact}/")
    page.get_by_role("link", name="Merge with another contact").click()
    browser.look(page, "merge-find")
    page.get_by_label("Address of the other contact").fill("alix@example.org")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", name="What will hold afterwards")).to_be_visible()
    browser.look(page, "merge-both")
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_text("takes a few seconds").first).to_be_visible()
    services.settle_merges(now=NOW)
    page.goto(f"{base}/contacts/{contact}/")
    expect(page.get_by_text("alix@example.org")).to_be_visible()
    browser.look(page, "merged")
