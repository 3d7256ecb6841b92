"""`{{ notice.text|notice_paragraphs }}`: a notice as it is read, with its headings told apart."""

import re

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
_HEADING_MAX = 60
_BREAK = re.compile(r"\n\s*\n")


@register.filter
def notice_paragraphs(text: str) -> SafeString:
    """Return the text as paragraphs: not a word more, less or otherwise than what is hashed.

    A short first line that ends no sentence, with others below it, is a heading.
    """
    plain = text.replace("\r\n", "\n").strip()
    return format_html_join("\n\n", "<p>{}</p>", ((_lines(each),) for each in _BREAK.split(plain)))


def _lines(paragraph: str) -> SafeString:
    first, *rest = paragraph.split("\n")
    is_heading = bool(rest) and len(first) <= _HEADING_MAX and first[-1:].isalnum()
    opening = format_html("<strong>{}</strong>", first) if is_heading else first
    return format_html_join(SafeString("<br>"), "{}", ((line,) for line in (opening, *rest)))
