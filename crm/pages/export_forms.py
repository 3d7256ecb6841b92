"""What is asked before people are exported: choices only, so that no words are kept."""

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consent.services import purposes
from crm.exports.terms import ALL, COLUMNS, KEEP_DAYS, KEEP_DAYS_MOST, REASONS, ExportTerms
from crm.pages.labels import CHANNELS, words
from crm.segments import store
from crm.segments.choices import choices_of

_SELECT = {"class": "form-select"}


class ExportForm(forms.Form):
    """Who, what for, why, which columns, and for how long."""

    # One page asks once, however often its button is pressed.
    source = forms.UUIDField(widget=forms.HiddenInput)
    scope = forms.ChoiceField(label=_("Who"), widget=forms.Select(attrs=_SELECT))
    purpose = forms.ChoiceField(
        label=_("What for"),
        help_text=_("Only who may be reached for this, in this way, will be in the file."),
        widget=forms.Select(attrs=_SELECT),
    )
    reason = forms.ChoiceField(
        label=_("Why a file is needed"),
        choices=[("", _("Choose a reason")), *REASONS.items()],
        widget=forms.Select(attrs=_SELECT),
    )
    columns = forms.MultipleChoiceField(
        label=_("Columns"),
        help_text=_("As few as the work needs."),
        choices=list(COLUMNS.items()),
        initial=["email"],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        error_messages={"required": _("Choose at least one column.")},
    )
    keep_days = forms.IntegerField(
        label=_("Days until the file is destroyed"),
        help_text=_("At most 30. What you have downloaded by then, you delete yourself."),
        min_value=1,
        max_value=KEEP_DAYS_MOST,
        initial=KEEP_DAYS,
        widget=forms.NumberInput(attrs={"class": "form-control"}),
    )
    has_bom = forms.BooleanField(
        label=_("For Excel: with a mark that says UTF-8"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        segments = [(f"segment:{one.id}", one.name) for one in store.segments()]
        tags = [(f"tag:{one.value}", str(one.label)) for one in choices_of("tag") or []]
        groups: list[Any] = [("", _("Choose whom")), (f"{ALL}:", _("Everybody"))]
        groups += [(_("Segments"), segments)] if segments else []
        groups += [(_("Tags"), tags)] if tags else []
        self._offer("scope", groups)
        known = [
            (f"{one.code}:{channel}", f"{one.title}, {words(CHANNELS, channel)}")
            for one in purposes(language=get_language() or "fr")
            for channel in one.channels
        ]
        self._offer("purpose", [("", _("Choose a purpose")), *known])

    def _offer(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = choices

    def terms(self) -> ExportTerms:
        """Only after is_valid()."""
        said = self.cleaned_data
        scope, _sign, scope_id = said["scope"].partition(":")
        purpose, _sign, channel = said["purpose"].partition(":")
        return ExportTerms(
            scope,
            scope_id,
            purpose,
            channel,
            said["reason"],
            [name for name in COLUMNS if name in said["columns"]],
            said["keep_days"],
            said["has_bom"],
        )
