"""What frames and fragments of the editor show: the mail, its mistakes, who would get it."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from campaigns.brands import look_for
from campaigns.content.blocks.ready import ready_mail
from campaigns.content.compile import compile_content
from campaigns.content.findings import BrokenTemplate, Finding
from campaigns.content.library import starter
from campaigns.models import Campaign, Template
from campaigns.pages import READERS, WRITERS, mail
from campaigns.pages.forms import purpose_choices
from campaigns.pages.given_words import findings_context, given_words
from campaigns.pages.persons import nobody, reader_for
from campaigns.pages.versions import chosen_version
from campaigns.versions import NoSuchVersion
from crm.services import (
    InvalidRules,
    SegmentUnknown,
    Waterfall,
    segment_rules,
    staff_page,
    waterfall,
)


@require_POST
@staff_page(*WRITERS)
def mail_preview(request: HttpRequest) -> HttpResponse:
    """A mail that is being written: shown in a frame, kept nowhere.

    With `contact`, filled in for that person, whose reading is written down.
    """
    words = given_words(request.POST)
    if words.problems:
        findings = [Finding(0, 0, "blocks", each) for each in words.problems]
        return mail.broken_preview(findings)
    language = "fr" if request.POST.get("language") == "fr" else "en"
    reader = None
    if contact := request.POST.get("contact"):
        asks = "organisation" in words.mjml + words.subject + words.preheader
        reader = reader_for(contact, language, needs_organisation=asks)
        if reader is None:
            return mail.broken_preview([Finding(0, 0, "person", nobody())])
    view = request.POST.get("view", "")
    return mail.shown(**words.words(), language=language, view=view, reader=reader)


@require_POST
@staff_page(*WRITERS)
def mail_findings(request: HttpRequest) -> HttpResponse:
    """A fragment for the editor: what is wrong, where, and the line of the inbox."""
    context = findings_context(given_words(request.POST))
    has_inbox = "subject" in request.POST  # a template has no subject
    return render(request, "campaigns/_findings.html", context | {"is_live": has_inbox})


@require_safe
@staff_page(*READERS)
def campaign_preview(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(Campaign, id=campaign_id)
    chosen = chosen_version(request.GET.get("version", ""))
    try:
        parts = mail.mail_of(campaign, **chosen)
    except BrokenTemplate as broken:
        return mail.broken_preview(broken.findings)
    except NoSuchVersion:
        raise Http404 from None
    language = chosen["language"] or campaign.language
    return mail.preview(parts, view=request.GET.get("view", ""), language=language)


@require_safe
@staff_page(*READERS)
def template_preview(request: HttpRequest, template_id: UUID) -> HttpResponse:
    template = get_object_or_404(Template, id=template_id)
    return _shown_alone(template.mjml, template.language)


@require_safe
@staff_page(*READERS)
def starter_preview(request: HttpRequest, key: str) -> HttpResponse:
    chosen = starter(key) or ready_mail(key)
    if chosen is None:
        raise Http404
    return _shown_alone(chosen.mjml, chosen.language)


def _shown_alone(mjml: str, language: str) -> HttpResponse:
    try:
        made = compile_content(
            mjml=mjml, subject="…", preheader="", language=language, look=look_for(mjml)
        )
    except BrokenTemplate as broken:
        return mail.broken_preview(broken.findings)
    return mail.preview(made.parts(), view="", language=language)


@require_safe
@staff_page(*WRITERS)
def audience(request: HttpRequest) -> HttpResponse:
    """A fragment: who of a segment may be written to for a purpose, and who not and why.

    204 where no purpose is chosen: the page keeps what it has.
    """
    purpose = request.GET.get("purpose", "")
    if not purpose:
        return HttpResponse(status=204)
    if purpose not in dict(purpose_choices()):
        raise Http404
    context = audience_context(purpose, request.GET.get("segment", ""))
    return render(request, "campaigns/_audience.html", context)


def audience_context(purpose_code: str, segment_id: str) -> dict[str, Waterfall | str | None]:
    """`fall` is None where the segment is gone or its rules no longer hold."""
    fall = None
    try:
        rules = segment_rules(segment_id=UUID(segment_id)) if segment_id else None
        fall = waterfall(
            rules=rules, purpose_code=purpose_code, channel="email", now=timezone.now()
        )
    except (SegmentUnknown, InvalidRules, ValueError):
        return {"fall": None}
    return {"fall": fall}
