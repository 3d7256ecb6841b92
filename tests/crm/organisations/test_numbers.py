"""Account and card numbers: what is one, its one form, and how little is shown of it."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from crm.organisation_numbers import (
    grouped,
    masked_card,
    masked_iban,
    normalise_bic,
    normalise_card,
    normalise_iban,
)

# Of the registry of IBANs (ISO 13616) and of the networks' pages for tests.
FRENCH, GERMAN = "FR1420041010050500013M02606", "DE89370400440532013000"
BRITISH = "GB29NWBK60161331926819"


@pytest.mark.parametrize("number", [FRENCH, GERMAN, BRITISH, "BE68539007547034"])
@pytest.mark.parametrize("mark", ["", " ", "\u00a0", "-"])
def test_an_iban_is_taken_however_it_is_grouped(number: str, mark: str) -> None:
    typed = mark.join(number[start : start + 4] for start in range(0, len(number), 4))
    assert normalise_iban(typed.lower()) == number


@pytest.mark.parametrize(
    "wrong",
    [
        FRENCH[:-1] + "7",  # its check digits are others
        FRENCH[:-1],
        FRENCH + "0",
        "XX89370400440532013000",
        "DE8937040044053201300",
        "",
        "4111111111111111",
    ],
)
def test_what_is_no_iban_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        normalise_iban(wrong)
    assert not wrong or wrong not in str(refusal.value)


@given(place=st.integers(4, 21), digit=st.sampled_from("0123456789"))
def test_one_wrong_digit_of_an_iban_is_always_found(place: int, digit: str) -> None:
    changed = GERMAN[:place] + digit + GERMAN[place + 1 :]
    if changed == GERMAN:
        assert normalise_iban(changed) == GERMAN
    else:
        with pytest.raises(ValidationError):
            normalise_iban(changed)


def test_a_bic_has_its_shape() -> None:
    assert normalise_bic("bnpafrpp xxx") == "BNPAFRPPXXX"
    assert normalise_bic("DEUTDEFF") == "DEUTDEFF"
    for wrong in ("DEUTDEF", "DEUTDEFF1", "1EUTDEFF", ""):
        with pytest.raises(ValidationError):
            normalise_bic(wrong)


def test_a_card_number_has_its_check_digit() -> None:
    assert normalise_card("4111 1111-1111 1111") == "4111111111111111"
    for wrong in ("4111111111111112", "411111", "4111x111", "4" * 40, ""):
        with pytest.raises(ValidationError) as refusal:
            normalise_card(wrong)
        assert not wrong or wrong not in str(refusal.value)


def test_masks_show_the_last_four_and_the_country_alone() -> None:
    assert masked_iban(FRENCH) == "FR •••• 2606"
    assert masked_card("4111111111111111") == "•••• 1111"
    assert (masked_iban(""), masked_card("")) == ("", "")
    assert grouped("4111111111111111") == "4111 1111 1111 1111"
