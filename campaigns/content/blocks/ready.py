"""Mails to start from that are written as blocks, in every language of the program."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.content.blocks.document import Document, checked
from campaigns.content.blocks.mjml import write

LANGUAGES = ("fr", "en")
_HERE = Path(__file__).parent / "ready"
# "blank" is what every new mail begins with.
_NAMES: Mapping[str, Promise] = {
    "blank": _("An empty mail"),
    "letter": _("Newsletter"),
    "invitation": _("Invitation"),
    "offer": _("Product news"),
}


@dataclass(frozen=True, slots=True)
class ReadyMail:
    code: str
    language: str
    name: Promise
    document: Document

    @property
    def key(self) -> str:
        """One word for a form: ``letter.fr``."""
        return f"{self.code}.{self.language}"

    @property
    def mjml(self) -> str:
        return write(self.document).mjml


@cache
def ready_mails() -> tuple[ReadyMail, ...]:
    """Every one in every language, in the order to show them."""
    return tuple(
        ReadyMail(code, language, name, checked(json.loads(_text(code, language))))
        for language in LANGUAGES
        for code, name in _NAMES.items()
    )


def ready_mail(key: str) -> ReadyMail | None:
    return next((each for each in ready_mails() if each.key == key), None)


def _text(code: str, language: str) -> str:
    return (_HERE / f"{code}.{language}.json").read_text(encoding="utf-8")
