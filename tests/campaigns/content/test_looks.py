"""A brand in a mail: what it gives, what it leaves alone, what can be read."""

import pytest

from campaigns.content.colours import READABLE, contrast, mixed, readable_on
from campaigns.content.compile import Compiled, compile_content
from campaigns.content.library import Starter, starters
from campaigns.content.lint import lint
from campaigns.content.looks import FONTS, HOUSE, Look, problems
from tests.campaigns.content.pieces import mail

BRAND = Look(
    name='Ours & "Co" <b>',
    logo="/media/" + "A" * 22 + ".png",
    logo_width=150,
    main="#7a1f5c",
    band="#ffe08a",
    page="#f7f3ee",
    text="#222222",
    font="georgia",
    heading_font="trebuchet",
    footer={"fr": "RCS Paris", "en": "Registered in <Paris> {{ x }}"},
    is_brand=True,
)


def made(inside: str, look: Look = BRAND, **words: str) -> Compiled:
    head = words.pop("head", "")
    return compile_content(
        mjml=mail(inside, head=head), subject="x", preheader="", language="en", look=look
    )


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#0000ff", "#ffff00") == pytest.approx(8.0, abs=0.1)
    assert mixed("#000000", "#ffffff", 0.5) == "#808080"


@pytest.mark.parametrize("band", ["#000000", "#ffffff", "#ffe08a", "#777777", "#ff0000", "#00a000"])
def test_words_on_any_band_can_be_read(band: str) -> None:
    words = Look(band=band).words()
    assert contrast(words["brand-soft-on-band"], band) >= min(
        READABLE, contrast(readable_on(band), band)
    )


@pytest.mark.parametrize("main", ["#0b5c8a", "#7a1f5c", "#000000", "#b00020", "#4b0082"])
def test_links_can_be_read_on_white_and_in_the_dark(main: str) -> None:
    assert contrast(Look(main=main).words()["brand-main-on-dark"], "#262e38") >= READABLE


def test_pale_colours_are_found() -> None:
    assert problems(HOUSE) == []
    found = {
        (name, ground) for name, ground, _ratio in problems(Look(main="#ffcc00", text="#999999"))
    }
    assert found == {("main", "#ffffff"), ("text", "#ffffff"), ("text", HOUSE.page)}


def test_its_words_become_its_colours_in_tags_and_styles_alone() -> None:
    html = made(
        '<mj-text color="brand-main">The word brand-main itself'
        '<span style="color:brand-quiet">x</span></mj-text>',
        head="<mj-style>.x { color: brand-band }</mj-style>",
    ).html
    assert "color:#7a1f5c" in html
    assert ".x { color: #ffe08a }" in html
    assert "The word brand-main itself" in html
    assert html.count("brand-") == 1


def test_what_a_template_leaves_open_comes_from_the_brand() -> None:
    html = made('<mj-text>x</mj-text><mj-button href="https://a.example/">Go</mj-button>').html
    assert 'bgcolor="#7a1f5c"' in html
    assert "font-family:" + FONTS["georgia"].split(",")[0] in html
    assert "#f7f3ee" in html
    assert "a { color: #7a1f5c; }" in html


def test_what_a_template_says_stays() -> None:
    head = (
        '<mj-attributes><mj-all font-family="Verdana" />'
        '<mj-button background-color="#123456" /></mj-attributes>'
    )
    html = made('<mj-button href="https://a.example/">Go</mj-button>', head=head).html
    assert 'bgcolor="#123456"' in html
    assert "Georgia" not in html


def test_the_logo_stands_where_it_is_named_and_the_name_where_there_is_none() -> None:
    logo = '<mj-image src="brand-logo" align="center" padding="0" />'
    assert lint(mail(logo)) == []
    with_logo = made(logo)
    assert f'{"A" * 22}.png"' in with_logo.html
    # The engine escapes nothing in an attribute: what would end it is another letter.
    assert 'alt="Ours + ”Co” ‹b›"' in with_logo.html
    without = made(logo, Look(name="Ours <b>x</b>", is_brand=True))
    assert "<img" not in without.html
    assert "Ours &lt;b&gt;x&lt;/b&gt;" in without.html
    assert "Ours <b>x</b>" in without.text


def test_only_the_source_of_an_image_may_be_the_logo() -> None:
    for inside in (
        '<mj-hero background-url="brand-logo" />',
        '<mj-text><img src="brand-logo"></mj-text>',
        '<mj-image src="brand-logo.png" />',
    ):
        assert lint(mail(inside)), inside


def test_its_footer_and_name_are_words_and_nothing_else() -> None:
    mail_of = made("<mj-text>{{ brand_name }}: {{ brand_footer }}</mj-text>")
    assert "Registered in &lt;Paris&gt; (( x ))" in mail_of.html
    assert 'Ours & "Co" <b>: Registered in <Paris> (( x ))' in mail_of.text
    french = compile_content(
        mjml=mail("<mj-text>{{ brand_footer }}</mj-text>"),
        subject="x", preheader="", language="fr", look=BRAND,
    )  # fmt: skip
    assert "RCS Paris" in french.text


@pytest.mark.parametrize("look", [HOUSE, BRAND], ids=["house", "brand"])
@pytest.mark.parametrize("each", starters(), ids=lambda each: each.key)
def test_every_ready_made_mail_takes_the_look_and_fetches_nothing(
    each: Starter, look: Look
) -> None:
    made = compile_content(
        mjml=each.mjml, subject="x", preheader="", language=each.language, look=look
    )
    assert made.warnings == ()
    assert "brand-" not in made.html
    assert look.main in made.html or look.band in made.html or each.code == "letter"
    assert {"opt_out_url", "preferences_url"} <= set(made.fields)
    assert len(made.html.encode()) < 40_000
