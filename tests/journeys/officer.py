"""What the data protection officer does at her browser: a purpose, its assessment, a notice."""

from dataclasses import dataclass, field
from uuid import uuid4

from playwright.sync_api import Page, expect

from consent.services import Basis
from crm.accounts.register import NewAccount, create_account
from tests.campaigns import cast
from tests.crm.staff import PASSWORD, code_now
from tests.journeys.browser import Eyes
from tests.journeys.stage import Stage

INTEREST = Basis.LEGITIMATE_INTEREST.value
PURPOSE = {
    "title_fr": "Nos salons professionnels",
    "title_en": "Our trade fairs",
    "description_fr": "Vous inviter, deux fois par an, aux salons de votre métier.",
    "description_en": "Invite you, twice a year, to the fairs of your trade.",
    "retention_days": "730",
}
BALANCE = {
    "interest": "Make our fairs known to the professionals whom they are about.",
    "necessity": "Who does not hear of a fair cannot come to it. An e-mail is the gentlest way.",
    "expectations": "Who writes to us for work expects to hear of the fairs of that work.",
    "balance": "Two messages a year, and a no that takes one press of a button.",
    "b2b_relevance": "Each invitation is about the trade that the person gave.",
    "safeguards": "A box on the form, a link in each message, deletion after two years.",
    "conclusion": "The interest prevails.",
}
PURSUED = {"fr": "faire connaître nos salons", "en": "to make our fairs known"}
OPENING = "Vos données servent à vous {} à nos salons. Vous pouvez dire non à tout moment."


@dataclass
class Play:
    """The names of this journey alone, and who looks at it."""

    stage: Stage
    sight: Eyes
    mark: str = field(default_factory=lambda: uuid4().hex[:8])

    @property
    def purpose(self) -> str:
        return f"fairs_{self.mark}"

    @property
    def notice(self) -> str:
        return f"fairs-{self.mark}"

    @property
    def form(self) -> str:
        return f"programme-{self.mark}"

    @property
    def email(self) -> str:
        return f"odile-{self.mark}@example.org"

    def go(self, page: Page, path: str) -> None:
        page.goto(f"{self.stage.staff_url}/{path}")


def _account(role: str) -> NewAccount:
    return create_account(
        username=f"{role}-{uuid4().hex[:6]}",
        role=role,
        now=cast.clock(),
        password=PASSWORD,
        with_authenticator=True,
        language="en",
    )


def signed_in(play: Play, role: str) -> Page:
    account, page = _account(role), play.sight.page()
    assert account.secret is not None
    page.goto(play.stage.staff_url)
    page.locator("input[name=username]").fill(account.account.username)
    page.keyboard.press("Enter")
    page.locator("input[name=password]").fill(account.password)
    page.keyboard.press("Enter")
    page.locator("input[name=code]").fill(code_now(account.secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Contacts").first).to_be_visible()
    return page


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    page.locator("main, .page-header").get_by_role("link", name=name, exact=True).first.click()


def begin_purpose(play: Play, page: Page) -> None:
    play.go(page, "purposes/")
    follow(page, "New purpose")
    page.locator("[name=code]").fill(play.purpose)
    for name, text in PURPOSE.items():
        page.locator(f"[name={name}]").fill(text)
    page.get_by_label("Legitimate interest").check()
    page.get_by_role("group", name="Channels").get_by_label("E-mail").check()
    for each in ("Name", "E-mail address"):
        page.get_by_role("group", name="Data that are used").get_by_label(each, exact=True).check()
    page.locator("[name=iri]").select_option(index=1)
    play.sight.look(page, "purpose-editor")
    press(page, "Save the draft")


def refused_then_assessed(play: Play, page: Page) -> None:
    expect(page.locator("[data-finding=no_assessment]")).to_be_visible()
    expect(page.get_by_role("link", name="Publish", exact=True)).to_have_count(0)
    play.sight.look(page, "purpose-without-assessment")
    play.go(page, f"purposes/{play.purpose}/publish")
    expect(page.get_by_text("Legitimate interest needs an approved")).to_be_visible()
    expect(page.get_by_role("button", name="Publish", exact=True)).to_have_count(0)
    follow(page, PURPOSE["title_en"])
    follow(page, "Open the assessment")
    follow(page, "Write the assessment")
    for name, text in BALANCE.items():
        page.locator(f"[name={name}]").fill(text)
    page.locator("[name=outcome]").select_option("prevails_with_safeguards")
    play.sight.look(page, "assessment-editor")
    press(page, "Save the draft")
    follow(page, "Approve")
    play.sight.look(page, "assessment-approve")
    press(page, "Approve")
    expect(page.get_by_text("The assessment is approved.")).to_be_visible()


def publish_purpose(play: Play, page: Page) -> None:
    play.go(page, f"purposes/{play.purpose}/")
    expect(page.locator("[data-finding]")).to_have_count(0)
    follow(page, "Publish")
    play.sight.look(page, "purpose-publish")
    press(page, "Publish")
    expect(page.get_by_text("The purpose is published.")).to_be_visible()
    play.sight.look(page, "purpose-published")


def write_notice(play: Play, page: Page) -> None:
    play.go(page, "notices/new")
    page.get_by_label("Short name").fill(play.notice)
    press(page, "Start with the ready-made words")
    page.locator(f"[name=basis_{play.purpose}]").select_option(INTEREST)
    page.locator("[name=opening_fr]").fill(OPENING.format("invitter"))
    press(page, "Save the draft")
    expect(page.get_by_role("heading", name="Still missing")).to_be_visible()
    expect(page.locator("[data-missing$=-fr]").first).to_be_visible()
    play.sight.look(page, "notice-builder-missing")
    for language, text in PURSUED.items():
        page.locator(f"[name=interest__{play.purpose}_{language}]").fill(text)
    press(page, "Save the draft")
    expect(page.get_by_role("heading", name="Nothing is missing")).to_be_visible()
    play.sight.look(page, "notice-builder-whole")
    follow(page, "Publish version 1")
    play.sight.look(page, "notice-publish")
    press(page, "Publish version 1")
    expect(page.get_by_text("Version 1 is published.").first).to_be_visible()


def correct_notice(play: Play, page: Page) -> None:
    follow(page, "Change it")
    page.locator("[name=opening_fr]").fill(OPENING.format("inviter"))
    press(page, "Save the draft")
    follow(page, "Correct the wording")
    expect(page.locator("del")).to_have_text("invitter")
    expect(page.locator("ins")).to_have_text("inviter")
    page.get_by_label("I have read the changes").check()
    play.sight.look(page, "notice-correct")
    press(page, "Correct the wording")
    expect(page.get_by_text("Correction 1 of version 1")).to_be_visible()
    play.sight.look(page, "notice-corrected")
