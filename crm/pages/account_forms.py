"""What is asked on the pages of accounts."""

from datetime import date

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import Role

_SELECT = forms.Select(attrs={"class": "form-select"})
_LANGUAGES = (("fr", _("French")), ("en", _("English")))


class NewAccountForm(forms.Form):
    username = forms.RegexField(
        label=_("Username"),
        help_text=_("A pseudonym, not a name: it appears in logs. Letters, digits, dot and dash."),
        regex=r"^[a-z0-9][a-z0-9.-]{1,63}$",
        max_length=64,
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
        error_messages={
            "required": _("Write a username."),
            "invalid": _("Only small letters, digits, dots and dashes; two at least."),
        },
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, widget=_SELECT)
    language = forms.ChoiceField(label=_("Language"), choices=_LANGUAGES, widget=_SELECT)


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, widget=_SELECT)


class EndForm(forms.Form):
    day = forms.DateField(
        label=_("Last day"),
        help_text=_("The account ends with this day by itself. Leave it empty for none."),
        required=False,
        widget=forms.DateInput(attrs={"class": "form-control", "type": "date"}),
        error_messages={"invalid": _("This is not a day.")},
    )

    def clean_day(self) -> date | None:
        day: date | None = self.cleaned_data["day"]
        if day is not None and day < timezone.localdate():
            raise forms.ValidationError(_("This day is over: close the account instead."))
        return day
