"""From the words of a template and checked values to the content of one message."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from urllib.parse import quote

from django.utils.translation import gettext as _

from campaigns.content.compile import compile_content
from campaigns.content.findings import BrokenTemplate, Finding
from campaigns.content.merge import placeholders
from campaigns.models import TransactionalVersion
from campaigns.single.content import SingleContent
from campaigns.single.templates import FIELDS
from campaigns.transactional.variables import InvalidValues, Variable

_LINK_BEFORE = re.compile(r"https?://[^\s<>\"]*\Z")
# Where a value may stand in a tag; anywhere else it could become style or script.
_ATTRIBUTES = frozenset({"href", "alt", "title", "aria-label"})


@dataclass(frozen=True)
class Words:
    """One language of a template, as it is written: text or MJML."""

    language: str
    subject: str
    text: str = ""
    mjml: str = ""

    @classmethod
    def of(cls, row: TransactionalVersion) -> "Words":
        return cls(row.language, row.subject, row.text, row.mjml)


def known_fields(variables: Sequence[Variable]) -> frozenset[str]:
    """What may stand in braces: the variables, and what staff may see of the person."""
    return FIELDS | {each.name for each in variables}


def content_of(
    words: Words, variables: Sequence[Variable], values: Mapping[str, str]
) -> SingleContent:
    """Return one message. Raises BrokenTemplate, and InvalidValues for a field with no value.

    Values are never parsed again: braces in them stay what they are.
    """
    known = known_fields(variables)
    links = {each.name for each in variables if each.kind == "link"}
    optional = {each.name for each in variables if not each.is_required}
    fill = _Filling(known, links, {**dict.fromkeys(optional, ""), **values})
    subject = " ".join(fill.flat(words.subject).split())
    html, text = "", ""
    if words.mjml:
        html, text = fill.compiled(words.mjml, subject, words.language)
    else:
        text = fill.flat(words.text)
    return SingleContent(subject=subject, text=text, html=html, is_automatic=True)


@dataclass
class _Filling:
    known: frozenset[str]
    links: set[str]
    values: Mapping[str, str]

    def _value(self, field: str, fallback: str) -> str:
        value = self.values.get(field) or fallback
        if not value and field not in self.values:
            raise InvalidValues({field: "no_value_for_this_person"})
        return value

    def flat(self, source: str) -> str:
        """A text with its values; percent-encoded inside of a link."""
        said, at = "", 0
        for each in placeholders(source, self.known):
            said += source[at : each.start]
            value = self._value(each.field, each.fallback)
            is_inside = each.field not in self.links and _LINK_BEFORE.search(said)
            said += quote(value, safe="") if is_inside else value
            at = each.end
        return said + source[at:]

    def compiled(self, mjml: str, subject: str, language: str) -> tuple[str, str]:
        """HTML and plain text of MJML. Each value is a random word while the engine works, so
        that nothing of it is ever read as MJML or HTML."""
        nonce = secrets.token_hex(8)
        found: list[str] = [subject]
        source, at = "", 0
        for each in placeholders(mjml, self.known):
            word = f"zt{nonce}n{len(found)}z"
            found.append(self._value(each.field, each.fallback))
            source += mjml[at : each.start]
            source += f"https://{word}.invalid" if each.field in self.links else word
            at = each.end
        compiled = compile_content(
            mjml=source + mjml[at:],
            subject=f"zt{nonce}n0z",
            preheader="",
            language=language,
            kind="letter",
        )
        _refuse_misplaced(compiled.html, f"zt{nonce}n")
        marks = re.compile(rf"(?:https://)?zt{nonce}n(\d+)z(?:\.invalid)?")
        html = marks.sub(lambda hit: escape(found[int(hit[1])]), compiled.html)
        return html, marks.sub(lambda hit: found[int(hit[1])], compiled.text)


class _Places(HTMLParser):
    """Finds a word where no value may stand."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word
        self.is_misplaced = False
        self._raw = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._raw += tag in ("style", "script")
        for name, value in attrs:
            if self.word in (value or "") and name not in _ATTRIBUTES:
                self.is_misplaced = True

    def handle_endtag(self, tag: str) -> None:
        self._raw -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        self.is_misplaced |= self._raw > 0 and self.word in data

    def handle_comment(self, data: str) -> None:
        self.is_misplaced |= self.word in data


def _refuse_misplaced(html: str, word: str) -> None:
    places = _Places(word)
    places.feed(html)
    places.close()
    if places.is_misplaced:
        text = _("A value may stand in a text and in a link, and nowhere else.")
        raise BrokenTemplate([Finding(0, 0, "misplaced-field", text)])
