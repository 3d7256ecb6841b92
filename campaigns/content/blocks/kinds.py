"""The kinds of blocks, and what each one asks for. docs/content.md describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

Words = str | Promise


class Shape(StrEnum):
    """How a value is typed, and how it is cleaned."""

    LINE = "line"
    RICH = "rich"
    LINK = "link"
    PICTURE = "picture"
    CHOICE = "choice"
    CODE = "code"


_LONGEST = {
    Shape.LINE: 300,
    Shape.RICH: 20_000,
    Shape.LINK: 2_000,
    Shape.PICTURE: 500,
    Shape.CHOICE: 20,
    Shape.CODE: 100_000,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a block: always text. A choice is one of `choices`, the first by default."""

    name: str
    label: Words
    shape: Shape = Shape.LINE
    default: Words = ""
    choices: tuple[tuple[str, Words], ...] = ()
    hint: Words = ""

    @property
    def longest(self) -> int:
        return _LONGEST[self.shape]

    @property
    def initial(self) -> str:
        """What a new block holds, in the active language."""
        return self.choices[0][0] if self.choices else str(self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of block. `counts` says of how many cells it may consist; cells hold `cell`."""

    code: str
    label: Words
    icon: str
    fields: tuple[Field, ...]
    cell: tuple[Field, ...] = ()
    counts: tuple[int, ...] = ()


_ALIGN = Field(
    "align",
    _("Alignment"),
    Shape.CHOICE,
    choices=(("left", _("Left")), ("center", _("Centre")), ("right", _("Right"))),
)
_PICTURE = Field(
    "src",
    _("Picture"),
    Shape.PICTURE,
    hint=_("Its address on this installation: it starts with /media/."),
)
_ALT = Field("alt", _("What the picture shows"), hint=_("Read out to people who do not see it."))
_LINK_HINT = _("Starts with https://, http://, mailto: or tel:.")
_HREF = Field("href", _("Link"), Shape.LINK, hint=_LINK_HINT)
_OPTIONAL_HREF = Field(
    "href", _("Link"), Shape.LINK, hint=format_lazy("{} {}", _("May stay empty."), _LINK_HINT)
)
_NETWORKS = (
    ("website", _("Website")),
    ("linkedin", "LinkedIn"),
    ("mastodon", "Mastodon"),
    ("bluesky", "Bluesky"),
    ("facebook", "Facebook"),
    ("instagram", "Instagram"),
    ("youtube", "YouTube"),
)
_CELL = (
    Field("heading", _("Heading")),
    _PICTURE,
    _ALT,
    Field("html", _("Text"), Shape.RICH),
    Field("label", _("Words of the link")),
    _OPTIONAL_HREF,
)

_ALL = (
    Kind(
        code="heading",
        label=_("Heading"),
        icon="h-1",
        fields=(
            Field("text", _("Heading")),
            Field(
                "size",
                _("Size"),
                Shape.CHOICE,
                choices=(("large", _("Large")), ("medium", _("Medium")), ("small", _("Small"))),
            ),
            Field(
                "look",
                _("Background"),
                Shape.CHOICE,
                choices=(("plain", _("None")), ("band", _("Colour of the mail"))),
            ),
            _ALIGN,
        ),
    ),
    Kind(
        code="text",
        label=_("Text"),
        icon="align-left",
        fields=(Field("html", _("Text"), Shape.RICH), _ALIGN),
    ),
    Kind(
        code="image",
        label=_("Picture"),
        icon="photo",
        fields=(
            _PICTURE,
            _ALT,
            _OPTIONAL_HREF,
            Field(
                "width",
                _("Width"),
                Shape.CHOICE,
                choices=(("full", _("Whole width")), ("half", _("Half")), ("third", _("A third"))),
            ),
        ),
    ),
    Kind(
        code="button",
        label=_("Button"),
        icon="click",
        fields=(Field("label", _("Words on the button"), default=_("Read more")), _HREF, _ALIGN),
    ),
    Kind(code="divider", label=_("Divider"), icon="separator", fields=()),
    Kind(
        code="spacer",
        label=_("Space"),
        icon="arrows-vertical",
        fields=(
            Field(
                "height",
                _("Height"),
                Shape.CHOICE,
                choices=(("24", _("Medium")), ("12", _("Small")), ("48", _("Large"))),
            ),
        ),
    ),
    Kind(
        code="columns",
        label=_("Columns"),
        icon="columns-2",
        fields=(),
        cell=_CELL,
        counts=(2, 3),
    ),
    Kind(
        code="quote",
        label=_("Quote"),
        icon="message-circle",
        fields=(Field("html", _("Quote"), Shape.RICH), Field("source", _("Who said it"))),
    ),
    Kind(
        code="card",
        label=_("Product or card"),
        icon="id-badge-2",
        fields=(
            Field("title", _("Title")),
            _PICTURE,
            _ALT,
            Field("html", _("Text"), Shape.RICH),
            Field("price", _("Price or date")),
            Field("label", _("Words on the button"), default=_("See it")),
            _OPTIONAL_HREF,
        ),
    ),
    Kind(
        code="social",
        label=_("Social links"),
        icon="share",
        fields=tuple(Field(code, name, Shape.LINK) for code, name in _NETWORKS),
    ),
    Kind(
        code="footer",
        label=_("Footer"),
        icon="section",
        fields=(
            Field(
                "html",
                _("Why they get this mail"),
                Shape.RICH,
                default=_(
                    "You receive this message because you agreed to receive our news, or because "
                    "it concerns your professional activity. You can say no at any time, in one "
                    "click."
                ),
            ),
            Field(
                "opt_out",
                _("Words of the opt-out link"),
                default=_("Stop receiving these messages"),
            ),
            Field(
                "preferences",
                _("Words of the preferences link"),
                default=_("Choose what I receive"),
            ),
        ),
    ),
    Kind(
        code="raw",
        label=_("MJML code"),
        icon="code",
        fields=(
            Field(
                "mjml",
                _("MJML code"),
                Shape.CODE,
                hint=_("One or more <mj-section>, judged by the linter like any code."),
            ),
        ),
    ),
)
KINDS: Mapping[str, Kind] = {kind.code: kind for kind in _ALL}
NETWORKS: Mapping[str, Words] = dict(_NETWORKS)
