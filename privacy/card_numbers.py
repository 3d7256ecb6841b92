"""Whether a text holds the number of a payment card: such a text is refused wherever it enters.

A card number (ISO/IEC 7812) in a message would put the whole installation under PCI DSS, and
nothing here has a use for it. What is looked for: 13 to 19 digits of a known issuer's prefix and
length whose check digit (Luhn) is right, with blanks, dashes or dots between them.

What is alike and passes: valid account numbers (IBAN), telephone numbers in international form,
dates, and the French SIRET, which has 14 digits and the same check digit as a Diners card. A
number of 14 digits that could be either is taken for a SIRET unless it is grouped 4-6-4 as on a
card; digits in pairs are looked at where nothing but them is in a row.
"""

import re
import unicodedata
from collections.abc import Iterator

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from stdnum import iban, luhn

from privacy.vault.indexes import InvalidAddress, normalise_phone

SHORTEST, LONGEST = 13, 19
CODE = "card_number"
REFUSED = _("This looks like the number of a payment card. Please take it out: none is kept here.")
# First and last prefix and the lengths issued under them, after ISO/IEC 7812 and the networks'
# own lists. Maestro is told apart from a SIRET only where it is longer.
_ISSUERS: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset({13, 16, 19})),  # Visa
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),  # Mastercard
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),  # American Express
    ("300", "305", frozenset({14, 16, 19})),  # Diners
    ("3095", "3095", frozenset({14, 16, 19})),
    ("36", "36", frozenset({14, 16, 19})),
    ("38", "39", frozenset({14, 16, 19})),
    ("3528", "3589", frozenset({16, 17, 18, 19})),  # JCB
    ("6011", "6011", frozenset({16, 19})),  # Discover
    ("644", "659", frozenset({16, 19})),
    ("62", "62", frozenset({16, 17, 18, 19})),  # UnionPay
    ("50", "50", frozenset({16, 18, 19})),  # Maestro
    ("56", "58", frozenset({16, 18, 19})),
    ("6304", "6304", frozenset({16, 18, 19})),
    ("67", "67", frozenset({16, 18, 19})),
)
_RUN = re.compile(r"\d(?:[ .-]{0,3}\d)*")
_DATE = re.compile(r"(?<!\d)(?:\d{1,2}[-./]\d{1,2}[-./]\d{4}|\d{4}-\d\d-\d\d)(?!\d)")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d\d(?:[ .-]?[A-Za-z0-9]){11,34}")
_IBAN_SHORTEST = 15


def holds_card_number(text: str) -> bool:
    """Say whether a text holds what looks like a valid card number."""
    if sum(map(str.isdecimal, text)) < SHORTEST:
        return False
    plain = _DATE.sub("#", _without_ibans(_in_ascii(text)))
    return any(
        _is_card_number(digits, grouping)
        for run in _RUN.finditer(plain)
        if not _is_telephone(plain, run)
        for digits, grouping in _candidates(run[0])
    )


def refuse_card_numbers(value: str) -> None:
    """Raise Django's ValidationError where a text holds a card number; it never repeats it."""
    if holds_card_number(str(value)):
        raise ValidationError(REFUSED, code=CODE)


def _in_ascii(text: str) -> str:
    """Return text with every script's digits, blanks and dashes as the plain ones."""
    return "".join(map(_plain, text))


def _plain(character: str) -> str:
    if character.isascii():
        return " " if character == "\t" else character
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    category = unicodedata.category(character)
    # Format characters (a zero-width blank, say) are invisible and part nothing.
    return {"Zs": " ", "Pd": "-", "Cf": ""}.get(category, character)


def _without_ibans(text: str) -> str:
    return _IBAN.sub(lambda found: _rest_after_iban(found[0]), text)


def _rest_after_iban(text: str) -> str:
    """Return what is left of a text that begins like an IBAN; all of it if it is none."""
    places = [place for place, character in enumerate(text) if character.isalnum()]
    for place in places[_IBAN_SHORTEST - 1 :]:
        if iban.is_valid(text[: place + 1].replace(".", ""), check_country=False):
            return "#" + text[place + 1 :]
    return text


def _is_telephone(text: str, run: re.Match[str]) -> bool:
    digits = re.sub(r"\D", "", run[0])
    is_abroad = digits.startswith("00")
    if not is_abroad and text[run.start() - 1 : run.start()] != "+":
        return False
    try:
        normalise_phone("+" + (digits[2:] if is_abroad else digits))
    except InvalidAddress:
        return False
    return True


def _candidates(run: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the digits and grouping of what in a row of digits could be written as a card number.

    Either all of it, or groups of four and more with a last one of any size: two telephone
    numbers in pairs beside each other are no card number.
    """
    groups = re.findall(r"\d+", run)
    for first in range(len(groups)):
        digits = ""
        for last in range(first, len(groups)):
            if last > first and len(groups[last - 1]) < 4 and first > 0:
                break
            digits += groups[last]
            if len(digits) > LONGEST:
                break
            is_whole = (first, last) == (0, len(groups) - 1)
            is_grouped = all(len(each) >= 4 for each in groups[first:last])
            if len(digits) >= SHORTEST and (is_whole or is_grouped):
                yield digits, tuple(map(len, groups[first : last + 1]))


def _is_card_number(digits: str, grouping: tuple[int, ...]) -> bool:
    is_issued = any(
        low <= digits[: len(low)] <= high and len(digits) in lengths
        for low, high, lengths in _ISSUERS
    )
    if not is_issued or not luhn.is_valid(digits):
        return False
    # A SIRET begins with a SIREN, which has a check digit of its own.
    return len(digits) != 14 or grouping == (4, 6, 4) or not luhn.is_valid(digits[:9])
