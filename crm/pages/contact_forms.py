"""What is asked on the pages of contacts."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.contacts import ContactFilter
from crm.free_text import FreeTextField
from crm.search.folding import words_of
from crm.search.protocol import TEXT_MAX
from crm.segments.choices import STATUS_NAMES, choices_of
from privacy.services import InvalidAddress, normalise_email

_TOO_SHORT = _("Write at least two letters or digits.")
_SELECT = forms.Select(attrs={"class": "form-select"})


class FilterForm(forms.Form):
    """The filters of the list; a wrong one narrows nothing rather than failing."""

    status = forms.ChoiceField(label=_("Status"), required=False, widget=_SELECT)
    language = forms.ChoiceField(label=_("Language"), required=False, widget=_SELECT)
    tag = forms.ChoiceField(label=_("Tag"), required=False, widget=_SELECT)
    form = forms.ChoiceField(label=_("Form filled in"), required=False, widget=_SELECT)
    source = FreeTextField(
        label=_("Source"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("status", "language", "tag", "form"):
            known = [(one.value, one.label) for one in choices_of(name) or []]
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
            field.choices = [("", _("All")), *known]

    def chosen(self) -> ContactFilter:
        self.is_valid()
        return ContactFilter(**self.cleaned_data)


class SearchForm(forms.Form):
    """What is sought. It is posted: a name or an address is never part of an URL."""

    words = FreeTextField(
        label=_("Find by name, company, e-mail address or number"),
        max_length=TEXT_MAX,
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "type": "search",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "placeholder": _("A part of it is enough"),
            }
        ),
        error_messages={"required": _TOO_SHORT},
    )
    # The place behind the last one of the page before.
    after = forms.RegexField("^[0-2]-[0-9a-f]{32}$", required=False, widget=forms.HiddenInput)

    def clean_words(self) -> str:
        text: str = self.cleaned_data["words"]
        if not words_of(text):
            raise forms.ValidationError(_TOO_SHORT)
        return text

    def address(self) -> str:
        """Return the normalised address that was typed, or nothing if it was something else."""
        try:
            return normalise_email(self.cleaned_data["words"])
        except InvalidAddress:
            return ""


class AddressForm(forms.Form):
    """Exactly one address. It is posted: an address is never part of an URL."""

    email = FreeTextField(
        label=_("Find by e-mail address"),
        max_length=254,
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "type": "search",
                "inputmode": "email",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "placeholder": _("name@example.org"),
            }
        ),
        error_messages={"required": _("Write an e-mail address.")},
    )

    def clean_email(self) -> str:
        try:
            return normalise_email(self.cleaned_data["email"])
        except InvalidAddress:
            raise forms.ValidationError(_("This is not an e-mail address.")) from None


class TagForm(forms.Form):
    title = FreeTextField(
        label=_("Add a tag"),
        max_length=60,
        widget=forms.TextInput(
            attrs={"class": "form-control", "autocomplete": "off", "list": "known-tags"}
        ),
    )


class StatusForm(forms.Form):
    status = forms.ChoiceField(
        label=_("Status"), choices=list(STATUS_NAMES.items()), widget=_SELECT
    )


class NoForm(forms.Form):
    """A "no" to one purpose, or to everything; the number makes a second click harmless."""

    purpose = forms.SlugField(required=False, max_length=40, widget=forms.HiddenInput)
    source = forms.UUIDField(widget=forms.HiddenInput)
