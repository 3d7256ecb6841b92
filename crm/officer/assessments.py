"""Balancing assessments: read, write, approve, and every version that was."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from consent import services as consent
from consent.services import CannotPublish, NoDraft
from crm.access import account_of, staff_page
from crm.officer import OFFICER
from crm.officer.forms import A_YEAR, AssessmentForm, begun_from
from crm.officer.purposes import entry_or_404, may_write
from crm.officer.showing import (
    assessment_in_words,
    assessment_mark,
    draft_in_words,
    findings_in_words,
    staff_names,
    title_of,
)
from crm.pages import READERS


@require_safe
@staff_page(*READERS)
def assessment(request: HttpRequest, code: str) -> HttpResponse:
    """The newest assessment of a purpose, its draft and its history."""
    entry, today = entry_or_404(code), timezone.now().date()
    history = consent.assessments_of(purpose_code=code)
    names = staff_names(each.approved_by for each in history)
    draft = consent.assessment_draft(purpose_code=code)
    found = consent.findings_against_assessment(purpose_code=code, day=today) if draft else []
    context = {
        "entry": entry,
        "title": title_of(entry.facts, code),
        "may_write": may_write(request),
        "mark": assessment_mark(entry, today),
        "draft": draft,
        "findings": findings_in_words(found),
        "newest": assessment_in_words(history[0]) if history else None,
        "history": [(each, names.get(each.approved_by, "")) for each in history],
    }
    return render(request, "crm/officer/assessment.html", context)


@require_safe
@staff_page(*READERS)
def assessment_version(request: HttpRequest, code: str, version: int) -> HttpResponse:
    entry = entry_or_404(code)
    history = consent.assessments_of(purpose_code=code)
    found = next((each for each in history if each.version == version), None)
    if found is None:
        raise Http404
    context = {
        "entry": entry,
        "title": title_of(entry.facts, code),
        "shown": assessment_in_words(found),
        "is_newest": found is history[0],
    }
    return render(request, "crm/officer/assessment_version.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def assessment_edit(request: HttpRequest, code: str) -> HttpResponse:
    entry, today = entry_or_404(code), timezone.now().date()
    draft = consent.assessment_draft(purpose_code=code)
    begun = {**begun_from(entry.assessment), "review_on": today + A_YEAR}
    form = AssessmentForm(request.POST or None, initial=dict(draft.document) if draft else begun)
    if request.method != "POST" and draft:
        form.findings = consent.findings_against_assessment(purpose_code=code, day=today)
    if request.method == "POST" and form.is_valid():
        consent.save_assessment_draft(
            purpose_code=code,
            document=form.document(),
            actor_id=account_of(request).id,
            now=timezone.now(),
        )
        messages.success(request, _("The draft is saved. It counts once you approve it."))
        return redirect("assessment", code)
    context = {"form": form, "entry": entry, "title": title_of(entry.facts, code)}
    status = 422 if form.errors else 200
    return render(request, "crm/officer/assessment_edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def assessment_approve(request: HttpRequest, code: str) -> HttpResponse:
    """Show it once more, then make it a version that nothing can change."""
    entry = entry_or_404(code)
    if request.method != "POST":
        draft = consent.assessment_draft(purpose_code=code)
        if draft is None:
            return redirect("assessment", code)
        context = {"entry": entry, "title": title_of(entry.facts, code)}
        context |= {"shown": draft_in_words(draft.document)}
        return render(request, "crm/officer/assessment_approve.html", context)
    try:
        consent.approve_assessment(
            purpose_code=code, actor_id=account_of(request).id, now=timezone.now()
        )
    except NoDraft:
        messages.info(request, _("There is nothing to approve."))
    except CannotPublish:
        messages.error(request, _("It is not approved: see what is missing."))
    else:
        messages.success(request, _("The assessment is approved."))
    return redirect("assessment", code)
