"""The questions of the form editor, and the draft they make."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consent.services import Basis, NoticeUnknown, PurposeText, notice, purposes
from crm.services import FreeTextField
from forms_intake.fields import ALWAYS_REQUIRED, FIELDS
from forms_intake.models import FormVersion
from forms_intake.publishing import LANGUAGES
from forms_intake.versions import FormDraft, PurposeChoice

TEXTS = {
    "title": _("Title"),
    "intro": _("Introduction"),
    "submit": _("Words of the button"),
    "thanks": _("Thank-you after sending"),
}
_LONG_TEXTS = ("intro", "thanks")
NOT_ASKED, OPTIONAL, REQUIRED = "", "optional", "required"
ASKED = [(NOT_ASKED, _("Not asked")), (OPTIONAL, _("Optional")), (REQUIRED, _("Required"))]
_WITH_BOX = [
    (Basis.CONSENT.value, _("Consent: an empty box to tick")),
    (Basis.LEGITIMATE_INTEREST.value, _("Legitimate interest: a box to object")),
]
_WITHOUT_BOX = [
    (Basis.PRE_CONTRACT.value, _("Asked for by the person, before a contract")),
    (Basis.CONTRACT.value, _("Needed for a contract")),
]
AUDIENCES = [
    ("professionals", _("Professionals, in their work")),
    ("anyone", _("Anyone, consumers among them")),
]
NOT_USED = [("", _("Not in this form"))]
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?\Z")


def _attributes(**more: str) -> dict[str, str]:
    return {"class": "form-control", "autocomplete": "off", **more}


def _line(label: Any, *, max_length: int = 200, help_text: Any = "", **more: str) -> FreeTextField:
    return FreeTextField(
        label=label,
        required=False,
        max_length=max_length,
        help_text=help_text,
        widget=forms.TextInput(attrs=_attributes(**more)),
    )


def _lines(label: Any, *, rows: str, help_text: Any = "") -> FreeTextField:
    return FreeTextField(
        label=label,
        required=False,
        max_length=4000,
        help_text=help_text,
        widget=forms.Textarea(attrs=_attributes(rows=rows)),
    )


def _choice(label: Any, choices: list[tuple[str, Any]]) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "form-select"})
    return forms.ChoiceField(label=label, choices=choices, required=False, widget=widget)


def _yes_no(label: Any, help_text: Any) -> forms.BooleanField:
    widget = forms.CheckboxInput(attrs={"class": "form-check-input"})
    return forms.BooleanField(label=label, required=False, help_text=help_text, widget=widget)


@dataclass(frozen=True)
class PurposeRow:
    """A purpose through one channel: whether the form has it, and the words of its box."""

    purpose: PurposeText
    channel: str
    basis: forms.BoundField
    words: list[forms.BoundField]


def _key(purpose: str, channel: str) -> str:
    return f"{purpose}-{channel}"


class EditorForm(forms.Form):
    """What a person writes of a form. What is missing is said when it is to be published."""

    name = FreeTextField(
        label=_("Name of the form"),
        help_text=_("For your team only."),
        max_length=120,
        widget=forms.TextInput(attrs=_attributes()),
    )
    notice_code = forms.SlugField(
        label=_("Notice"), max_length=40, widget=forms.TextInput(attrs=_attributes(list="notices"))
    )
    notice_version = forms.IntegerField(
        label=_("Version of the notice"),
        min_value=1,
        max_value=9999,
        widget=forms.NumberInput(attrs=_attributes()),
    )
    redirect_url = forms.URLField(
        label=_("Page to go to afterwards"),
        help_text=_("Leave empty for our own page with your thank-you."),
        required=False,
        max_length=200,
        assume_scheme="https",
        widget=forms.URLInput(attrs=_attributes(inputmode="url")),
    )
    allowed_origins = _lines(
        _("Sites that may show this form"),
        rows="3",
        help_text=_("One origin per line, such as https://www.example.org."),
    )
    has_double_opt_in = _yes_no(
        _("Ask for confirmation by mail (double opt-in)"),
        _("A ticked consent counts only after the person follows the link in our mail."),
    )
    has_proof_of_work = _yes_no(
        _("Ask for a proof of work"),
        _("Against machines: the browser computes for a second. It needs JavaScript."),
    )
    audience = forms.ChoiceField(
        label=_("Whom does this form speak to?"),
        help_text=_(
            "Consumers have stricter rules: selling to them by e-mail or telephone needs consent."
        ),
        choices=AUDIENCES,
        initial="professionals",
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    minimum_fill_seconds = forms.IntegerField(
        label=_("Shortest time to fill in, in seconds"),
        min_value=0,
        max_value=60,
        initial=3,
        widget=forms.NumberInput(attrs=_attributes()),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = purposes(language="fr" if get_language() == "fr" else "en")
        for language in LANGUAGES:
            for name, label in TEXTS.items():
                long = name in _LONG_TEXTS
                field = _lines(label, rows="3") if long else _line(label, lang=language)
                self.fields[f"{name}_{language}"] = field
        for name in FIELDS.keys() - {ALWAYS_REQUIRED}:
            self.fields[f"ask_{name}"] = _choice(FIELDS[name].labels["en"], ASKED)
        for purpose, channel in self._pairs():
            self._add_purpose(purpose, channel)

    def _pairs(self) -> Iterator[tuple[PurposeText, str]]:
        return ((purpose, channel) for purpose in self.known for channel in purpose.channels)

    def _add_purpose(self, purpose: PurposeText, channel: str) -> None:
        bases = _WITH_BOX if purpose.is_marketing else [*_WITHOUT_BOX, *_WITH_BOX]
        bases = [each for each in bases if not purpose.bases or each[0] in purpose.bases]
        key = _key(purpose.code, channel)
        self.fields[f"basis_{key}"] = _choice(_("Lawful basis"), [*NOT_USED, *bases])
        for language in LANGUAGES:
            label = _("Words beside the box (%(language)s)") % {"language": language}
            self.fields[f"words_{language}_{key}"] = _line(label, max_length=300, lang=language)

    # --- for the page ------------------------------------------------------------------------

    def texts(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [
            (language, [self[f"{name}_{language}"] for name in TEXTS]) for language in LANGUAGES
        ]

    def questions(self) -> list[tuple[str, forms.BoundField]]:
        language = "fr" if get_language() == "fr" else "en"
        optional = [name for name in FIELDS if name != ALWAYS_REQUIRED]
        return [(FIELDS[name].labels[language], self[f"ask_{name}"]) for name in optional]

    def purpose_rows(self) -> list[PurposeRow]:
        return [
            PurposeRow(
                purpose,
                channel,
                self[f"basis_{_key(purpose.code, channel)}"],
                [self[f"words_{language}_{_key(purpose.code, channel)}"] for language in LANGUAGES],
            )
            for purpose, channel in self._pairs()
        ]

    # --- what is wrong at once ---------------------------------------------------------------

    def clean_allowed_origins(self) -> list[str]:
        lines = self.cleaned_data["allowed_origins"].split()
        origins = [line.strip().rstrip("/").lower() for line in lines]
        for origin in origins:
            if not _ORIGIN.match(origin):
                raise forms.ValidationError(
                    _("An origin is a scheme and a host, such as https://www.example.org.")
                )
        return list(dict.fromkeys(origins))

    def clean(self) -> dict[str, Any]:
        super().clean()
        code, version = (self.cleaned_data.get(name) for name in ("notice_code", "notice_version"))
        for language in self._languages() if code and version else ():
            try:
                notice(code=str(code), version=int(str(version)), language=language)
            except NoticeUnknown:
                message = _("There is no such notice in every language of the form.")
                self.add_error("notice_code", message)
                break
        return self.cleaned_data

    def _languages(self) -> list[str]:
        given = self.cleaned_data
        return [each for each in LANGUAGES if any(given.get(f"{name}_{each}") for name in TEXTS)]

    # --- to and from a draft -----------------------------------------------------------------

    def draft(self) -> FormDraft:
        """Only after is_valid()."""
        given = self.cleaned_data
        plain = (
            "notice_code", "notice_version", "redirect_url", "allowed_origins",
            "has_double_opt_in", "has_proof_of_work", "minimum_fill_seconds", "audience",
        )  # fmt: skip
        return FormDraft(
            texts={
                language: {name: given[f"{name}_{language}"] for name in TEXTS}
                for language in self._languages()
            },
            fields=[
                {"name": name, "is_required": asked == REQUIRED}
                for name in FIELDS
                if (asked := given.get(f"ask_{name}", REQUIRED))
            ],
            purposes=[
                PurposeChoice(purpose.code, channel, basis, self._words(purpose.code, channel))
                for purpose, channel in self._pairs()
                if (basis := given[f"basis_{_key(purpose.code, channel)}"])
            ],
            **{name: given[name] for name in plain},
        )

    def _words(self, purpose: str, channel: str) -> dict[str, str]:
        return {
            language: self.cleaned_data[f"words_{language}_{_key(purpose, channel)}"]
            for language in self._languages()
        }


class NewForm(EditorForm):
    code = forms.SlugField(
        label=_("Address of the form"),
        help_text=_("The last part of its public address: small letters, digits and hyphens."),
        max_length=40,
        widget=forms.TextInput(attrs=_attributes(autocapitalize="none", spellcheck="false")),
    )

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"].lower()
        if code == "new":
            raise forms.ValidationError(_("Choose another address: this one is taken."))
        return code


def written(version: FormVersion) -> Mapping[str, object]:
    """Return a version as the initial values of the editor."""
    values: dict[str, object] = {
        name: getattr(version, name)
        for name in EditorForm.base_fields
        if name not in {"name", "allowed_origins"}
    }
    values["allowed_origins"] = "\n".join(version.allowed_origins)
    for language, texts in version.texts.items():
        values |= {f"{name}_{language}": text for name, text in texts.items()}
    for each in version.fields:
        values[f"ask_{each['name']}"] = REQUIRED if each["is_required"] else OPTIONAL
    for row in version.purposes.all():
        key = _key(row.purpose_id, row.channel)
        values[f"basis_{key}"] = row.basis
        values |= {f"words_{each}_{key}": text for each, text in row.control_texts.items()}
    return values
