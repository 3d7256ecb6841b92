"""A document of blocks: what it may be, what is done to it, and the mail it becomes."""

from typing import Any

import pytest
from bs4 import BeautifulSoup

from campaigns.content.audit import offences
from campaigns.content.blocks import acts
from campaigns.content.blocks.document import DEFAULT_LOOK, BlocksInvalid, Document, checked
from campaigns.content.blocks.kinds import KINDS
from campaigns.content.blocks.mjml import ink_on, write
from campaigns.content.blocks.ready import ready_mails
from campaigns.content.blocks.rich_text import clean_rich
from campaigns.content.compile import compile_content
from campaigns.content.lint import lint, own_pictures
from campaigns.trials import sample_values
from tests.attacks.test_markup_that_is_typed import CORPUS

MORE = [
    "{{7*7}}",
    "<img src=x onerror=alert(1)>",
    "</mj-text></mj-column></mj-section><mj-raw><script>alert(1)</script></mj-raw>",
    '"><mj-include path="/etc/passwd"/>',
    "<a href='data:text/html,<script>1</script>'>x</a>",
    "java\tscript:alert(1)",
    'https://example.org/" onmouseover="alert(1)',
    "&quot; onload=&quot;alert(1)",
    "<!-- --!><img src=x onerror=alert(1)> -->",
    "<style>@import url(//evil.example)</style>",
    "<p style='background:url(//evil.example/x)'>x</p>",
]


_PLACES = frozenset({"text", "html", "heading", "title", "label", "source", "price"})


def empty() -> Document:
    return {"version": 1, "look": dict(DEFAULT_LOOK), "blocks": []}


def with_all(text: str) -> Document:
    """One block of every kind, every value of it `text`."""
    document = empty()
    for code, kind in KINDS.items():
        block = acts.empty_block(code, acts.free_id(document))
        fields = [*kind.fields, *kind.cell]
        for part in [block, *block.get("cells", [])]:
            for field in fields:
                if field.name in part and not field.choices and code != "raw":
                    part[field.name] = text
        document = acts.insert(document, block, 99)
    return document


def one(kind: str, **values: str) -> Document:
    block = acts.empty_block(kind, "b1") | values
    return checked(acts.insert(empty(), block, 0))


def test_every_ready_mail_is_one_that_can_be_sent() -> None:
    assert len(ready_mails()) == 8
    for mail in ready_mails():
        assert lint(mail.mjml) == [], mail.key
        made = compile_content(mjml=mail.mjml, subject="x", preheader="", language=mail.language)
        assert "opt_out_url" in made.fields


def test_the_same_blocks_become_the_same_code_and_each_line_knows_its_block() -> None:
    document = checked(with_all("Words & more"))
    assert checked(document) == document
    first, second = write(document), write(document)
    assert first == second
    lines = first.mjml.split("\n")
    assert len(lines) == len(first.owners)
    footer = next(block["id"] for block in document["blocks"] if block["type"] == "footer")
    at = next(n for n, line in enumerate(lines, 1) if "opt_out_url" in line)
    assert first.owner_of(at) == footer
    assert (first.owner_of(1), first.owner_of(0), first.owner_of(10_000)) == ("", "", "")


@pytest.mark.parametrize("text", [*CORPUS, *MORE])
def test_nothing_hostile_gets_from_a_block_into_the_mail(text: str) -> None:
    document = checked(with_all(text))
    mjml = write(document).mjml
    findings = lint(mjml)
    if findings:
        # It is said, and never sent: what is left of it is an address that leads nowhere.
        codes = {each.code for each in findings}
        assert codes <= {"bad-link", "bad-image", "bad-field", "outside-image", "bad-value"}, codes
        return
    made = compile_content(mjml=mjml, subject="x", preheader="", language="en")
    assert offences(made.parts().html.render(sample_values()), own=own_pictures()) == []


@pytest.mark.parametrize("text", [*CORPUS, *MORE])
def test_hostile_words_stay_words_where_addresses_are_good(text: str) -> None:
    """The same corpus, in every place for words; links and pictures are good ones."""
    document = with_all("https://example.org/")
    for block in document["blocks"]:
        for part in [block, *block.get("cells", [])]:
            for name in _PLACES & {*part}:
                part[name] = text
            part |= {"src": "/media/picture.png", "alt": "A picture"} if "src" in part else {}
    mjml = write(checked(document)).mjml
    if "{{" in text:
        assert {each.code for each in lint(mjml)} == {"bad-field"}
        return
    assert lint(mjml) == []
    made = compile_content(mjml=mjml, subject="x", preheader="", language="en")
    page = made.parts().html.render(sample_values())
    assert offences(page, own=own_pictures()) == []
    soup = BeautifulSoup(page, "html.parser")
    assert not soup.select("script, iframe, svg, math, base, object, form, [onerror], [onload]")
    # MJML writes style for its own classes; a typed one would be a further element.
    assert "evil.example" not in "".join(each.get_text() for each in soup.select("style"))


def test_rich_text_keeps_what_its_editor_makes_and_merge_fields() -> None:
    typed = (
        '<div>Hi <b>{{&nbsp;first_name&nbsp;| "you"&nbsp;}}</b></div>'
        '<ul><li><a href="https://example.org/?a=1&b=2" onclick="x()" style="x">go</a></li></ul>'
    )
    cleaned = clean_rich(typed)
    assert cleaned == (
        '<p>Hi <b>{{ first_name | "you" }}</b></p>'
        '<ul><li><a href="https://example.org/?a=1&amp;b=2">go</a></li></ul>'
    )
    assert clean_rich(cleaned) == cleaned


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "not a document"),
        ({"version": 2, "blocks": []}, "version"),
        ({"version": 1}, "blocks are missing"),
        ({"version": 1, "blocks": [], "html": ""}, "html"),
        ({"version": 1, "blocks": [], "look": {"accent": "red"}}, "#1a2b3c"),
        ({"version": 1, "blocks": [{"id": "b1", "type": "script"}]}, "Block 1"),
        ({"version": 1, "blocks": [{"id": "x y", "type": "text"}]}, "id"),
        ({"version": 1, "blocks": [{"id": "b1", "type": "text", "onload": ""}]}, "onload"),
        ({"version": 1, "blocks": [{"id": "b1", "type": "text", "html": 1}]}, "not text"),
        ({"version": 1, "blocks": [{"id": "b1", "type": "text", "align": "up"}]}, "choices"),
        ({"version": 1, "blocks": [{"id": "b1", "type": "text", "html": "x" * 20_001}]}, "longer"),
        ({"version": 1, "blocks": [{"id": "b1", "type": "columns", "cells": [{}]}]}, "columns"),
        ({"version": 1, "blocks": [{"id": "b1", "type": "divider"}] * 2}, "same id"),
        (
            {"version": 1, "blocks": [{"id": f"b{n}", "type": "divider"} for n in range(61)]},
            "at most 60",
        ),
    ],
)
def test_what_is_no_document_is_refused_and_said(document: Any, said: str) -> None:
    with pytest.raises(BlocksInvalid) as refused:
        checked(document)
    assert said in " ".join(refused.value.problems)


def test_what_is_unfinished_is_the_linters_to_say_at_its_block() -> None:
    written = write(one("button", label="Go", href=""))
    (finding,) = [each for each in lint(written.mjml) if each.code == "bad-link"]
    assert written.owner_of(finding.line) == "b1"
    written = write(one("image", alt="A cat"))
    assert "outside-image" in {each.code for each in lint(written.mjml)}


def test_acts_move_duplicate_delete_and_put_back() -> None:
    document = empty()
    for code in ("heading", "text", "button"):
        document = acts.insert(document, acts.empty_block(code, acts.free_id(document)), 99)

    def kinds(of: Document) -> list[str]:
        return [block["type"] for block in of["blocks"]]

    assert kinds(acts.move(document, "b3", -1)) == ["heading", "button", "text"]
    assert acts.move(document, "b1", -1) == document
    assert acts.move(document, "b3", 1) == document
    copied = acts.duplicate(document, "b2")
    assert kinds(copied) == ["heading", "text", "text", "button"]
    assert len({block["id"] for block in copied["blocks"]}) == 4
    less, removed = acts.remove(document, "b2")
    assert kinds(less) == ["heading", "button"]
    assert acts.put_back(less, removed) == document
    twice = acts.put_back(document, removed)
    assert len({block["id"] for block in checked(twice)["blocks"]}) == 4
    for act in (acts.duplicate, acts.remove, acts.place_of):
        with pytest.raises(acts.NoSuchBlock):
            act(document, "b9")


def test_columns_grow_and_shrink() -> None:
    document = acts.insert(empty(), acts.empty_block("columns", "b1"), 0)
    three = acts.set_cells(document, "b1", 3)
    assert len(three["blocks"][0]["cells"]) == 3
    assert acts.set_cells(three, "b1", 2) == document
    with pytest.raises(acts.NoSuchBlock):
        acts.set_cells(document, "b1", 4)


@pytest.mark.parametrize(
    ("colour", "ink"), [("#0b5c8a", "#ffffff"), ("#ffe14d", "#18202b"), ("#000000", "#ffffff")]
)
def test_words_on_a_colour_can_be_read(colour: str, ink: str) -> None:
    assert ink_on(colour) == ink
