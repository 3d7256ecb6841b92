"""From blocks to MJML: the same document always becomes the same text, judged by the linter.

It fetches nothing: links to social networks are words, because their icons would be pictures of
others. What is unfinished (a button without an address) is written as it is, for the linter to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from urllib.parse import urlsplit

from campaigns.content.blocks.document import Block, Document
from campaigns.content.blocks.kinds import NETWORKS
from campaigns.content.blocks.rich_text import as_attribute, as_markup

_INK, _SOFT, _RULE, _SHEET = "#2b3440", "#5b6675", "#dde3ea", "#ffffff"
_SIZES = {"large": "28px", "medium": "22px", "small": "18px"}
_WIDTHS = {"full": "", "half": "268px", "third": "179px"}
Lines = list[str]


@dataclass(frozen=True, slots=True)
class Written:
    """The MJML, and the id of the block that each of its lines comes from (none: the frame)."""

    mjml: str
    owners: tuple[str, ...]

    def owner_of(self, line: int) -> str:
        """The block that a line comes from, counted from 1; empty for the frame."""
        return self.owners[line - 1] if 0 < line <= len(self.owners) else ""


def write(document: Document) -> Written:
    """The MJML of a checked document."""
    accent, page = document["look"]["accent"], document["look"]["page"]
    lines = [("", line) for line in _head(accent, page)]
    for place, block in enumerate(document["blocks"]):
        text = "\n".join(_PIECES[block["type"]](block, accent, place == 0))
        lines += [(block["id"], line) for line in text.split("\n")]
    lines += [("", line) for line in ("  </mj-body>", "</mjml>", "")]
    return Written("\n".join(line for _owner, line in lines), tuple(owner for owner, _ in lines))


def ink_on(colour: str) -> str:
    """Black or white, whichever is easier to read on a colour (WCAG 2.2, relative luminance)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#18202b"


def _head(accent: str, page: str) -> Lines:
    return [
        "<mjml>",
        "  <mj-head>",
        "    <mj-attributes>",
        '      <mj-all font-family="Arial, Helvetica, sans-serif" />',
        f'      <mj-text font-size="16px" line-height="1.6" color="{_INK}" padding="8px 0" />',
        '      <mj-section padding="8px 32px" />',
        f'      <mj-button font-size="16px" font-weight="700" inner-padding="14px 28px"'
        f' border-radius="6px" background-color="{accent}" color="{ink_on(accent)}"'
        ' padding="12px 0" />',
        f'      <mj-divider border-width="1px" border-color="{_RULE}" padding="12px 0" />',
        "    </mj-attributes>",
        "    <mj-style>",
        "      :root { color-scheme: light dark; }",
        "      .words p { margin: 0 0 12px; }",
        f"      .words a {{ color: {accent}; }}",
        "      @media (prefers-color-scheme: dark) {",
        "        body, .page { background-color: #10171e !important; }",
        "        .sheet, .sheet table { background: #1b242e !important; }",
        "        .sheet .words div, .page .words div { color: #e6ecf2 !important; }",
        "        .sheet .words a, .page .words a { color: #8cc4ee !important; }",
        "      }",
        "    </mj-style>",
        "  </mj-head>",
        f'  <mj-body css-class="page" background-color="{page}">',
    ]


def _section(inside: Lines, *, is_first: bool, sheet: str = "sheet", more: str = "") -> Lines:
    top = ' padding="28px 32px 8px"' if is_first and not more else more
    background = (
        f' background-color="{_SHEET}"' if sheet == "sheet" and "background" not in top else ""
    )
    return [
        f'    <mj-section css-class="{sheet}"{background}{top}>',
        *inside,
        "    </mj-section>",
    ]


def _column(inside: Lines, padding: str = "") -> Lines:
    given = f' padding="{padding}"' if padding else ""
    return [f"      <mj-column{given}>", *inside, "      </mj-column>"]


def _words(html: str, attributes: str = "") -> Lines:
    return [f'        <mj-text css-class="words"{attributes}>', html, "        </mj-text>"]


def _image(values: Mapping[str, str], width: str = "") -> Lines:
    link = f' href="{as_attribute(values["href"])}"' if values.get("href") else ""
    size = f' width="{width}"' if width else ""
    source, words = as_attribute(values["src"]), as_attribute(values["alt"])
    return [f'        <mj-image src="{source}" alt="{words}" padding="8px 0"{link}{size} />']


def _button(label: str, href: str, attributes: str) -> Lines:
    address = as_attribute(href)
    return [f'        <mj-button href="{address}"{attributes}>{as_markup(label)}</mj-button>']


def _title(text: str, size: str) -> Lines:
    return _words(as_markup(text), f' font-size="{size}" line-height="1.3" font-weight="700"')


# --- one function per kind -----------------------------------------------------------------------


def _heading(block: Block, accent: str, is_first: bool) -> Lines:
    size, align = _SIZES[block["size"]], block["align"]
    is_band = block["look"] == "band"
    colour = ink_on(accent) if is_band else "#18202b"
    attributes = f' align="{align}" font-size="{size}" line-height="1.3" font-weight="700"'
    inside = _words(as_markup(block["text"]), f'{attributes} color="{colour}"')
    if not is_band:
        return _section(_column(inside), is_first=is_first)
    inside[0] = inside[0].replace('css-class="words"', 'css-class="band-words"')
    more = f' background-color="{accent}" padding="32px"'
    return _section(_column(inside), is_first=False, sheet="band", more=more)


def _text(block: Block, accent: str, is_first: bool) -> Lines:
    return _section(_column(_words(block["html"], f' align="{block["align"]}"')), is_first=is_first)


def _picture(block: Block, accent: str, is_first: bool) -> Lines:
    return _section(_column(_image(block, _WIDTHS[block["width"]])), is_first=is_first)


def _call(block: Block, accent: str, is_first: bool) -> Lines:
    inside = _button(block["label"], block["href"], f' align="{block["align"]}"')
    return _section(_column(inside), is_first=is_first)


def _divider(block: Block, accent: str, is_first: bool) -> Lines:
    return _section(_column(["        <mj-divider />"]), is_first=is_first)


def _spacer(block: Block, accent: str, is_first: bool) -> Lines:
    inside = [f'        <mj-spacer height="{block["height"]}px" />']
    return _section(_column(inside), is_first=False, more=' padding="0 32px"')


def _cell(cell: Mapping[str, str]) -> Lines:
    inside: Lines = []
    if cell["src"]:
        inside += _image({**cell, "href": cell["href"]})
    if cell["heading"]:
        inside += _title(cell["heading"], "18px")
    if cell["html"]:
        inside += _words(cell["html"])
    if cell["label"]:
        link = f'<a href="{as_attribute(cell["href"])}">{as_markup(cell["label"])}</a>'
        inside += _words(link, ' font-weight="700"')
    return inside


def _columns(block: Block, accent: str, is_first: bool) -> Lines:
    cells = [_column(_cell(cell), "8px 8px") for cell in block["cells"]]
    more = f' padding="{"20px" if is_first else "0"} 24px 0"'
    return _section(list(chain.from_iterable(cells)), is_first=is_first, more=more)


def _quote(block: Block, accent: str, is_first: bool) -> Lines:
    inside = _words(block["html"], ' font-size="18px" font-style="italic" padding="8px 0 8px 20px"')
    if block["source"]:
        source = as_markup(f"\u2014 {block['source']}")
        inside += _words(source, f' font-size="14px" color="{_SOFT}" padding="0 0 8px 20px"')
    column = [f'      <mj-column border-left="4px solid {accent}">', *inside, "      </mj-column>"]
    return _section(column, is_first=is_first)


def _card(block: Block, accent: str, is_first: bool) -> Lines:
    inside: Lines = []
    if block["src"]:
        inside += _image(block)
    inside += _title(block["title"], "20px")
    if block["price"]:
        inside += _words(as_markup(block["price"]), f' font-weight="700" color="{_SOFT}"')
    if block["html"]:
        inside += _words(block["html"])
    if block["label"]:
        inside += _button(block["label"], block["href"], ' align="left"')
    opening = (
        f'      <mj-column border="1px solid {_RULE}" border-radius="8px" padding="12px 20px">'
    )
    return _section([opening, *inside, "      </mj-column>"], is_first=is_first)


def _social(block: Block, accent: str, is_first: bool) -> Lines:
    links = [
        f'<a href="{as_attribute(block[code])}">{as_markup(_name_of(code, block[code]))}</a>'
        for code in NETWORKS
        if block[code]
    ]
    return _section(_column(_words(" &#183; ".join(links), ' align="center"')), is_first=is_first)


def _name_of(code: str, address: str) -> str:
    """A name that is the same in every language: of a website, its host."""
    if code != "website":
        return str(NETWORKS[code])
    host = urlsplit(address).netloc
    return host.removeprefix("www.") or address


def _footer(block: Block, accent: str, is_first: bool) -> Lines:
    small = f' align="center" font-size="13px" line-height="1.5" color="{_SOFT}"'
    # A link without words could not be seen: its address stands for them.
    words = as_markup(block["opt_out"]) or "{{ opt_out_url }}"
    opt_out = f'<a href="{{{{ opt_out_url }}}}">{words}</a>'
    choose = f'<a href="{{{{ preferences_url }}}}">{as_markup(block["preferences"])}</a>'
    contact = '<a href="mailto:{{ privacy_contact }}">{{ privacy_contact }}</a>'
    links = [opt_out, *([choose] if block["preferences"] else []), contact]
    inside = _words("{{ sender_name }}<br />{{ sender_address }}", small)
    if block["html"]:
        inside += _words(block["html"], small)
    inside += _words(" &#183; ".join(links), small)
    return _section(_column(inside), is_first=False, sheet="foot", more=' padding="24px 32px"')


def _raw(block: Block, accent: str, is_first: bool) -> Lines:
    return str(block["mjml"]).split("\n")


_PIECES: Mapping[str, Callable[[Block, str, bool], Lines]] = {
    "heading": _heading,
    "text": _text,
    "image": _picture,
    "button": _call,
    "divider": _divider,
    "spacer": _spacer,
    "columns": _columns,
    "quote": _quote,
    "card": _card,
    "social": _social,
    "footer": _footer,
    "raw": _raw,
}
