"""From a template to a mail that only waits for names: once per campaign, not per person."""

import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from django.conf import settings
from django.utils.translation import gettext as _
from mjml import mjml_to_html

from campaigns.content.audit import offences
from campaigns.content.conditional_blocks import fenced
from campaigns.content.conditions import Fence, PlacedFence
from campaigns.content.findings import BrokenTemplate, Finding, MissingOptOutLink, position
from campaigns.content.html_contexts import compile_html, segments_of
from campaigns.content.lint import MEDIA_PATH, lint, own_pictures, without_comments
from campaigns.content.looks import FONTS, HOUSE, Look, defaults, dressed
from campaigns.content.merge import (
    FIELDS,
    FIELDS_OF,
    Context,
    Joint,
    Letter,
    Segments,
    Slot,
    compile_header,
    compile_plain,
    cut,
    placeholders,
)
from campaigns.content.plain_text import text_of

logger = logging.getLogger(__name__)

# Gmail cuts a longer mail off, and with it the opt-out link at its foot.
LARGEST_UNCLIPPED_BYTES = 102 * 1024
_HEAD = re.compile(r"<mj-head\b[^>]*?(?P<empty>/)?>", re.IGNORECASE)
# The result is judged as filled in for somebody whose name is an attack.
_HOSTILE = {"text": "\"'><script>1</script>{{ opt_out_url }}", "link": "https://a.example/\"'><b>"}
_ALL = re.compile(r"(?P<tag><mj-all\b)[^>]*>", re.IGNORECASE)
_HEAD_END = re.compile(r"</mj-head\s*>", re.IGNORECASE)
_ROOT = re.compile(r"<mjml\b[^>]*>", re.IGNORECASE)
_OWN_PATH = re.compile(r"(?<=[\"'(])" + re.escape(MEDIA_PATH))
_INDENT = re.compile(r"\n[ \t]+(?=<)|\n\s*\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A mail cut up for filling, as ``MessageFrame.compile`` takes it."""

    subject: Segments
    html: Segments
    text: Segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A mail frozen as text; its merge fields still stand in it as ``{{ first_name }}``."""

    html: str
    text: str
    subject: str
    fields: list[str]
    warnings: tuple[Finding, ...] = ()

    def parts(self) -> Parts:
        return parts_of(html=self.html, text=self.text, subject=self.subject)


def parts_of(*, html: str, text: str, subject: str) -> Parts:
    """Cuts a frozen mail up again. Raises BrokenTemplate if it was changed since."""
    return Parts(subject=compile_header(subject), html=compile_html(html), text=compile_plain(text))


def compile_content(
    *,
    mjml: str,
    subject: str,
    preheader: str,
    language: str,
    kind: Letter = "newsletter",
    look: Look = HOUSE,
) -> Compiled:
    """The mail of a template: HTML that fetches nothing from others, plain text, subject.

    `look` is the brand whose colours, fonts, logo and footer it takes.

    Raises BrokenTemplate with everything to put right, whatever the engine did with it. Calling
    it twice gives the same mail.
    """
    _refuse(_findings(mjml, subject, preheader, kind))
    constants = constant_values(look, language)
    marked = _Marked(kind)
    source = fenced(marked.mark(without_comments(mjml)), marked.fence)
    source = dressed(source, look, organisation=settings.ORGANISATION_NAME)
    source = _with_head(source, marked, subject, preheader, language, look)
    html = _tidied(_engine(source))
    page = marked.segments(html)
    text = marked.plain(html)
    compiled = Compiled(
        html=page.source(constants),
        text=text.source(constants),
        subject=compile_header(subject).source(constants),
        fields=sorted((page.fields | text.fields | compile_header(subject).fields) - {*constants}),
        warnings=tuple(_warnings(html)),
    )
    _verify(compiled, kind)
    return compiled


def constant_values(look: Look = HOUSE, language: str = "") -> Mapping[str, str]:
    """What is the same in every mail of this installation; no brace of it opens a field."""
    values = {
        "sender_name": settings.ORGANISATION_NAME,
        "sender_address": settings.ORGANISATION_ADDRESS,
        "privacy_contact": settings.DPO_ADDRESS,
        "brand_name": look.name or settings.ORGANISATION_NAME,
        "brand_footer": look.footer.get(language, ""),
    }
    return {name: value.replace("{", "(").replace("}", ")") for name, value in values.items()}


def lint_line(line: str, *, kind: Letter = "newsletter") -> list[Finding]:
    """What is wrong with a subject or a preheader."""
    try:
        found = placeholders(line, FIELDS_OF[kind])
        compile_header(line)
    except BrokenTemplate as broken:
        return list(broken.findings)
    text = _("A link cannot stand in the subject or the preheader.")
    return [
        Finding(1, each.start + 1, "link-in-line", text)
        for each in found
        if each.field.endswith("_url")
    ]


def _findings(mjml: str, subject: str, preheader: str, kind: Letter) -> list[Finding]:
    findings = [*lint(mjml, kind=kind), *lint_line(subject, kind=kind)]
    findings += lint_line(preheader, kind=kind)
    if not subject.strip():
        findings.append(Finding(0, 0, "no-subject", _("The subject is missing.")))
    return findings


def _refuse(findings: list[Finding]) -> None:
    if any(each.code == "no-opt-out" for each in findings):
        raise MissingOptOutLink(findings)
    if findings:
        raise BrokenTemplate(findings)


class _Marked:
    """Keeps fields and fences out of the engine's sight: each is a word it has no reason to
    touch."""

    def __init__(self, kind: Letter) -> None:
        self._known = FIELDS_OF[kind]
        self._nonce = secrets.token_hex(6)
        self._found: list[tuple[Joint, tuple[int, int]]] = []

    def _word(self, number: int) -> str:
        return f"zq{self._nonce}n{number}z"

    def mark(self, source: str) -> str:
        found = placeholders(source, self._known)
        pieces = cut(source, found)
        marked = pieces[0]
        for each, literal in zip(found, pieces[1:], strict=True):
            marked += self._word(len(self._found)) + literal
            self._found.append((each, position(source, each.start)))
        return marked

    def fence(self, fence: Fence) -> str:
        self._found.append((PlacedFence(fence, 0, 0), (0, 0)))
        return self._word(len(self._found) - 1)

    def _split(self, marked: str) -> tuple[list[str], list[tuple[Joint, tuple[int, int]]]]:
        pieces = re.split(rf"zq{self._nonce}n(\d+)z", marked)
        return pieces[::2], [self._found[int(number)] for number in pieces[1::2]]

    def segments(self, html: str) -> Segments:
        literals, found = self._split(html)
        _refuse_braces(literals)
        return segments_of(literals, [each for each, _at in found], [at for _each, at in found])

    def plain(self, html: str) -> Segments:
        """The plain text of the page. Equal fields are made equal words first, so that a link
        whose words are its address is written once."""
        first = {_same(each): at for at, (each, _at) in reversed([*enumerate(self._found)])}
        literals, found = self._split(html)
        page = literals[0]
        for (each, _at), literal in zip(found, literals[1:], strict=True):
            page += self._word(first[_same(each)]) + literal
        literals, found = self._split(text_of(page))
        _refuse_braces(literals)
        joints = [each for each, _at in found]
        literals = _with_blank_lines(literals, joints)
        pieces = [literals[0]]
        for each, literal in zip(joints, literals[1:], strict=True):
            pieces += [_canonical(each), literal]
        return compile_plain("".join(pieces))


def _same(joint: Joint) -> tuple[object, ...]:
    if isinstance(joint, PlacedFence):
        return (joint.fence,)
    return (joint.field, joint.fallback)


def _canonical(joint: Joint) -> str:
    if isinstance(joint, PlacedFence):
        return joint.fence.canonical
    return Slot(joint.field, joint.fallback, Context.PLAIN).canonical


def _with_blank_lines(literals: list[str], joints: list[Joint]) -> list[str]:
    """One blank line before a conditional block, and its own at its end: whoever does not get it
    sees no gap."""
    literals = [*literals]
    for number, joint in enumerate(joints):
        if isinstance(joint, PlacedFence):
            before = literals[number].rstrip("\n")
            is_first = not before and number == 0
            is_between = not before and number > 0 and isinstance(joints[number - 1], PlacedFence)
            literals[number] = before if is_first or is_between else before + "\n\n"
            literals[number + 1] = literals[number + 1].lstrip("\n")
    return literals


def _refuse_braces(literals: list[str]) -> None:
    """Two braces written in another way (``&#123;``) would open a field in the frozen mail."""
    if any("{{" in literal for literal in literals):
        text = _(
            "Two braces open a merge field, as in {{ first_name }}. Complete it or remove them."
        )
        raise BrokenTemplate([Finding(0, 0, "bad-field", text)])


def _with_head(
    source: str, marked: _Marked, subject: str, preheader: str, language: str, look: Look
) -> str:
    """The template with the campaign's own title, preheader and language, and safe fonts.

    Without a font of its own the engine writes one of a font server into every text.
    """
    brand = defaults(source, look)
    source, first = _with_fonts(source, FONTS[look.font])
    first += brand
    last = f"<mj-title>{escape(marked.mark(subject))}</mj-title>"
    if preheader.strip():
        last += f"<mj-preview>{escape(marked.mark(preheader))}</mj-preview>"
    root = f'<mjml lang="{escape(language)}">'
    head = _HEAD.search(source)
    if head and not head["empty"]:
        source = f"{source[: head.end()]}{first}{source[head.end() :]}"
        source = _HEAD_END.sub(lambda end: last + end[0], source, count=1)
        return _ROOT.sub(lambda _tag: root, source, count=1)
    if head:
        source = source[: head.start()] + source[head.end() :]
    return _ROOT.sub(lambda _tag: f"{root}<mj-head>{first}{last}</mj-head>", source, count=1)


def _with_fonts(source: str, font: str) -> tuple[str, str]:
    """The template, and what its head needs; the engine takes only one mj-all."""
    fonts = f'font-family="{font}"'
    everywhere = _ALL.search(source)
    if everywhere is None:
        return source, f"<mj-attributes><mj-all {fonts} /></mj-attributes>"
    if "font-family" not in everywhere[0].lower():
        source = f"{source[: everywhere.end('tag')]} {fonts}{source[everywhere.end('tag') :]}"
    return source, ""


def _engine(source: str) -> str:
    try:
        return str(mjml_to_html(source).html)
    except Exception as error:
        # The engine stops on what it did not foresee with any kind of exception; its words may
        # quote the template, so only the kind is kept.
        logger.warning("The MJML engine stopped with %s.", type(error).__name__)
        text = _("The engine could not read this template. Take out the last thing you added.")
        raise BrokenTemplate([Finding(0, 0, "engine", text)]) from error


def _tidied(html: str) -> str:
    html = _OWN_PATH.sub(f"{settings.PUBLIC_URL}{MEDIA_PATH}", html)
    return html if "<pre" in html else _INDENT.sub("\n", html)


def _warnings(html: str) -> list[Finding]:
    size = len(html.encode())
    if size <= LARGEST_UNCLIPPED_BYTES:
        return []
    text = _("This mail is %(size)s KB. Some mail services cut off what comes after 102 KB.")
    return [Finding(0, 0, "clipped", text % {"size": size // 1024})]


def _verify(compiled: Compiled, kind: Letter) -> None:
    """A second look at the result, independent of the linter's at the source."""
    parts = compiled.parts()
    hostile = {name: _HOSTILE[form] for name, form in FIELDS.items()}
    found = offences(parts.html.render(hostile), own=own_pictures())
    if found:
        text = _("The mail would hold something that is not allowed: %(what)s.")
        what = ", ".join(found)
        raise BrokenTemplate([Finding(0, 0, "output", text % {"what": what})])
    if kind == "newsletter" and not _says_no_to_everybody(parts):
        text = _("The opt-out link is not visible in the mail. Put it into a text of its own.")
        raise MissingOptOutLink([Finding(0, 0, "no-opt-out", text)])


def _says_no_to_everybody(parts: Parts) -> bool:
    """Whether the opt-out link stands in both parts whatever conditional blocks somebody gets."""
    mark = "https://opt-out.invalid/"
    values = {name: "https://a.example/" for name, form in FIELDS.items() if form == "link"}
    values["opt_out_url"] = mark
    is_link = any(
        isinstance(slot, Slot) and slot.field == "opt_out_url" and slot.context == Context.LINK
        for slot in parts.html.slots
    )
    bare = (parts.html.render_bare(values), parts.text.render_bare(values))
    return is_link and all(mark in each for each in bare)
