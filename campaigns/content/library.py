"""The templates that come with the program: starters to write from, and the required letters."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LANGUAGES = ("fr", "en")
_HERE = Path(__file__).parent
_NAMES: dict[str, Promise] = {
    "newsletter": _("Newsletter"),
    "event": _("Event invitation"),
    "product": _("Product news"),
    "welcome": _("Welcome"),
    "webinar": _("Webinar"),
    "story": _("Customer story"),
    "offer": _("Seasonal offer"),
    "survey": _("Feedback in one click"),
    "reconsent": _("Stay in touch"),
    "letter": _("Simple letter"),
    "digest": _("Digest"),
}


@dataclass(frozen=True, slots=True)
class Starter:
    code: str
    language: str
    name: Promise
    mjml: str

    @property
    def key(self) -> str:
        """One word for a form: ``newsletter.fr``."""
        return f"{self.code}.{self.language}"


@cache
def starters() -> tuple[Starter, ...]:
    """Every starter in every language, in the order to show them."""
    return tuple(
        Starter(code, language, name, _read("starters", code, language))
        for language in LANGUAGES
        for code, name in _NAMES.items()
    )


def starter(key: str) -> Starter | None:
    return next((each for each in starters() if each.key == key), None)


@cache
def letter(code: str, language: str) -> str:
    """The MJML of a required letter; English where it is not written in this language.

    ``confirmation``, ``information``, ``opted_out``; FileNotFoundError for another code.
    """
    return _read("letters", code, language if language in LANGUAGES else "en")


def _read(folder: str, code: str, language: str) -> str:
    return (_HERE / folder / f"{code}.{language}.mjml").read_text()
