"""The look of a brand: its colours, fonts, logo and footer, set in a template as it is compiled.

A template names them (``color="brand-main"``, ``src="brand-logo"``) instead of saying them, so
that a draft follows its brand. What it does not say at all (a button, a text, a link) it takes from
the brand too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from campaigns.content.colours import INK, READABLE, WHITE, contrast, mixed, readable_on

# Fonts that every computer has; nothing is fetched.
FONTS: Mapping[str, str] = {
    "arial": "Arial, Helvetica, sans-serif",
    "verdana": "Verdana, Geneva, sans-serif",
    "tahoma": "Tahoma, Verdana, sans-serif",
    "trebuchet": "'Trebuchet MS', Helvetica, sans-serif",
    "georgia": "Georgia, 'Times New Roman', serif",
    "times": "'Times New Roman', Times, serif",
    "courier": "'Courier New', Courier, monospace",
}
LOGO = "brand-logo"
_DARK_SHEET = "#262e38"
ATTRIBUTE = "accord-brand"
_CODE = re.compile(
    rf"<mjml\b[^>]*?\s{ATTRIBUTE}\s*=\s*[\"']([a-z0-9-]{{1,40}})[\"']", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A brand as a mail shows it. `logo` is a path of the library, or empty."""

    name: str = ""
    logo: str = ""
    logo_width: int = 0
    main: str = "#0b5c8a"
    band: str = "#0b3f5e"
    page: str = "#eef1f5"
    text: str = "#2b3440"
    font: str = "arial"
    heading_font: str = "arial"
    footer: Mapping[str, str] = field(default_factory=dict)
    is_brand: bool = False

    def words(self) -> dict[str, str]:
        """What each word of a template becomes."""
        on_band = readable_on(self.band)
        soft = mixed(on_band, self.band, 0.8)
        quiet = mixed(self.text, self.page, 0.8)
        return {
            "brand-main": self.main,
            "brand-main-on-dark": _on_dark(self.main),
            "brand-on-main": readable_on(self.main),
            "brand-band": self.band,
            "brand-on-band": on_band,
            "brand-soft-on-band": soft if contrast(soft, self.band) >= READABLE else on_band,
            "brand-page": self.page,
            "brand-text": self.text,
            "brand-heading": mixed(INK, self.text, 0.6),
            "brand-quiet": quiet if contrast(quiet, self.page) >= READABLE else self.text,
            "brand-tint": mixed(self.main, WHITE, 0.08),
            "brand-line": mixed(self.text, WHITE, 0.16),
            "brand-font": FONTS[self.font],
            "brand-heading-font": FONTS[self.heading_font],
        }


def _on_dark(colour: str) -> str:
    """The colour made light enough to be read on the dark sheet of a ready-made template."""
    for share in (1.0, 0.8, 0.6, 0.45, 0.3):
        lighter = mixed(colour, WHITE, share)
        if contrast(lighter, _DARK_SHEET) >= READABLE:
            return lighter
    return WHITE


HOUSE = Look()
COLOUR_WORDS = tuple(word for word in HOUSE.words() if not word.endswith("-font"))
_WORD = re.compile(
    r"(?<![\w-])(" + "|".join(sorted(HOUSE.words(), key=len, reverse=True)) + r")(?![\w-])"
)
_TAG_OR_STYLE = re.compile(r"<mj-style\b[^>]*>.*?</mj-style\s*>|<[^>]+>", re.DOTALL | re.IGNORECASE)
_LOGO = re.compile(rf"<mj-image\b(?P<before>[^>]*?)src=([\"']){LOGO}\2(?P<after>[^>]*?)/?>"
                   r"(?:\s*</mj-image\s*>)?", re.IGNORECASE)  # fmt: skip
_PLACE = re.compile(r"\s(?:align|padding[a-z-]*|css-class)=(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_DEFAULTS = re.compile(r"<mj-attributes\b.*?</mj-attributes\s*>", re.DOTALL | re.IGNORECASE)


def brand_code(mjml: str) -> str:
    """The brand that a template names; empty where it names none."""
    found = _CODE.search(mjml[:2_000])
    return found[1].lower() if found else ""


def problems(look: Look) -> list[tuple[str, str, float]]:
    """Every pair of colours that is too hard to read: a field, the ground, the contrast."""
    pairs = (("main", WHITE), ("text", WHITE), ("text", look.page))
    found = [(name, ground, contrast(getattr(look, name), ground)) for name, ground in pairs]
    return [(name, ground, ratio) for name, ground, ratio in found if ratio < READABLE]


def dressed(source: str, look: Look, *, organisation: str) -> str:
    """The template with the words of a brand made into its colours, fonts and logo."""
    words = look.words()

    def coloured(found: re.Match[str]) -> str:
        return _WORD.sub(lambda word: words[word[1]], found[0])

    with_logo = _LOGO.sub(lambda found: _logo(found, look, organisation), source)
    return _TAG_OR_STYLE.sub(coloured, with_logo)


# The engine writes an attribute's value as it is: a quote in it would end it.
_IN_ATTRIBUTES = str.maketrans({'"': "”", "<": "‹", ">": "›", "&": "+"})


def plain_words(words: str) -> str:
    """Words that may stand in an attribute of a template, whatever a person typed."""
    return words.translate(_IN_ATTRIBUTES)


def _logo(found: re.Match[str], look: Look, organisation: str) -> str:
    given = f"{found['before']} {found['after']}"
    name = escape(look.name or organisation)
    if not look.logo:
        place = "".join(_PLACE.findall(given))
        return (
            f'<mj-text{place} font-family="brand-heading-font" font-size="20px" font-weight="700"'
            f' color="brand-main">{name}</mj-text>'
        )
    alt = "" if re.search(r"\salt=", given) else f' alt="{plain_words(look.name or organisation)}"'
    width = "" if re.search(r"\swidth=", given) else f' width="{look.logo_width}px"'
    return f'<mj-image{given} src="{look.logo}"{alt}{width} />'


def defaults(source: str, look: Look) -> str:
    """What the head gets of a brand: defaults for what the template sets nowhere itself."""
    if not look.is_brand:
        return ""
    own = " ".join(_DEFAULTS.findall(source)).lower()
    words = look.words()
    wanted = {
        "mj-button": f'background-color="{look.main}" color="{words["brand-on-main"]}"',
        "mj-text": f'color="{look.text}"',
        "mj-body": f'background-color="{look.page}"',
    }
    lacking = "".join(
        f"<{tag} {attributes} />"
        for tag, attributes in wanted.items()
        if not re.search(rf"<{tag}\b", own)
    )
    return (
        f"<mj-attributes>{lacking}</mj-attributes><mj-style>a {{ color: {look.main}; }}</mj-style>"
    )
