"""What reading a mail says of it, in words of the page."""

import pytest
from django.utils import translation
from pytest_django import Settings

from campaigns.content.compile import compile_content
from campaigns.content.library import starters
from campaigns.pages.preflight_words import shown
from campaigns.preflight.findings import Finding, Verdict
from campaigns.preflight.words import words_findings
from tests.campaigns.content.pieces import OPT_OUT, mail

LONG = "Words that say something to somebody who reads them in the train. " * 4
FOOT = f"{{{{ sender_name }}}} {{{{ sender_address }}}} {OPT_OUT}"


def found(
    inside: str = f"<mj-text>{LONG}</mj-text>",
    *,
    subject: str = "The news of November",
    preheader: str = "What we did, and what comes next for you",
    foot: str = FOOT,
) -> dict[str, Finding]:
    made = compile_content(
        mjml=mail(inside, foot=foot), subject=subject, preheader=preheader, language="en"
    )
    return {each.code: each for each in words_findings(made, preheader=preheader)}


def verdicts(**words: str) -> dict[str, str]:
    return {code: str(each.verdict) for code, each in found(**words).items()}


def test_a_good_mail_is_in_order() -> None:
    assert set(verdicts().values()) == {"passed"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"subject": "x" * 71}, "subject-long"),
        ({"subject": "BUY THIS NOW"}, "capitals"),
        ({"subject": "GREAT"}, "capitals"),
        ({"subject": "Now! Or never!"}, "exclamations"),
        ({"preheader": ""}, "preheader-missing"),
        ({"preheader": "short"}, "preheader-length"),
        ({"inside": "<mj-text>" + "word " * 21_000 + "</mj-text>"}, "size"),
        ({"inside": f"<mj-text>{LONG}<img src='/media/a.png'></mj-text>"}, "alternatives"),
        ({"inside": "<mj-image src='/media/a.png' alt='Sale' />"}, "ratio"),
        ({"inside": f"<mj-text>{LONG} {{{{ company }}}}</mj-text>"}, "fallbacks"),
        ({"subject": "News for {{ first_name }}"}, "fallbacks"),
        ({"inside": "<mj-text>Hi</mj-text>"}, "text-part"),
        ({"foot": "{{ sender_name }} " + OPT_OUT}, "identity-address"),
    ],
)
def test_what_is_worth_a_look_is_said(words: dict[str, str], code: str, settings: Settings) -> None:
    settings.ORGANISATION_ADDRESS = "10 Example Street\n75001 Paris"
    assert verdicts(**words)[code] == "warning"


def test_two_letter_words_and_names_are_no_shouting() -> None:
    assert "capitals" not in verdicts(subject="The CNIL on AI and EU law")


def test_a_mail_that_does_not_say_who_writes_is_stopped(settings: Settings) -> None:
    settings.ORGANISATION_NAME = "Example Ltd"
    assert verdicts(foot=OPT_OUT)["identity"] == "stops"


def test_a_name_in_a_conditional_block_is_not_in_every_mail(settings: Settings) -> None:
    settings.ORGANISATION_NAME = "Example Ltd"
    hidden = (
        "<mj-text>Hi</mj-text></mj-column></mj-section>"
        "<mj-section accord-if='language is fr'><mj-column><mj-text>{{ sender_name }}</mj-text>"
        "</mj-column></mj-section><mj-section><mj-column>"
    )
    assert verdicts(inside=hidden, foot=OPT_OUT)["identity"] == "stops"


def test_decoration_needs_no_words() -> None:
    inside = f"<mj-text>{LONG}</mj-text><mj-image src='/media/a.png' alt='' />"
    assert found(inside)["alternatives"].verdict == Verdict.PASSED


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_ready_made_mail_passes(language: str) -> None:
    for each in starters():
        if each.language != language:
            continue
        made = compile_content(
            mjml=each.mjml, subject="A subject of some words", preheader="", language=language
        )
        bad = {
            one.code
            for one in words_findings(made, preheader="A line that goes on after the subject does")
            if one.verdict != Verdict.PASSED
        }
        assert not bad, (each.key, bad)


def test_every_finding_has_words_and_what_went_wrong_says_what_to_do() -> None:
    with translation.override("en"):
        for words in ({}, {"subject": "BUY NOW!!", "preheader": ""}, {"inside": ""}):
            for each in found(**words).values():
                said = shown(each)
                assert said.text != each.code
                assert "%(" not in said.text + said.advice
                assert bool(said.advice) == (each.verdict != Verdict.PASSED), each


def test_a_finding_of_another_version_of_the_program_is_shown_by_its_code() -> None:
    old = Finding.of({"code": "gone", "verdict": "warning", "detail": {}})
    assert shown(old).text == "gone"
