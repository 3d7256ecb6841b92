"""Every public page meets WCAG 2.2 AA, as far as axe can tell: both languages, telephone and
desk, light and dark."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from playwright.sync_api import Page, Route, expect

from campaigns import services as services_of_campaigns
from campaigns.content.library import starter
from campaigns.models import Campaign
from campaigns.services import Draft
from consent import services
from consent.cards import link_url
from consent.services import Answer, Basis
from privacy.services import Link, enrol, fingerprint_emails
from tests.campaigns import cast
from tests.campaigns.archive.cast import left
from tests.consent.people import newsletter, promotion, submit
from tests.journeys import acts
from tests.journeys.browser import TAGS, Eyes, violations
from tests.journeys.stage import Stage

ORGANISATION = {
    "organisation": "Accord",
    "organisation_address": "1 rue des Accords, 75001 Paris",
    "dpo_address": "dpo@localhost.example",
}


class Visit:
    """One browser window in one language; axe looks at each page in both colour schemes."""

    def __init__(self, sight: Eyes, stage: Stage, language: str, width: int) -> None:
        self.sight, self.stage, self.language, self.width = sight, stage, language, width
        # The pages forbid scripts that are not theirs; axe is one, here and nowhere else.
        context = sight.browser.new_context(
            viewport={"width": width, "height": 860}, locale=language, bypass_csp=True
        )
        self.page: Page = sight.watch.over(context.new_page())
        self.found: list[str] = []

    def open(self, url: str, name: str) -> None:
        self.page.goto(url if url.startswith("http") else f"{self.stage.public_url}{url}")
        self.examine(name)

    def press(self, selector: str, name: str) -> None:
        self.page.locator(selector).click()
        self.page.wait_for_load_state()
        self.examine(name)

    def without_its_own_checks(self) -> None:
        """What the browser would stop is sent, so that the page's own answer is seen."""
        self.page.locator("form").evaluate_all("all => all.forEach(e => e.noValidate = true)")

    def examine(self, name: str) -> None:
        assert self.page.locator("html").get_attribute("lang") == self.language, name
        assert self.page.locator("h1").count() == 1, name
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= self.width, f"{name} is {wide} pixels wide"
        self.page.emulate_media(color_scheme="dark")
        self.found += [f"{name} dark: {each}" for each in violations(self.page, ["cat.color"])]
        self.page.emulate_media(color_scheme="light")
        self.found += [f"{name}: {each}" for each in violations(self.page, TAGS)]
        self.sight.look(self.page, f"{name}-{self.language}-{self.width}")

    def shown(self, template: str, name: str) -> None:
        """A page that only a failure brings: its template, at an address of the public side."""
        with translation.override(self.language):
            body = render_to_string(template, ORGANISATION | {"LANGUAGE_CODE": self.language})
        url = f"{self.stage.public_url}/failing-{name}"

        def fail(route: Route) -> None:
            route.fulfill(body=body, content_type="text/html; charset=utf-8", status=500)

        self.page.route(url, fail)
        # The two that ask nothing of anything are French first and English below.
        language, self.language = self.language, "fr" if template[0].isdigit() else self.language
        self.sight.watch.complaints.clear()
        self.open(url, name)
        self.language = language


def _person(pending: bool = False) -> tuple[UUID, str]:
    email = f"ada-{uuid4().hex[:10]}@example.org"
    return enrol(email=email).subject_id, email


def _links(subject: UUID, email: str) -> services.OptOutLinks:
    made = services.opt_out_links(
        subjects={subject: email}, purpose_code="newsletter", now=cast.clock()
    )
    services.refresh_cards(now=cast.clock())
    return made[subject]


def _with_every_kind_of_answer() -> services.OptOutLinks:
    """A person who agreed, did not object, said no, and has not confirmed."""
    subject, email = _person()
    now = cast.clock()
    measured = Answer("email_measurement", "email", Basis.CONSENT, None, True, "Measure")
    assessment = services.current_assessment(purpose_code="phone_prospecting")
    calls = Answer(
        "phone_prospecting", "phone", Basis.LEGITIMATE_INTEREST, assessment, True, "No calls"
    )
    answers = (newsletter(is_ticked=True), promotion(is_ticked=False), calls)
    submit(subject, *answers, email=email, at=now, needs_confirmation=False)
    submit(subject, measured, email=email, at=now)
    return _links(subject, email)


def _forms(visit: Visit, form: dict[str, Any], query: str) -> None:
    visit.open(f"/f/{form['code']}{query}", "form")
    visit.without_its_own_checks()
    visit.page.locator("[name=email]").fill("not an address")
    visit.press("form button", "form-with-errors")
    visit.page.locator("[name=email]").fill(f"{uuid4().hex[:10]}@example.org")
    visit.page.locator("[name=family_name]").fill("Martin")
    visit.press("form button", "thanks")
    visit.open(f"/f/no-such-form{query}", "form-gone")


def _choices(visit: Visit, query: str) -> None:
    links = _with_every_kind_of_answer()
    visit.open(links.preferences_url + query, "preferences")
    visit.page.locator("summary").first.click()
    visit.page.locator("#frequency-7").check()
    visit.page.locator("#pause-3").check()
    visit.press("form .row button:not([name])", "preferences-saved")
    visit.press("button[name=everything]", "preferences-no-to-everything")
    visit.press("button[name=undo]", "undone")
    visit.open(_links(*_person()).preferences_url + query, "preferences-empty")
    visit.open(links.one_click_url + query, "one-click")
    visit.press("button[value=purpose]", "one-click-done")
    visit.press("button[value=everything]", "one-click-everything")


def _without_a_card(visit: Visit, query: str) -> None:
    mark = fingerprint_emails(emails=["nobody@example.org"])[0].exact
    pages = {"u": "opt_out", "p": "preferences", "c": "confirm", "undo": "undo"}
    url = {
        page: link_url(page, scope, Link(uuid4(), 2, mark)) + query for page, scope in pages.items()
    }
    visit.open(url["u"], "one-click-unknown")
    visit.press("button[value=purpose]", "one-click-unknown-done")
    visit.open(url["p"], "preferences-unknown")
    visit.press("button[name=everything]", "preferences-unknown-done")
    visit.open(url["c"], "confirm")
    visit.press("form button", "confirmed")
    visit.open(url["undo"], "undo")
    visit.press("form button", "letter-undone")


def _by_address(visit: Visit, query: str) -> None:
    visit.open(f"/no{query}", "by-address")
    visit.without_its_own_checks()
    visit.page.locator("#email").fill("a@localhost")
    visit.press("form button", "by-address-refused")
    visit.page.locator("#email").fill("nobody@example.org")
    visit.press("form button", "by-address-done")
    visit.open(f"/u/cut{query}", "broken-link")


def _archive(visit: Visit, query: str) -> None:
    """A newsletter that anybody may read: the list, its page, and what it leads to."""
    language = visit.language
    draft = services_of_campaigns.create_draft(
        draft=Draft(
            name="For everybody",
            purpose_id="newsletter",
            segment_id=None,
            language=language,
            subject="What changes this month" if language == "en" else "Ce qui change ce mois-ci",
            preheader="Three dates, one guide" if language == "en" else "Trois dates, un guide",
            sender_name="Accord",
            sender_address="news@example.org",
            reply_to="",
            mjml=starter_in(language),
        ),
        actor_id=cast.people_actor(),
        now=cast.clock(),
    )
    campaign = Campaign.objects.get(id=draft)
    left(campaign)
    visit.open(f"/archive/{query}", "archive")
    visit.open(f"/archive/{draft}/{language}{query}", "archive-issue")
    expect(visit.page.frame_locator("iframe").locator("body")).to_contain_text("Accord")
    visit.open(f"/archive/links{query}", "archive-links")
    visit.shown("campaigns/archive/later.html", "archive-later")
    services_of_campaigns.mark_public(
        campaign_id=draft, is_public=False, actor_id=None, now=cast.clock()
    )
    services_of_campaigns.publish_issues()


def starter_in(language: str) -> str:
    found = starter(f"newsletter.{language}")
    assert found is not None
    return found.mjml


def _failures(visit: Visit, query: str) -> None:
    visit.open(f"/nowhere{query}", "no-such-page")
    visit.shown("consent/closed.html", "closed")
    visit.shown("forms_intake/closed.html", "form-closed")
    visit.shown("500.html", "failed")
    visit.shown("400.html", "unreadable")


def test_a_page_with_faults_is_found_out(sight: Eyes) -> None:
    page = sight.browser.new_page()
    page.set_content(
        "<html lang=en><title>t</title><main><h1>t</h1><img src=x>"
        "<p style='color:#999;background:#fff'>pale</p>"
    )
    found = " ".join(violations(page, TAGS))
    assert "image-alt" in found and "color-contrast" in found
    assert "color-contrast" in " ".join(violations(page, ["cat.color"]))


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_axe_finds_nothing(stage: Stage, sight: Eyes, language: str, width: int) -> None:
    visit = Visit(sight, stage, language, width)
    query = f"?lang={language}"
    _forms(visit, acts.publish_form(minimum_fill_seconds=0), query)
    rounds: list[Callable[[Visit, str], None]] = [
        _choices,
        _without_a_card,
        _by_address,
        _archive,
        _failures,
    ]
    for each in rounds:
        each(visit, query)
    assert visit.found == []
    assert sight.watch.strangers == []


def test_every_control_is_reached_by_the_keyboard_in_the_order_it_is_read(
    stage: Stage, sight: Eyes
) -> None:
    page = sight.page(language="en-GB")
    page.goto(_with_every_kind_of_answer().preferences_url + "?lang=en")
    reached: list[float] = []
    for _press in range(60):
        page.keyboard.press("Tab")
        place = page.evaluate(
            "() => { const e = document.activeElement; if (e === document.body) return null;"
            " const s = getComputedStyle(e), r = e.getBoundingClientRect();"
            " const over = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);"
            " const bar = e.closest('.stays');"
            " return [bar ? 1e6 : r.top + window.scrollY, s.outlineStyle,"
            " parseFloat(s.outlineWidth), bar || !over || !over.closest('.stays')] }"
        )
        if place is None:
            break
        top, style, width, is_in_sight = place
        assert style == "solid" and width >= 2  # the focus is seen
        assert is_in_sight  # and nothing covers it
        reached.append(top)
    assert len(reached) > 12
    form = reached[: reached.index(1e6) + 2]
    assert form == sorted(form)
