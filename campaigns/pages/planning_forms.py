"""What a person says about the moment of a campaign, its A/B test, its later round, and its end."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from campaigns.models import WinnerRule
from campaigns.pages.forms import MomentField
from campaigns.pages.labels import CANCEL_REASONS, REFUSALS
from campaigns.planning.moments import HourDoesNotExist, moment_of
from campaigns.services import ComparisonSettings

HOUR, DAY = 60, 24 * 60
_WAITS = [
    (HOUR, _("1 hour")),
    (4 * HOUR, _("4 hours")),
    (DAY, _("1 day")),
    (2 * DAY, _("2 days")),
    (7 * DAY, _("7 days")),
]
RULES = {
    WinnerRule.CLICKS: _("Most clicks, among those who agree to be measured"),
    WinnerRule.OPENS: _("Most openings, among those who agree to be measured"),
    WinnerRule.OPT_OUTS: _("Fewest opt-outs, among everybody"),
    WinnerRule.PERSON: _("A person decides"),
}


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})


def _tick() -> forms.CheckboxInput:
    return forms.CheckboxInput(attrs={"class": "form-check-input"})


class CancelForm(forms.Form):
    reason = forms.ChoiceField(
        label=_("Why?"),
        choices=[("", _("Choose…")), *CANCEL_REASONS.items()],
        widget=_select(),
        error_messages={"required": _("Say why: it stands in the history.")},
    )


class ScheduleForm(forms.Form):
    """A moment on the company's clocks; `cleaned_data["scheduled_at"]` is the moment itself."""

    seen = MomentField()
    day = forms.DateField(
        label=_("Day"), widget=forms.DateInput(attrs={"class": "form-control", "type": "date"})
    )
    hour = forms.TimeField(
        label=_("Hour"), widget=forms.TimeInput(attrs={"class": "form-control", "type": "time"})
    )
    is_by_local_hour = forms.BooleanField(
        label=_("At this hour in each person’s own time zone"), required=False, widget=_tick()
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if "day" in given and "hour" in given:
            try:
                given["scheduled_at"] = moment_of(datetime.combine(given["day"], given["hour"]))
            except HourDoesNotExist:
                text = _(
                    "That hour does not exist on this day: the clocks go forward. Choose another."
                )
                self.add_error("hour", ValidationError(text))
        return given


class SeenForm(forms.Form):
    seen = MomentField()


class AgreeForm(forms.Form):
    """The answer of the second person. A refusal says why, of a closed list."""

    # The question that was read: a later one is not answered by this.
    asked = forms.UUIDField(widget=forms.HiddenInput())
    do = forms.ChoiceField(choices=[("agree", ""), ("refuse", "")])
    reason = forms.ChoiceField(
        label=_("If you refuse: why?"),
        choices=[("", _("Choose…")), *REFUSALS.items()],
        required=False,
        widget=_select(),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("do") == "refuse" and not given.get("reason"):
            self.add_error("reason", _("Say why, so that the author knows what to change."))
        return given


class CompareForm(forms.Form):
    seen = MomentField()
    variants = forms.TypedChoiceField(
        label=_("How many variants"),
        choices=[(2, "2 (A, B)"), (3, "3 (A, B, C)"), (4, "4 (A, B, C, D)")],
        coerce=int,
        widget=_select(),
    )
    sample_percent = forms.IntegerField(
        label=_("Part of the audience in the test, in percent"),
        help_text=_("Divided among the variants by chance. The rest waits for the result."),
        min_value=1,
        max_value=100,
        widget=forms.NumberInput(attrs={"class": "form-control", "inputmode": "numeric"}),
    )
    rule = forms.ChoiceField(label=_("What decides"), choices=list(RULES.items()), widget=_select())
    wait_minutes = forms.TypedChoiceField(
        label=_("How long to wait after the last message of the test"),
        help_text=_("The numbers are looked at once, when the wait is over, and not before."),
        choices=_WAITS,
        coerce=int,
        widget=_select(),
    )

    def chosen(self) -> ComparisonSettings:
        """Only after is_valid()."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "seen"}
        return ComparisonSettings(**given)


class ChooseForm(forms.Form):
    variant = forms.TypedChoiceField(choices=[(n, "ABCD"[n]) for n in range(4)], coerce=int)


class MissingForm(forms.Form):
    with_failed = forms.BooleanField(required=False, widget=_tick())
    with_unknown = forms.BooleanField(required=False, widget=_tick())
