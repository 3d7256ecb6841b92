"""List, write and archive templates."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import drafts
from campaigns.content.library import starter, starters
from campaigns.models import Template
from campaigns.pages import READERS, WRITERS
from campaigns.pages.forms import TemplateForm
from crm.access import account_of, staff_page


@require_GET
@staff_page(*READERS)
def template_list(request: HttpRequest) -> HttpResponse:
    context = {
        "templates": Template.objects.filter(archived_at=None).order_by("name"),
        "starters": starters(),
        "may_write": account_of(request).role in WRITERS,
    }
    return render(request, "campaigns/templates.html", context)


@require_http_methods(["GET", "POST"])
@staff_page(*WRITERS)
def template_new(request: HttpRequest) -> HttpResponse:
    chosen = starter(request.GET.get("from", ""))
    initial = {"language": get_language() or "fr"}
    if chosen:
        initial = {"name": str(chosen.name), "language": chosen.language, "mjml": chosen.mjml}
    form = TemplateForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        template_id = drafts.create_template(**form.cleaned_data, now=timezone.now())
        messages.success(request, _("The template is saved."))
        return redirect("template-edit", template_id)
    return render(request, "campaigns/template_edit.html", {"form": form})


@require_http_methods(["GET", "POST"])
@staff_page(*WRITERS)
def template_edit(request: HttpRequest, template_id: UUID) -> HttpResponse:
    template = get_object_or_404(Template, id=template_id, archived_at=None)
    initial = {name: getattr(template, name) for name in TemplateForm.base_fields}
    form = TemplateForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        try:
            drafts.change_template(template_id=template_id, **form.cleaned_data, now=now)
        except drafts.NoSuchTemplate:
            messages.error(request, _("This template was archived meanwhile."))
            return redirect("template-list")
        messages.success(request, _("The template is saved."))
        return redirect("template-edit", template_id)
    return render(request, "campaigns/template_edit.html", {"form": form, "template": template})


@require_POST
@staff_page(*WRITERS)
def template_archive(request: HttpRequest, template_id: UUID) -> HttpResponse:
    get_object_or_404(Template, id=template_id)
    drafts.archive_template(template_id=template_id, now=timezone.now())
    messages.success(request, _("The template is archived."))
    return redirect("template-list")
