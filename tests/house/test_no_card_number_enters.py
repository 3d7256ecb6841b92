"""Every field of words, on both sides, refuses the number of a payment card."""

from django import forms
from django.urls import get_resolver

from crm.free_text import FreeTextField
from forms_intake.fields import FIELDS, InvalidField

# Secrets, names and codes of sign-in, and filters, whose words are kept nowhere.
OWN_SHAPE = {"crm.accounts.forms", "crm.officer.addresses"}
NUMBER = "4111 1111 1111 1111"


def _forms(form: type[forms.Form]) -> set[type[forms.Form]]:
    below = form.__subclasses__()
    return {*below}.union(*map(_forms, below)) if below else set()


def _ours() -> list[type[forms.Form]]:
    get_resolver("deploy.urls_staff").reverse_dict  # noqa: B018 - imports every page
    floors = ("crm.", "consent.", "campaigns.", "forms_intake.", "privacy.")
    return [each for each in _forms(forms.Form) if each.__module__.startswith(floors)]


def test_every_field_of_words_of_staff_refuses_card_numbers() -> None:
    found = _ours()
    assert len(found) > 20
    plain = [
        f"{form.__module__}.{form.__name__}.{name}"
        for form in found
        for name, field in form.base_fields.items()
        if form.__module__ not in OWN_SHAPE
        and type(field) is forms.CharField
        and not isinstance(field.widget, forms.HiddenInput)
    ]
    assert plain == [], "Use crm.free_text.FreeTextField."


def test_no_form_makes_a_plain_field_of_words_while_it_runs() -> None:
    """Fields that are made in __init__ are not in base_fields: the sources say what they are."""
    from tests.house.test_rules import ROOT, SOURCES

    plain = {
        str(path.relative_to(ROOT)).removesuffix(".py").replace("/", ".")
        for path in SOURCES
        if "forms.CharField(" in path.read_text(encoding="utf-8").replace("(forms.CharField)", "")
    }
    assert plain - OWN_SHAPE == set()


def test_the_field_refuses_and_does_not_repeat_the_number() -> None:
    class Trial(forms.Form):
        words = FreeTextField()

    form = Trial({"words": f"my card {NUMBER}"})
    assert form.errors.as_data()["words"][0].code == "card_number"
    assert "4111" not in form.errors.as_json()


def test_every_public_field_that_takes_words_refuses_card_numbers() -> None:
    for field in FIELDS.values():
        try:
            field.clean(NUMBER)
        except InvalidField as refusal:
            assert refusal.code in {"card_number", "too_long"}, field.name
            assert "4111" not in str(refusal.message)
        else:
            raise AssertionError(field.name)
