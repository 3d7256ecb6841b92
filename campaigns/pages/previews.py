"""What frames and fragments of the editor show: the mail, its mistakes, who would get it."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from campaigns.brands import look_for
from campaigns.content.compile import compile_content
from campaigns.content.findings import BrokenTemplate
from campaigns.content.library import starter
from campaigns.models import Campaign, CampaignVersion, Template
from campaigns.pages import READERS, WRITERS, mail
from campaigns.pages.forms import purpose_choices
from campaigns.pages.versions import chosen_version
from crm.services import (
    InvalidRules,
    SegmentUnknown,
    Waterfall,
    segment_rules,
    staff_page,
    waterfall,
)


def _words(given: QueryDict) -> dict[str, str]:
    lines = {name: given.get(name, "")[:200] for name in ("subject", "preheader")}
    return {"mjml": given.get("mjml", "").replace("\r\n", "\n"), **lines}


@require_POST
@staff_page(*WRITERS)
def mail_preview(request: HttpRequest) -> HttpResponse:
    """A mail that is being written: shown in a frame, kept nowhere."""
    language = "fr" if request.POST.get("language") == "fr" else "en"
    view = request.POST.get("view", "")
    return mail.shown(**_words(request.POST), language=language, view=view)


@require_POST
@staff_page(*WRITERS)
def mail_findings(request: HttpRequest) -> HttpResponse:
    """A fragment for the editor: what is wrong, on which line, and the line of the inbox."""
    context = findings_context(**_words(request.POST))
    has_inbox = "subject" in request.POST  # a template has no subject
    return render(request, "campaigns/_findings.html", context | {"is_live": has_inbox})


def findings_context(*, mjml: str, subject: str, preheader: str) -> dict[str, Any]:
    return {
        "mistakes": mail.mistakes(mjml=mjml, subject=subject, preheader=preheader),
        "inbox_subject": mail.filled(subject),
        "inbox_preheader": mail.filled(preheader),
    }


@require_safe
@staff_page(*READERS)
def campaign_preview(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(Campaign, id=campaign_id)
    chosen = chosen_version(request.GET.get("version", ""))
    try:
        parts = mail.mail_of(campaign, **chosen)
    except BrokenTemplate as broken:
        return mail.broken_preview(broken.findings)
    except CampaignVersion.DoesNotExist:
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
    chosen = starter(key)
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
    """A fragment: who of a segment may be written to for a purpose, and who not and why."""
    purpose = request.GET.get("purpose", "")
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
