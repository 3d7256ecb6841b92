"""What staff write of an organisation. A number that was typed is never sent back to the page."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crm.free_text import FreeTextField
from crm.organisation_numbers import (
    masked_card,
    masked_iban,
    normalise_bic,
    normalise_card,
    normalise_fax,
    normalise_iban,
)
from crm.organisations import REASONS, Change, Details
from crm.people import many_lines, one_line
from privacy.services import InvalidAddress, normalise_email

_TEXT = {"class": "form-control", "autocomplete": "off"}


class UnechoedInput(forms.TextInput):
    """An input that shows nothing of what was typed, also where the form comes back."""

    def format_value(self, value: Any) -> None:
        return None


class NumberField(forms.CharField):
    """An account or card number: the one kind of field that may hold one."""

    widget = UnechoedInput(attrs={**_TEXT, "inputmode": "text", "spellcheck": "false"})


class OrganisationForm(forms.Form):
    name = FreeTextField(
        label=_("Name"),
        max_length=120,
        widget=forms.TextInput(attrs=_TEXT),
        error_messages={"required": _("Give the organisation a name.")},
    )
    country = FreeTextField(
        label=_("Country (two letters)"),
        required=False,
        max_length=2,
        widget=forms.TextInput(attrs=_TEXT),
    )
    contract_ends_on = forms.DateField(
        label=_("The contract ends on"),
        help_text=_("Kept in clear: from it we count how long everything here is kept."),
        required=False,
        widget=forms.DateInput(attrs={**_TEXT, "type": "date"}, format="%Y-%m-%d"),
    )
    address = FreeTextField(
        label=_("Address"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={**_TEXT, "rows": "3"}),
    )
    fax = FreeTextField(
        label=_("Fax"), required=False, max_length=40, widget=forms.TextInput(attrs=_TEXT)
    )
    iban = NumberField(label=_("Add an IBAN"), required=False, max_length=60)
    bic = FreeTextField(
        label=_("BIC"), required=False, max_length=20, widget=forms.TextInput(attrs=_TEXT)
    )
    card_number = NumberField(label=_("Card number"), required=False, max_length=40)
    notes = FreeTextField(
        label=_("Notes"),
        help_text=_("About the organisation, never about a person's health or opinions."),
        required=False,
        max_length=3000,
        widget=forms.Textarea(attrs={**_TEXT, "rows": "5"}),
    )

    def __init__(self, *args: Any, details: Details | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ibans: Sequence[str] = details.ibans if details else ()
        self.fields["forget_ibans"] = forms.MultipleChoiceField(
            label=_("Forget these"),
            required=False,
            choices=[(one[-4:], masked_iban(one)) for one in self.ibans],
            widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        )
        if details and details.card_number:
            kept = masked_card(details.card_number)
            self.fields["card_number"].help_text = _("Kept: %s. Leave it empty to keep it.") % kept
            self.fields["forgets_card"] = forms.BooleanField(
                label=_("Forget the card number"),
                required=False,
                widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
            )

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"])

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).upper()
        if country and not (country.isascii() and country.isalpha() and len(country) == 2):
            raise ValidationError(_("A country is two capital letters, like FR."))
        return country

    def clean_address(self) -> str:
        return many_lines(self.cleaned_data["address"])

    def clean_notes(self) -> str:
        return many_lines(self.cleaned_data["notes"])

    def clean_fax(self) -> str:
        return normalise_fax(self.cleaned_data["fax"]) if self.cleaned_data["fax"] else ""

    def clean_iban(self) -> str:
        return normalise_iban(self.cleaned_data["iban"]) if self.cleaned_data["iban"] else ""

    def clean_bic(self) -> str:
        return normalise_bic(self.cleaned_data["bic"]) if self.cleaned_data["bic"] else ""

    def clean_card_number(self) -> str:
        typed = self.cleaned_data["card_number"]
        return normalise_card(typed) if typed else ""

    def change(self) -> Change:
        """Only after is_valid()."""
        said = dict(self.cleaned_data)
        facets = ("country", "contract_ends_on")
        return Change(**{name: value for name, value in said.items() if name not in facets})


class ShowForm(forms.Form):
    """Why somebody needs the numbers in full."""

    reason = forms.ChoiceField(
        label=_("Why do you need them?"),
        help_text=_("This is recorded with your name and the time."),
        choices=[("", _("Choose a reason")), *REASONS.items()],
        widget=forms.Select(attrs={"class": "form-select"}),
    )


class AttachForm(forms.Form):
    """A contact by its exact address. It is posted: an address is never part of an URL."""

    email = FreeTextField(
        label=_("Attach a contact by e-mail address"),
        max_length=254,
        widget=forms.TextInput(
            attrs={**_TEXT, "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def clean_email(self) -> str:
        try:
            return normalise_email(self.cleaned_data["email"])
        except InvalidAddress:
            raise ValidationError(_("This is not an e-mail address.")) from None
