"""What a field accepts, and that what was accepted once is accepted again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forms_intake.fields import FIELDS, InvalidField, countries


def cleaned(name: str, text: str) -> str | None:
    try:
        return FIELDS[name].clean(text)
    except InvalidField as error:
        assert error.code
        return None


@given(name=st.sampled_from(sorted(FIELDS)), text=st.text(max_size=120))
def test_cleaning_twice_is_cleaning_once(name: str, text: str) -> None:
    """The worker cleans again what the public side cleaned: it must come to the same."""
    once = cleaned(name, text)
    if once is not None:
        assert cleaned(name, once) == once


@given(name=st.sampled_from(sorted(FIELDS)), text=st.text(max_size=120))
def test_what_is_kept_can_be_written_down(name: str, text: str) -> None:
    once = cleaned(name, text)
    if once is not None:
        once.encode()
        assert "\0" not in once
        assert name == "message" or not {"\r", "\n"} & set(once)


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("email", " Alice@Example.ORG ", "alice@example.org"),
        ("email", "zoé@bücher.example", "zoé@xn--bcher-kva.example"),
        ("phone", "01.23.45.67.89", "+33123456789"),
        ("phone", "+44 20 7946 0000", "+442079460000"),
        ("country", "fr", "FR"),
        ("given_name", "E\u0301loi", "Éloi"),
        ("message", " a\r\nb\tc ", "a\nb\tc"),
        ("company", "   ", ""),
        ("family_name", "d'Arc-Ñúñez (née O’Neil)", "d'Arc-Ñúñez (née O’Neil)"),
    ],
)
def test_one_form_of_each(name: str, text: str, kept: str) -> None:
    assert FIELDS[name].clean(text) == kept


def test_countries_are_countries_in_the_order_of_their_names() -> None:
    french = countries("fr")
    assert 245 <= len(french) <= 252
    assert {"FR", "RE", "XK"} <= french.keys()
    assert not {"EU", "UN", "ZZ"} & french.keys()
    names = list(french.values())
    assert names.index("Égypte") < names.index("Espagne") < names.index("Zambie")


def test_every_label_is_in_both_languages() -> None:
    assert {tuple(field.labels) for field in FIELDS.values()} == {("fr", "en")}
