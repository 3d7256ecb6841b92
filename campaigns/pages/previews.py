"""Looking at a mail before it is sent: findings, preview, plain text."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from campaigns.content.compile import Compiled, compile_content
from campaigns.content.findings import BrokenTemplate
from campaigns.content.lint import lint
from campaigns.models import Campaign, Template
from campaigns.pages import READERS, WRITERS
from crm.access import staff_page

# The mail is shown as a mail reader would: it runs nothing, fetches nothing, leads nowhere.
SANDBOX = (
    "sandbox; default-src 'none'; img-src data: 'self'; style-src 'unsafe-inline'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
VIEWS = ("desktop", "phone", "text")


@require_POST
@staff_page(*WRITERS)
def code_findings(request: HttpRequest) -> HttpResponse:
    """A fragment for the editor: what is wrong, and on which line."""
    findings = lint(request.POST.get("mjml", ""))
    return render(request, "campaigns/_findings.html", {"findings": findings})


def sample_values() -> dict[str, str]:
    """Somebody who does not exist."""
    return {
        "first_name": "Camille",
        "last_name": "Martin",
        "full_name": "Camille Martin",
        "company": _("Example Company"),
        "job_title": _("Purchasing manager"),
        "email": "camille.martin@example.com",
        "opt_out_url": "https://example.com/",
        "preferences_url": "https://example.com/",
    }


def _compiled(campaign: Campaign) -> Compiled:
    return compile_content(
        mjml=campaign.mjml,
        subject=campaign.subject,
        preheader=campaign.preheader,
        language=campaign.language,
    )


@require_GET
@staff_page(*READERS)
def campaign_preview(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(Campaign, id=campaign_id)
    asked = request.GET.get("view", "")
    context = {"campaign": campaign, "view": asked if asked in VIEWS else "desktop"}
    try:
        compiled = _compiled(campaign)
    except BrokenTemplate as broken:
        return render(request, "campaigns/preview.html", context | {"findings": broken.findings})
    parts = compiled.parts()
    context |= {
        "subject": parts.subject.render(sample_values()),
        "text": parts.text.render(sample_values()),
        "warnings": compiled.warnings,
        "kilobytes": len(compiled.html.encode()) // 1024 + 1,
    }
    return render(request, "campaigns/preview.html", context)


@require_GET
@staff_page(*READERS)
def campaign_preview_html(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    campaign = get_object_or_404(Campaign, id=campaign_id)
    try:
        return _sandboxed(_compiled(campaign).parts().html.render(sample_values()))
    except BrokenTemplate as broken:
        return _sandboxed(_as_page(broken))


@require_GET
@staff_page(*READERS)
def template_preview_html(request: HttpRequest, template_id: UUID) -> HttpResponse:
    template = get_object_or_404(Template, id=template_id)
    try:
        compiled = compile_content(
            mjml=template.mjml, subject=template.name, preheader="", language=template.language
        )
        return _sandboxed(compiled.parts().html.render(sample_values()))
    except BrokenTemplate as broken:
        return _sandboxed(_as_page(broken))


def _as_page(broken: BrokenTemplate) -> str:
    lines = format_html_join(
        "", "<li>{}: {}</li>", ((each.line, each.message) for each in broken.findings)
    )
    title = _("This mail cannot be shown yet")
    return format_html("<!doctype html><title>{0}</title><h1>{0}</h1><ul>{1}</ul>", title, lines)


def _sandboxed(html: str) -> HttpResponse:
    return HttpResponse(html, headers={"Content-Security-Policy": SANDBOX})
