"""Which links a measured mail passes by us, where they stand, and what may never be one."""

import pytest

from campaigns.content.html_contexts import compile_html
from campaigns.content.lint import lint
from campaigns.launching import NotReady
from campaigns.measurement.measured_mail import (
    PICTURE_FIELD,
    is_redirectable,
    link_field,
    measured,
    trackable_links,
)
from tests.campaigns.measurement import cast

ELSEWHERE = [
    "//evil.test",
    "\\\\evil.test",
    "/\\evil.test",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "https:evil.test",
    "https:///evil.test",
    "https:\\\\evil.test",
    "http:/evil.test",
    "ftp://evil.test/x",
    "file:///etc/passwd",
    "/relative",
]
TWO_READINGS = [
    "https://good.test\\@evil.test/",
    "https://good.test@evil.test/",
    "https://good.test:80:x@evil.test/",
    "https://evil.test/\nSet-Cookie: a=b",
    "https://evil.test/a b",
    "https://evil.test/\u202eabc",
    "https://[evil",
    "https://evil.test:port/",
    "https://",
    "https://evil.test/" + "x" * 2048,
]


@pytest.mark.parametrize("url", [*ELSEWHERE, *TWO_READINGS])
def test_what_no_redirect_may_lead_to(url: str) -> None:
    assert not is_redirectable(url)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_an_author_cannot_write_a_link_that_leads_elsewhere(url: str) -> None:
    source = cast.mjml().replace("https://shop.example/offers?from=mail&amp;lang=en", url)
    assert source != cast.mjml()
    assert "bad-link" in {finding.code for finding in lint(source)}


@pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
@pytest.mark.usefixtures("vault")
def test_a_launch_refuses_it_too() -> None:
    with pytest.raises(NotReady):
        cast.launched(mail=cast.mjml().replace("https://shop.example/offers", "//evil.test"))


@pytest.mark.parametrize("url", TWO_READINGS[:4])
def test_a_link_that_two_programs_read_in_two_ways_stays_as_it_is(url: str) -> None:
    page = compile_html(f'<a href="{url}">x</a>')
    assert trackable_links(page) == []
    assert (
        measured(page, [])
        .render({PICTURE_FIELD: "https://us.test/o/t.gif"})
        .startswith(f'<a href="{url}">x</a>')
    )


def test_links_are_found_wherever_they_stand_and_each_counts_once() -> None:
    page = compile_html(
        '<body><a title="{{ first_name }}" href="https://a.test/?x=1&amp;y=2">a</a>'
        "<a href='https://b.test/é'>b</a><a href=\"https://a.test/?x=1&amp;y=2\">again</a>"
        '<!--[if mso]><v:roundrect href="https://c.test/"><![endif]-->'
        '<!-- <a href="https://hidden.test/"> --><a href="#top">top</a>'
        '<a href="mailto:a@b.test">m</a><a href="tel:+33123">t</a>'
        '<a href="https://d.test/?n={{ first_name }}">d</a><a href="{{ opt_out_url }}">no</a>'
        '<a data-href="https://e.test/">e</a>https://f.test/</body>'
    )
    assert trackable_links(page) == [
        "https://a.test/?x=1&y=2",
        "https://b.test/é",
        "https://c.test/",
    ]


def test_the_twin_differs_in_its_links_and_its_picture_alone() -> None:
    source = '<body>{{ first_name }} <a href="https://a.test/">a</a> {{ last_name }}</body>'
    page = compile_html(source)
    twin = measured(page, trackable_links(page))
    values = {"first_name": "<Al>", "last_name": "Du & rand"}
    filled = twin.render(
        {**values, link_field(0): "https://us.test/l/t", PICTURE_FIELD: "https://us.test/o/t.gif"}
    )
    picture = filled[filled.index("<img") : filled.index("</body>")]
    assert 'src="https://us.test/o/t.gif"' in picture and 'alt=""' in picture
    undone = filled.replace(picture, "").replace("https://us.test/l/t", "https://a.test/")
    assert undone == page.render(values)


def test_no_template_can_name_the_slots_of_a_measured_mail() -> None:
    for field in (PICTURE_FIELD, link_field(0)):
        source = cast.mjml().replace("The shop", "{{ " + field + " }}")
        assert "unknown-field" in {finding.code for finding in lint(source)}
