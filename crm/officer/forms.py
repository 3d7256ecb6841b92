"""What the data protection officer is asked. What is missing is said; a draft may be incomplete."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.services import DATA_TERMS, PURPOSE_TERMS, Assessment, Finding, RuleNow
from crm.free_text import FreeTextField
from crm.officer.wording import AUDIENCES, CHANNEL_NAMES, FACTS, OUTCOMES, SECTIONS, VALUES
from crm.pages.labels import BASES

_CODE = re.compile(r"[a-z][a-z0-9_]{2,39}\Z")
# Words that are addresses of pages.
_TAKEN = {"new", "rules"}
A_YEAR = timedelta(days=365)


def _attributes(**more: str) -> dict[str, str]:
    return {"class": "form-control", "autocomplete": "off", **more}


# A label is a lazy translation, which the stubs know by a private name only.
_LABELS: Mapping[str, Any] = FACTS


def _line(name: str, *, most: int, help_text: Any = "", **more: str) -> FreeTextField:
    widget = forms.TextInput(attrs=_attributes(**more))
    return FreeTextField(
        label=_LABELS[name], required=False, max_length=most, help_text=help_text, widget=widget
    )


def _lines(label: Any, *, most: int, rows: str, help_text: Any = "", **more: str) -> Any:
    widget = forms.Textarea(attrs=_attributes(rows=rows, **more))
    return FreeTextField(
        label=label, required=False, max_length=most, help_text=help_text, widget=widget
    )


def _number(name: str, help_text: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=_LABELS[name],
        required=False,
        min_value=0,
        max_value=9999,
        help_text=help_text,
        widget=forms.NumberInput(attrs=_attributes(inputmode="numeric")),
    )


def _several(name: str, known: Mapping[str, Any], help_text: Any = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_LABELS[name],
        required=False,
        choices=list(known.items()),
        help_text=help_text,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )


def _one(label: Any, choices: Iterable[tuple[str, Any]], help_text: Any = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=[("", _("Choose")), *choices],
        help_text=help_text,
        widget=forms.Select(attrs={"class": "form-select"}),
    )


@dataclass(frozen=True)
class Question:
    """A field with what is wrong with it: what was typed, or what publication would miss."""

    field: forms.BoundField
    errors: Sequence[str | Promise]

    @property
    def is_several(self) -> bool:
        return isinstance(self.field.field.widget, forms.CheckboxSelectMultiple)

    @property
    def is_switch(self) -> bool:
        return isinstance(self.field.field.widget, forms.CheckboxInput)


class OfficerForm(forms.Form):
    """A form whose fields also show what a publication would find."""

    findings: Sequence[Finding] = ()

    def ask(self, *names: str) -> list[Question]:
        return [self.question(name) for name in names]

    def question(self, name: str) -> Question:
        """Return one question, its mistakes bound to it for those who hear the page."""
        missing = [finding.sentence for finding in self.findings if finding.field == name]
        field = self[name]
        errors = [*field.errors, *missing]
        described = [f"{field.auto_id}_helptext"] if field.help_text else []
        described += [f"{field.auto_id}_error"] if errors else []
        widget = field.field.widget
        if described and not isinstance(widget, forms.CheckboxSelectMultiple):
            widget.attrs["aria-describedby"] = " ".join(described)
        if errors:
            widget.attrs["aria-invalid"] = "true"
        return Question(field, errors)


class PurposeForm(OfficerForm):
    title_fr = _line("title_fr", most=120, lang="fr")
    title_en = _line("title_en", most=120, lang="en")
    description_fr = _lines(FACTS["description_fr"], most=2000, rows="3", lang="fr")
    description_en = _lines(FACTS["description_en"], most=2000, rows="3", lang="en")
    recipients_fr = _line("recipients_fr", most=500, lang="fr")
    recipients_en = _line("recipients_en", most=500, lang="en")
    iri = _one(FACTS["iri"], PURPOSE_TERMS.items(), _("Of DPV: what machines read of the purpose."))
    more_iris = _several("more_iris", PURPOSE_TERMS)
    is_marketing = forms.BooleanField(
        label=_("This is marketing"),
        required=False,
        help_text=_("A person's “no to everything” ends it. It cannot be changed once published."),
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    channels = _several("channels", CHANNEL_NAMES)
    data_categories = _several(
        "data_categories", DATA_TERMS, _("No more than the purpose needs (GDPR 5(1)(c)).")
    )
    bases = _several(
        "bases", BASES, _("What a form may choose from; what it chose cannot be changed later.")
    )
    retention_days = _number(
        "retention_days", _("From the person's last act. Three years are 1095 days.")
    )
    position = _number("position", _("Smaller numbers come first."))

    def words(self) -> list[tuple[str, list[Question]]]:
        names = ("title", "description", "recipients")
        return [
            (language, self.ask(*(f"{name}_{language}" for name in names)))
            for language in ("fr", "en")
        ]

    def law(self) -> list[Question]:
        return self.ask("bases", "is_marketing")

    def usage(self) -> list[Question]:
        return self.ask("channels", "data_categories", "retention_days", "position")

    def terms(self) -> list[Question]:
        return self.ask("iri", "more_iris")

    def document(self) -> dict[str, Any]:
        """Only after is_valid()."""
        return {name: value for name, value in self.cleaned_data.items() if name in FACTS}


class NewPurposeForm(PurposeForm):
    code = FreeTextField(
        label=_("Code"),
        help_text=_("For records and interfaces, for ever: small letters, digits, underscores."),
        max_length=40,
        widget=forms.TextInput(attrs=_attributes(autocapitalize="none", spellcheck="false")),
        error_messages={"required": _("Give the purpose a code.")},
    )

    def code_question(self) -> Question:
        return self.question("code")

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"].strip()
        if not _CODE.match(code) or code in _TAKEN:
            raise forms.ValidationError(
                _("At least three small letters, digits or underscores; a letter comes first.")
            )
        return code


class AssessmentForm(OfficerForm):
    outcome = _one(_("How it comes out"), [(code, word) for code, (word, _c) in OUTCOMES.items()])
    audience = _one(_("Whom it is about"), AUDIENCES.items())
    review_on = forms.DateField(
        label=_("Look at it again on"),
        required=False,
        help_text=_("A year from now is a good habit; three years at most."),
        widget=forms.DateInput(attrs=_attributes(type="date"), format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (label, hint) in SECTIONS.items():
            self.fields[name] = _lines(label, most=20_000, rows="4", help_text=hint)

    def sections(self) -> list[Question]:
        return self.ask(*SECTIONS)

    def choices(self) -> list[Question]:
        return self.ask("outcome", "audience", "review_on")

    def document(self) -> dict[str, Any]:
        """Only after is_valid()."""
        given = dict(self.cleaned_data)
        day = given["review_on"]
        return {**given, "review_on": day.isoformat() if day else ""}


def begun_from(newest: Assessment | None) -> dict[str, Any]:
    """Return what the next assessment begins with: the newest one, to be looked at again."""
    if newest is None:
        return {"audience": "professionals"}
    return {**newest.texts, "outcome": newest.outcome, "audience": newest.audience}


class RuleForm(OfficerForm):
    def __init__(self, *args: Any, rule: RuleNow, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if rule.rule.between is None:
            known = [(value, VALUES[value]) for value in rule.rule.values]
            self.fields["value"] = _one(_("From now on"), known)
        else:
            least, most = rule.rule.between
            self.fields["value"] = FreeTextField(
                label=_("From now on"),
                max_length=6,
                help_text=_("From %(least)s to %(most)s.") % {"least": least, "most": most},
                widget=forms.TextInput(attrs=_attributes(inputmode="numeric")),
                error_messages={"required": _("Write a number.")},
            )
        self.fields["source"] = _lines(
            _("Source"),
            most=2000,
            rows="3",
            help_text=_("Law and article, decision and date, or advice: who reads it, and where."),
        )

    def questions(self) -> list[Question]:
        return self.ask("value", "source")
