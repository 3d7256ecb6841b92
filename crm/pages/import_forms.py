"""What is asked before a file is imported."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consent.services import (
    ConsentCannotBeImported,
    NotImportable,
    check_importable,
    indirect_notices,
    purposes,
)
from crm.free_text import FreeTextField
from crm.imports.columns import FIELDS
from crm.imports.waiting import Terms

_SELECT = {"class": "form-select"}
_INPUT = {"class": "form-control", "autocomplete": "off"}


def importable_purposes() -> list[tuple[str, str]]:
    """Return code and title of the purposes that take imported people, in the order of pages."""
    found = []
    for purpose in purposes(language=get_language() or "fr"):
        try:
            check_importable(purpose_code=purpose.code, channel=purpose.channels[0])
        except (NotImportable, ConsentCannotBeImported, IndexError):
            continue
        found.append((purpose.code, purpose.title))
    return found


class UploadForm(forms.Form):
    """The file, where it is from, what it is for, and how its people are told."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV with one person per line; the first line names the columns."),
        widget=forms.ClearableFileInput(
            attrs={"class": "form-control", "accept": ".csv,.txt,text/csv,text/plain"}
        ),
    )
    source = FreeTextField(
        label=_("Where these people are from"),
        help_text=_("Their letter says it in these words: “the exhibitors of the fair of Lyon”."),
        max_length=120,
        min_length=6,
        widget=forms.TextInput(attrs=_INPUT),
    )
    purpose = forms.ChoiceField(
        label=_("What for"),
        help_text=_("Only purposes with legitimate interest and an assessment in force."),
        widget=forms.Select(attrs=_SELECT),
    )
    notice = forms.ChoiceField(
        label=_("The notice that they are sent"),
        help_text=_("A published notice of article 14: for data that came from somebody else."),
        widget=forms.Select(attrs=_SELECT),
    )

    def __init__(self, *args: Any, most_bytes: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whether there is anything to import for, and a notice to tell people with.
        self.is_possible = True
        text = _("Choose a file of at most %(size)s; a larger one is not taken.")
        required = str(text) % {"size": filesizeformat(most_bytes)}
        self.fields["file"].error_messages["required"] = required
        notices = [
            (f"{code}:{number}", f"{code} · {number}") for code, number in indirect_notices()
        ]
        self._offer("purpose", importable_purposes())
        self._offer("notice", notices)

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = choices
        self.is_possible = self.is_possible and bool(choices)

    def terms(self) -> Terms:
        code, _sign, version = self.cleaned_data["notice"].rpartition(":")
        purpose = self.cleaned_data["purpose"]
        known = {one.code: one for one in purposes(language="en")}
        return Terms(
            self.cleaned_data["source"].strip(),
            purpose,
            known[purpose].channels[0],
            code,
            int(version),
        )


class ColumnsForm(forms.Form):
    """Which column is which field; empty means that the file does not have it."""

    def __init__(self, *args: Any, header: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = [(str(number), name or f"({number + 1})") for number, name in enumerate(header)]
        for name, label in FIELDS.items():
            self.fields[name] = forms.TypedChoiceField(
                label=str(label),
                required=name == "email",
                choices=[("", _("not in the file")), *columns],
                coerce=int,
                empty_value=None,
                widget=forms.Select(attrs=_SELECT),
            )

    def clean(self) -> dict[str, Any]:
        chosen = [number for number in self.cleaned_data.values() if number is not None]
        if len(chosen) != len(set(chosen)):
            raise forms.ValidationError(_("A column can be one field only."))
        return self.cleaned_data

    @property
    def mapping(self) -> dict[str, int]:
        return {name: number for name, number in self.cleaned_data.items() if number is not None}
