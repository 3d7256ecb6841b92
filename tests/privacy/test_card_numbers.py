"""No text with the number of a payment card is let in; what is only alike is."""

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import luhn

from privacy.services import holds_card_number

# The networks' own numbers for tests: no card has them.
VECTORS = (
    *("4111111111111111", "4012888888881881", "4222222222222", "4000000000000000006"),
    *("5555555555554444", "5105105105105100", "2223003122003222", "378282246310005"),
    *("371449635398431", "6011111111111117", "6011000990139424", "3530111333300000"),
    *("3566002020360505", "6200000000000005", "6759649826438453"),
)
GROUPED = (
    *("4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111"),
    *("4111\u00a01111\u00a01111\u00a01111", "4111\u202f1111\u202f1111\u202f1111"),
    *("3782 822463 10005", "3056 930902 5904", "41 11 11 11 11 11 11 11", "4111 – 1111 – 11111111"),
    *("\uff14\uff11\uff11\uff11 1111 1111 1111", "4111\u200b1111\u200b1111\u200b1111"),
)
ALIKE = (
    *(
        "FR76 3000 6000 0112 3456 7890 189",
        "DE89 3704 0044 0532 0130 00",
        "fr7630006000011234567890189",
    ),
    *("GB82WEST12345698765432", "732 829 320 00074", "40483304800022", "38012986646850"),
    *("380 129 866 46850", "+33 6 12 34 56 78", "+49 1511 2345678", "0033612345678"),
    *("01 23 45 67 89 06 12 34 56 78", "24.11.2026 24.12.2026", "2026-11-24 2027-01-05"),
    *("FR83404833048", "4111 1111 1111 1112", "404 833 048", "", "1234567890123456"),
    *("9111111111111111", "01935f8e-7c3a-7000-8000-000000000000"),
)


@pytest.mark.parametrize("text", [*VECTORS, *GROUPED])
@pytest.mark.parametrize("around", ["{}", "My card is {}, please.", "n°{}/CVV 123", "Hello\n{}\n"])
def test_a_card_number_is_found(text: str, around: str) -> None:
    assert holds_card_number(around.format(text))


@pytest.mark.parametrize("text", ALIKE)
def test_what_is_only_alike_passes(text: str) -> None:
    assert not holds_card_number(text)
    assert not holds_card_number(f"Our number: {text}.")


@pytest.mark.parametrize("beside", ["123 4111 1111 1111 1111", "4111 1111 1111 1111 123 12"])
def test_other_digits_beside_it_do_not_hide_it(beside: str) -> None:
    assert holds_card_number(beside)


_PREFIXES = {13: ["4"], 15: ["34", "37"], 19: ["4", "62"]}
_PREFIXES[16] = ["4", "51", "55", "2221", "2720", "6011", "65", "3528", "62"]
ISSUED = st.sampled_from([(each, size) for size, known in _PREFIXES.items() for each in known])
SHAPES = ((19,), (4, 4, 4, 4, 3), (4, 6, 9), (4, 6, 5), (2,) * 10, (1,) * 19)
WORDS = st.text(alphabet=st.characters(categories=["L", "Po", "Sm"], exclude_characters="+."))


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    prefix, length = draw(ISSUED)
    missing = length - 1 - len(prefix)
    digits = prefix + draw(st.text(alphabet="0123456789", min_size=missing, max_size=missing))
    digits += luhn.calc_check_digit(digits)
    parts: list[str] = []
    left = digits
    for size in draw(st.sampled_from(SHAPES)):
        parts, left = [*parts, left[:size]], left[size:]
    mark = draw(st.sampled_from([" ", "-", "\u00a0", " - ", "\u2011", "."]))
    return mark.join(part for part in [*parts, left] if part)


@given(before=WORDS, number=card_numbers(), after=WORDS)
def test_no_text_with_a_card_number_passes(before: str, number: str, after: str) -> None:
    # Two letters right before it may make an account number of it, with its own check digits.
    assume(not before[-2:].isascii() or not before[-2:].isalpha())
    assert holds_card_number(before + number + after)


@given(siren=st.text(alphabet="0123456789", min_size=8, max_size=8), nic=st.integers(0, 9999))
def test_no_siren_and_no_siret_is_refused(siren: str, nic: int) -> None:
    full = siren + luhn.calc_check_digit(siren)
    siret = f"{full}{nic:04d}"
    siret += luhn.calc_check_digit(siret)
    spaced = " ".join([full[:3], full[3:6], full[6:], siret[9:]])
    for text in (full, siret, spaced):
        assert not holds_card_number(text), text


def test_telephone_numbers_of_pages_pass() -> None:
    numbers = [f"0{n} {n}2 34 56 78" for n in range(1, 10)]
    for one, other in itertools.pairwise(numbers):
        assert not holds_card_number(f"{one} {other}")
        assert not holds_card_number(f"+33 {one[1:]} / +33 {other[1:]}")
