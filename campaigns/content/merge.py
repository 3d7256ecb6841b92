"""Merge fields: a closed list, no logic, values escaped by where they stand.

``{{ first_name }}`` or ``{{ first_name | "there" }}``. Text is cut into literals and slots once
per campaign; filling it for a person is escaping a handful of values and one join. Values are
never parsed again, so ``{{7*7}}`` in a contact's name stays just that (ASVS 1.3.7).
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from urllib.parse import quote

from django.utils.translation import gettext as _

from campaigns.content.conditions import Facets, Fence, PlacedFence, fences
from campaigns.content.findings import BrokenTemplate, Finding, position
from campaigns.content.shapes import Shapes

Kind = Literal["text", "link"]

Letter = Literal["newsletter", "letter"]

_PERSON: Mapping[str, Kind] = {
    "first_name": "text",
    "last_name": "text",
    "full_name": "text",
    "company": "text",
    "job_title": "text",
    "email": "text",
    "organisation": "text",
    "salutation": "text",
    "country": "text",
}
# The same for everyone: filled in when the template is compiled.
CONSTANTS: Mapping[str, Kind] = {
    "sender_name": "text",
    "sender_address": "text",
    "privacy_contact": "text",
    "brand_name": "text",
    "brand_footer": "text",
}
_NEWSLETTER: Mapping[str, Kind] = {
    "today": "text",
    "campaign_name": "text",
    "opt_out_url": "link",
    "preferences_url": "link",
}
# A required letter holds nothing that a form was filled in with: anybody can type anything,
# and any address, into a public form.
_LETTER: Mapping[str, Kind] = {
    "purposes": "text",
    "notice": "text",
    "source": "text",
    "expires_on": "text",
    "confirm_url": "link",
    "undo_url": "link",
    "opt_out_url": "link",
    "preferences_url": "link",
}
FIELDS: Mapping[str, Kind] = {**_PERSON, **CONSTANTS, **_NEWSLETTER, **_LETTER}
FIELDS_OF: Mapping[Letter, frozenset[str]] = {
    "newsletter": frozenset({*_PERSON, *CONSTANTS, *_NEWSLETTER}),
    "letter": frozenset({*CONSTANTS, *_LETTER}),
}

_PLACEHOLDER = re.compile(
    r"\{\{[ \t]*(?P<field>[a-z][a-z0-9_]*)[ \t]*"
    r"(?:\|[ \t]*(?:\"(?P<double>[^\"{}\n]*)\"|'(?P<single>[^'{}\n]*)')[ \t]*)?\}\}"
)
_LINK_BEFORE = re.compile(r"https?://[^\s<>\"]*\Z")
# Anything else in a link would be a script waiting for a click.
_HTTP = ("https://", "http://")
_BLANK_CONTROLS = dict.fromkeys(
    [*range(32), *range(127, 160), 0x2028, 0x2029, 0xFEFF, *range(0x202A, 0x202F)], " "
)
_KEEP_LINES = {code: text for code, text in _BLANK_CONTROLS.items() if code != 10}


class MissingValue(KeyError):
    """A link has no http(s) address. The argument is the name of the field, never its value."""


class Context(StrEnum):
    """Where a slot stands, which decides how its value is escaped."""

    TEXT = "text"
    ATTRIBUTE = "attribute"
    LINK = "link"
    QUERY = "query"
    HEADER = "header"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A merge field as written in a source, at an offset from 0."""

    field: str
    fallback: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Slot:
    field: str
    fallback: str
    context: Context

    @property
    def canonical(self) -> str:
        """The field as a template writes it, one way whatever the source did with blanks."""
        if not self.fallback:
            return "{{ " + self.field + " }}"
        mark = "'" if '"' in self.fallback else '"'
        return "{{ " + f"{self.field} | {mark}{self.fallback}{mark}" + " }}"

    def escaped(self, values: Mapping[str, str]) -> str:
        value = values.get(self.field) or self.fallback
        # What is in no list is an address that this program made (campaigns.measurement).
        if FIELDS.get(self.field, "link") == "link" and not value.startswith(_HTTP):
            raise MissingValue(self.field)
        return _ESCAPES[self.context](value)


class Segments:
    """A text cut into literals and slots: ``literals[0] slot literals[1] slot ... literals[n]``.

    ``slots`` are the distinct ones, ``order`` says which of them stands at each place. Among them
    are the fences of conditional blocks: they have no value, and ``kept`` goes by them.
    """

    __slots__ = ("_pieces", "_shapes", "literals", "order", "slots")

    def __init__(self, literals: Sequence[str], slots: Sequence[Slot | Fence]) -> None:
        self.literals = tuple(literals)
        self.slots = tuple(dict.fromkeys(slots))
        index = {slot: number for number, slot in enumerate(self.slots)}
        self.order = tuple(index[slot] for slot in slots)
        self._pieces = [""] * (2 * len(literals) - 1)
        self._pieces[::2] = literals
        self._shapes = Shapes(slots)

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(slot.field for slot in self.slots if isinstance(slot, Slot))

    @property
    def is_conditional(self) -> bool:
        return bool(self._shapes)

    def kept(self, facets: Facets | None) -> list[int] | None:
        """The places of the pieces for a person; None where everybody gets all of them."""
        return self._shapes.kept(facets) if self._shapes else None

    def escaped(self, values: Mapping[str, str]) -> list[str]:
        """One escaped value for each of ``slots``. Raises MissingValue."""
        return [slot.escaped(values) for slot in self.slots]

    def source(self, constants: Mapping[str, str]) -> str:
        """The text as a template again, with the constants filled in."""
        return "".join(
            self._filled(
                [
                    slot.escaped(constants)
                    if isinstance(slot, Slot) and slot.field in constants
                    else slot.canonical
                    for slot in self.slots
                ]
            )
        )

    def render(self, values: Mapping[str, str], facets: Facets | None = None) -> str:
        """The text for one person; without facets, with every conditional block.

        Raises MissingValue for a link without a value.
        """
        pieces = self._filled(self.escaped(values))
        kept = self.kept(facets)
        return "".join(pieces if kept is None else [pieces[place] for place in kept])

    def render_bare(self, values: Mapping[str, str]) -> str:
        """The text without any conditional block: what is sure to stand in every mail."""
        pieces = self._filled(self.escaped(values))
        return "".join(pieces[place] for place in self._shapes.bare())

    def _filled(self, ready: list[str]) -> list[str]:
        pieces = self._pieces.copy()
        pieces[1::2] = [ready[number] for number in self.order]
        return pieces


def placeholders(source: str, known: frozenset[str] = frozenset(FIELDS)) -> list[Placeholder]:
    """Every merge field of the source. Raises BrokenTemplate with line and column for each
    unknown field and each pair of braces that is not a merge field."""
    found: list[Placeholder] = []
    findings: list[Finding] = []
    at = 0
    while (at := source.find("{{", at)) >= 0:
        match = _PLACEHOLDER.match(source, at)
        if match and match["field"] in known:
            fallback = match["double"] or match["single"] or ""
            found.append(Placeholder(match["field"], fallback, at, match.end()))
            at = match.end()
            continue
        findings.append(_unknown(source, at, match["field"] if match else "", known))
        at += 2
    if findings:
        raise BrokenTemplate(findings)
    return found


def _unknown(source: str, offset: int, field: str, known: frozenset[str]) -> Finding:
    line, column = position(source, offset)
    if field:
        text = _("“%(field)s” is not a merge field. Use one of: %(fields)s.")
        names = ", ".join(sorted(known))
        return Finding(line, column, "unknown-field", text % {"field": field, "fields": names})
    text = _("Two braces open a merge field, as in {{ first_name }}. Complete it or remove them.")
    return Finding(line, column, "bad-field", text)


def compile_plain(source: str) -> Segments:
    """For the plain text part: values as they are; percent-encoded inside a link."""
    return _compile_flat(source, Context.PLAIN)


def compile_header(source: str) -> Segments:
    """For the subject: no value can end the header line."""
    if "\n" in source or "\r" in source:
        text = _("The subject must be a single line.")
        raise BrokenTemplate([Finding(1, 1, "subject-lines", text)])
    return _compile_flat(source, Context.HEADER)


def _compile_flat(source: str, context: Context) -> Segments:
    found = joints(source) if context == Context.PLAIN else [*placeholders(source)]
    literals = cut(source, found)
    slots: list[Slot | Fence] = []
    for each, before in zip(found, literals[:-1], strict=True):
        if isinstance(each, PlacedFence):
            slots.append(each.fence)
            continue
        is_query = FIELDS[each.field] == "text" and _LINK_BEFORE.search(before)
        slots.append(Slot(each.field, each.fallback, Context.QUERY if is_query else context))
    return Segments(literals, slots)


Joint = Placeholder | PlacedFence


def joints(frozen: str) -> list[Joint]:
    """Every merge field and every fence of a frozen mail, in its order. Raises BrokenTemplate."""
    found = fences(frozen)
    for fence in found:
        blank = " " * (fence.end - fence.start)
        frozen = frozen[: fence.start] + blank + frozen[fence.end :]
    return sorted([*found, *placeholders(frozen)], key=lambda each: each.start)


def cut(source: str, found: Sequence[Joint]) -> list[str]:
    """The literals around the placeholders: one more than there are placeholders."""
    ends = [0, *(each.end for each in found)]
    starts = [*(each.start for each in found), len(source)]
    return [source[end:start] for end, start in zip(ends, starts, strict=True)]


def _text(value: str) -> str:
    # Lines are kept: a page that wants them says white-space: pre-line.
    return html.escape(_plain(value), quote=False)


def _attribute(value: str) -> str:
    return html.escape(_clean(value), quote=True)


def _link(value: str) -> str:
    return _attribute(value).replace(" ", "%20")


def _query(value: str) -> str:
    return quote(_clean(value), safe="")


def _clean(value: str) -> str:
    return value if value.isprintable() else value.translate(_BLANK_CONTROLS)


def _plain(value: str) -> str:
    return value if value.isprintable() else value.translate(_KEEP_LINES)


_ESCAPES = {
    Context.TEXT: _text,
    Context.ATTRIBUTE: _attribute,
    Context.LINK: _link,
    Context.QUERY: _query,
    Context.HEADER: _clean,
    Context.PLAIN: _plain,
}
