"""Looks at the words of a mail: what needs no network and no other program."""

import re
from html.parser import HTMLParser

from django.conf import settings

from campaigns.content.compile import LARGEST_UNCLIPPED_BYTES, Compiled, Parts
from campaigns.content.merge import CONSTANTS, Slot
from campaigns.preflight.findings import Finding, passed, stops, warning

# Most phones show the first forty characters or so; beyond seventy nobody sees the rest.
_LONGEST_SUBJECT, _SHORTEST_PREHEADER, _LONGEST_PREHEADER = 70, 30, 130
_MOST_EXCLAMATIONS = 1
# A mail of pictures says nothing while they are not shown, and filters trust it less.
_LEAST_WORDS_PER_IMAGE = 20
_ALWAYS_KNOWN = {"email", "salutation", "today", "campaign_name", *CONSTANTS}
_FIELD = re.compile(r"\{\{.*?\}\}")


def words_findings(mail: Compiled, *, preheader: str) -> list[Finding]:
    """Everything that can be said of a mail by reading it."""
    parts = mail.parts()
    page = _Page()
    page.feed(mail.html)
    page.close()
    return [
        _subject(mail.subject),
        *_shouting(mail.subject, preheader),
        _preheader(preheader),
        _size(mail),
        *_pictures(page, mail.text),
        *_fallbacks(parts),
        _opt_out(mail),
        _identity(parts),
        _text_part(mail.text),
    ]


class _Page(HTMLParser):
    """Counts the pictures of a page, and those without words."""

    def __init__(self) -> None:
        super().__init__()
        self.images = 0
        self.without_words = 0
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "img":
            self.images += 1
            # alt="" marks decoration; a picture without the attribute was forgotten.
            self.without_words += "alt" not in given or given["alt"] is None
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")


def _subject(subject: str) -> Finding:
    length = len(_FIELD.sub("Camille", subject))
    if length > _LONGEST_SUBJECT:
        return warning("subject-long", length=length, most=_LONGEST_SUBJECT)
    return passed("subject", length=length)


def _shouting(subject: str, preheader: str) -> list[Finding]:
    bare = _FIELD.sub("", f"{subject} {preheader}")
    found = []
    words = [word for word in re.findall(r"[^\W\d_]{4,}", bare) if word.isupper()]
    if len(words) > 1 or (subject.strip() and _FIELD.sub("", subject).strip().isupper()):
        found.append(warning("capitals"))
    if bare.count("!") > _MOST_EXCLAMATIONS:
        found.append(warning("exclamations", count=bare.count("!")))
    return found or [passed("tone")]


def _preheader(preheader: str) -> Finding:
    length = len(_FIELD.sub("Camille", preheader.strip()))
    if not length:
        return warning("preheader-missing")
    if length < _SHORTEST_PREHEADER or length > _LONGEST_PREHEADER:
        return warning("preheader-length", length=length)
    return passed("preheader", length=length)


def _size(mail: Compiled) -> Finding:
    size = len(mail.html.encode())
    found = warning if size > LARGEST_UNCLIPPED_BYTES else passed
    return found("size", kilobytes=round(size / 1024))


def _pictures(page: _Page, text: str) -> list[Finding]:
    if not page.images:
        return [passed("no-pictures")]
    words = len(re.findall(r"\w+", re.sub(r"<[^>]*>", " ", text)))
    found = [
        warning("alternatives", count=page.without_words)
        if page.without_words
        else passed("alternatives", count=page.images)
    ]
    few = words < page.images * _LEAST_WORDS_PER_IMAGE
    detail = {"images": page.images, "words": words}
    return [*found, warning("ratio", **detail) if few else passed("ratio", **detail)]


def _fallbacks(parts: Parts) -> list[Finding]:
    lacking = {
        slot.field
        for part in (parts.subject, parts.html, parts.text)
        for slot in part.slots
        if isinstance(slot, Slot)
        and not slot.fallback
        and not slot.field.endswith("_url")
        and slot.field not in _ALWAYS_KNOWN
    }
    if lacking:
        return [warning("fallbacks", fields=", ".join(sorted(lacking)))]
    return [passed("fallbacks")]


def _opt_out(mail: Compiled) -> Finding:
    is_there = "opt_out_url" in mail.html and "opt_out_url" in mail.text
    return passed("opt-out") if is_there else stops("opt-out")


def _identity(parts: Parts) -> Finding:
    """CPCE L34-5, LCEN 20: who is writing, and where they can be reached, in every mail."""
    values = dict.fromkeys(parts.text.fields, "https://a.example/")
    text = parts.text.render_bare(values)
    name, address = settings.ORGANISATION_NAME.strip(), settings.ORGANISATION_ADDRESS.strip()
    if name and name not in text:
        return stops("identity")
    if address and not all(line.strip() in text for line in address.splitlines()):
        return warning("identity-address")
    return passed("identity")


def _text_part(text: str) -> Finding:
    words = len(re.findall(r"\w+", text))
    return passed("text-part", words=words) if words >= 20 else warning("text-part", words=words)
