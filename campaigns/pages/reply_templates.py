"""Templates of answers: listed, written, archived and brought back."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.content.findings import BrokenTemplate
from campaigns.models import ReplyTemplate
from campaigns.pages.replies import REPLIERS
from campaigns.single import templates
from campaigns.single.content import SUBJECT_MAX, TEXT_MAX
from campaigns.single.templates import ReplyTemplateUnknown
from crm.services import FreeTextField, account_of, staff_page

READERS = (*REPLIERS, "dpo")


class ReplyTemplateForm(forms.Form):
    name = FreeTextField(
        label=gettext_lazy("Name"),
        max_length=120,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=settings.LANGUAGES,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    subject = FreeTextField(
        label=gettext_lazy("Subject"),
        max_length=SUBJECT_MAX,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    text = FreeTextField(
        label=gettext_lazy("Text"),
        max_length=TEXT_MAX,
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 12}),
    )


@require_safe
@staff_page(*READERS)
def reply_template_list(request: HttpRequest) -> HttpResponse:
    archived = ReplyTemplate.objects.exclude(archived_at=None).order_by("-archived_at")
    context = {
        "templates": templates.reply_templates(),
        "archived": archived[:50],
        "just_archived": _named(request.GET.get("archived", "")),
        "may_write": account_of(request).role in REPLIERS,
    }
    return render(request, "campaigns/single/templates.html", context)


def _named(template_id: str) -> ReplyTemplate | None:
    try:
        number = UUID(template_id)
    except ValueError:
        return None
    return ReplyTemplate.objects.filter(id=number).exclude(archived_at=None).first()


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*REPLIERS)
def reply_template_new(request: HttpRequest) -> HttpResponse:
    form = ReplyTemplateForm(request.POST or None, initial={"language": get_language() or "fr"})
    if request.method == "POST" and form.is_valid() and _is_kept(form, None):
        messages.success(request, _("The template is saved."))
        return redirect("reply-template-list")
    return _editor(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*REPLIERS)
def reply_template_edit(request: HttpRequest, template_id: UUID) -> HttpResponse:
    try:
        row = templates.reply_template(template_id=template_id)
    except ReplyTemplateUnknown:
        raise Http404 from None
    initial = {name: getattr(row, name) for name in ReplyTemplateForm.base_fields}
    form = ReplyTemplateForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _is_kept(form, template_id):
        messages.success(request, _("The template is saved."))
        return redirect("reply-template-list")
    return _editor(request, form, row)


def _is_kept(form: ReplyTemplateForm, template_id: UUID | None) -> bool:
    now = timezone.now()
    try:
        if template_id is None:
            templates.create_reply_template(**form.cleaned_data, now=now)
        else:
            templates.change_reply_template(template_id=template_id, **form.cleaned_data, now=now)
    except BrokenTemplate as broken:
        for finding in broken.findings:
            form.add_error("text", finding.message)
        return False
    except ReplyTemplateUnknown:
        form.add_error("name", _("This template was archived meanwhile."))
        return False
    return True


def _editor(
    request: HttpRequest, form: ReplyTemplateForm, row: ReplyTemplate | None
) -> HttpResponse:
    context = {"form": form, "template": row, "fields": sorted(templates.FIELDS)}
    status = 422 if form.errors else 200
    return render(request, "campaigns/single/template_edit.html", context, status=status)


@require_POST
@staff_page(*REPLIERS)
def reply_template_archive(request: HttpRequest, template_id: UUID) -> HttpResponse:
    """The list then offers to undo it."""
    if not ReplyTemplate.objects.filter(id=template_id).exists():
        raise Http404
    templates.archive_reply_template(template_id=template_id, now=timezone.now())
    return redirect(f"{reverse('reply-template-list')}?archived={template_id}")


@require_POST
@staff_page(*REPLIERS)
def reply_template_restore(request: HttpRequest, template_id: UUID) -> HttpResponse:
    if not ReplyTemplate.objects.filter(id=template_id).exists():
        raise Http404
    templates.restore_reply_template(template_id=template_id)
    messages.success(request, _("The template is back in the list."))
    return redirect("reply-template-list")
