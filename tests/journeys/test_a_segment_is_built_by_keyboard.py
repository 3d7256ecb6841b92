"""A nested segment by keyboard alone: its rules, a move, the numbers, and why one is in it."""

from uuid import uuid4

from playwright.sync_api import Page, expect

from crm.accounts.register import NewAccount, create_account
from crm.services import Person, receive_many
from tests.campaigns import cast
from tests.consent import people
from tests.crm.staff import PASSWORD, code_now
from tests.journeys.browser import TAGS, Eyes, violations
from tests.journeys.stage import Stage


def _marketer() -> NewAccount:
    return create_account(
        username=f"marketing-{uuid4().hex[:6]}",
        role="marketing",
        now=cast.clock(),
        password=PASSWORD,
        with_authenticator=True,
        language="en",
    )


def _sign_in(stage: Stage, page: Page, account: NewAccount) -> None:
    page.goto(stage.staff_url)
    page.locator("input[name=username]").fill(account.account.username)
    page.keyboard.press("Enter")
    page.locator("input[name=password]").fill(account.password)
    page.keyboard.press("Enter")
    assert account.secret is not None
    page.locator("input[name=code]").fill(code_now(account.secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Contacts").first).to_be_attached()


def _press(page: Page, value: str) -> None:
    """Press a button of the builder as the keyboard does: reach it, then Enter."""
    button = page.locator(f'button[value="{value}"]')
    button.focus()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")


def _choose(page: Page, name: str, value: str) -> None:
    field = page.locator(f'select[name="{name}"]')
    field.focus()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        field.select_option(value)
    # The answer brings the rows anew: what is done next is done to these.
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def _accessible(page: Page) -> None:
    # An answer that comes while axe styles what it measures would copy that style.
    expect(page.locator(".htmx-request")).to_have_count(0)
    assert violations(page, TAGS) == []


def _build(page: Page, source: str) -> None:
    _press(page, "rule:r")
    # The new rule has taken the keyboard.
    expect(page.locator('select[name="r.0.fact"]')).to_be_focused()
    _choose(page, "r.0.fact", "source")
    page.locator('textarea[name="r.0.value"]').focus()
    page.keyboard.type(source)
    _press(page, "group:r")
    expect(page.locator('select[name="r.1.0.fact"]')).to_be_focused()
    _choose(page, "r.1.0.fact", "opened")
    _choose(page, "r.1.0.is", "not_in_last_days")
    page.locator('input[name="r.1.0.value"]').focus()
    page.keyboard.type("90")
    _press(page, "rule:r.1")
    _choose(page, "r.1.1.fact", "language")
    page.locator('input[name="r.1.1.value"][value=en]').focus()
    page.keyboard.press("Space")


def test_nested_rules_their_numbers_and_an_explanation(stage: Stage, sight: Eyes) -> None:
    source = f"fair-{uuid4().hex[:6]}"
    emails = [f"{name}-{uuid4().hex[:6]}@example.org" for name in ("alice", "bob", "charlie")]
    contacts = receive_many(
        people=[
            (
                Person(email=email, given_name=email.partition("-")[0].title()),
                {"language": language, "source": source},
            )
            for email, language in zip(emails, ("en", "en", "fr"), strict=True)
        ],
        now=cast.clock(),
    )
    people.submit(
        contacts[0], people.newsletter(is_ticked=True), email=emails[0], needs_confirmation=False
    )
    page = sight.page()
    _sign_in(stage, page, _marketer())
    page.goto(f"{stage.staff_url}/segments/new")
    page.get_by_label("Name").fill(f"By {source}")
    _build(page, source)
    # Two read English; the third does not, and of none of them anybody may say what they open.
    expect(page.locator("#preview")).to_contain_text("2 contacts")
    expect(page.locator(".people-waterfall")).to_contain_text("The person has given no answer")
    expect(page.locator(".people-reachable")).to_contain_text("1")
    expect(page.locator(".people-rule-note")).to_contain_text("agree at this moment")
    sight.look(page, "segment-nested")
    _accessible(page)

    _press(page, "up:r.1.1")
    expect(page.locator('button[value="up:r.1.0"]')).to_be_focused()
    _press(page, "up:r.1.0")
    # Out of the group, above it; the same button has the keyboard.
    expect(page.locator('button[value="up:r.1"]')).to_be_focused()
    expect(page.locator("#preview")).to_contain_text("0 contacts")
    _press(page, "down:r.1")
    expect(page.locator('button[value="down:r.1.0"]')).to_be_focused()
    expect(page.locator("#preview")).to_contain_text("2 contacts")

    _press(page, "sample")
    expect(page.locator("#sample li")).to_have_count(2)
    page.get_by_label("E-mail address of a contact").fill(emails[2])
    _press(page, "explain")
    explanation = page.locator("#explanation")
    expect(explanation).to_contain_text("Not in the segment")
    expect(explanation).to_contain_text("Language: English does not hold")
    expect(explanation).to_contain_text("not in the last 90 days nobody may say")
    sight.look(page, "segment-explained")
    _accessible(page)

    _press(page, "save")
    expect(page.get_by_text("The segment is saved.")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 860})
    page.get_by_role("link", name=f"By {source}").click()
    expect(page.locator("#preview")).to_contain_text("2 contacts")
    sight.look(page, "segment-phone")
    page.goto(f"{stage.staff_url}/contacts/{contacts[0]}/")
    held = page.locator("#in-segments")
    expect(held.get_by_role("link", name=f"By {source}")).to_be_visible()
    held.get_by_role("link", name=f"By {source}").click()
    expect(page.locator("#explanation")).to_contain_text("In the segment")
    sight.look(page, "segment-why-phone")
    assert sight.watch.complaints == []
    assert sight.watch.strangers == []
