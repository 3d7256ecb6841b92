"""Looks at a mail before it is sent, filled in for somebody who does not exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from campaigns.brands import look_for
from campaigns.content.compile import Compiled, Parts, compile_content, lint_line, parts_of
from campaigns.content.conditions import Facets
from campaigns.content.findings import BrokenTemplate, Finding
from campaigns.content.lint import lint
from campaigns.content.merge import FIELDS_OF, placeholders
from campaigns.images.library import with_pictures
from campaigns.models import Campaign, CompiledContent
from campaigns.pages.dark import in_the_dark
from campaigns.trials import SAMPLE, sample_facets, sample_values
from campaigns.versions import version_of

# A mail shown as a mail program would: it runs nothing, fetches nothing, leads nowhere. The
# sandbox stands here too, for those who open the address of a preview by itself.
PREVIEW_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; sandbox; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_LONGEST_EXCERPT = 140


@dataclass(frozen=True, slots=True)
class Mistake:
    """A finding with the place it is about: a field of the form, a block, or a line of the code."""

    finding: Finding
    excerpt: str = ""
    place: str | None = None
    block: str = ""
    label: str = ""


def merge_fields() -> list[tuple[str, str]]:
    """Every field a newsletter may hold, as it is written, with its value for the sample."""
    constants = {
        "sender_name": settings.ORGANISATION_NAME,
        "sender_address": settings.ORGANISATION_ADDRESS,
        "privacy_contact": settings.DPO_ADDRESS,
        "brand_name": _("the name of the brand"),
        "brand_footer": _("the footer words of the brand"),
        "salutation": _("a greeting in the language of the mail"),
        "today": _("the date in the language of the mail"),
        "campaign_name": _("the name of the campaign, as your team wrote it"),
        "opt_out_url": _("link: say no in one click"),
        "preferences_url": _("link: choose what to receive"),
    }
    known = {**SAMPLE, **constants}
    assert known.keys() == FIELDS_OF["newsletter"]  # noqa: S101
    return [("{{ " + name + " }}", value) for name, value in known.items()]


def mistakes(*, mjml: str, subject: str = "", preheader: str = "") -> list[Mistake]:
    """Everything the linter says, each with the line it is about."""
    lines = mjml.split("\n")
    found = [
        Mistake(each, place=place)
        for place, text in (("subject", subject), ("preheader", preheader))
        for each in lint_line(text)
    ]
    for each in lint(mjml):
        text = lines[each.line - 1].strip() if 0 < each.line <= len(lines) else ""
        found.append(Mistake(each, text[:_LONGEST_EXCERPT]))
    return found


def draft_mail(*, mjml: str, subject: str, preheader: str, language: str) -> Compiled:
    """The mail of a draft. Raises BrokenTemplate for the code; a subject that is missing or
    broken does not keep anybody from looking at the rest."""
    return compile_content(
        mjml=mjml,
        subject=subject if subject.strip() and not lint_line(subject) else "…",
        preheader="" if lint_line(preheader) else preheader,
        language=language,
        look=look_for(mjml),
    )


def filled(line: str) -> str:
    """A subject or a preheader for the sample; as it was written while it is broken."""
    if lint_line(line):
        return line
    values = {**sample_values(), "sender_name": settings.ORGANISATION_NAME}
    pieces, at = [], 0
    for field in placeholders(line):
        pieces += [line[at : field.start], values.get(field.field) or field.fallback]
        at = field.end
    return "".join([*pieces, line[at:]])


def mail_of(campaign: Campaign, *, variant: int = 0, language: str = "") -> Parts:
    """The mail that was frozen at the launch, or that the draft makes; of a version if asked.

    Raises BrokenTemplate, and NoSuchVersion.
    """
    language = language or campaign.language
    frozen = CompiledContent.objects.filter(
        campaign=campaign, variant=variant, language=language
    ).first()
    if frozen is not None:
        return parts_of(html=frozen.html, text=frozen.text, subject=frozen.subject)
    words = version_of(campaign=campaign, variant=variant, language=language)
    return draft_mail(
        mjml=words.mjml,
        subject=words.subject,
        preheader=words.preheader,
        language=words.language,
    ).parts()


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a preview is filled in for."""

    values: Mapping[str, str]
    facets: Facets


def preview(
    parts: Parts, *, view: str, language: str = "fr", reader: Reader | None = None
) -> HttpResponse:
    """The document of a preview, for the made-up person unless `reader` is somebody.

    `view` is text, dark, inverted (pages/dark.py), or anything else for the page.
    """
    to = reader or Reader(sample_values(language), sample_facets(language))
    if view == "text":
        text = parts.text.render(to.values, to.facets)
        return sandboxed(render_to_string("campaigns/preview_text.html", {"text": text}))
    page = with_pictures(parts.html.render(to.values, to.facets))
    if view in ("dark", "inverted"):
        page = in_the_dark(page, "own" if view == "dark" else "inverted")
    return sandboxed(page)


def broken_preview(findings: Sequence[Finding]) -> HttpResponse:
    return sandboxed(render_to_string("campaigns/preview_broken.html", {"findings": findings}))


def shown(
    *, mjml: str, subject: str, preheader: str, language: str, view: str,
    reader: Reader | None = None,
) -> HttpResponse:  # fmt: skip
    """The preview of words that nobody saved yet, or what is wrong with them."""
    try:
        mail = draft_mail(mjml=mjml, subject=subject, preheader=preheader, language=language)
    except BrokenTemplate as broken:
        return broken_preview(broken.findings)
    return preview(mail.parts(), view=view, language=language, reader=reader)


def sandboxed(html: str) -> HttpResponse:
    return HttpResponse(
        html,
        headers={
            "Content-Security-Policy": PREVIEW_POLICY,
            "X-Frame-Options": "SAMEORIGIN",
        },
    )
