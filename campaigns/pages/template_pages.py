"""List, write and archive templates."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns import drafts
from campaigns.content.blocks.document import Document
from campaigns.content.blocks.ready import ready_mail
from campaigns.content.library import starter
from campaigns.models import Template
from campaigns.pages import READERS, WRITERS
from campaigns.pages.editor import after_act, is_act, words_context
from campaigns.pages.forms import TemplateForm
from campaigns.pages.writing import gallery
from crm.services import account_of, staff_page


@require_safe
@staff_page(*READERS)
def template_list(request: HttpRequest) -> HttpResponse:
    archived = Template.objects.exclude(archived_at=None).order_by("-archived_at")
    context = {
        **gallery(),
        "archived": archived[:50],
        "just_archived": _named(request.GET.get("archived", "")),
        "may_write": account_of(request).role in WRITERS,
    }
    return render(request, "campaigns/templates.html", context)


def _named(template_id: str) -> Template | None:
    try:
        return Template.objects.exclude(archived_at=None).filter(id=UUID(template_id)).first()
    except ValueError:
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def template_new(request: HttpRequest) -> HttpResponse:
    source, language = request.GET.get("from", ""), get_language() or "fr"
    chosen, ready = starter(source), ready_mail(source or f"blank.{language}")
    initial = {"language": language, "mode": "code" if ready is None else "blocks"}
    if chosen:
        initial |= {"name": str(chosen.name), "language": chosen.language, "mjml": chosen.mjml}
    if ready and source:
        initial |= {"name": str(ready.name), "language": ready.language}
    form = TemplateForm(request.POST or None, initial=initial)
    if request.method == "POST" and not is_act(request) and form.is_valid():
        template_id = drafts.create_template(**form.cleaned_data, now=timezone.now())
        messages.success(request, _("The template is saved."))
        return redirect("template-edit", template_id)
    return _editor(request, form, None, ready.document if ready else None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*WRITERS)
def template_edit(request: HttpRequest, template_id: UUID) -> HttpResponse:
    template = get_object_or_404(Template, id=template_id, archived_at=None)
    initial = {name: getattr(template, name) for name in ("name", "language", "mjml")}
    initial["mode"] = "code" if template.blocks is None else "blocks"
    form = TemplateForm(request.POST or None, initial=initial)
    if request.method == "POST" and not is_act(request) and form.is_valid():
        now = timezone.now()
        try:
            drafts.change_template(template_id=template_id, **form.cleaned_data, now=now)
        except drafts.NoSuchTemplate:
            messages.error(request, _("This template was archived meanwhile."))
            return redirect("template-list")
        messages.success(request, _("The template is saved."))
        return redirect("template-edit", template_id)
    return _editor(request, form, template, template.blocks)


def _editor(
    request: HttpRequest, form: TemplateForm, template: Template | None, document: Document | None
) -> HttpResponse:
    _words, context = words_context(request, form, document)
    if is_act(request):
        context = after_act(request, context)
    context |= {"template": template, "is_template": True}
    context["has_errors"] = bool(form.is_bound and form.errors and not is_act(request))
    status = 422 if context["has_errors"] else 200
    return render(request, "campaigns/template_edit.html", context, status=status)


@require_POST
@staff_page(*WRITERS)
def template_archive(request: HttpRequest, template_id: UUID) -> HttpResponse:
    """The list then offers to undo it."""
    get_object_or_404(Template, id=template_id)
    drafts.archive_template(template_id=template_id, now=timezone.now())
    return redirect(f"{reverse('template-list')}?archived={template_id}")


@require_POST
@staff_page(*WRITERS)
def template_restore(request: HttpRequest, template_id: UUID) -> HttpResponse:
    get_object_or_404(Template, id=template_id)
    drafts.restore_template(template_id=template_id)
    messages.success(request, _("The template is back in the list."))
    return redirect("template-list")
