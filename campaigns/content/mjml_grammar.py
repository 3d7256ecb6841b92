"""What MJML allows: the engine's own table of attributes and their types, and the nesting."""

import re
from collections.abc import Mapping
from functools import cache

from mjml.core.registry import components, register_core_components

from campaigns.content.looks import ATTRIBUTE, COLOUR_WORDS

_CONTENT = frozenset(
    {
        *("mj-accordion", "mj-button", "mj-carousel", "mj-divider", "mj-image", "mj-navbar"),
        *("mj-raw", "mj-social", "mj-spacer", "mj-table", "mj-text"),
    }
)
CHILDREN: Mapping[str, frozenset[str]] = {
    "": frozenset({"mjml"}),
    "mjml": frozenset({"mj-head", "mj-body"}),
    "mj-head": frozenset(
        {"mj-attributes", "mj-breakpoint", "mj-preview", "mj-style", "mj-title", "mj-raw"}
    ),
    "mj-body": frozenset({"mj-section", "mj-wrapper", "mj-hero", "mj-raw"}),
    "mj-wrapper": frozenset({"mj-section", "mj-hero", "mj-raw"}),
    "mj-section": frozenset({"mj-column", "mj-group", "mj-raw"}),
    "mj-group": frozenset({"mj-column", "mj-raw"}),
    "mj-column": _CONTENT,
    "mj-hero": _CONTENT,
    "mj-accordion": frozenset({"mj-accordion-element", "mj-raw"}),
    "mj-accordion-element": frozenset({"mj-accordion-title", "mj-accordion-text", "mj-raw"}),
    "mj-carousel": frozenset({"mj-carousel-image"}),
    "mj-navbar": frozenset({"mj-navbar-link", "mj-raw"}),
    "mj-social": frozenset({"mj-social-element", "mj-raw"}),
}
# What stands inside these is HTML, not MJML.
HOLDS_HTML = frozenset(
    {
        *("mj-text", "mj-button", "mj-table", "mj-raw", "mj-accordion-title"),
        *("mj-accordion-text", "mj-navbar-link", "mj-social-element"),
    }
)
HOLDS_TEXT = frozenset({"mj-title", "mj-preview", "mj-style"})
EMPTY = frozenset({"mj-image", "mj-divider", "mj-spacer", "mj-carousel-image", "mj-breakpoint"})
FORBIDDEN = frozenset({"mj-include", "mj-font", "mj-html-attributes", "mj-selector"})
_EVERYWHERE = {"css-class": "string", "mj-class": "string"}
# The engine reads these and its table does not list them.
_UNLISTED: Mapping[str, Mapping[str, str]] = {
    "mjml": {"lang": "string", "dir": "enum(ltr,rtl,auto)", ATTRIBUTE: "string"},
    "mj-body": {"width": "unit(px)", "background-color": "color"},
    "mj-style": {"inline": "enum(inline)"},
    "mj-group": {
        "background-color": "color",
        "direction": "enum(ltr,rtl)",
        "vertical-align": "enum(top,bottom,middle)",
        "width": "unit(px,%)",
    },
}
# The engine fetches these from other people's servers unless told otherwise.
MUST_STATE: Mapping[str, tuple[str, ...]] = {
    "mj-social-element": ("src",),
    "mj-accordion": ("icon-wrapped-url", "icon-unwrapped-url"),
    "mj-carousel": ("left-icon", "right-icon"),
    "mj-image": ("src",),
}
IMAGE_ATTRIBUTES = frozenset(
    {
        *("src", "srcset", "background-url", "thumbnails-src"),
        *("icon-wrapped-url", "icon-unwrapped-url", "left-icon", "right-icon"),
    }
)


@cache
def attributes_of(tag: str) -> Mapping[str, str]:
    """Attribute to type for a tag, or for ``mj-all`` and ``mj-class`` those of every tag."""
    register_core_components()
    if tag in ("mj-all", "mj-class"):
        every: dict[str, str] = {}
        for name in components:
            every |= attributes_of(name)
        return every | {"name": "string"}
    listed = components[tag].allowed_attrs() if tag in components else {}
    return {name: kind or "string" for name, kind in listed.items()} | {
        **_UNLISTED.get(tag, {}),
        **(_EVERYWHERE if tag in components else {}),
    }


@cache
def is_tag(tag: str) -> bool:
    register_core_components()
    return tag in components or tag == "mjml"


def permitted_children(parent: str) -> frozenset[str]:
    """Under mj-attributes stands any component, with the defaults it shall get."""
    if parent == "mj-attributes":
        return frozenset({"mj-all", "mj-class", *(tag for tag in components)})
    return CHILDREN.get(parent, frozenset())


# --- types -----------------------------------------------------------------------------------

_HEX = r"#(?:[0-9a-f]{3}|[0-9a-f]{4}|[0-9a-f]{6}|[0-9a-f]{8})"
_FUNCTION = r"(?:rgb|hsl)a?\(\s*[\d.]+%?(?:\s*,\s*[\d.]+%?){2,3}\s*\)"
_COLOUR_NAMES = (
    "aqua black blue crimson currentcolor cyan darkblue darkcyan darkgray darkgreen darkgrey"
    " darkorange darkred dimgray dimgrey fuchsia gold gray green grey indigo inherit initial"
    " ivory khaki lavender lightblue lightgray lightgreen lightgrey lime linen magenta maroon"
    " midnightblue navy none olive orange orchid pink plum purple red royalblue salmon seagreen"
    " silver skyblue slateblue slategray slategrey snow steelblue tan teal tomato transparent"
    " turquoise violet wheat white whitesmoke yellow"
).replace(" ", "|")
_BRAND = "|".join(COLOUR_WORDS)
_COLOUR = re.compile(f"{_HEX}|{_FUNCTION}|{_COLOUR_NAMES}|{_BRAND}", re.IGNORECASE)
_UNIT = re.compile(r"(?P<negative>unitWithNegative|unit)\((?P<units>[^)]*)\)(?P<many>\{1,4\})?")


@cache
def _pattern(kind: str) -> re.Pattern[str] | None:
    """The pattern a value of this type matches, or None when any text will do."""
    if kind == "color":
        return _COLOUR
    if kind.startswith("enum("):
        return re.compile("|".join(map(re.escape, kind[5:-1].split(","))))
    if kind == "boolean":
        return re.compile("true|false")
    if kind == "integer":
        return re.compile(r"\d{1,5}")
    unit = _UNIT.fullmatch(kind)
    return _unit_pattern(unit) if unit else None


def _unit_pattern(unit: re.Match[str]) -> re.Pattern[str]:
    sign = "-?" if unit["negative"] == "unitWithNegative" else ""
    units = unit["units"].split(",")
    number = rf"{sign}\d{{1,5}}(?:\.\d+)?(?:{'|'.join(re.escape(u) for u in units if u != 'auto')})"
    one = f"(?:{number}|0{'|auto' if 'auto' in units else ''})"
    return re.compile(rf"{one}(?:\s+{one}){{0,3}}" if unit["many"] else one)


def is_valid(kind: str, value: str) -> bool:
    pattern = _pattern(kind)
    return pattern is None or pattern.fullmatch(value.strip()) is not None


def described(kind: str) -> str:
    """The type as a person would write it: ``px or %``, ``left, right``, ``#1a2b3c``."""
    if kind == "color":
        return "#1a2b3c"
    if kind.startswith("enum("):
        return kind[5:-1].replace(",", ", ")
    unit = _UNIT.fullmatch(kind)
    if unit:
        examples = ["10" + each if each != "auto" else each for each in unit["units"].split(",")]
        return ", ".join(examples)
    return {"boolean": "true, false", "integer": "12"}.get(kind, kind)
