"""What the visual editor can open, and how it must be written for it.

Measured with grapesjs-mjml 1.0.8: it reads MJML as HTML, so that a tag that closes itself swallows
what follows; rows of mj-table become plain text; it has no notion of comments, mj-raw and of the
tags below. What would be lost is refused before it is opened. The page compares once more what the
editor gives back with what it was given.
"""

import re

from django.utils.translation import gettext as _

from campaigns.content.lint import lint, without_comments

LOST = ("mj-table", "mj-raw", "mj-carousel", "mj-accordion", "mj-navbar", "mj-html-attributes")
_SELF_CLOSING = re.compile(
    r"<(?P<tag>mj-[a-z-]+)(?P<attributes>(?:\s+[^\s=<>\"'/]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/>",
    re.IGNORECASE,
)
_FATAL = ("too-large", "not-utf-8", "control", "declaration")
# What the linter says of things that the editor would read in its own way.
_UNREADABLE = (
    *("unclosed", "stray-end", "nesting", "unknown-tag", "forbidden-tag", "missing-tag"),
    *("stray-text", "too-deep", "twice", "self-closing"),
)


def expanded(mjml: str) -> str:
    """The same MJML with a closing tag for each that closed itself."""
    return _SELF_CLOSING.sub(r"<\g<tag>\g<attributes>></\g<tag>>", mjml)


def visual_obstacles(mjml: str) -> list[str]:
    """Why the visual editor would harm this mail, in the active language; empty if it would not."""
    problems = []
    bare = without_comments(mjml).lower()
    for tag in LOST:
        if re.search(rf"<{tag}\b", bare):
            text = _("The mail holds <%(tag)s>, which the visual editor would lose.")
            problems.append(text % {"tag": tag})
    if bare != mjml.lower():
        problems.append(_("The code holds comments, which the visual editor would lose."))
    for finding in lint(mjml):
        if finding.code in (*_FATAL, *_UNREADABLE):
            text = _("Line %(line)s: %(message)s")
            problems.append(text % {"line": finding.line, "message": finding.message})
    return problems
