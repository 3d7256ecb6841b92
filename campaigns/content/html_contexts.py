"""Where each merge field stands in a page of HTML: in text, in an attribute, as or in a link."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape

from django.utils.translation import gettext as _

from campaigns.content.conditions import Fence, PlacedFence
from campaigns.content.findings import BrokenTemplate, Finding, position
from campaigns.content.merge import FIELDS, Context, Joint, Placeholder, Segments, Slot, cut, joints

# A private-use character stands for a placeholder while the HTML around it is read, so that
# quotes in a fallback cannot be mistaken for the page's own.
MARK = "\ue000"
_TOKEN = re.compile(
    # Outlook's conditional comments hold markup that Outlook does read: only their ends are
    # skipped here. Every other comment, style and script is one piece.
    r"<!--\[if[^\]]*\]>(?:<!-->|-->)?|<!--<!\[endif\]-->|<!\[endif\]-->"
    r"|(?P<shut><!--.*?-->|<!\[.*?\]>|<(?P<raw>style|script)\b.*?</(?P=raw)\s*>)"
    r"|(?P<tag></?[a-zA-Z](?:\"[^\"]*\"|'[^']*'|[^'\">])*>)"
    r"|(?P<text>[^<]+|<)",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s\"'<>/=]+)\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
    r"|(?P<bare>[^\s\"'>]+))"
)
_LINKS = {"href"}
_FETCHED = {"src", "srcset", "background", "poster", "data", "action", "formaction"}
_PATH_BEFORE = re.compile(r"(https?://[^/?#\s]+[/?#]|mailto:|tel:)[^\s]*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Refused:
    code: str


def compile_html(source: str) -> Segments:
    """Cuts a page of HTML once for all its recipients.

    Raises BrokenTemplate if a field is unknown or stands where no value is safe.
    """
    found = joints(source)
    where = [position(source, each.start) for each in found]
    return segments_of(cut(source, found), found, where)


def segments_of(
    literals: list[str], found: Sequence[Joint], where: list[tuple[int, int]]
) -> Segments:
    """As ``compile_html``, for placeholders already cut out; ``where`` is what findings cite."""
    contexts = _contexts(MARK.join(literals))
    if len(contexts) != len(found):
        text = _("The template holds a character reserved for this program; remove it.")
        raise BrokenTemplate([Finding(0, 0, "reserved-character", text)])
    slots: list[Slot | Fence] = []
    findings: list[Finding] = []
    for each, verdict, (line, column) in zip(found, contexts, where, strict=True):
        if isinstance(each, PlacedFence):
            slots.append(each.fence)
            if verdict != Context.TEXT:
                findings.append(Finding(line, column, "bad-fence", _why("bad-fence", "")))
            continue
        settled = _settled(each, verdict)
        if isinstance(settled, _Refused):
            findings.append(Finding(line, column, settled.code, _why(settled.code, each.field)))
        else:
            slots.append(Slot(each.field, each.fallback, settled))
    if findings:
        raise BrokenTemplate(findings)
    return Segments(literals, slots)


def _settled(found: Placeholder, verdict: Context | _Refused) -> Context | _Refused:
    if verdict == Context.LINK and FIELDS[found.field] != "link":
        return _Refused("field-as-link")
    if verdict == Context.LINK and found.fallback:
        return _Refused("link-fallback")
    return verdict


def _why(code: str, field: str) -> str:
    texts = {
        "field-as-link": _("“%(field)s” is not a link. Use it after the ? of a link, or as text."),
        "link-fallback": _("“%(field)s” is always filled in; remove its fallback."),
        "field-in-style": _("“%(field)s” cannot stand in a style or a comment. Move it to a text."),
        "field-in-tag": _("“%(field)s” cannot name a tag or an attribute. Move it to a text."),
        "field-in-image": _(
            "“%(field)s” cannot be part of an image's address: it would track the reader."
        ),
        "bad-fence": _("A conditional block cannot begin or end inside of a tag."),
    }
    return texts[code] % {"field": field}


def _contexts(marked: str) -> list[Context | _Refused]:
    verdicts: list[Context | _Refused] = []
    for token in _TOKEN.finditer(marked):
        count = token[0].count(MARK)
        if not count:
            continue
        if token["text"]:
            verdicts += [Context.TEXT] * count
        elif token["tag"]:
            verdicts += _in_tag(token["tag"])
        else:
            verdicts += [_Refused("field-in-style")] * count
    return verdicts


def links_of(marked: str) -> Iterator[tuple[int, int, str]]:
    """Every address that a page links to: from where to where it stands, and what it says.

    ``marked`` holds MARK in the place of each field. What is in quotes only: nothing else is a
    place where another address may safely stand.
    """
    for token in _TOKEN.finditer(marked):
        if not token["tag"]:
            continue
        for attribute in _ATTRIBUTE.finditer(token["tag"]):
            group = "double" if attribute["double"] is not None else "single"
            if attribute["name"].lower() in _LINKS and attribute[group] is not None:
                start, end = attribute.span(group)
                yield token.start() + start, token.start() + end, unescape(attribute[group])


def _in_tag(tag: str) -> list[Context | _Refused]:
    verdicts: dict[int, Context | _Refused] = {
        at: _Refused("field-in-tag") for at, letter in enumerate(tag) if letter == MARK
    }
    for attribute in _ATTRIBUTE.finditer(tag):
        group = next(name for name in ("double", "single", "bare") if attribute[name] is not None)
        value, start = attribute[group], attribute.start(group)
        for at, letter in enumerate(value):
            if letter == MARK:
                name = attribute["name"].lower()
                verdicts[start + at] = _in_attribute(name, value[:at], quoted=group != "bare")
    return [verdicts[at] for at in sorted(verdicts)]


def _in_attribute(name: str, before: str, *, quoted: bool) -> Context | _Refused:
    if not quoted or MARK in name or name.startswith("on"):
        return _Refused("field-in-tag")
    if name == "style":
        return _Refused("field-in-style")
    if name in _FETCHED:
        return _Refused("field-in-image")
    if name not in _LINKS:
        return Context.ATTRIBUTE
    if not before.strip():
        return Context.LINK
    return Context.QUERY if _PATH_BEFORE.match(before) else _Refused("field-as-link")
