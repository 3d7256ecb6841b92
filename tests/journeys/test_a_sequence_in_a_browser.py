"""A sequence written with the keyboard carries a person to a mail, and is stopped for them."""

from uuid import uuid4

from playwright.sync_api import Page, expect

from campaigns.models import Enrolment, Sequence
from tests.campaigns import cast
from tests.journeys.browser import TAGS, Eyes, violations
from tests.journeys.stage import Stage, wait_for
from tests.journeys.test_the_main_job_in_a_browser import _marketer, _sign_in


def _add(page: Page, place: int, kind: str) -> None:
    """Open the place by its key, choose, press Enter on the button."""
    summary = page.locator(".sequences-add > summary").nth(place)
    summary.focus()
    page.keyboard.press("Enter")
    form = page.locator(".sequences-add").nth(place).locator("form")
    form.get_by_label("Kind of step").select_option(kind)
    form.get_by_role("button", name="Add").press("Enter")


def _accessible(page: Page) -> None:
    assert violations(page, TAGS) == [], page.url


def _write(stage: Stage, sight: Eyes, page: Page, name: str) -> None:
    page.goto(f"{stage.staff_url}/sequences/")
    sight.look(page, "sequences-list")
    page.get_by_role("link", name="New sequence").first.click()
    page.get_by_label("Name of the sequence").fill(name)
    page.get_by_label("Purpose").select_option("newsletter")
    page.get_by_role("button", name="Next: what begins it").click()
    page.get_by_label("A date").check()
    expect(page.get_by_label("Days after it")).to_be_visible()
    sight.look(page, "sequences-settings")
    _accessible(page)
    page.get_by_label("By hand, from the page of a contact").check()
    expect(page.get_by_label("Days after it")).to_be_hidden()
    page.get_by_role("button", name="Save").click()
    _add(page, 0, "send")
    expect(page.locator("#step-s1")).to_be_visible()
    _add(page, 1, "wait")
    page.get_by_label("How long").fill("5")
    sight.look(page, "sequences-step")
    page.get_by_role("button", name="Save").click()
    _add(page, 2, "condition")
    page.get_by_label("Or: was this mail sent to them?").select_option("s1")
    page.get_by_role("button", name="Save").click()
    # The places: first, behind s1, behind s2, yes of s3.
    _add(page, 3, "tag")
    page.get_by_label("Tag").fill("welcomed")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Was the mail S1 sent?")).to_be_visible()


def _move(sight: Eyes, page: Page) -> None:
    """By htmx: the page stays, and so does the focus."""
    page.locator("#down-s1").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".sequences-steps > li").first.locator("#step-s2")).to_be_visible()
    expect(page.locator("#down-s1")).to_be_focused()
    page.locator("#up-s1").press("Enter")
    expect(page.locator(".sequences-steps > li").first.locator("#step-s1")).to_be_visible()
    sight.look(page, "sequences-editor")
    _accessible(page)


def _write_the_mail(page: Page, name: str) -> None:
    page.get_by_role("link", name="Write S1").click()
    page.get_by_label("Subject").fill(f"Welcome {name}")
    page.get_by_role("button", name="Save and check").click()
    expect(page.get_by_text("Everything is ready.")).to_be_visible()


def test_a_sequence_in_a_browser(stage: Stage, sight: Eyes) -> None:
    name = f"Welcome-{uuid4().hex[:6]}"
    email = f"alice-{uuid4().hex[:8]}@example.org"
    alice = cast.subscriber(email)
    page = _sign_in(stage, sight, _marketer())
    _write(stage, sight, page, name)
    _move(sight, page)
    _write_the_mail(page, name)
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_text("The sequence is active.")).to_be_visible()
    page.goto(f"{stage.staff_url}/contacts/{alice}/")
    page.get_by_label("Sequence", exact=True).select_option(label=name)
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_text("The person has entered the sequence.")).to_be_visible()
    wait_for(lambda: email in stage.inbox.recipients(), "the mail to arrive")
    wait_for(lambda: Enrolment.objects.filter(contact_id=alice, step="s2").exists(), "the wait")
    page.reload()
    sight.look(page, "sequences-contact")
    sequence = Sequence.objects.get(name=name)
    page.goto(f"{stage.staff_url}/sequences/{sequence.id}/")
    expect(page.locator("#step-s2")).to_contain_text("1 here")
    sight.look(page, "sequences-running")
    _accessible(page)
    page.set_viewport_size({"width": 390, "height": 860})
    sight.look(page, "sequences-running-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.goto(f"{stage.staff_url}/sequences/{sequence.id}/people")
    sight.look(page, "sequences-people-phone")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped. You can let the person go on again below.")).to_be_visible()
    page.get_by_role("button", name="Let the person go on").click()
    expect(page.get_by_text("Under way")).to_be_visible()
    sight.look(page, "sequences-contact-phone")
    page.goto(f"{stage.staff_url}/sequences/{sequence.id}/")
    page.get_by_role("button", name="Change").click()
    page.get_by_text("Draft · Version 2").wait_for()
    sight.look(page, "sequences-draft-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert sight.watch.complaints == []
    assert sight.watch.strangers == []
