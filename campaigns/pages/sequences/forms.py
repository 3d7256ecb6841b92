"""What is asked of a sequence, of its settings, and of each kind of step."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from campaigns.automations.definition import (
    DATES,
    KINDS,
    REENTRY_DAYS_MAX,
    TRIGGERS,
    UNITS,
    Definition,
    Step,
)
from campaigns.automations.notices import addresses_of_contacts
from campaigns.models import Sequence, SequenceState
from campaigns.pages.forms import Choices, purpose_choices
from campaigns.pages.sequences.words import (
    DATE_NAMES,
    KIND_NAMES,
    TRIGGER_NAMES,
    UNIT_NAMES,
    WEEKDAYS,
)
from campaigns.smtp.addresses import BadAddress, wire_address
from crm.services import Account, FreeTextField, NotATag, choices_of, make_tag, segments

_ANY = [("", "–")]
_LISTED = 500


def _select() -> forms.Select:
    return forms.Select(attrs={"class": "form-select"})


def _text(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", **attributes})


def _number(label: Any, low: int, high: int, **rest: Any) -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"class": "form-control"})
    return forms.IntegerField(label=label, min_value=low, max_value=high, widget=widget, **rest)


def _check(label: Any, **rest: Any) -> forms.BooleanField:
    widget = forms.CheckboxInput(attrs={"class": "form-check-input"})
    return forms.BooleanField(label=label, required=False, widget=widget, **rest)


def _choice(label: Any, choices: Callable[[], Choices] | Choices, **rest: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, widget=_select(), **rest)


def _named(fact: str) -> Callable[[], Choices]:
    def provide() -> Choices:
        return [*_ANY, *((one.value, one.label) for one in choices_of(fact) or [])]

    return provide


def segment_names() -> Choices:
    return [*_ANY, *((str(one.id), one.name) for one in segments())]


def _tag_field(label: Any, **rest: Any) -> Any:
    return FreeTextField(label=label, max_length=60, widget=_text(list="known-tags"), **rest)


def _as_tag(title: str) -> str:
    if not title.strip():
        return ""
    try:
        return make_tag(title=title)
    except NotATag:
        raise ValidationError(_("Write a tag with at least one letter or digit.")) from None


class SequenceForm(forms.Form):
    name = FreeTextField(
        label=_("Name of the sequence"),
        help_text=_("For your team: nobody else sees it."),
        max_length=120,
        widget=_text(),
    )
    purpose = forms.ChoiceField(
        label=_("Purpose"),
        help_text=_("Whoever says no to it leaves the sequence at once."),
        choices=purpose_choices,
        widget=_select(),
    )


class SettingsForm(forms.Form):
    """What begins the sequence and what ends it."""

    kind = forms.ChoiceField(
        label=_("What begins it"),
        choices=[(kind, TRIGGER_NAMES[kind]) for kind in TRIGGERS],
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    form = _choice(_("Form"), _named("form"), required=False)
    tag = _tag_field(_("Tag"), required=False)
    segment = _choice(_("Segment"), segment_names, required=False)
    with_present = _check(_("Also who matches it already when you activate"))
    of = _choice(_("Date"), [(each, DATE_NAMES[each]) for each in DATES], required=False)
    days = _number(
        _("Days after it"), -3650, 3650, required=False, help_text=_("Negative: days before it.")
    )
    yearly = _check(_("Each year"))
    reentry_days = _number(
        _("May enter again after so many days"),
        0,
        REENTRY_DAYS_MAX,
        help_text=_("0: a person goes through it once, ever."),
    )
    on_skip = _choice(
        _("Who may not be sent one of its mails"),
        [("continue", _("goes on without it")), ("exit", _("leaves the sequence"))],
        help_text=_("Whoever says no leaves in any case."),
    )
    patience_days = _number(
        _("Days that a mail waits for a permission on its way"),
        0,
        90,
        help_text=_("For an address that is not confirmed yet, or a pause."),
    )
    exits_on_reply = _check(_("Whoever answers leaves the sequence"))
    exit_tags = FreeTextField(
        label=_("Tags that end it"),
        help_text=_("Separate them by commas."),
        required=False,
        max_length=300,
        widget=_text(),
    )
    goal = _choice(
        _("Goal"),
        segment_names,
        required=False,
        help_text=_("Whoever matches this segment has reached it and leaves."),
    )

    @staticmethod
    def initial_of(definition: Definition) -> dict[str, Any]:
        return {
            "of": "created",
            "days": 0,
            **definition.trigger,
            "reentry_days": definition.reentry_days,
            "on_skip": definition.on_skip,
            "patience_days": definition.patience_days,
            "exits_on_reply": definition.exits_on_reply,
            "exit_tags": ", ".join(definition.exit_tags),
            "goal": definition.goal.get("segment", ""),
        }

    def clean_tag(self) -> str:
        return _as_tag(self.cleaned_data["tag"])

    def clean_exit_tags(self) -> list[str]:
        given = str(self.cleaned_data["exit_tags"]).split(",")
        return [tag for tag in dict.fromkeys(_as_tag(each) for each in given) if tag]

    def held(self) -> dict[str, Any]:
        """What of a definition this form says; only after is_valid()."""
        given = self.cleaned_data
        return {
            "trigger": {"kind": given["kind"], **self._trigger()},
            "reentry_days": given["reentry_days"],
            "on_skip": given["on_skip"],
            "patience_days": given["patience_days"],
            "exits_on_reply": given["exits_on_reply"],
            "exit_tags": given["exit_tags"],
            "goal": {"segment": given["goal"]} if given["goal"] else {},
        }

    def _trigger(self) -> dict[str, Any]:
        given = self.cleaned_data
        match given["kind"]:
            case "segment":
                return {"segment": given["segment"], "with_present": given["with_present"]}
            case "date":
                days = given["days"] or 0
                return {"of": given["of"], "days": days, "yearly": given["yearly"]}
            case "form" | "tag" as kind:
                return {kind: given[kind]}
        return {}


# --- one form per kind of step ---------------------------------------------------------------


class WaitForm(forms.Form):
    amount = _number(_("How long"), 1, 1000)
    unit = _choice(_("Unit"), [(unit, UNIT_NAMES[unit]) for unit in UNITS])


class _HourForm(forms.Form):
    hour = _choice(
        _("Hour (time of the company)"), [(str(hour), f"{hour:02}:00") for hour in range(24)]
    )

    def clean_hour(self) -> int:
        return int(self.cleaned_data["hour"])


class WeekdayForm(_HourForm):
    weekdays = forms.MultipleChoiceField(
        label=_("Weekdays"),
        choices=[(str(number), name) for number, name in enumerate(WEEKDAYS)],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )

    def clean_weekdays(self) -> list[int]:
        return sorted(int(day) for day in self.cleaned_data["weekdays"])


class DayForm(_HourForm):
    date = forms.DateField(
        label=_("Day"),
        widget=forms.DateInput(attrs={"class": "form-control", "type": "date"}, format="%Y-%m-%d"),
    )

    def clean_date(self) -> str:
        return str(self.cleaned_data["date"].isoformat())


class ConditionForm(forms.Form):
    segment = _choice(_("Does the person match this segment?"), segment_names, required=False)
    sent = _choice(_("Or: was this mail sent to them?"), [], required=False)

    def __init__(self, *args: Any, definition: Definition, key: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        before = []
        for each in definition.every_step():
            if each.key == key:
                break
            before.append(each)
        field = self.fields["sent"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        mails = [(each.key, each.key.upper()) for each in before if each.kind == "send"]
        field.choices = [*_ANY, *mails]

    def clean(self) -> dict[str, Any]:
        given = {name: value for name, value in self.cleaned_data.items() if value}
        if len(given) != 1:
            raise ValidationError(_("Choose one of the two."))
        return given


class TagForm(forms.Form):
    tag = _tag_field(_("Tag"))

    def clean_tag(self) -> str:
        return _as_tag(self.cleaned_data["tag"])


def _colleagues() -> Choices:
    open_ones = Account.objects.filter(is_active=True).order_by("username")
    return [*_ANY, *((str(one.id), one.username) for one in open_ones[:_LISTED])]


class NotifyForm(forms.Form):
    account = _choice(_("Colleague"), _colleagues)
    address = FreeTextField(
        label=_("Their professional address"),
        help_text=_("For a mail with a link and no name. Empty: only in the program."),
        required=False,
        max_length=254,
        widget=_text(inputmode="email", spellcheck="false"),
    )

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"])
        if not address:
            return ""
        try:
            wire_address(address)
        except BadAddress:
            raise ValidationError(_("This is not an e-mail address.")) from None
        if addresses_of_contacts([address]):
            raise ValidationError(
                _("This is the address of a contact: the mails of the sequence are for them.")
            )
        return address


class WebhookForm(forms.Form):
    event = forms.SlugField(
        label=_("Name of the event"),
        help_text=_("Letters, digits and hyphens, as the other system knows it."),
        max_length=40,
        widget=_text(),
    )


def _sequences() -> Choices:
    rows = Sequence.objects.filter(state=SequenceState.ACTIVE).order_by("name", "id")
    return [*_ANY, *((str(number), name) for number, name in rows.values_list("id", "name"))]


class GotoForm(forms.Form):
    sequence = _choice(_("Sequence"), _sequences)


_FORMS: Mapping[str, type[forms.Form]] = {
    "wait": WaitForm,
    "wait_weekday": WeekdayForm,
    "wait_date": DayForm,
    "condition": ConditionForm,
    "tag": TagForm,
    "untag": TagForm,
    "notify": NotifyForm,
    "webhook": WebhookForm,
    "goto": GotoForm,
}
_STARTS: Mapping[str, dict[str, Any]] = {
    "wait": {"amount": 3, "unit": "days"},
    "wait_weekday": {"weekdays": ["1"], "hour": "9"},
    "wait_date": {"hour": "9"},
}


def has_form(kind: str) -> bool:
    return kind in _FORMS


def step_form(step: Step, definition: Definition, given: Any) -> forms.Form:
    """The form of a step, filled in with what it says."""
    initial = {**_STARTS.get(step.kind, {}), **step.says}
    if step.kind == "condition":
        return ConditionForm(given, initial=initial, definition=definition, key=step.key)
    return _FORMS[step.kind](given, initial=initial)


def first_words(kind: str) -> dict[str, Any]:
    """What a new step says before anybody has written it."""
    if kind == "wait":
        return {"amount": 3, "unit": "days"}
    if kind == "wait_weekday":
        return {"weekdays": [1], "hour": 9}
    return {}


class AddForm(forms.Form):
    kind = forms.ChoiceField(choices=[(kind, KIND_NAMES[kind]) for kind in KINDS])
    place = forms.RegexField(r"^(?:first|after|yes|no):[a-z0-9]{0,16}$")


class ActivateForm(forms.Form):
    """`seen` is the moment of the version that was looked at: no other version is activated."""

    moves_people = _check(_("Whoever is inside goes on in the new version, at the same step"))


def language_of_staff() -> str:
    return (get_language() or "fr")[:2]


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
