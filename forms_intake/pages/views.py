"""List, read, write, publish and retire forms."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consent.services import NoticeUnknown
from crm.services import account_of, staff_page
from forms_intake.models import Form, FormVersion
from forms_intake.pages import EDITORS
from forms_intake.pages.editor import EditorForm, NewForm, written
from forms_intake.pages.overview import form_rows, overview_of, usable_notices
from forms_intake.projection import document_of
from forms_intake.public.published import language_of
from forms_intake.public.showing import Typed, context_of
from forms_intake.publishing import publish_version
from forms_intake.versions import (
    AlreadyPublished,
    FormExists,
    NoSuchForm,
    NotPublishable,
    create_form,
    rename_form,
    retire_form,
    save_version,
)


@require_safe
@staff_page()
def form_list(request: HttpRequest) -> HttpResponse:
    context = {"forms": form_rows(now=timezone.now()), "may_edit": _may_edit(request)}
    return render(request, "forms_intake/staff/list.html", context)


def _may_edit(request: HttpRequest) -> bool:
    return account_of(request).role in EDITORS


@require_safe
@staff_page()
def form_detail(request: HttpRequest, code: str) -> HttpResponse:
    form = get_object_or_404(Form, code=code)
    context = {
        "form": form,
        "may_edit": _may_edit(request),
        **overview_of(form=form, now=timezone.now()),
    }
    return render(request, "forms_intake/staff/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*EDITORS)
def form_new(request: HttpRequest) -> HttpResponse:
    editor = NewForm(request.POST or None, initial=_beginning())
    if request.method == "POST" and editor.is_valid():
        code, name = editor.cleaned_data["code"], editor.cleaned_data["name"]
        try:
            create_form(code=code, name=name, draft=editor.draft(), now=timezone.now())
        except FormExists:
            editor.add_error("code", _("There is a form at this address already."))
        except NotPublishable as refusal:
            _refuse(editor, refusal)
        else:
            messages.success(request, _("The form is saved as a draft."))
            return redirect("form", code)
    return _editor(request, editor, None)


def _beginning() -> dict[str, object]:
    last = FormVersion.objects.filter(published_at__isnull=False).order_by("-published_at").first()
    notice = (
        {"notice_code": last.notice_code, "notice_version": last.notice_version} if last else {}
    )
    return {"has_double_opt_in": True, "minimum_fill_seconds": 3, **notice}


def _refuse(editor: EditorForm, refusal: NotPublishable) -> None:
    for reason in refusal.reasons:
        editor.add_error(None, str(reason.sentence))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*EDITORS)
def form_edit(request: HttpRequest, code: str) -> HttpResponse:
    form = get_object_or_404(Form, code=code)
    newest = FormVersion.objects.filter(form=form).order_by("-number").first()
    initial = {"name": form.name, **(written(newest) if newest else {})}
    editor = EditorForm(request.POST or None, initial=initial)
    if request.method == "POST" and editor.is_valid():
        try:
            save_version(code=code, draft=editor.draft(), now=timezone.now())
        except NotPublishable as refusal:
            _refuse(editor, refusal)
        else:
            rename_form(code=code, name=editor.cleaned_data["name"])
            messages.success(request, _("The draft is saved. It is public once you publish it."))
            return redirect("form", code)
    return _editor(request, editor, form)


def _editor(request: HttpRequest, editor: EditorForm, form: Form | None) -> HttpResponse:
    context = {"editor": editor, "form": form, "notices": usable_notices()}
    status = 422 if editor.errors else 200
    return render(request, "forms_intake/staff/edit.html", context, status=status)


@require_POST
@staff_page(*EDITORS)
def form_publish(request: HttpRequest, code: str, version_id: UUID) -> HttpResponse:
    get_object_or_404(FormVersion, id=version_id, form_id=code)
    try:
        publish_version(version_id=version_id, now=timezone.now())
    except NotPublishable:
        messages.error(request, _("The form is not published: see what is missing."))
    except AlreadyPublished:
        messages.info(request, _("This version was published before."))
    else:
        messages.success(request, _("The form is published. It is public in a few seconds."))
    return redirect("form", code)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*EDITORS)
def form_retire(request: HttpRequest, code: str) -> HttpResponse:
    form = get_object_or_404(Form, code=code)
    if request.method != "POST":
        return render(request, "forms_intake/staff/retire.html", {"form": form})
    try:
        retire_form(code=code, now=timezone.now())
    except NoSuchForm:
        raise Http404 from None
    messages.success(request, _("The form is retired. It leaves the public side in a few seconds."))
    return redirect("form", code)


@require_safe
@staff_page()
def form_preview(request: HttpRequest, code: str, version_id: UUID) -> HttpResponse:
    """The page as people will see it; nothing can be sent from it."""
    version = get_object_or_404(FormVersion, id=version_id, form_id=code)
    try:
        document = {**document_of(version=version), "has_proof_of_work": False}
    except NoticeUnknown:
        document = {"languages": []}
    if not document["languages"]:
        messages.error(request, _("There is nothing to show yet: write the texts first."))
        return redirect("form", code)
    language = language_of(document, request.GET.get("lang") or get_language())
    context = context_of(document=document, language=language, typed=Typed(), now=timezone.now())
    return render(request, "forms_intake/form.html", {**context, "is_preview": True})
