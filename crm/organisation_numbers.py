"""Account and card numbers of organisations: checked, brought into one form, and masked.

Nothing here repeats a number: an error says what is wrong and never with what.
"""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from stdnum import bic, iban, luhn
from stdnum.exceptions import ValidationError as NotValid

from privacy.services import InvalidAddress, normalise_phone

CARD_SHORTEST, CARD_LONGEST = 13, 19
_BETWEEN = re.compile(r"[\s.\-\u2010-\u2015]+")


def normalise_iban(text: str) -> str:
    """Return an IBAN without blanks: its country's length and its check digits (ISO 13616)."""
    try:
        # Without the lists of a country's banks, which are out of date as soon as they are printed.
        return str(iban.validate(_BETWEEN.sub("", text), check_country=False))
    except NotValid:
        raise ValidationError(_("This is not an IBAN: look at it again.")) from None


def normalise_bic(text: str) -> str:
    """Return a BIC of 8 or 11 letters and digits (ISO 9362)."""
    try:
        return str(bic.validate(_BETWEEN.sub("", text)))
    except NotValid:
        raise ValidationError(_("A BIC has 8 or 11 letters and digits.")) from None


def normalise_card(text: str) -> str:
    """Return a card number as its digits (ISO/IEC 7812)."""
    digits = _BETWEEN.sub("", text)
    is_long_enough = CARD_SHORTEST <= len(digits) <= CARD_LONGEST
    if not (digits.isascii() and digits.isdecimal() and is_long_enough and luhn.is_valid(digits)):
        raise ValidationError(_("This is not the number of a card: look at it again."))
    return digits


def normalise_fax(text: str) -> str:
    try:
        return normalise_phone(text)
    except InvalidAddress:
        raise ValidationError(
            _("Enter a telephone number such as 01 23 45 67 89 or +44 20 7946 0000.")
        ) from None


def masked_iban(number: str) -> str:
    """Return the country and the last four of an account number."""
    return f"{number[:2]} •••• {number[-4:]}" if number else ""


def masked_card(number: str) -> str:
    """Return the last four of a card number (PCI DSS 3.4.1 allows no more than is needed)."""
    return f"•••• {number[-4:]}" if number else ""


def grouped(number: str) -> str:
    """Return a number in groups of four, as it is read aloud."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
