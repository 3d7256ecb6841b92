"""The questions of the notice builder, and the draft they make."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consent.services import (
    NOTICE_RECIPIENTS,
    Basis,
    MissingItem,
    NoticeChoices,
    NoticeKind,
    OfferedPurpose,
    interest_word,
    offered_purposes,
)
from crm.free_text import FreeTextField
from crm.officer.notice_words import INTEREST, KINDS, RECIPIENTS, WORDS
from crm.pages.labels import BASES, words

LANGUAGES = ("fr", "en")
_LONGEST = 1500


@dataclass(frozen=True)
class Pair:
    """The same words in each language, side by side, and what is missing of them."""

    label: Any
    help_text: Any
    columns: list[tuple[str, forms.BoundField, list[Any]]]


@dataclass(frozen=True)
class PurposeRow:
    purpose: OfferedPurpose
    basis: forms.BoundField
    interest: Pair | None


def _field_name(word: str, language: str) -> str:
    return f"{word.replace(':', '__')}_{language}"


class NoticeEditor(forms.Form):
    """What an officer writes of a notice. What is missing is said, and a draft is kept anyway."""

    recipients = forms.MultipleChoiceField(
        label=_("Who receives the data"),
        choices=[(code, RECIPIENTS[code]) for code in NOTICE_RECIPIENTS],
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    leaves_union = forms.BooleanField(
        label=_("Data leaves the European Union"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    has_decisions = forms.BooleanField(
        label=_("A machine alone takes decisions about people"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def __init__(self, posted: QueryDict | None = None, *, choices: NoticeChoices) -> None:
        super().__init__(posted, initial=_written(choices))
        self.choices = choices
        self.missing: list[MissingItem] = []
        self.offered = offered_purposes(language=get_language() or "fr")
        for purpose in self.offered:
            self._add_purpose(purpose)
        left_out = (
            {"mandatory"} if choices.kind == NoticeKind.INDIRECT else {"source", "categories"}
        )
        self.names = [name for name in WORDS if name not in left_out]
        for name in self.names:
            self._add_words(name, WORDS[name])

    def _add_purpose(self, purpose: OfferedPurpose) -> None:
        bases = [
            ("", _("Not in this notice")),
            *((each, words(BASES, each)) for each in purpose.bases),
        ]
        self.fields[f"basis_{purpose.code}"] = forms.ChoiceField(
            label=_("Lawful basis"),
            choices=bases,
            required=False,
            widget=forms.Select(attrs={"class": "form-select"}),
        )
        if Basis.LEGITIMATE_INTEREST in purpose.bases:
            self._add_words(interest_word(purpose.code), INTEREST)

    def _add_words(self, name: str, said: tuple[Any, Any, int]) -> None:
        label, _help, rows = said
        for language in LANGUAGES:
            attributes = {"class": "form-control", "rows": str(rows), "lang": language}
            self.fields[_field_name(name, language)] = FreeTextField(
                label=label,
                required=False,
                max_length=_LONGEST,
                widget=forms.Textarea(attrs=attributes),
            )

    # --- for the page ------------------------------------------------------------------------

    def purpose_rows(self) -> list[PurposeRow]:
        return [
            PurposeRow(each, self[f"basis_{each.code}"], self._interest(each))
            for each in self.offered
        ]

    def _interest(self, purpose: OfferedPurpose) -> Pair | None:
        if Basis.LEGITIMATE_INTEREST not in purpose.bases:
            return None
        return self._pair(interest_word(purpose.code), INTEREST)

    def pairs(self) -> Mapping[str, Pair]:
        return {name: self._pair(name, WORDS[name]) for name in self.names}

    def _pair(self, name: str, said: tuple[Any, Any, int]) -> Pair:
        label, help_text, _rows = said
        return Pair(
            label,
            help_text,
            [
                (language, self[_field_name(name, language)], self._lacks(name, language))
                for language in LANGUAGES
            ],
        )

    def _lacks(self, name: str, language: str) -> list[Any]:
        return [
            each.sentence for each in self.missing if (each.word, each.language) == (name, language)
        ]

    # --- to a draft --------------------------------------------------------------------------

    def draft(self) -> NoticeChoices:
        """Only after is_valid(). Words that are not asked for now are kept for later."""
        given = self.cleaned_data
        names = [
            *self.names,
            *(
                interest_word(each.code)
                for each in self.offered
                if Basis.LEGITIMATE_INTEREST in each.bases
            ),
        ]
        return NoticeChoices(
            kind=self.choices.kind,
            bases={
                each.code: basis for each in self.offered if (basis := given[f"basis_{each.code}"])
            },
            recipients=given["recipients"],
            leaves_union=given["leaves_union"],
            has_decisions=given["has_decisions"],
            words={
                language: {
                    name: text
                    for name in names
                    if (text := _plain(given[_field_name(name, language)]))
                }
                for language in LANGUAGES
            },
        )


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _written(choices: NoticeChoices) -> dict[str, object]:
    """A draft as the initial values of the editor."""
    values: dict[str, object] = {
        "recipients": choices.recipients,
        "leaves_union": choices.leaves_union,
        "has_decisions": choices.has_decisions,
    }
    values |= {f"basis_{code}": basis for code, basis in choices.bases.items()}
    for language, said in choices.words.items():
        values |= {_field_name(name, language): text for name, text in said.items()}
    return values


class NewNotice(forms.Form):
    code = forms.SlugField(
        label=_("Short name"),
        help_text=_("Small letters, digits and hyphens, such as “site”. Forms name it so."),
        max_length=40,
        widget=forms.TextInput(
            attrs={"class": "form-control", "autocomplete": "off", "autocapitalize": "none"}
        ),
    )
    kind = forms.ChoiceField(
        label=_("Whom it informs"),
        choices=[(each, KINDS[each]) for each in ("direct", "indirect")],
        initial="direct",
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"].lower()
        if code in {"new", "wording"}:
            raise forms.ValidationError(_("Choose another name: this one is taken."))
        return code


class Confirmation(forms.Form):
    is_wording = forms.BooleanField(
        label=_("I have read the changes: nothing of substance is told otherwise."),
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
        error_messages={"required": _("Confirm it, or publish a new version instead.")},
    )
