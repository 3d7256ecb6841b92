"""The officer prepares what a prospect is told, the prospect decides, and the officer proves it."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Literal
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Page, expect

from campaigns import services as campaigns
from campaigns.content.library import starter
from consent.models import LedgerEvent
from consent.services import explain, shown_record
from tests.campaigns import cast
from tests.consent import verifier
from tests.journeys import acts
from tests.journeys.browser import TAGS, Eyes, violations
from tests.journeys.officer import (
    INTEREST,
    PURPOSE,
    Play,
    begin_purpose,
    correct_notice,
    press,
    publish_purpose,
    refused_then_assessed,
    signed_in,
    write_notice,
)
from tests.journeys.stage import ROOT, Stage, wait_for

pytestmark = pytest.mark.browser

BOX = "Je ne veux pas recevoir d’invitations."
FORM = {
    "title_fr": "Demander le programme",
    "submit_fr": "Envoyer ma demande",
    "thanks_fr": "Merci, le programme arrive.",
    "title_en": "Ask for the programme",
    "submit_en": "Send my request",
    "thanks_en": "Thank you, the programme is on its way.",
}


# --- marketing asks, the prospect answers ----------------------------------------------------


def _publish_form(play: Play, page: Page) -> None:
    play.go(page, "forms/new")
    page.locator("[name=name]").fill(f"Programme {play.mark}")
    page.locator("[name=code]").fill(play.form)
    for name, text in FORM.items():
        page.locator(f"[name={name}]").fill(text)
    page.locator("[name=ask_family_name]").select_option("required")
    page.locator(f"[name='basis_{play.purpose}-email']").select_option(INTEREST)
    page.locator(f"[name='words_fr_{play.purpose}-email']").fill(BOX)
    page.locator(f"[name='words_en_{play.purpose}-email']").fill("Send me no invitations.")
    page.locator("[name=notice_code]").fill(play.notice)
    page.locator("[name=notice_version]").fill("1")
    page.locator("[name=minimum_fill_seconds]").fill("0")
    play.sight.look(page, "form-editor")
    press(page, "Save the draft")
    press(page, "Publish version 1")
    expect(page.get_by_text("The form is published.")).to_be_visible()
    play.sight.look(page, "form-published")


def _fill_in(play: Play) -> str:
    """The prospect sends the form without objecting; return the notice as the page shows it."""
    page = play.sight.page(width=390, language="fr-FR")
    url = f"{play.stage.public_url}/f/{play.form}"
    wait_for(lambda: httpx.get(url).status_code == 200, "the form")
    page.goto(url)
    notice = page.locator(".notice").inner_text()
    expect(page.get_by_label(BOX)).not_to_be_checked()
    page.locator("[name=email]").fill(play.email)
    page.locator("[name=family_name]").fill("Lefèvre")
    play.sight.look(page, "prospect-form")
    press(page, FORM["submit_fr"])
    expect(page.get_by_text(FORM["thanks_fr"])).to_be_visible()
    play.sight.look(page, "prospect-thanks")
    page.context.close()
    return notice


def _permitted_with_what_was_shown(play: Play, notice: str) -> UUID:
    (person,) = wait_for(lambda: acts.find(play.email), "the prospect to be a contact")

    def record() -> UUID | None:
        answer = explain(subject_id=person, purpose_code=play.purpose, channel="email")
        return answer.event_id if answer.is_permitted else None

    record_id = wait_for(record, "the permission")
    shown = shown_record(subject_id=person, record_id=record_id)
    assert shown.notice is not None
    assert shown.notice.revision == 1  # the corrected words, and not the first ones
    assert "inviter à nos salons" in notice
    assert _words(shown.notice.text) <= _words(notice)
    row = LedgerEvent.objects.get(record_id=record_id)
    assert row.control_text_sha256 == hashlib.sha256(BOX.encode()).digest()
    return person


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


# --- a campaign, a change of mind, and the proof ---------------------------------------------


def _send_campaign(play: Play) -> str:
    """Write to the people of the form; return the link to the choices in the mail."""
    first = starter("newsletter.fr")
    assert first is not None
    draft = campaigns.Draft(
        name=f"Salons {play.mark}",
        purpose_id=play.purpose,
        segment_id=acts.audience_of({"code": play.form}),
        language="fr",
        subject="Le programme",
        preheader="",
        sender_name="Exemple",
        sender_address="news@example.org",
        reply_to="",
        mjml=first.mjml,
    )
    campaign = campaigns.create_draft(draft=draft, actor_id=cast.people_actor(), now=cast.clock())
    campaigns.launch(campaign_id=campaign, actor_id=None, now=cast.clock())
    return acts.link_in(acts.letter_to(play.stage, play.email), "p")


def _change_of_mind(play: Play, link: str, person: UUID) -> None:
    page = play.sight.page(width=390, language="fr-FR")
    held = page.locator("fieldset", has_text=PURPOSE["title_fr"])
    # A link that is minutes old always finds its page; a test is quicker than people.
    wait_for(lambda: page.goto(link) and held.count(), "the page of choices")
    expect(held).to_contain_text(f"« {FORM['title_fr']} »")
    play.sight.look(page, "prospect-choices")
    held.get_by_role("link").click()
    page.locator("details summary").first.click()
    expect(page.locator("details .notice").first).to_contain_text("inviter à nos salons")
    page.get_by_label("Un par mois au plus").check()
    press(page, "Enregistrer mes choix")
    expect(page.get_by_role("status")).to_contain_text("Un par mois au plus")
    play.sight.look(page, "prospect-once-a-month")
    page.get_by_label("Je m’oppose", exact=True).check()
    press(page, "Enregistrer mes choix")
    expect(page.get_by_role("status")).to_contain_text("Je m’oppose")
    expect(page.get_by_label("Un par mois au plus")).to_be_checked()
    play.sight.look(page, "prospect-objected")
    page.context.close()

    def is_refused() -> bool:
        return not explain(
            subject_id=person, purpose_code=play.purpose, channel="email"
        ).is_permitted

    wait_for(is_refused, "the objection to take effect")


def _see_and_prove(play: Play, page: Page, pack: Path) -> str:
    """Find the person, open the newest record, take the proof; return the record's address."""
    play.go(page, "contacts/")
    page.get_by_label("E-mail address").first.fill(play.email)
    press(page, "Find")
    history = page.get_by_role("region", name="Consent history")
    expect(history.get_by_text("Objected").first).to_be_visible()
    play.sight.look(page, "contact")
    objected = history.get_by_role("row", name=re.compile("Objected")).first
    objected.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name=re.compile("^Record"))).to_be_visible()
    wait_for(lambda: page.reload() and page.get_by_text("Sealed", exact=True).count(), "the seal")
    play.sight.look(page, "record")
    with page.expect_download() as download:
        page.locator(".page-header").get_by_role("link", name="Proof").click()
    download.value.save_as(pack)
    return page.url


def _verified_by_a_stranger(pack: Path) -> None:
    done = verifier.run(pack, "--key", verifier.key())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not in the log yet" not in done.stdout


# --- the whole ledger ------------------------------------------------------------------------


def _ledger_holds(stage: Stage) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "ledger", "verify", "--permissions"],
        cwd=ROOT,
        env=stage.environment("worker"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything is as it was written." in done.stdout


# --- everybody can use these pages -----------------------------------------------------------


def _officers_pages(play: Play, record: str) -> dict[str, str]:
    path = record.removeprefix(f"{play.stage.staff_url}/")
    return {
        "purposes": "purposes/",
        "purpose": f"purposes/{play.purpose}/",
        "assessment": f"purposes/{play.purpose}/assessment/edit",
        "notice": f"notices/{play.notice}/edit",
        "rules": "purposes/rules/",
        "contact": re.sub(r"records/.*", "", path),
        "record": path,
        "ask": "officer/address",
    }


MARKETING_PAGES = {"calls": "calls/", "imports": "imports/", "import": "imports/new"}


def _examined(play: Play, page: Page, paths: dict[str, str]) -> list[str]:
    """What axe finds, in both colour schemes; and whether a telephone shows them whole."""
    found: list[str] = []
    schemes: list[Literal["dark", "light"]] = ["dark", "light"]
    for scheme in schemes:
        # A colour on its way from one to the other is none of the page's colours.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for name, path in paths.items():
            play.go(page, path)
            expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
            found += [f"{name} {scheme}: {each}" for each in violations(page, TAGS)]
            play.sight.look(page, f"{scheme}-{name}")
    page.get_by_role("button", name="Français").click()
    page.set_viewport_size({"width": 390, "height": 860})
    for name, path in paths.items():
        play.go(page, path)
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        wide = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{name} is {wide} pixels wide"] if wide > 390 else []
        play.sight.look(page, f"telephone-{name}")
    return found


def test_what_the_officer_prepares_the_prospect_decides_and_a_stranger_can_check(
    stage: Stage, sight: Eyes, tmp_path: Path
) -> None:
    play, pack = Play(stage, sight), tmp_path / "proof.zip"
    officer = signed_in(play, "dpo")
    begin_purpose(play, officer)
    refused_then_assessed(play, officer)
    publish_purpose(play, officer)
    write_notice(play, officer)
    correct_notice(play, officer)
    marketing = signed_in(play, "marketing")
    _publish_form(play, marketing)
    person = _permitted_with_what_was_shown(play, _fill_in(play))
    _change_of_mind(play, _send_campaign(play), person)
    record = _see_and_prove(play, officer, pack)
    _verified_by_a_stranger(pack)
    _ledger_holds(stage)
    found = _examined(play, officer, _officers_pages(play, record))
    found += _examined(play, marketing, MARKETING_PAGES)
    assert not found, "\n".join(found)
    assert sight.watch.complaints == []
    assert sight.watch.strangers == []
