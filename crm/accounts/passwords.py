"""What a password must be: CNIL deliberation 2022-100 of 21 July 2022, and ASVS 5.0 6.2.

The deliberation asks for 80 bits where the password stands alone (case 1) and for 50 where
attempts are limited (case 2), as here. It no longer asks users to change it from time to time,
and neither do we (docs/decisions, 2026-11-24).
"""

import math
import re
import unicodedata

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.models import Account

# How many signs somebody who guesses must reckon with, by the kinds that are in the password: the
# sizes of the deliberation's own examples (26, 26, 10, and 37 special ones).
_KINDS = ((str.islower, 26), (str.isupper, 26), (str.isdigit, 10))
_OTHERS = 37
BITS = 60
_SHORTEST_NAME = 4


def varied_bits(password: str) -> float:
    """Return the length that really varies, times the bits of a sign.

    A sign adds nothing when it repeats one of the two before, is the neighbour of the last, or
    ends three that stood there already: "abcdefghijklmn" is worth one sign, "azertyazertyazerty"
    eight.
    """
    alphabet = sum(size for holds, size in _KINDS if any(map(holds, password)))
    is_other = any(not any(holds(sign) for holds, _size in _KINDS) for sign in password)
    alphabet += _OTHERS if is_other else 0
    new = [sign for i, sign in enumerate(password) if not _is_expected(password, i)]
    return len(new) * math.log2(alphabet) if alphabet else 0.0


def _is_expected(password: str, index: int) -> bool:
    sign, before = password[index], password[max(0, index - 2) : index]
    is_neighbour = bool(before) and abs(ord(sign) - ord(before[-1])) == 1
    is_told_again = len(before) == 2 and before + sign in password[:index]
    return sign in before or is_neighbour or is_told_again


class VariedPassword:
    """Refuses what is long and says little: repetitions and rows of neighbours."""

    def validate(self, password: str, user: Account | None = None) -> None:
        if varied_bits(password) < BITS:
            text = _(
                "This password repeats itself too much. Four or five unusual words are better."
            )
            raise ValidationError(text, code="password_not_varied")

    def get_help_text(self) -> str:
        return _("A password does not repeat the same few signs.")


def _plain(text: str) -> str:
    """Return letters and digits alone, without accents, in small letters."""
    split = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[^a-z0-9]", "", split)


class NotOurName:
    """Refuses the company's name and the product's, of which the rest would be quickly guessed.

    A name of the company counts when the password without it would be too short.
    """

    def validate(self, password: str, user: Account | None = None) -> None:
        rest = _plain(password)
        for name in self._names():
            rest = rest.replace(name, "")
        if len(rest) < 10 and len(rest) < len(_plain(password)):
            text = _("Leave out the name of the company and of this application.")
            raise ValidationError(text, code="password_is_our_name")

    def _names(self) -> list[str]:
        words = {_plain(settings.ORGANISATION_NAME), "accord"}
        words |= {_plain(word) for word in re.split(r"\W+", settings.ORGANISATION_NAME)}
        return sorted((w for w in words if len(w) >= _SHORTEST_NAME), key=len, reverse=True)

    def get_help_text(self) -> str:
        return _("A password does not rest on the name of the company.")
