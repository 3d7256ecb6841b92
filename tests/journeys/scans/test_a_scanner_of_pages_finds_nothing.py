"""Wapiti attacks every public page: nothing is found that is not explained here."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from campaigns.models import Campaign
from consent.services import opt_out_links, refresh_cards
from tests.campaigns import cast
from tests.campaigns.archive.cast import left
from tests.journeys import acts
from tests.journeys.scans.wapiti import NEEDED, Finding, find_wapiti, scan
from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow

# What it calls a finding and is none, by kind; and why.
EXPLAINED = {
    # The public side has no session, no cookie and no account: there is nothing that a page of
    # somebody else could make a browser do in a person's name. A form's answers prove nothing of
    # who sends them, and a token in the address is the authority.
    "Cross Site Request Forgery",
}


def _start_pages(stage: Stage) -> list[str]:
    """A form, the pages behind the links of a mail to a person, and the archive."""
    form = acts.publish_form()
    email = "scan@example.org"
    contact = cast.subscriber(email)
    links = opt_out_links(subjects={contact: email}, purpose_code="newsletter", now=cast.clock())[
        contact
    ]
    refresh_cards(now=cast.clock())
    issue = cast.draft(subject="News")
    left(Campaign.objects.get(id=issue))
    page = f"{stage.public_url}/f/{form['code']}"
    archive = f"{stage.public_url}/archive"
    return [
        page,
        f"{page}?lang=en",
        f"{page}/embed.html",
        f"{stage.public_url}/no",
        f"{stage.public_url}/api/v1/forms/{form['code']}",
        links.one_click_url,
        links.preferences_url,
        f"{archive}/",
        f"{archive}/links",
        f"{archive}/en.xml",
        f"{archive}/{issue}/en",
        f"{archive}/{issue}/en/mail",
    ]


def _is_explained(finding: Finding) -> bool:
    return finding.kind in EXPLAINED


@pytest.fixture
def program() -> Path:
    found = find_wapiti()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NEEDED)
        pytest.skip(NEEDED)
    return found


class _Careless(BaseHTTPRequestHandler):
    """Says back what it was asked, as no page should."""

    def do_GET(self) -> None:
        said = "".join(parse_qs(urlsplit(self.path).query).get("q", []))
        page = f"<html><body><form><input name=q></form><p>{said}</p></body></html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """It is of no interest who asked."""


def test_the_scanner_finds_what_is_there(program: Path, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Careless) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/?q=x"
        found, _pages = scan(program, urls=[url], folder=tmp_path, modules=["xss", "csp"])
        server.shutdown()
    kinds = {finding.kind for finding in found}
    assert any("Cross Site Scripting" in kind for kind in kinds)
    assert "Content Security Policy Configuration" in kinds


@pytest.mark.timeout(360)
def test_nothing_is_found_on_the_public_pages(
    scanned: Stage, program: Path, tmp_path: Path
) -> None:
    urls = _start_pages(scanned)
    found, pages = scan(program, urls=urls, folder=tmp_path)
    assert pages >= len(urls)
    assert [f for f in found if not _is_explained(f)] == []
