"""How fast a relay or a mail service may be written to, as a person sets it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from campaigns.models import Relay
from campaigns.relays.changing import CHANGEABLE
from campaigns.smtp.addresses import BadAddress, wire_domain
from crm.services import FreeTextField

_MOST = 2_000_000_000


def _number(label: Any, *, least: int = 1, most: int = _MOST, required: bool = False) -> Any:
    widget = forms.NumberInput(attrs={"class": "form-control", "min": least, "max": most})
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, required=required, widget=widget
    )


def _box(label: Any) -> forms.BooleanField:
    widget = forms.CheckboxInput(attrs={"class": "form-check-input"})
    return forms.BooleanField(label=label, required=False, widget=widget)


class LimitsForm(forms.Form):
    """Each may be empty: no limit of that kind."""

    per_second = _number(_("At most in a second"))
    per_minute = _number(_("At most in a minute"))
    per_hour = _number(_("At most in an hour"))
    per_day = _number(_("At most in 24 hours"))


class RelayForm(LimitsForm):
    weight = _number(_("Weight: its share of the messages"), most=1000, required=True)
    carries_newsletters = _box(_("Carries newsletters"))
    carries_letters = _box(_("Carries required letters"))
    sender_domains = FreeTextField(
        label=_("Sender domains, one behind the other; empty: every one"),
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    max_connections = _number(_("Connections at once"), most=1000)
    warm_up_from = forms.DateField(
        label=_("First day of the warm-up"),
        required=False,
        widget=forms.DateInput(attrs={"class": "form-control", "type": "date"}, format="%Y-%m-%d"),
    )
    warm_up_first_day = _number(_("Messages on the first day"))
    warm_up_growth_percent = _number(
        _("Of the day before, in percent: 150 is half as many more"), least=100, most=1000
    )
    warm_up_days = _number(_("Days of the warm-up"), most=365)

    def clean_sender_domains(self) -> list[str]:
        try:
            return [wire_domain(name) for name in self.cleaned_data["sender_domains"].split()]
        except BadAddress:
            raise ValidationError(
                _("Write domains like example.org, with spaces between.")
            ) from None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        plan = [cleaned.get(name) for name in self.fields if name.startswith("warm_up_")]
        if any(plan) and not all(plan):
            raise ValidationError(_("A warm-up needs all four: its day, number, growth and days."))
        return cleaned


def initial_of(relay: Relay) -> dict[str, Any]:
    values = {name: getattr(relay, name) for name in CHANGEABLE}
    return {**values, "sender_domains": " ".join(relay.sender_domains)}
