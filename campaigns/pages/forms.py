"""What a person writes of a campaign or a template."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from campaigns.content.compile import lint_line
from campaigns.content.lint import LONGEST_SOURCE_BYTES
from campaigns.drafts import Draft
from campaigns.models import Campaign


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", **attributes})


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})


def _code() -> forms.CharField:
    return forms.CharField(
        label=_("MJML code"),
        max_length=LONGEST_SOURCE_BYTES,
        strip=False,
        widget=forms.Textarea(
            attrs={
                "class": "form-control campaigns-code",
                "rows": "28",
                "spellcheck": "false",
                "autocapitalize": "off",
                "wrap": "off",
                "data-campaigns-code": "",
            }
        ),
        error_messages={"required": _("Write the mail, or start from a template.")},
    )


def _language() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Language of the mail"), choices=settings.LANGUAGES, widget=_select()
    )


def _related(field: str) -> Any:
    """The rows a campaign may point at; their app is reached through the key alone."""
    related: Any = Campaign._meta.get_field(field).related_model
    return related._default_manager


def purposes() -> list[tuple[str, str]]:
    """What a campaign may be for: marketing purposes that mail is a channel of."""
    title = "title_fr" if get_language() == "fr" else "title_en"
    rows = _related("purpose").filter(is_marketing=True, channels__contains="email")
    return [*rows.order_by("position", "code").values_list("code", title)]


def segments() -> list[tuple[str, Any]]:
    rows = _related("segment").filter(archived_at=None).order_by("name")
    named = [(str(each), name) for each, name in rows.values_list("id", "name")]
    return [("", _("Every contact")), *named]


class CampaignForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the campaign"),
        help_text=_("For your team only."),
        max_length=120,
        widget=_text(),
    )
    purpose = forms.ChoiceField(
        label=_("Purpose"),
        help_text=_("Only people who may be written to for this purpose will receive it."),
        choices=purposes,
        widget=_select(),
    )
    segment = forms.ChoiceField(
        label=_("Segment"), choices=segments, required=False, widget=_select()
    )
    language = _language()
    subject = forms.CharField(label=_("Subject"), max_length=200, widget=_text())
    preheader = forms.CharField(
        label=_("Preheader"),
        help_text=_("The line that mail programs show after the subject."),
        max_length=200,
        required=False,
        widget=_text(),
    )
    sender_name = forms.CharField(label=_("Sender name"), max_length=120, widget=_text())
    sender_address = forms.EmailField(
        label=_("Sender address"), max_length=254, widget=_text(inputmode="email")
    )
    reply_to = forms.EmailField(
        label=_("Answers go to"), max_length=254, required=False, widget=_text(inputmode="email")
    )
    mjml = _code()

    def clean(self) -> dict[str, Any]:
        for name in ("subject", "preheader"):
            for finding in lint_line(self.cleaned_data.get(name, "")):
                self.add_error(name, finding.message)
        return self.cleaned_data

    def draft(self) -> Draft:
        """Only after is_valid()."""
        given = {**self.cleaned_data}
        segment = given.pop("segment")
        return Draft(
            purpose_id=given.pop("purpose"), segment_id=UUID(segment) if segment else None, **given
        )


class TemplateForm(forms.Form):
    name = forms.CharField(label=_("Name of the template"), max_length=120, widget=_text())
    language = _language()
    mjml = _code()


class TestSendForm(forms.Form):
    to = forms.EmailField(
        label=_("Send a test to"), max_length=254, widget=_text(inputmode="email", type="email")
    )


class LaunchForm(forms.Form):
    """`seen` is the moment of the version that was looked at: no other version is launched."""

    seen = forms.CharField(max_length=40, widget=forms.HiddenInput)
    is_checked = forms.BooleanField(
        label=_("I have read the mail and checked who will receive it."),
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
        error_messages={"required": _("Confirm that you have checked the mail.")},
    )
