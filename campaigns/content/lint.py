"""Reads a template as the engine will, and says line by line what to put right.

The engine itself validates nothing: it opens any file named by mj-include, accepts any attribute
and lets scripts through. So everything is checked here first, against the engine's own table.
Comments are blanked before anyone parses, and what is left of ``<!`` and ``<?`` is refused: no
two parsers agree on where a broken comment ends, and scripts hide in the difference.
"""

import re
from collections.abc import Callable
from html.parser import HTMLParser

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.content import mjml_grammar as grammar
from campaigns.content import safe_html
from campaigns.content.conditional_blocks import blocks_of
from campaigns.content.conditions import ATTRIBUTE, TAGS, BadCondition, read_condition
from campaigns.content.findings import BrokenTemplate, Finding, position
from campaigns.content.html_contexts import MARK
from campaigns.content.looks import LOGO
from campaigns.content.merge import FIELDS_OF, Letter, placeholders

LONGEST_SOURCE_BYTES = 300_000
MEDIA_PATH = "/media/"
_MOST_FINDINGS = 100
_DEEPEST = 60
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_DECLARATION = re.compile(r"<[!?]")
_NOT_A_LINE_END = re.compile(r"[^\n]")
_OPT_OUT = re.compile(r"\shref\s*=\s*([\"'])\s*\{\{\s*opt_out_url\s*\}\}\s*\1", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|" + MARK)


def lint(source: str | bytes, *, kind: Letter = "newsletter") -> list[Finding]:
    """Everything wrong with an MJML template, in the order of the text; empty if it may be
    compiled. Messages are in the active language. Never raises."""
    early = _unreadable(source)
    if early:
        return [early]
    text = source.decode() if isinstance(source, bytes) else source
    findings = []
    try:
        masked = masked_source(text, kind)
    except BrokenTemplate as broken:
        findings, masked = list(broken.findings), without_comments(text)
    findings += [
        Finding(*position(masked, match.start()), "declaration", _text_of("declaration"))
        for match in _DECLARATION.finditer(masked)
    ]
    # Where a comment or a field is broken, what the tags say cannot be trusted.
    findings = findings or [
        *_Checker(masked, own_pictures()).findings_of_all(),
        *_hidden_from_some(text, masked, kind),
    ]
    if kind == "newsletter" and not _OPT_OUT.search(without_comments(text)):
        findings.append(Finding(0, 0, "no-opt-out", _text_of("no-opt-out")))
    return sorted(set(findings))[:_MOST_FINDINGS]


# What everybody must be told, so that no condition may take it away (GDPR 21(4), CPCE L34-5).
_FOR_EVERYBODY = frozenset({"opt_out_url", "sender_address"})


def _hidden_from_some(text: str, masked: str, kind: Letter) -> list[Finding]:
    blocks = blocks_of(masked)
    if not blocks:
        return []
    return [
        Finding(*position(text, field.start), "conditional-identity", _text_of("conditional"))
        for field in placeholders(without_comments(text), FIELDS_OF[kind])
        if field.field in _FOR_EVERYBODY
        and any(block.start < field.start < block.end for block in blocks)
    ]


def own_pictures() -> tuple[str, ...]:
    """How the address of a picture of this installation begins."""
    return (MEDIA_PATH, f"{settings.PUBLIC_URL}/")


def without_comments(source: str) -> str:
    """Comments turned to blanks, so that every other line and column stays where it was."""
    return _COMMENT.sub(lambda found: _NOT_A_LINE_END.sub(" ", found[0]), source)


def masked_source(source: str, kind: Letter) -> str:
    """Comments blanked and merge fields masked, length kept. Raises BrokenTemplate."""
    bare = without_comments(source)
    pieces, at = [], 0
    for field in placeholders(bare, FIELDS_OF[kind]):
        pieces += [bare[at : field.start], MARK * (field.end - field.start)]
        at = field.end
    return "".join([*pieces, bare[at:]])


def _unreadable(source: str | bytes) -> Finding | None:
    raw = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
    if len(raw) > LONGEST_SOURCE_BYTES:
        return Finding(0, 0, "too-large", _text_of("too-large"))
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        where = raw[: error.start].decode()
        return Finding(*position(where, len(where)), "not-utf-8", _text_of("not-utf-8"))
    found = _CONTROL.search(text)
    if found:
        return Finding(*position(text, found.start()), "control", _text_of("control"))
    return None


def _text_of(code: str) -> str:
    texts = {
        "too-large": _("The template is larger than 300 KB. Shorten it or split it in two."),
        "not-utf-8": _("The file is not UTF-8 here. Save it again as UTF-8."),
        "control": _("There is an invisible control character here. Remove it."),
        "no-opt-out": _(
            "The opt-out link is missing. Add a link to {{ opt_out_url }}: nobody may be sent "
            "a mail that they cannot stop."
        ),
        "conditional": _(
            "The opt-out link and who is writing cannot stand in a conditional block: everybody "
            "must get them. Move them out of it."
        ),
        "declaration": _("Only complete comments may start with “<!” or “<?”. Remove this one."),
    }
    return texts[code]


class _Checker(HTMLParser):
    """Walks the tags once, keeping those that are open."""

    def __init__(self, source: str, own: tuple[str, ...]) -> None:
        super().__init__(convert_charrefs=True)
        self._source = source
        self._own = own
        self._open: list[tuple[str, int, int]] = []
        self._findings: list[Finding] = []
        self._seen: set[str] = set()
        self._defaults: set[tuple[str, str]] = set()

    def findings_of_all(self) -> list[Finding]:
        self.feed(self._source)
        self.close()
        for tag, line, column in self._open:
            self._say(line, column, "unclosed", _("<%(tag)s> is never closed."), tag=tag)
        for tag in ("mjml", "mj-body"):
            if tag not in self._seen:
                text = _("<%(tag)s> is missing. A template needs one.")
                self._say(0, 0, "missing-tag", text, tag=tag)
        return self._findings

    # --- what the parser calls -----------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._opening(tag, attrs)
        if not (self._inside_html and tag in safe_html.VOID) and len(self._open) < _DEEPEST:
            self._open.append((tag, *self._here()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside_html = self._inside_html
        self._opening(tag, attrs)
        if inside_html and tag not in safe_html.VOID:
            text = _("<%(tag)s/> does not close itself in HTML. Write <%(tag)s></%(tag)s>.")
            self._say(*self._here(), "self-closing", text, tag=tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside_html and tag in safe_html.VOID:
            return
        names = [name for name, _line, _column in self._open]
        if tag not in names:
            text = _("</%(tag)s> closes nothing. Remove it or open it before.")
            self._say(*self._here(), "stray-end", text, tag=tag)
            return
        while self._open[-1][0] != tag:
            name, line, column = self._open.pop()
            text = _("<%(tag)s> is not closed before </%(outer)s>.")
            self._say(line, column, "unclosed", text, tag=name, outer=tag)
        self._open.pop()

    def handle_data(self, text: str) -> None:
        parent = self._parent
        if parent == "mj-style":
            self._style(text, *self._here())
        elif text.strip() and parent not in grammar.HOLDS_TEXT and not self._inside_html:
            line, column = self._first_letter(text)
            message = _("Text cannot stand here. Put it into <mj-text>.")
            self._say(line, column, "stray-text", message)

    # --- tags ----------------------------------------------------------------------------------

    @property
    def _parent(self) -> str:
        return self._open[-1][0] if self._open else ""

    @property
    def _inside_html(self) -> bool:
        return any(name in grammar.HOLDS_HTML for name, _line, _column in self._open)

    def _here(self) -> tuple[int, int]:
        line, offset = self.getpos()
        return line, offset + 1

    def _first_letter(self, text: str) -> tuple[int, int]:
        line, column = self._here()
        blank = text[: len(text) - len(text.lstrip())]
        lines = blank.count("\n")
        return line + lines, len(blank) - blank.rfind("\n") if lines else column + len(blank)

    def _opening(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen.add(tag)
        if len(self._open) >= _DEEPEST:
            text = _("Tags are nested more than 60 deep. Simplify this part.")
            self._say(*self._here(), "too-deep", text)
            return
        self._twice(attrs)
        if self._inside_html:
            self._html_tag(tag, attrs)
        else:
            self._mjml_tag(tag, attrs)

    def _mjml_tag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parent = self._parent
        if tag in grammar.FORBIDDEN:
            text = _("<%(tag)s> is not allowed: a template may not fetch anything or hide markup.")
            self._say(*self._here(), "forbidden-tag", text, tag=tag)
            return
        if not grammar.is_tag(tag) and not (
            parent == "mj-attributes" and tag in ("mj-all", "mj-class")
        ):
            text = _("<%(tag)s> is not an MJML tag.")
            self._say(*self._here(), "unknown-tag", text, tag=tag)
            return
        permitted = grammar.permitted_children(parent)
        if tag not in permitted and (parent in grammar.CHILDREN or not permitted):
            text = _("<%(tag)s> cannot stand in <%(parent)s>. Allowed there: %(allowed)s.")
            allowed = ", ".join(sorted(permitted)) or "-"
            self._say(
                *self._here(), "nesting", text, tag=tag, parent=parent or "-", allowed=allowed
            )
        self._default_twice(tag, dict(attrs).get("name") or "")
        self._mjml_attributes(tag, attrs)

    def _default_twice(self, tag: str, name: str) -> None:
        """The engine stops on a second default for the same tag or class."""
        if self._parent != "mj-attributes":
            return
        default = (tag, name if tag == "mj-class" else "")
        if default in self._defaults:
            text = _("<%(tag)s> already has its defaults above. Write them in one place.")
            self._say(*self._here(), "default-twice", text, tag=tag)
        self._defaults.add(default)

    def _mjml_attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        table = grammar.attributes_of(tag)
        for name, value in attrs:
            at = self._attribute_position(name)
            if name.startswith("inner-border"):
                text = _("“%(name)s” breaks the engine. Use “border” on the column instead.")
                self._say(*at, "inner-border", text, name=name)
            elif name == ATTRIBUTE and tag in TAGS and self._parent != "mj-attributes":
                self._condition(value or "", at)
            elif name not in table:
                text = _("<%(tag)s> has no attribute “%(name)s”.")
                self._say(*at, "unknown-attribute", text, tag=tag, name=name)
            else:
                self._mjml_value(table[name], name, value or "", at)
        given = {name for name, value in attrs if value}
        if self._parent != "mj-attributes":
            self._must_state(tag, given)

    def _mjml_value(self, kind: str, name: str, value: str, at: tuple[int, int]) -> None:
        if kind != "string" and value and not grammar.is_valid(kind, value):
            text = _("“%(name)s” cannot be “%(value)s”. Write it like: %(example)s.")
            shown = value.replace(MARK, "…")[:40]
            self._say(
                *at, "bad-value", text, name=name, value=shown, example=grammar.described(kind)
            )
        elif name in grammar.IMAGE_ATTRIBUTES and (name, value) != ("src", LOGO):
            self._image(value, at, several=name == "srcset")
        elif name == "href":
            self._link(value, at)
        elif name == "font-family" and safe_html.is_outside_font(value):
            self._style(f"font-family:{value}", *at)
        elif '"' in value or safe_html.css_problem(value, self._own):
            # Most MJML attributes end up inside a style.
            text = _("“%(name)s” holds something that is not a plain value.")
            self._say(*at, "bad-value", text, name=name)

    def _condition(self, value: str, at: tuple[int, int]) -> None:
        try:
            read_condition(value)
        except BadCondition as wrong:
            self._say(*at, "bad-condition", str(wrong))

    def _must_state(self, tag: str, given: set[str]) -> None:
        for name in grammar.MUST_STATE.get(tag, ()):
            if name not in given:
                text = _(
                    "<%(tag)s> needs “%(name)s”: without it, an image is fetched from outside."
                )
                self._say(*self._here(), "outside-image", text, tag=tag, name=name)

    # --- HTML inside MJML ----------------------------------------------------------------------

    def _html_tag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in safe_html.TAGS:
            text = _("<%(tag)s> is not allowed in a mail.")
            self._say(*self._here(), "forbidden-html", text, tag=tag)
            return
        checks: dict[str, Callable[[str, tuple[int, int]], None]] = {
            "href": self._link,
            "src": self._image,
            "style": lambda value, at: self._style(value, *at),
        }
        for name, value in attrs:
            at = self._attribute_position(name)
            if not safe_html.is_attribute(name):
                text = _("The attribute “%(name)s” is not allowed in a mail.")
                self._say(*at, "forbidden-attribute", text, name=name)
            elif name in checks:
                checks[name](value or "", at)

    # --- values --------------------------------------------------------------------------------

    def _link(self, value: str, at: tuple[int, int]) -> None:
        if not value.startswith(MARK) and not safe_html.is_safe_link(value):
            text = _("A link starts with https://, http://, mailto: or tel:.")
            self._say(*at, "bad-link", text)

    def _image(self, value: str, at: tuple[int, int], *, several: bool = False) -> None:
        targets = [each.split()[0] for each in value.split(",") if each.strip()]
        for target in targets if several else [value]:
            if MARK in target or not safe_html.is_safe_image(target, self._own):
                text = _("An image's address starts with %(path)s, without merge field.")
                self._say(*at, "bad-image", text, path=" / ".join(self._own))

    def _style(self, css: str, line: int, column: int) -> None:
        code = "field-in-style" if MARK in css else safe_html.css_problem(css, self._own)
        texts = {
            "field-in-style": _("A merge field cannot stand in a style."),
            "css-fetch": _("A style may not fetch fonts, sheets or pictures from outside."),
            "outside-font": _(
                "This font would be fetched from outside. Use Arial, Georgia or another font that "
                "every computer has."
            ),
            "css-code": _("This style holds something that is not plain CSS."),
        }
        if code:
            self._say(line, column, code, texts[code])

    def _twice(self, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _value in attrs]
        for name in {name for name in names if names.count(name) > 1}:
            text = _("“%(name)s” is written twice in this tag. Keep one.")
            self._say(*self._attribute_position(name), "twice", text, name=name)

    def _attribute_position(self, name: str) -> tuple[int, int]:
        line, column = self._here()
        raw = self.get_starttag_text() or ""
        found = re.search(rf"[\s\"'/]{re.escape(name)}(?=[\s=/>])", raw, re.IGNORECASE)
        if not found:
            return line, column
        before = raw[: found.start() + 1]
        lines = before.count("\n")
        return (
            (line + lines, len(before) - before.rfind("\n"))
            if lines
            else (line, column + len(before))
        )

    def _say(self, line: int, column: int, code: str, text: str, **values: str) -> None:
        self._findings.append(Finding(line, column, code, text % values if values else text))
