"""Notices: list, history, any old wording, and for the officer the builder and its two acts."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consent.services import (
    FactsDiffer,
    NoNoticeDraft,
    NoticeExists,
    NoticeIncomplete,
    NoticeUnknown,
    begin_notice,
    correct_notice_by_draft,
    discard_notice_draft,
    notice_by_id,
    notice_choices,
    notice_proposal,
    publish_notice_draft,
    write_notice,
)
from crm.access import account_of, staff_page
from crm.officer import notice_pages as pages
from crm.officer.notice_editor import Confirmation, NewNotice, NoticeEditor
from crm.pages import READERS

OFFICER = ("dpo",)


def _may_write(request: HttpRequest) -> bool:
    return account_of(request).role in OFFICER


def _posted(request: HttpRequest) -> QueryDict | None:
    """What was posted, also when that is nothing: every box may have been left empty."""
    return request.POST if request.method == "POST" else None


@require_safe
@staff_page(*READERS)
def notice_list(request: HttpRequest) -> HttpResponse:
    rows = pages.notice_rows()
    context = {
        "notices": rows,
        "has_own": any(row.kind != "preferences" for row in rows),
        "may_write": _may_write(request),
    }
    return render(request, "crm/officer/notices/list.html", context)


@require_safe
@staff_page(*READERS)
def notice_detail(request: HttpRequest, code: str) -> HttpResponse:
    overview = pages.overview_of(code=code)
    if overview is None:
        raise Http404
    context = {**overview, "may_write": _may_write(request)}
    return render(request, "crm/officer/notices/detail.html", context)


@require_safe
@staff_page(*READERS)
def notice_wording(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    try:
        wording = notice_by_id(notice_id=notice_id)
    except NoticeUnknown:
        raise Http404 from None
    return render(request, "crm/officer/notices/wording.html", pages.wording_of(wording))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def notice_new(request: HttpRequest) -> HttpResponse:
    form = NewNotice(_posted(request))
    if request.method == "POST" and form.is_valid():
        given, now = form.cleaned_data, timezone.now()
        try:
            begin_notice(**given, actor_id=account_of(request).id, now=now)
        except NoticeExists:
            form.add_error("code", _("There is a notice of this name already."))
        else:
            return redirect("notice-edit", given["code"])
    status = 422 if form.errors else 200
    return render(request, "crm/officer/notices/new.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def notice_edit(request: HttpRequest, code: str) -> HttpResponse:
    choices = notice_choices(code=code)
    if choices is None or choices.kind == "preferences":
        raise Http404
    editor = NoticeEditor(_posted(request), choices=choices)
    if request.method == "POST" and editor.is_valid():
        actor_id, now = account_of(request).id, timezone.now()
        write_notice(code=code, choices=editor.draft(), actor_id=actor_id, now=now)
        messages.success(request, _("The draft is saved. Nobody sees it before you publish it."))
        return redirect("notice-edit", code)
    context = pages.editor_of(code=code, editor=editor)
    status = 422 if editor.errors else 200
    return render(request, "crm/officer/notices/edit.html", context, status=status)


@require_POST
@staff_page(*OFFICER)
def notice_discard(request: HttpRequest, code: str) -> HttpResponse:
    discard_notice_draft(code=code)
    messages.success(request, _("The draft is gone. What is published stays."))
    return redirect("notice-list")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def notice_publish(request: HttpRequest, code: str) -> HttpResponse:
    """What people are told changes: shown, then published as the next version."""
    if request.method == "POST":
        try:
            version = publish_notice_draft(
                code=code, actor_id=account_of(request).id, now=timezone.now()
            )
        except (NoNoticeDraft, NoticeIncomplete):
            return _nothing_to_publish(request, code)
        text = _("Version %(version)s is published. Forms show it once they are published anew.")
        messages.success(request, text % {"version": version})
        return redirect("notice", code)
    return _look(request, code, "crm/officer/notices/publish.html")


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*OFFICER)
def notice_correct(request: HttpRequest, code: str) -> HttpResponse:
    """Only the wording changes: shown word by word, confirmed, then it holds at once."""
    form = Confirmation(_posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            correct_notice_by_draft(code=code, actor_id=account_of(request).id, now=timezone.now())
        except (NoNoticeDraft, NoticeIncomplete, NoticeUnknown):
            return _nothing_to_publish(request, code)
        except FactsDiffer:
            # The page names them, and offers the other act.
            return _look(request, code, "crm/officer/notices/correct.html", form=form, status=422)
        messages.success(request, _("The wording is corrected, on every form that uses it."))
        return redirect("notice", code)
    status = 422 if form.errors else 200
    return _look(request, code, "crm/officer/notices/correct.html", form=form, status=status)


def _look(
    request: HttpRequest, code: str, template: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    try:
        proposal = notice_proposal(code=code)
    except NoNoticeDraft:
        return _nothing_to_publish(request, code)
    context = {**pages.proposal_of(code=code, proposal=proposal), **more}
    return render(request, template, context, status=status)


def _nothing_to_publish(request: HttpRequest, code: str) -> HttpResponse:
    if notice_choices(code=code) is None:
        raise Http404
    messages.error(request, _("There is no finished draft: see what is missing."))
    return redirect("notice-edit", code)
