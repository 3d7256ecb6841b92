"""What HTML, CSS, links and images a mail may hold: lists of what is allowed, not of attacks."""

import re

import nh3

TAGS = frozenset(
    {
        *("a", "abbr", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col"),
        *("colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4"),
        *("h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s"),
        *("small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot"),
        *("th", "thead", "tr", "u", "ul", "var", "wbr"),
    }
)
VOID = frozenset({"br", "col", "hr", "img", "wbr"})
ATTRIBUTES = frozenset(
    {
        *("align", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "class", "color"),
        *("colspan", "dir", "face", "height", "href", "id", "lang", "rel", "role", "rowspan"),
        *("scope", "size", "src", "start", "style", "target", "title", "type", "valign", "width"),
    }
)
_ARIA = re.compile(r"aria-[a-z]+")
_SCHEMES = {"http", "https", "mailto", "tel"}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_BLANKS = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\ufeff]+")
_CSS_URL = re.compile(r"url\(\s*['\"]?([^'\")]*)['\"]?\s*\)?", re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_FETCH = re.compile(r"@import|@font-face|@namespace|@charset", re.IGNORECASE)
_CSS_CODE = re.compile(r"expression\s*\(|behavior\s*:|-moz-binding|javascript:", re.IGNORECASE)

# Written by name, these make the engine link to a font server.
OUTSIDE_FONTS = ("Open Sans", "Droid Sans", "Lato", "Roboto", "Ubuntu")
_OUTSIDE_FONT = re.compile(
    r"font(?:-family)?\s*:[^;}]*(?:" + "|".join(OUTSIDE_FONTS) + ")", re.IGNORECASE
)


def is_outside_font(value: str) -> bool:
    return any(name.lower() in value.lower() for name in OUTSIDE_FONTS)


def is_attribute(name: str) -> bool:
    return name in ATTRIBUTES or _ARIA.fullmatch(name) is not None


def is_safe_link(target: str) -> bool:
    """http, https, mailto, tel, or a place on the page. A bare path leads nowhere from a mail."""
    squeezed = _BLANKS.sub("", target)
    scheme = _SCHEME.match(squeezed)
    if scheme is None:
        return squeezed.startswith("#")
    name = scheme[1].lower()
    rest = squeezed[scheme.end() :]
    return name in _SCHEMES and (
        not name.startswith("http") or re.match(r"//[^/]", rest) is not None
    )


def is_safe_image(target: str, own: tuple[str, ...]) -> bool:
    """A picture of this installation: another server's would learn who reads, and when."""
    if _BLANKS.search(target) or "\\" in target or ".." in target:
        return False
    return target.startswith(own) and target not in own


def css_problem(css: str, own: tuple[str, ...]) -> str:
    """The code of what is wrong with a style, or nothing.

    Backslashes are refused whole: they let ``@import`` be written so that no search finds it.
    """
    if "<" in css or "\\" in css:
        return "css-code"
    bare = _CSS_COMMENT.sub("", css)
    if "/*" in bare or _CSS_CODE.search(bare):
        return "css-code"
    if _CSS_FETCH.search(bare):
        return "css-fetch"
    if _OUTSIDE_FONT.search(bare):
        return "outside-font"
    targets = _CSS_URL.findall(bare)
    if bare.lower().count("url(") != len(targets):
        return "css-fetch"
    return "" if all(is_safe_image(each.strip(), own) for each in targets) else "css-fetch"


def sanitize(fragment: str) -> str:
    """A fragment of rich text with everything but harmless markup taken out (nh3).

    For text pasted into the block editor: what a linter would refuse is dropped here.
    """
    return nh3.clean(
        fragment,
        tags=set(TAGS - {"img", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}),
        attributes={"a": {"href", "title"}, "*": {"lang", "dir"}, "ol": {"start"}},
        clean_content_tags={"script", "style", "title", "textarea", "noscript", "template"},
        url_schemes=_SCHEMES,
        link_rel=None,
        strip_comments=True,
    )
