"""Templates of transactional messages: listed, written, looked at, archived and brought back."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.validators import validate_slug
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.content.findings import BrokenTemplate
from campaigns.models import Ground, TransactionalTemplate
from campaigns.pages.replies import REPLIERS
from campaigns.pages.reply_templates import READERS
from campaigns.single.content import SUBJECT_MAX, TEXT_MAX
from campaigns.single.templates import FIELDS
from campaigns.transactional import templates
from campaigns.transactional.filling import Words
from campaigns.transactional.templates import (
    CodeTaken,
    Design,
    GroundNotOfPurpose,
    MarketingPurpose,
    RequiredByNothing,
    TemplateUnknown,
)
from campaigns.transactional.variables import BadDeclaration, Variable, read_declaration
from crm.services import FreeTextField, account_of, staff_page

MJML_MAX = 300_000
GROUNDS = [
    (Ground.REPLY, gettext_lazy("It answers what the person asked for (GDPR 6(1)(b))")),
    (Ground.CONTRACT, gettext_lazy("It performs a contract with the person (GDPR 6(1)(b))")),
    (Ground.LEGAL_OBLIGATION, gettext_lazy("The law makes us tell the person (GDPR 6(1)(c))")),
]
_INPUT = {"class": "form-control", "autocomplete": "off"}
_CODE = {**_INPUT, "class": "form-control font-monospace", "spellcheck": "false"}


def _area(rows: int, attrs: dict[str, str]) -> forms.Textarea:
    return forms.Textarea(attrs={**attrs, "rows": rows})


class TransactionalForm(forms.Form):
    """A template with the words of every language of the installation."""

    name = FreeTextField(
        label=gettext_lazy("Name"), max_length=120, widget=forms.TextInput(attrs=_INPUT)
    )
    code = FreeTextField(
        label=gettext_lazy("Code"),
        max_length=40,
        validators=[validate_slug],
        help_text=gettext_lazy(
            "What the other system calls it: letters, digits, - and _. It stays."
        ),
        widget=forms.TextInput(attrs=_CODE),
    )
    purpose = forms.ChoiceField(
        label=gettext_lazy("Purpose"), widget=forms.Select(attrs={"class": "form-select"}),
        help_text=gettext_lazy("Marketing is not among them: it needs a campaign, and a way out."),
        error_messages={"invalid_choice": gettext_lazy(
            "This purpose is marketing or not in use. A transactional message is no way round an "
            "opt-out: choose a purpose of the list."
        )},
    )  # fmt: skip
    ground = forms.ChoiceField(
        label=gettext_lazy("Why it may be sent without consent"),
        choices=GROUNDS,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    is_required = forms.BooleanField(
        label=gettext_lazy("Send it again where nobody knows whether it arrived"),
        help_text=gettext_lazy("Only for what the law makes us tell: rather twice than never."),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    variables = FreeTextField(
        label=gettext_lazy("Variables"),
        required=False,
        max_length=4000,
        help_text=gettext_lazy(
            "One a line: a name and its kind (text, link, date or number), and “optional” where "
            "it may be missing. For example: invoice_number text"
        ),
        widget=_area(4, _CODE),
    )

    def __init__(self, *args: Any, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = templates.allowed_purposes(language=get_language() or "fr")
        self.fields["purpose"].choices = [(p.code, p.title) for p in allowed]  # type: ignore[attr-defined]
        if not is_new:
            del self.fields["code"]
        for language, title in settings.LANGUAGES:
            self._add_language(language, str(title))

    def _add_language(self, language: str, title: str) -> None:
        marks = {"lang": language}
        self.fields[f"subject_{language}"] = FreeTextField(
            label=_("Subject (%s)") % title, max_length=SUBJECT_MAX, required=False,
            widget=forms.TextInput(attrs={**_INPUT, **marks}),
        )  # fmt: skip
        self.fields[f"text_{language}"] = FreeTextField(
            label=_("Text (%s)") % title, max_length=TEXT_MAX, required=False,
            widget=_area(8, {**_INPUT, **marks}),
        )  # fmt: skip
        self.fields[f"mjml_{language}"] = FreeTextField(
            label=_("Or MJML (%s)") % title, max_length=MJML_MAX, required=False,
            widget=_area(4, _CODE),
        )  # fmt: skip

    def languages(self) -> list[list[Any]]:
        """The fields of each language, for the page."""
        return [
            [self[f"{part}_{language}"] for part in ("subject", "text", "mjml")]
            for language, _title in settings.LANGUAGES
        ]

    def clean_variables(self) -> list[Variable]:
        try:
            return read_declaration(self.cleaned_data["variables"])
        except BadDeclaration as bad:
            text = _("Line %s cannot be read: write a new name and a kind, such as: due_on date")
            raise forms.ValidationError(text % bad) from None

    def design(self) -> Design:
        said = self.cleaned_data
        words = [
            Words(code, *(said[f"{part}_{code}"] for part in ("subject", "text", "mjml")))
            for code, _title in settings.LANGUAGES
        ]
        facts = {name: said[name] for name in ("name", "purpose", "ground", "is_required")}
        versions = [each for each in words if each.subject or each.text or each.mjml]
        return Design(**facts, variables=said["variables"], versions=versions)


@require_safe
@staff_page(*READERS)
def transactional_list(request: HttpRequest) -> HttpResponse:
    archived = TransactionalTemplate.objects.exclude(archived_at=None).order_by("-archived_at")
    context = {
        "templates": templates.transactional_templates(),
        "archived": archived[:50],
        "just_archived": _named(request.GET.get("archived", "")),
        "may_write": account_of(request).role in REPLIERS,
        "grounds": dict(GROUNDS),
    }
    return render(request, "campaigns/transactional/list.html", context)


def _named(template_id: str) -> TransactionalTemplate | None:
    try:
        number = UUID(template_id)
    except ValueError:
        return None
    return TransactionalTemplate.objects.filter(id=number).exclude(archived_at=None).first()


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*REPLIERS)
def transactional_new(request: HttpRequest) -> HttpResponse:
    return _written(request, TransactionalForm(request.POST or None, is_new=True), None)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(*REPLIERS)
def transactional_edit(request: HttpRequest, template_id: UUID) -> HttpResponse:
    try:
        row = templates.transactional_template(template_id=template_id)
    except TemplateUnknown:
        raise Http404 from None
    form = TransactionalForm(request.POST or None, is_new=False, initial=_initial(row))
    return _written(request, form, row)


def _initial(row: TransactionalTemplate) -> dict[str, Any]:
    lines = "\n".join(each.line() for each in templates.variables_of(row))
    words = {
        f"{part}_{version.language}": getattr(version, part)
        for version in row.versions.all()
        for part in ("subject", "text", "mjml")
    }
    facts = {"name": row.name, "purpose": row.purpose_id, "ground": row.ground}
    return {**facts, "is_required": row.is_required, "variables": lines, **words}


def _written(
    request: HttpRequest, form: TransactionalForm, row: TransactionalTemplate | None
) -> HttpResponse:
    """Look or save: the same form each time; nothing is kept before "save" is pressed."""
    shown: list[dict[str, str]] = []
    if request.method == "POST" and form.is_valid():
        shown = _checked(form)
        if not form.errors and request.POST.get("do") != "preview" and _is_kept(request, form, row):
            messages.success(request, _("The template is saved."))
            return redirect("transactional-list")
    context = {
        "form": form,
        "template": row,
        "previews": [] if form.errors else shown,
        "fields_of_person": sorted(FIELDS),
    }
    status = 422 if form.errors else 200
    return render(request, "campaigns/transactional/edit.html", context, status=status)


def _checked(form: TransactionalForm) -> list[dict[str, str]]:
    """Return the message of each language with made-up values; what is wrong goes to its field."""
    design = form.design()
    try:
        templates.check(design)
    except MarketingPurpose:
        form.add_error("purpose", form.fields["purpose"].error_messages["invalid_choice"])
    except GroundNotOfPurpose:
        form.add_error("ground", _("The register gives this purpose no such legal basis."))
    except RequiredByNothing:
        form.add_error("is_required", _("Only what the law makes us tell may be sent twice."))
    except BrokenTemplate as broken:
        for finding in broken.findings:
            form.add_error(None, finding.message)
    if form.errors:
        return []
    return [_shown(words, design.variables) for words in design.versions]


def _shown(words: Words, variables: Sequence[Variable]) -> dict[str, str]:
    content = templates.preview(words, variables)
    return {"language": words.language, "subject": content.subject, "text": content.text}


def _is_kept(
    request: HttpRequest, form: TransactionalForm, row: TransactionalTemplate | None
) -> bool:
    who, now = account_of(request).id, timezone.now()
    design = form.design()
    try:
        if row is None:
            code = form.cleaned_data["code"]
            templates.create_transactional_template(code=code, design=design, actor_id=who, now=now)
        else:
            templates.change_transactional_template(
                template_id=row.id, design=design, actor_id=who, now=now
            )
    except CodeTaken:
        form.add_error("code", _("Another template has this code, perhaps an archived one."))
        return False
    except TemplateUnknown:
        form.add_error("name", _("This template was archived meanwhile."))
        return False
    return True


@require_POST
@staff_page(*REPLIERS)
def transactional_archive(request: HttpRequest, template_id: UUID) -> HttpResponse:
    """The list then offers to undo it."""
    if not TransactionalTemplate.objects.filter(id=template_id).exists():
        raise Http404
    templates.archive_transactional_template(template_id=template_id, now=timezone.now())
    return redirect(f"{reverse('transactional-list')}?archived={template_id}")


@require_POST
@staff_page(*REPLIERS)
def transactional_restore(request: HttpRequest, template_id: UUID) -> HttpResponse:
    if not TransactionalTemplate.objects.filter(id=template_id).exists():
        raise Http404
    templates.restore_transactional_template(template_id=template_id)
    messages.success(request, _("The template is back in the list."))
    return redirect("transactional-list")
