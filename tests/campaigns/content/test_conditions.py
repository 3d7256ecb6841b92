"""Blocks for some people only: what may be asked, what is refused, and what each person gets."""

import email
import email.policy
import time
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from campaigns.content.compile import Compiled, Parts, compile_content, parts_of
from campaigns.content.conditions import BadCondition, Facets, read_condition
from campaigns.content.findings import BrokenTemplate
from campaigns.content.html_contexts import compile_html
from campaigns.content.lint import lint
from campaigns.content.merge import Segments, compile_plain
from campaigns.measurement.measured_mail import measured, trackable_links
from campaigns.smtp.message import MessageFrame, Sender
from tests.campaigns.content.pieces import OPT_OUT

LINKS = {"opt_out_url": "https://us.test/u/1", "preferences_url": "https://us.test/p/1"}
FRENCH = {"language": frozenset({"fr"}), "tag": frozenset({"salon-2026"})}
ENGLISH = {"language": frozenset({"en"}), "country": frozenset({"GB"})}


def blocks(*sections: str, foot: str = OPT_OUT) -> str:
    inside = "\n".join(sections)
    last = f"<mj-section><mj-column><mj-text>{foot}</mj-text></mj-column></mj-section>"
    return f"<mjml>\n<mj-body>\n{inside}\n{last}\n</mj-body></mjml>"


def section(words: str, condition: str | None = None) -> str:
    rule = "" if condition is None else f' accord-if="{condition}"'
    column = f"<mj-column><mj-text>{words}</mj-text></mj-column>"
    return f"<mj-section{rule}>{column}</mj-section>"


def made(mjml: str) -> Compiled:
    return compile_content(mjml=mjml, subject="News", preheader="", language="en")


MIXED = blocks(
    section("For all"),
    section("Bonjour {{ first_name }} <a href='https://a.example/fr'>fr</a>", "language is fr"),
    section("Hello {{ first_name }} <a href='https://a.example/en'>en</a>", "language is not fr"),
    "<mj-wrapper accord-if='tag has salon-2026'>"
    + section("Stand 12")
    + section("A French stand", "language is fr")
    + "</mj-wrapper>",
    "<mj-section><mj-column><mj-text>Left</mj-text></mj-column>"
    "<mj-column accord-if='country is one of FR, gb'><mj-text>Right</mj-text></mj-column>"
    "</mj-section>",
)
WORDS = ("For all", "Bonjour", "Hello", "Stand 12", "A French stand", "Left", "Right")


@pytest.mark.parametrize(
    ("text", "facets", "expected"),
    [
        ("language is fr", FRENCH, True),
        ("language is FR", FRENCH, True),
        ("language is not fr", FRENCH, False),
        ("language is not fr", {}, True),
        ("country is one of fr, be", {"country": frozenset({"BE"})}, True),
        ("country is not one of FR,BE", {"country": frozenset({"BE"})}, False),
        ("tag has salon-2026", FRENCH, True),
        ("tag has not salon-2026", FRENCH, False),
        ("tag has one of a,salon-2026", FRENCH, True),
        ("is_professional", {"is_professional": frozenset({"yes"})}, True),
        ("is_professional", {}, False),
        ("not is_professional", {}, True),
        ("language is fr and tag has salon-2026", FRENCH, True),
        ("language is fr and tag has other", FRENCH, False),
    ],
)
def test_a_condition_compares_facts_with_words(text: str, facets: Facets, expected: bool) -> None:
    condition = read_condition(text)
    assert condition.holds(facets) is expected
    assert read_condition(condition.source) == condition


@pytest.mark.parametrize(
    "text",
    [
        "",
        "language",
        "language is",
        "language is fr,en",
        "language == 'fr'",
        "email is a@b.example",
        "first_name is Alice",
        "language is fr or language is en",
        "__class__ is x",
        "tag has {{ first_name }}",
        "tag has a}}",
        'tag has "x"',
        "language is fr and",
        " and ".join(["language is fr"] * 5),
        "tag has one of " + ",".join(f"t{n}" for n in range(21)),
        "language is " + "f" * 65,
    ],
)
def test_a_condition_is_a_closed_language(text: str) -> None:
    with pytest.raises(BadCondition):
        read_condition(text)
    found = lint(blocks(section("x", text.replace('"', "&quot;"))))
    assert {each.code for each in found} <= {"bad-condition", "unknown-field", "bad-field"}
    assert found


@pytest.mark.parametrize("where", ["mj-text", "mj-body", "mj-image", "mj-button", "mj-all"])
def test_a_condition_stands_on_blocks_only(where: str) -> None:
    given = {
        "mj-text": section("x").replace("<mj-text>", "<mj-text accord-if='language is fr'>"),
        "mj-body": "",
        "mj-image": "<mj-section><mj-column><mj-image src='/media/a.png' "
        "accord-if='language is fr' /></mj-column></mj-section>",
        "mj-button": "<mj-section><mj-column><mj-button accord-if='language is fr'>x</mj-button>"
        "</mj-column></mj-section>",
        "mj-all": "",
    }[where]
    source = blocks(given)
    if where == "mj-body":
        source = source.replace("<mj-body>", "<mj-body accord-if='language is fr'>")
    if where == "mj-all":
        head = "<mj-head><mj-attributes><mj-section accord-if='language is fr' />"
        source = source.replace("<mjml>", f"<mjml>{head}</mj-attributes></mj-head>")
    assert [each.code for each in lint(source)] == ["unknown-attribute"]


@pytest.mark.parametrize("identity", [OPT_OUT, "{{ sender_address }}"])
@pytest.mark.parametrize("depth", [0, 1])
def test_what_everybody_must_be_told_cannot_be_conditional(identity: str, depth: int) -> None:
    hidden = section(identity, "language is fr")
    if depth:
        hidden = f"<mj-wrapper accord-if='is_professional'>{section(identity)}</mj-wrapper>"
    found = lint(blocks(hidden))
    assert [each.code for each in found] == ["conditional-identity"]
    assert found[0].line == 3


def test_the_result_is_judged_too() -> None:
    """Even if the linter saw nothing, a mail whose opt-out link some do not get is refused."""
    from campaigns.content import compile as compiling

    mail = made(MIXED)
    where = mail.html.index("<body")
    body_end = mail.html.index("</body")
    hidden = (
        mail.html[:where] + "{{#if language is fr}}" + mail.html[where:body_end]
        + "{{/if}}" + mail.html[body_end:]
    )  # fmt: skip
    parts = parts_of(html=hidden, text=mail.text, subject=mail.subject)
    assert not compiling._says_no_to_everybody(parts)
    assert compiling._says_no_to_everybody(mail.parts())


def words_in(text: str) -> list[str]:
    return [word for word in WORDS if word in text]


@pytest.mark.parametrize(
    ("facets", "expected"),
    [
        (FRENCH, ["For all", "Bonjour", "Stand 12", "A French stand", "Left"]),
        (ENGLISH, ["For all", "Hello", "Left", "Right"]),
        ({}, ["For all", "Hello", "Left"]),
    ],
)
def test_each_person_gets_their_blocks_in_both_parts(facets: Facets, expected: list[str]) -> None:
    parts = made(MIXED).parts()
    values = {**LINKS, "first_name": "Zoé"}
    assert words_in(parts.html.render(values, facets)) == expected
    text = parts.text.render(values, facets)
    assert words_in(text) == expected
    assert "\n\n\n" not in text
    assert "{{" not in text + parts.html.render(values, facets)


class _Balance(HTMLParser):
    """Fails on a tag that closes what is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("br", "img", "meta", "link", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("facets", [None, FRENCH, ENGLISH, {}])
@pytest.mark.parametrize("for_outlook", [False, True])
def test_whatever_is_left_out_the_page_stays_whole(
    facets: Facets | None, for_outlook: bool
) -> None:
    page = made(MIXED).parts().html.render({**LINKS, "first_name": "Z"}, facets)
    if for_outlook:  # what stands in Outlook's comments is markup to it
        body = page[page.index("<body") :]
        for end in ("<!--[if mso | IE]>", "<![endif]-->", "<!--[if mso]>", "<!--[if !mso]><!-->"):
            body = body.replace(end, "")
        page = body.replace("<!--", "").replace("-->", "").replace("</html>", "")
    reader = _Balance()
    reader.feed(page)
    assert reader.open == []


def frame(parts: Parts, html: Segments | None = None) -> MessageFrame:
    return MessageFrame.compile(
        sender=Sender(
            name="Us", address="news@us.test", list_id="News <news.us.test>", feedback_id="a:b"
        ),
        subject=parts.subject,
        html=html or parts.html,
        text=parts.text,
        language="en",
    )


def message(
    built: MessageFrame, facets: Facets | None, **values: str
) -> email.message.EmailMessage:
    raw = built.render(
        {**LINKS, "first_name": "Zoé", **values},
        to_address="a@b.example",
        to_name="",
        message_id="<1@us.test>",
        date=datetime(2026, 1, 1, tzinfo=UTC),
        unsubscribe_url=LINKS["opt_out_url"],
        facets=facets,
    )
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    return email.message_from_bytes(raw, policy=email.policy.default)


@pytest.mark.parametrize("facets", [FRENCH, ENGLISH, {}, None])
def test_the_message_says_what_the_page_says(facets: Facets | None) -> None:
    """The bytes encoded once per campaign, put together for a person, decode to their page."""
    parts = made(MIXED).parts()
    values = {**LINKS, "first_name": "Zoé"}
    got = message(frame(parts), facets)
    html, text = got.get_body(("html",)), got.get_body(("plain",))
    assert html is not None
    assert text is not None
    page, words = (part.get_content().replace("\r\n", "\n") for part in (html, text))
    assert page == parts.html.render(values, facets)
    assert words == parts.text.render(values, facets)


def test_measured_links_follow_the_conditions() -> None:
    parts = made(MIXED).parts()
    links = trackable_links(parts.html)
    assert links == ["https://a.example/fr", "https://a.example/en"]
    twin = measured(parts.html, links)
    values = {
        "measured_picture": "https://us.test/o/x.gif",
        "measured_link_0": "https://us.test/l/fr",
        "measured_link_1": "https://us.test/l/en",
    }
    got = message(frame(parts, twin), FRENCH, **values).get_body(("html",))
    assert got is not None
    page = got.get_content()
    assert "/l/fr" in page
    assert "/l/en" not in page
    assert "a.example" not in page


@pytest.mark.parametrize(
    "attack", ["{{#if language is fr}}", "{{/if}}", "{{#if x}}", "&#123;{#if language is fr}}"]
)
def test_no_author_writes_a_fence_and_no_person_does(attack: str) -> None:
    with pytest.raises(BrokenTemplate):
        made(blocks(section(attack)))
    parts = made(MIXED).parts()
    said = parts.text.render({**LINKS, "first_name": "{{#if language is fr}}x{{/if}}"}, FRENCH)
    assert "{{#if language is fr}}x{{/if}}" in said


@pytest.mark.parametrize(
    "changed",
    [
        "{{#if language is fr}}x",
        "x{{/if}}",
        "{{#if nobody knows}}x{{/if}}",
        "<a href='{{#if language is fr}}'>x</a>{{/if}}",
    ],
)
def test_a_frozen_mail_that_was_changed_is_not_sent(changed: str) -> None:
    with pytest.raises(BrokenTemplate):
        compile_html(changed)
    if "href" not in changed:
        with pytest.raises(BrokenTemplate):
            compile_plain(changed)


def test_a_person_costs_a_fraction_of_a_millisecond() -> None:
    """A hundred blocks on twelve conditions; nothing is encoded for a person but their values."""
    many = [section(f"Block {n} " + "words " * 80, f"tag has t{n % 12}") for n in range(100)]
    built = frame(made(blocks(*many, section("Hello {{ first_name }}"))).parts())
    people = [{"tag": frozenset({f"t{n % 12}", f"t{n % 5}"})} for n in range(300)]
    message(built, people[0])
    began = time.process_time()
    for person in people:
        built.render(
            {**LINKS, "first_name": "Zoé"},
            to_address="a@b.example",
            to_name="",
            message_id="<1@us.test>",
            date=datetime(2026, 1, 1, tzinfo=UTC),
            unsubscribe_url=LINKS["opt_out_url"],
            facets=person,
        )
    assert (time.process_time() - began) / len(people) < 0.002
