"""Limited rich text: what the small editor of a block can make, and nothing else (nh3)."""

import re
from html import escape, unescape

import nh3

TAGS = frozenset({"p", "br", "b", "strong", "i", "em", "u", "a", "ul", "ol", "li"})
_SCHEMES = {"http", "https", "mailto", "tel"}
# Browsers begin a line with <div> here and there; it means a paragraph.
_DIV = re.compile(r"<(/?)div\b[^>]*>", re.IGNORECASE)
_FIELD = re.compile(r"\{\{[^{}<>\n]*\}\}")
_BLANK = re.compile("&nbsp;|\u00a0")
# Written into an address as it is, each of these would end it in one parser or another.
_UNSAFE_IN_LINK = str.maketrans(
    {'"': "%22", "<": "%3C", ">": "%3E", "'": "%27", "`": "%60", "\\": "%5C"}
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


def clean_rich(fragment: str) -> str:
    """A fragment with everything but harmless markup taken out. Cleaning twice changes nothing."""
    text = _DIV.sub(r"<\1p>", _CONTROLS.sub("", fragment.replace("\r\n", "\n").replace("\r", "\n")))
    cleaned = nh3.clean(
        text,
        tags=set(TAGS),
        attributes={"a": {"href"}},
        clean_content_tags={"script", "style", "title", "textarea", "noscript", "template"},
        url_schemes=_SCHEMES,
        link_rel=None,
        strip_comments=True,
    )
    return _FIELD.sub(lambda field: _BLANK.sub(" ", field[0]), cleaned).strip()


def clean_line(text: str) -> str:
    """One line of plain text."""
    return " ".join(_CONTROLS.sub("", text).split())


def clean_link(text: str) -> str:
    """An address on one line; what it leads to is judged by the linter."""
    address = clean_line(text)
    if _FIELD.fullmatch(address):
        return address
    return address.translate(_UNSAFE_IN_LINK).replace(" ", "%20")


def as_markup(line: str) -> str:
    """A line for the text of a mail: a merge field keeps its quotes."""
    return escape(line, quote=False)


def as_attribute(line: str) -> str:
    """A line for an attribute. The engine reads entities and writes them back in the clear, so
    what could end the attribute is replaced by its typographic likeness, not escaped."""
    likeness = str.maketrans({'"': "\u201d", "<": "\u2039", ">": "\u203a", "`": "\u2019"})
    return escape(unescape(line).translate(likeness), quote=False)
