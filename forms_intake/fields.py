"""The closed list of what a form may ask. A field nobody reviewed cannot be asked."""

import functools
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from babel import Locale
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from privacy.services import (
    CARD_NUMBER_REFUSED,
    InvalidAddress,
    holds_card_number,
    normalise_email,
    normalise_phone,
)

# With accents of four bytes each, everything together still fits into an envelope of 16 KiB.
MESSAGE_MAX = 3000
ALWAYS_REQUIRED = "email"
# Babel's two-letter codes that are no countries: unions, outlying parts, tests, "unknown".
_NOT_COUNTRIES = frozenset(
    ["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"]
)
# A name with an address in it is an advertisement that our mail would carry.
_ADDRESS_IN_NAME = re.compile(r"://|www\.", re.IGNORECASE)


class InvalidField(ValueError):
    """The value cannot be accepted; the message says what to write and never repeats it."""

    def __init__(self, code: str, message: str | Promise) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Field:
    """One field: how it is asked and what it accepts."""

    name: str
    labels: Mapping[str, str]
    kind: str  # email, text, tel, country or textarea
    autocomplete: str
    max_length: int
    check: Callable[[str], str]

    def clean(self, value: object) -> str:
        """Return the value in its one form, "" for an empty one; raises InvalidField.

        Cleaning what is clean changes nothing.
        """
        if not isinstance(value, str):
            raise InvalidField("not_text", _("This must be text."))
        text = _plain(value, is_multiline=self.kind == "textarea")
        if len(text) > self.max_length:
            raise InvalidField("too_long", _("This is too long."))
        if holds_card_number(text):
            raise InvalidField("card_number", CARD_NUMBER_REFUSED)
        return self.check(text) if text else ""


def _plain(value: str, *, is_multiline: bool) -> str:
    """Refuse what no keyboard types: it is there to break headers, files or logs."""
    text = value.replace("\r\n", "\n").strip() if is_multiline else value.strip(" ")
    for character in text:
        category = unicodedata.category(character)
        if category in {"Zl", "Zp"} or character in "\r\n":
            if not is_multiline:
                raise InvalidField("line_break", _("This must be a single line."))
        elif category in {"Cc", "Cs"} and not (is_multiline and character == "\t"):
            raise InvalidField("control_character", _("This has a character that is not text."))
    return unicodedata.normalize("NFC", text)


def _email(text: str) -> str:
    try:
        return normalise_email(text)
    except InvalidAddress:
        message = _("Enter an e-mail address such as name@example.org.")
        raise InvalidField("invalid_email", message) from None


def _phone(text: str) -> str:
    try:
        return normalise_phone(text)
    except InvalidAddress:
        message = _("Enter a telephone number such as 01 23 45 67 89 or +44 20 7946 0000.")
        raise InvalidField("invalid_phone", message) from None


def _name(text: str) -> str:
    if _ADDRESS_IN_NAME.search(text):
        raise InvalidField("address_in_name", _("A name cannot hold a web address."))
    return text


def _country(text: str) -> str:
    if text.upper() not in countries("en"):
        raise InvalidField("unknown_country", _("Choose a country from the list."))
    return text.upper()


def _as_typed(text: str) -> str:
    return text


@functools.cache
def countries(language: str) -> Mapping[str, str]:
    """Return ISO 3166-1 code -> name in `language`, in the order of the names."""
    found = {
        code: str(name)
        for code, name in Locale(language).territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES
    }
    return dict(sorted(found.items(), key=lambda item: _sort_key(item[1])))


def _sort_key(name: str) -> str:
    # "Égypte" stands beside "Espagne", not after "Zimbabwe".
    letters = unicodedata.normalize("NFKD", name)
    return "".join(each for each in letters if not unicodedata.combining(each)).casefold()


_FIELDS = (
    Field("email", {"fr": "Adresse e-mail", "en": "E-mail address"}, "email", "email", 254, _email),
    Field("given_name", {"fr": "Prénom", "en": "First name"}, "text", "given-name", 80, _name),
    Field("family_name", {"fr": "Nom", "en": "Last name"}, "text", "family-name", 80, _name),
    Field("phone", {"fr": "Téléphone", "en": "Telephone"}, "tel", "tel", 40, _phone),
    Field("company", {"fr": "Société", "en": "Company"}, "text", "organization", 120, _as_typed),
    Field(
        "job_title",
        {"fr": "Fonction", "en": "Job title"},
        "text",
        "organization-title",
        120,
        _as_typed,
    ),
    Field("country", {"fr": "Pays", "en": "Country"}, "country", "country", 2, _country),
    Field(
        "message",
        {"fr": "Votre message", "en": "Your message"},
        "textarea",
        "off",
        MESSAGE_MAX,
        _as_typed,
    ),
)
FIELDS: Mapping[str, Field] = {field.name: field for field in _FIELDS}
