"""A template becomes a mail that asks nobody for anything."""

import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from campaigns.content import compile as compiling
from campaigns.content.audit import offences
from campaigns.content.compile import Compiled, compile_content
from campaigns.content.findings import BrokenTemplate, MissingOptOutLink
from campaigns.content.library import LANGUAGES, letter, starter, starters
from campaigns.smtp.message import MessageFrame, Sender
from tests.campaigns.content.pieces import mail

LINKS = {
    "opt_out_url": "https://a.example/u/1",
    "preferences_url": "https://a.example/p/1",
    "confirm_url": "https://a.example/c/1",
    "undo_url": "https://a.example/undo/1",
}
OWN = ("/media/", "http://127.0.0.1:8000/")


def compiled(mjml: str | None = None, **changes: Any) -> Compiled:
    settings = {"subject": "Hello", "preheader": "", "language": "en"}
    return compile_content(mjml=mail() if mjml is None else mjml, **(settings | changes))


@pytest.mark.parametrize("one", starters(), ids=lambda one: one.key)
def test_a_starter_compiles_in_its_language_without_a_warning(one: Any) -> None:
    made = compiled(one.mjml, language=one.language, preheader='Read & "see" {{ company }}')
    assert made.warnings == ()
    assert f'lang="{one.language}"' in made.html
    assert {"opt_out_url", "preferences_url"} <= {*made.fields}
    assert "{{ opt_out_url }}" in made.text


def test_there_are_eleven_starters_each_in_each_language() -> None:
    codes = {one.code for one in starters()}
    assert {"newsletter", "event", "product"} < codes and len(codes) == 11
    assert {(one.code, one.language) for one in starters()} == {
        (code, language) for code in codes for language in LANGUAGES
    }
    found = starter("event.fr")
    assert found is not None
    assert found.language == "fr"
    assert starter("../../settings.py") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_confirmation_letter_holds_its_link_its_purposes_and_nothing_typed(
    language: str,
) -> None:
    made = compiled(letter("confirmation", language), kind="letter", language=language)
    assert {*made.fields} == {"confirm_url", "expires_on", "preferences_url", "purposes"}
    text = made.parts().text.render(LINKS | {"purposes": "• News\n• Offers", "expires_on": "2026"})
    assert "• News\n• Offers" in text
    assert LINKS["confirm_url"] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letter_after_a_no_by_address_undoes_it_and_holds_nothing_typed(language: str) -> None:
    made = compiled(letter("opted_out", language), kind="letter", language=language)
    assert made.warnings == ()
    assert {*made.fields} == {"undo_url", "expires_on", "preferences_url"}
    text = made.parts().text.render(LINKS | {"expires_on": "2026"})
    assert LINKS["undo_url"] in text and LINKS["preferences_url"] in text


@pytest.mark.parametrize("one", starters(), ids=lambda one: one.key)
def test_a_compiled_mail_names_no_server_but_in_its_links(one: Any) -> None:
    html = compiled(one.mjml).parts().html.render(LINKS)
    without_links = re.sub(r'<a [^>]*href="[^"]*"', "", html)
    known = ("http://www.w3.org/", "urn:schemas")
    assert [
        url
        for url in re.findall(r"https?://[^\s\"'<]+", without_links)
        if not url.startswith(known)
    ] == []
    assert not re.search(r"<(script|link|iframe|form|object)\b|@import|url\(", html)


def test_the_font_server_of_the_engine_never_gets_into_a_mail() -> None:
    for head in (
        "",
        '<mj-attributes><mj-all color="red" /></mj-attributes>',
        '<mj-attributes><mj-text font-family="Georgia" /></mj-attributes>',
    ):
        html = compiled(mail("<mj-text>words</mj-text>", head=head)).html
        assert "fonts.googleapis" not in html
        assert "Ubuntu" not in html


def test_the_auditor_finds_what_a_linter_could_have_missed() -> None:
    for bad in (
        "<script>1</script>",
        "<p onclick=x>",
        '<img src="https://evil.example/a.png">',
        '<a href="javascript:x">',
        '<link rel="stylesheet" href="https://evil.example">',
        "<style>@import 'x'</style>",
        '<p style="background:url(https://evil.example)">',
        '<!--[if mso]><img src="https://evil.example/a.png"><![endif]-->',
        '<input type="text">',
        '<meta http-equiv="refresh" content="0">',
        "<form>",
    ):
        assert offences(bad, own=OWN), bad
    assert offences('<a href="https://a.example">x</a><img src="/media/a.png">', own=OWN) == []


def test_what_the_auditor_finds_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "lint", lambda *args, **kwargs: [])
    with pytest.raises(BrokenTemplate) as caught:
        compiled(mail("<mj-text><script>alert(1)</script></mj-text>"))
    assert caught.value.findings[0].code == "output"


@pytest.mark.parametrize("error", [AssertionError, KeyError, RecursionError, TypeError])
def test_whatever_the_engine_raises_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def stop(source: str) -> None:
        raise error(source)

    monkeypatch.setattr(compiling, "mjml_to_html", stop)
    with pytest.raises(BrokenTemplate) as caught:
        compiled()
    assert [each.code for each in caught.value.findings] == ["engine"]
    assert "opt_out_url" not in str(caught.value)


def test_a_mail_that_cannot_be_stopped_is_refused_by_its_own_name() -> None:
    with pytest.raises(MissingOptOutLink):
        compiled(mail(foot="no way out"))
    hidden = '<p style="display:none"><a href="{{ opt_out_url }}">Stop</a></p>'
    with pytest.raises(MissingOptOutLink):
        compiled(mail(foot=hidden))


@pytest.mark.parametrize("line", ["", "  ", "a\nb", "{{ nobody }}", "{{ opt_out_url }}", "{{"])
def test_a_subject_is_one_line_without_links(line: str) -> None:
    with pytest.raises(BrokenTemplate):
        compiled(subject=line)


def test_a_mail_that_would_be_clipped_says_so() -> None:
    words = "<mj-text>" + "word " * 22_000 + "</mj-text>"
    assert [each.code for each in compiled(mail(words)).warnings] == ["clipped"]


def test_the_plain_text_keeps_words_links_and_lists() -> None:
    made = compiled(
        mail(
            "<mj-text><h1>Title</h1><p>One <a href='https://a.example/x'>link</a>.</p>"
            "<ul><li>first</li><li>second</li></ul></mj-text>"
            '<mj-button href="https://a.example/go">Go</mj-button>'
            '<mj-image src="/media/a.png" alt="A picture" />'
        ),
        preheader="Not in the text",
    )
    assert made.text == (
        "Title\n\nOne link <https://a.example/x>.\n\n- first\n- second\n\n"
        "Go <https://a.example/go>\n\nA picture\n\nStop <{{ opt_out_url }}>\n"
    )


def test_a_picture_of_ours_gets_its_whole_address() -> None:
    html = compiled(mail('<mj-image src="/media/a.png" alt="" />')).html
    assert 'src="http://127.0.0.1:8000/media/a.png"' in html


def test_the_preheader_and_the_title_are_the_campaigns_own() -> None:
    made = compiled(
        mail(head="<mj-title>Old</mj-title><mj-preview>Old</mj-preview>"),
        subject="New <b>",
        preheader='For {{ first_name | "you" }} & all',
    )
    assert "Old" not in made.html
    assert "New &lt;b&gt;" in made.html
    assert 'For {{ first_name | "you" }} &amp; all' in made.html


def test_what_is_the_same_for_everyone_is_filled_in_once(settings: Settings) -> None:
    settings.ORGANISATION_NAME = "A & B {{ first_name }}"
    made = compiled(mail("<mj-text>{{ sender_name }}</mj-text>"), subject="From {{ sender_name }}")
    assert "A &amp; B (( first_name ))" in made.html
    assert made.subject == "From A & B (( first_name ))"
    assert made.fields == ["opt_out_url"]


CORPUS = [
    "{{7*7}}",
    "{{ 7*7 }}",
    "{% load static %}",
    "{{settings.SECRET_KEY}}",
    "{{ first_name.__class__ }}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{{ first_name }}",
    "{{ opt_out_url }}",
    "\ue000",
    "zq0n0z",
    "%(field)s {0} %s",
]


FIELDS_THEMSELVES = {"{{ first_name }}", "{{ opt_out_url }}"}


@pytest.mark.parametrize("attack", [each for each in CORPUS if each.startswith("{{")])
def test_two_braces_in_a_template_open_a_merge_field_or_nothing(attack: str) -> None:
    written = [attack, attack.replace("{", "&#123;"), attack.replace("{{", "{&lbrace;")]
    for each in written[1 if attack in FIELDS_THEMSELVES else 0 :]:
        with pytest.raises(BrokenTemplate):
            compiled(mail(f"<mj-text>{each}</mj-text>"))


@pytest.mark.parametrize(
    "attack", [each for each in CORPUS if each[0] in "{$#%z" and "{{" not in each]
)
def test_another_template_language_in_a_template_stays_as_it_is(attack: str) -> None:
    parts = compiled(mail(f"<mj-text>{attack}</mj-text>")).parts()
    assert attack in parts.text.render(LINKS)
    assert attack in parts.html.render(LINKS)


@pytest.mark.parametrize("attack", CORPUS)
def test_a_template_language_in_a_value_stays_as_it_is(attack: str) -> None:
    body = "<mj-text>{{ first_name }}|{{ company }}</mj-text>"
    parts = compiled(mail(body), subject="{{ first_name }}").parts()
    values = LINKS | {"first_name": attack, "company": "{{ first_name }}"}
    assert f"{attack}|{{{{ first_name }}}}" in parts.text.render(values)
    assert parts.subject.render(values) == attack


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_value_can_leave_its_place(name: str, company: str) -> None:
    values = LINKS | {"first_name": name, "company": company}
    html = PARTS.html.render(values)
    assert offences(html, own=OWN) == []
    assert skeleton(html) == skeleton(BLANK)
    header = PARTS.subject.render(values)
    assert "\n" not in header
    assert "\r" not in header


def skeleton(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each tag with the names of its attributes: what a value may never add to."""
    found: list[tuple[str, tuple[str, ...]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, tuple(name for name, _value in attrs)))

    Reader().feed(html)
    return found


PARTS = compile_content(
    mjml=mail(
        '<mj-text><a title="{{ company }}" href="https://a.example/?q={{ first_name }}">'
        "{{ first_name }}</a></mj-text>"
    ),
    subject="{{ first_name }} {{ company }}",
    preheader="{{ company }}",
    language="en",
).parts()
BLANK = PARTS.html.render(LINKS)


def test_a_frozen_mail_reads_back_as_the_same_mail() -> None:
    made = compiled(mail("<mj-text>{{ first_name | \"a 'b' c\" }}</mj-text>"))
    first = made.parts().html.render(LINKS)
    again = compiling.parts_of(html=made.html, text=made.text, subject=made.subject)
    assert again.html.render(LINKS) == first
    assert "a 'b' c" in first


def test_a_compiled_mail_becomes_a_message_with_both_parts() -> None:
    parts = compiled(
        mail('<mj-text>Bonjour {{ first_name | "à vous" }}</mj-text>'),
        subject="Été {{ company }}",
    ).parts()
    frame = MessageFrame.compile(
        sender=Sender(name="A", address="a@a.example", list_id="News <news.a.example>"),
        subject=parts.subject,
        html=parts.html,
        text=parts.text,
        language="fr",
    )
    raw = frame.render(
        LINKS | {"first_name": "<b>Zoé", "company": "Dupont & Fils"},
        to_address="zoe@b.example",
        to_name="Zoé",
        message_id="<1@a.example>",
        date=datetime(2026, 11, 23, tzinfo=UTC),
        unsubscribe_url=LINKS["opt_out_url"],
    )
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message["Subject"] == "Été Dupont & Fils"
    html, text = (message.get_body((kind,)) for kind in ("html", "plain"))
    assert html is not None and "Bonjour &lt;b&gt;Zoé" in html.get_content()
    assert text is not None and "Bonjour <b>Zoé" in text.get_content()
    assert f"Stop <{LINKS['opt_out_url']}>" in text.get_content()
