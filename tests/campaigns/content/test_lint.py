"""The linter says what is wrong, and on which line."""

import pytest
from mjml.core.registry import components, register_core_components

from campaigns.content.lint import LONGEST_SOURCE_BYTES, lint
from tests.campaigns.content.pieces import mail


def codes(source: str | bytes) -> set[str]:
    return {each.code for each in lint(source)}


def test_a_right_template_has_no_findings() -> None:
    inside = (
        '<mj-text font-size="18px" color="#123456" padding="0 4px">Hello '
        '{{ first_name | "there" }} <b>bold</b></mj-text>'
        '<mj-button href="https://shop.example/?who={{ email }}" border-radius="4px">Go</mj-button>'
        '<mj-image src="/media/a.png" alt="A" /><mj-divider border-color="red" />'
        '<mj-table><tr><td style="padding:4px">1</td></tr></mj-table><!-- a note: {{ -->'
    )
    assert lint(mail(inside, head="<mj-style>.a { color: red; }</mj-style>")) == []


def test_each_finding_says_where_it_is() -> None:
    (found,) = lint(mail('<mj-text\n  fontsize="3">a</mj-text>'))
    assert (found.line, found.column, found.code) == (5, 3, "unknown-attribute")
    assert "fontsize" in found.message


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ("<mj-foo />", "unknown-tag"),
        ('<mj-text nonsense="1">a</mj-text>', "unknown-attribute"),
        ('<mj-text color="12#">a</mj-text>', "bad-value"),
        ('<mj-text align="middle">a</mj-text>', "bad-value"),
        ('<mj-text padding="a lot">a</mj-text>', "bad-value"),
        ("<mj-section></mj-section>", "nesting"),
        ("words", "stray-text"),
        ("<mj-text>a", "unclosed"),
        ("<mj-text><b>a</mj-text>", "unclosed"),
        ("</mj-wrapper>", "stray-end"),
        ('<mj-text color="red" color="blue">a</mj-text>', "twice"),
        ("<mj-text>{{ shoe_size }}</mj-text>", "unknown-field"),
        ("<mj-text>{{ confirm_url }}</mj-text>", "unknown-field"),
        ("<mj-text>{{ first_name</mj-text>", "bad-field"),
        ("<mj-text>a\x07</mj-text>", "control"),
        ("<![CDATA[ <mj-include /> ]]>", "declaration"),
        ("<?php echo 1 ?>", "declaration"),
        ("<!-- never ends", "declaration"),
    ],
)
def test_a_mistake_is_named(inside: str, code: str) -> None:
    assert code in codes(mail(inside))


@pytest.mark.parametrize(
    "inside",
    [
        '<mj-include path="/etc/passwd" />',
        '<mj-include path="../x.mjml" type="html"></mj-include>',
        '<MJ-INCLUDE path="x" />',
        '<Mj-InClUdE/path="x">',
        "<mj-include\npath=x>",
        "<mj-&#105;nclude path='x' />",
        "<mj-include\u00a0path='x' />",
        "<mj-\u200binclude path='x' />",
        "<!-- a --><mj-include path='x' /><!-- b -->",
        "<!--> <mj-include path='x' /> --><mj-include path='y' />",
        "<mj-text><mj-include path='x' /></mj-text>",
        "<mj-raw><mj-include path='x' /></mj-raw>",
        "<mj-in\x00clude path='x' />",
        "<x:mj-include path='x' />",
    ],
)
def test_no_other_file_is_ever_included(inside: str) -> None:
    assert lint(mail(inside))


def test_an_inner_border_is_refused_because_the_engine_stops_on_it() -> None:
    body = mail().replace("<mj-column>", '<mj-column inner-border="1px solid red">')
    assert codes(body) == {"inner-border"}


@pytest.mark.parametrize(
    "inside",
    [
        "<mj-text><script>alert(1)</script></mj-text>",
        "<mj-raw><SCRIPT src=//evil.example></SCRIPT></mj-raw>",
        "<mj-text><img src=x onerror=alert(1)></mj-text>",
        '<mj-text><b onclick="x()">a</b></mj-text>',
        '<mj-button onclick="x()">a</mj-button>',
        '<mj-button href="javascript:alert(1)">a</mj-button>',
        '<mj-text><a href="java&#10;script:alert(1)">a</a></mj-text>',
        '<mj-text><a href=" &#x6A;avascript:alert(1)">a</a></mj-text>',
        '<mj-text><a href="data:text/html,x">a</a></mj-text>',
        '<mj-text><a href="vbscript:x">a</a></mj-text>',
        '<mj-text><a href="//evil.example">a</a></mj-text>',
        '<mj-text><a href="x{{ opt_out_url }}">a</a></mj-text>',
        '<mj-raw><form action="https://evil.example"></form></mj-raw>',
        '<mj-raw><iframe src="https://evil.example"></iframe></mj-raw>',
        '<mj-raw><link rel="stylesheet" href="https://evil.example/a.css"></mj-raw>',
        '<mj-raw><meta http-equiv="refresh" content="0;url=https://evil.example"></mj-raw>',
        '<mj-raw><base href="https://evil.example/"></mj-raw>',
        "<mj-raw><svg onload=alert(1)></svg></mj-raw>",
        "<mj-raw><math><style><img src=x onerror=alert(1)></style></math></mj-raw>",
        "<mj-raw><noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript></mj-raw>",
        "<mj-raw><object data=x></object><embed src=x></mj-raw>",
        '<mj-text><p style="background:url(https://evil.example/x)">a</p></mj-text>',
        '<mj-text><p style="width:expression(alert(1))">a</p></mj-text>',
        '<mj-text><p style="\\75rl(x)">a</p></mj-text>',
        '<mj-text color="red;background:url(https://evil.example)">a</mj-text>',
        "<mj-text css-class='a\" onmouseover=\"alert(1)'>a</mj-text>",
    ],
)
def test_no_script_form_or_other_content_gets_in(inside: str) -> None:
    assert lint(mail(inside))


@pytest.mark.parametrize(
    "inside",
    [
        '<mj-image src="https://tracker.example/pixel.gif" />',
        '<mj-image src="//tracker.example/pixel.gif" />',
        '<mj-image src="http://127.0.0.1:8000.evil.example/a.png" />',
        '<mj-image src="/media/../../etc/passwd" />',
        '<mj-image src="/media/{{ email }}.png" />',
        '<mj-image alt="no source" />',
        '<mj-text><img src="https://tracker.example/pixel.gif"></mj-text>',
        '<mj-text font-family="Roboto, sans-serif">a</mj-text>',
        "<mj-text><span style=\"font-family:'Open Sans'\">a</span></mj-text>",
        '<mj-social><mj-social-element name="facebook">a</mj-social-element></mj-social>',
    ],
)
def test_nothing_is_fetched_from_another_server(inside: str) -> None:
    assert lint(mail(inside))


@pytest.mark.parametrize(
    "head",
    [
        '<mj-font name="A" href="https://fonts.example/a.css" />',
        "<mj-style>@import url(https://evil.example/a.css);</mj-style>",
        "<mj-style>@im/**/port 'https://evil.example/a.css';@font-face{src:url(x)}</mj-style>",
        "<mj-style>.a{background:url(https://evil.example/x)}</mj-style>",
        "<mj-style></style><script>alert(1)</script></mj-style>",
        "<mj-raw><script>alert(1)</script></mj-raw>",
        '<mj-attributes><mj-all font-family="Lato" /></mj-attributes>',
        "<mj-attributes><mj-all color='red' /><mj-all color='blue' /></mj-attributes>",
    ],
)
def test_the_head_fetches_nothing_and_runs_nothing(head: str) -> None:
    assert lint(mail(head=head))


def test_a_newsletter_without_an_opt_out_link_is_refused_but_a_letter_needs_none() -> None:
    for foot in ("", "{{ opt_out_url }}", '<!-- <a href="{{ opt_out_url }}">x</a> -->'):
        assert "no-opt-out" in codes(mail(foot=foot))
    assert lint(mail(foot='<a href="{{ confirm_url }}">Yes</a>'), kind="letter") == []


def test_a_letter_takes_nothing_that_was_typed_into_a_form() -> None:
    found = lint(mail(foot="{{ first_name }} {{ company }}"), kind="letter")
    assert [each.code for each in found] == ["unknown-field", "unknown-field"]


def test_bytes_that_are_no_text_and_texts_without_end_are_refused_whole() -> None:
    assert codes(b"<mjml>\xff</mjml>") == {"not-utf-8"}
    assert codes("x" * (LONGEST_SOURCE_BYTES + 1)) == {"too-large"}
    assert "too-deep" in codes(mail("<mj-text>" + "<b>" * 500 + "</b>" * 500 + "</mj-text>"))


def test_an_empty_source_lacks_its_tags() -> None:
    assert {"missing-tag", "no-opt-out"} == codes("")


def test_every_tag_of_the_engine_is_known_or_refused_on_purpose() -> None:
    register_core_components()
    for tag in components:
        assert "unknown-tag" not in codes(mail(f"<{tag}></{tag}>")), tag
