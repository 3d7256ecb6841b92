"""The register of purposes, one purpose, and writing, publishing, retiring it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consent import services as consent
from consent.services import CannotPublish, CodeTaken, Finding, NoDraft, NoNumberLeft
from crm.access import account_of, staff_page
from crm.officer import OFFICER
from crm.officer.forms import NewPurposeForm, PurposeForm
from crm.officer.showing import purpose_context, register_lines, title_of, version_context
from crm.pages import READERS


def may_write(request: HttpRequest) -> bool:
    return account_of(request).role in OFFICER


def entry_or_404(code: str) -> consent.PurposeEntry:
    try:
        return consent.purpose_entry(code=code)
    except consent.PurposeUnknown:
        raise Http404 from None


@require_safe
@staff_page(*READERS)
def purpose_list(request: HttpRequest) -> HttpResponse:
    context = {"lines": register_lines(now=timezone.now()), "may_write": may_write(request)}
    return render(request, "crm/officer/purposes.html", context)


@require_safe
@staff_page(*READERS)
def purpose(request: HttpRequest, code: str) -> HttpResponse:
    context = purpose_context(entry_or_404(code), now=timezone.now())
    return render(request, "crm/officer/purpose.html", {**context, "may_write": may_write(request)})


@require_safe
@staff_page(*READERS)
def purpose_version(request: HttpRequest, code: str, version: int) -> HttpResponse:
    context = version_context(entry_or_404(code), version)
    if context is None:
        raise Http404
    return render(request, "crm/officer/version.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def purpose_new(request: HttpRequest) -> HttpResponse:
    last = max((each.facts["position"] for each in consent.purpose_register()), default=0)
    initial = {"is_marketing": True, "position": last + 1}
    form = NewPurposeForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        code, now = form.cleaned_data["code"], timezone.now()
        try:
            consent.begin_purpose(
                code=code, document=form.document(), actor_id=account_of(request).id, now=now
            )
        except CodeTaken:
            form.add_error("code", _("There is, or was, a purpose of this code."))
        except NoNumberLeft:
            form.add_error(None, _("No more purposes can be made: every number is given."))
        else:
            messages.success(request, _("The draft is saved. Nothing uses it yet."))
            return redirect("purpose", code)
    return _editor(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def purpose_edit(request: HttpRequest, code: str) -> HttpResponse:
    entry = entry_or_404(code)
    form = PurposeForm(request.POST or None, initial=dict(entry.draft or entry.facts))
    if entry.published_at is not None:
        form.fields["is_marketing"].disabled = True
    if request.method != "POST":
        form.findings = findings_of(entry)
    elif form.is_valid():
        consent.save_purpose_draft(
            code=code,
            document=form.document(),
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
        messages.success(request, _("The draft is saved. It holds once you publish it."))
        return redirect("purpose", code)
    return _editor(request, form, entry)


def findings_of(entry: consent.PurposeEntry) -> list[Finding]:
    if entry.draft is None:
        return []
    return consent.purpose_findings(code=entry.code, now=timezone.now())


def _editor(
    request: HttpRequest, form: PurposeForm, entry: consent.PurposeEntry | None
) -> HttpResponse:
    title = title_of(entry.facts, entry.code) if entry else ""
    context = {"form": form, "entry": entry, "title": title}
    status = 422 if form.errors else 200
    return render(request, "crm/officer/purpose_edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def purpose_publish(request: HttpRequest, code: str) -> HttpResponse:
    """Show once more what changes, then publish it."""
    entry = entry_or_404(code)
    if request.method != "POST":
        if entry.draft is None:
            return redirect("purpose", code)
        context = purpose_context(entry, now=timezone.now())
        return render(request, "crm/officer/purpose_publish.html", context)
    try:
        consent.publish_purpose(code=code, actor_id=account_of(request).id, now=timezone.now())
    except NoDraft:
        messages.info(request, _("There is nothing to publish."))
    except CannotPublish:
        messages.error(request, _("It is not published: see what is missing."))
    else:
        messages.success(request, _("The purpose is published."))
    return redirect("purpose", code)


@require_POST
@staff_page(*OFFICER)
def purpose_discard(request: HttpRequest, code: str) -> HttpResponse:
    entry = entry_or_404(code)
    consent.discard_purpose_draft(code=code)
    messages.success(request, _("The draft is discarded."))
    is_kept = entry.published_at is not None or entry.assessment is not None
    return redirect("purpose", code) if is_kept else redirect("purpose-list")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def purpose_retire(request: HttpRequest, code: str) -> HttpResponse:
    entry = entry_or_404(code)
    if entry.published_at is None:
        raise Http404
    if request.method != "POST":
        context: dict[str, Any] = purpose_context(entry, now=timezone.now())
        return render(request, "crm/officer/purpose_retire.html", context)
    consent.retire_purpose(code=code, actor_id=account_of(request).id, now=timezone.now())
    messages.success(request, _("The purpose is retired. Nobody is reached for it any more."))
    return redirect("purpose", code)


@require_POST
@staff_page(*OFFICER)
def purpose_bring_back(request: HttpRequest, code: str) -> HttpResponse:
    entry_or_404(code)
    try:
        consent.bring_purpose_back(code=code, actor_id=account_of(request).id, now=timezone.now())
    except CannotPublish as refusal:
        for finding in refusal.findings:
            messages.error(request, str(finding.sentence))
    else:
        messages.success(request, _("The purpose is in use again. Every no still holds."))
    return redirect("purpose", code)
