"""A real browser: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from django.db import connections
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
NEEDED = "The browser journey needs Chromium: apt-get install chromium"


def find_chromium() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@dataclass
class Watch:
    """What must not happen while pages are looked at."""

    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=lambda: {"127.0.0.1"})

    def over(self, page: Page) -> Page:
        page.on("console", lambda line: self._console(line.type, line.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._request)
        return page

    def _console(self, kind: str, text: str) -> None:
        # htmx says so when a page is left while a request of it is on its way.
        if kind in {"error", "warning"} and not text.startswith(
            ("htmx:sendAbort", "htmx:afterRequest")
        ):
            self.complaints.append(text)

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in {*self.hosts, None, ""}:
            self.strangers.append(request.url)


@dataclass
class Eyes:
    """A browser that keeps what it saw, in ACCORD_SHOTS if that names a folder."""

    browser: Browser
    watch: Watch = field(default_factory=Watch)
    seen: int = 0

    def page(self, *, width: int = 1280, language: str = "en-GB") -> Page:
        context = self.browser.new_context(
            viewport={"width": width, "height": 860}, locale=language
        )
        return self.watch.over(context.new_page())

    def look(self, page: Page, name: str) -> None:
        self.seen += 1
        if folder := os.environ.get("ACCORD_SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            path = Path(folder) / f"{self.seen:02d}-{name}.png"
            page.screenshot(path=str(path), full_page=True)


@contextmanager
def eyes(chromium: str) -> Iterator[Eyes]:
    # A busy machine is slow; it is not wrong.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root; the pages are our own.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        # While Playwright's event loop runs, Django keeps connections of their own for this thread:
        # those of an earlier journey may lead to other databases, or be dead.
        connections.close_all()
        try:
            yield Eyes(browser)
        finally:
            connections.close_all()
            browser.close()


def violations(page: Page, tags: list[str]) -> list[str]:
    """What axe finds on a page, each with where it is."""
    options = {"runOnly": tags, "resultTypes": ["violations"]}
    answer = Axe().run(page, options=options).response
    return [
        f"{each['id']} {[node['target'] for node in each['nodes']]}"
        for each in answer["violations"]
    ]
