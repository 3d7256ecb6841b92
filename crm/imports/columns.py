"""Which column of a file is which field, and what a row says of a person."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from crm.imports.reading import Row
from crm.people import Person, one_line
from privacy.services import InvalidAddress, normalise_email, normalise_phone

FIELDS: dict[str, Promise] = {
    "email": _("E-mail"),
    "given_name": _("First name"),
    "family_name": _("Last name"),
    "company": _("Company"),
    "job_title": _("Job title"),
    "phone": _("Telephone"),
    "country": _("Country (two letters)"),
    "language": _("Language"),
    "tags": _("Tags"),
}
# Names of columns, without accents and signs, as French and English files have them.
_NAMES: dict[str, str] = {
    **dict.fromkeys(("email", "e mail", "mail", "courriel", "adresse e mail"), "email"),
    **dict.fromkeys(("adresse email", "adresse mail", "email address", "e mail address"), "email"),
    **dict.fromkeys(("prenom", "first name", "firstname", "given name"), "given_name"),
    **dict.fromkeys(("nom", "nom de famille", "last name", "lastname"), "family_name"),
    **dict.fromkeys(("surname", "family name"), "family_name"),
    **dict.fromkeys(("societe", "entreprise", "organisation", "organization"), "company"),
    **dict.fromkeys(("company", "raison sociale", "company name"), "company"),
    **dict.fromkeys(("fonction", "poste", "job", "job title", "title", "role"), "job_title"),
    **dict.fromkeys(("telephone", "tel", "phone", "phone number", "mobile"), "phone"),
    **dict.fromkeys(("portable", "numero de telephone"), "phone"),
    **dict.fromkeys(("pays", "country", "code pays", "country code"), "country"),
    **dict.fromkeys(("langue", "language", "locale"), "language"),
    **dict.fromkeys(("tags", "tag", "etiquettes", "etiquette", "mots cles"), "tags"),
}
_LANGUAGES = {"fr": "fr", "francais": "fr", "french": "fr", "en": "en", "anglais": "en"}
_LANGUAGES |= {"english": "en"}

# Stands for such a row. No file holds it: one with a zero byte is refused before it is read.
CARD_NUMBER = "\0card number"
REASONS: dict[str, Promise] = {
    "no_address": _("There is no e-mail address on this line."),
    "invalid_address": _("The e-mail address is not valid."),
    "invalid_phone": _("The telephone number is not valid."),
    "invalid_country": _("The country is not a code of two letters."),
    "columns": _("The line has more cells than there are columns."),
    "card_number": _("The line holds the number of a payment card: it was not kept."),
    "duplicate": _("The address is on an earlier line already."),
    "said_no": _("A no is kept for this address: the person is not taken in."),
}


@dataclass(frozen=True, repr=False)
class Candidate:
    """A person as a row gives them. No repr: identities are never printed."""

    line: int
    person: Person
    language: str
    tags: tuple[str, ...]


def detect(header: Sequence[str]) -> dict[str, int]:
    """Return field -> column, as far as the names of the columns say so; the first one wins."""
    found: dict[str, int] = {}
    for number, name in enumerate(header):
        field = _NAMES.get(_plain(name))
        if field:
            found.setdefault(field, number)
    return found


def _plain(text: str) -> str:
    """Return text in small letters, without accents, its words parted by one blank."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", bare.casefold()))


def read_row(row: Row, mapping: Mapping[str, int], *, width: int) -> Candidate | str:
    """Return the person of a row, or the reason why it cannot be taken.

    Values stay what they are: a cell that begins like a formula is text like any other.
    """
    if CARD_NUMBER in row.cells:
        return "card_number"
    if len(row.cells) > width and any(row.cells[width:]):
        return "columns"
    given = {field: _cell(row.cells, number) for field, number in mapping.items()}
    if not given.get("email"):
        return "no_address"
    try:
        email = normalise_email(given["email"])
    except InvalidAddress:
        return "invalid_address"
    try:
        phone = normalise_phone(given["phone"]) if given.get("phone") else ""
    except InvalidAddress:
        return "invalid_phone"
    country = given.get("country", "").upper()
    if country and not re.fullmatch(r"[A-Z]{2}", country):
        return "invalid_country"
    person = Person(
        email=email,
        email_as_typed=given["email"],
        phone=phone,
        country=country,
        **{n: one_line(given.get(n, "")) for n in _WORDS},
    )
    return Candidate(row.line, person, _language(given), _tags(given.get("tags", "")))


_WORDS = ("given_name", "family_name", "company", "job_title")


def _cell(cells: Sequence[str], number: int) -> str:
    return cells[number] if number < len(cells) else ""


def _language(given: Mapping[str, str]) -> str:
    """French unless the row says English: the letter then comes in that language."""
    said = _plain(given.get("language", ""))
    return _LANGUAGES.get(said) or _LANGUAGES.get(said[:2], "fr")


def _tags(text: str) -> tuple[str, ...]:
    slugs = (slugify(part)[:40].strip("-") for part in re.split(r"[,;|]", text))
    return tuple(dict.fromkeys(slug for slug in slugs if slug))
