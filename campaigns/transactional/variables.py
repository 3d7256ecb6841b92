"""What a template takes: declared by name and kind, and nothing else is accepted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils import formats, translation

from campaigns.single.templates import FIELDS
from privacy.services import refuse_card_numbers

KINDS = ("text", "link", "date", "number")
MOST, TEXT_MAX, LINK_MAX = 30, 2_000, 2_000
# Beyond this a float of JSON is no longer the number that was meant.
_LARGEST = Decimal(10) ** 15
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class BadDeclaration(ValueError):
    """A line of the declaration cannot be read; the argument is the number of the line."""


class InvalidValues(ValueError):
    """What was sent does not fit the template; `errors` names fields and codes, never a value."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(sorted(errors)))
        self.errors = dict(errors)


@dataclass(frozen=True)
class Variable:
    name: str
    kind: str
    is_required: bool

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        return f"{self.name} {self.kind}{'' if self.is_required else ' optional'}"

    def sample(self) -> Any:
        """A value for previews."""
        samples = {
            "link": f"https://example.org/{self.name}",
            "date": "2026-12-31",
            "number": Decimal("1234.5"),
        }
        return samples.get(self.kind, f"({self.name})")


def declared(document: Sequence[Mapping[str, Any]]) -> list[Variable]:
    """The variables of a stored template."""
    return [Variable(**each) for each in document]


def read_declaration(text: str) -> list[Variable]:
    """Read `name kind` or `name kind optional`, one a line. Raises BadDeclaration."""
    found: dict[str, Variable] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        name, kind, *more = [*words, ""] if len(words) == 1 else words
        is_known = _NAME.fullmatch(name) and kind in KINDS and more in ([], ["optional"])
        if not is_known or name in found or name in FIELDS or len(found) == MOST:
            raise BadDeclaration(str(number))
        found[name] = Variable(name, kind, not more)
    return list(found.values())


def checked(variables: Sequence[Variable], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a request, checked. Raises InvalidValues with a code per field.

    Nothing that is not declared passes, so nothing is kept that no template shows.
    """
    known = {each.name: each for each in variables}
    # A name that was not declared may be anything, a person's too: it is not repeated.
    errors = {"variables": "unknown_variable"} if set(values) - set(known) else {}
    for each in variables:
        value = values.get(each.name)
        code = _why_not(each, value) if value is not None else "required" * each.is_required
        if code:
            errors[f"variables.{each.name}"] = code
    if errors:
        raise InvalidValues(errors)
    return {name: value for name, value in values.items() if value is not None}


def _why_not(variable: Variable, value: Any) -> str:
    """Return the code of what is wrong with a value, or nothing."""
    try:
        refuse_card_numbers(str(value))
    except ValidationError:
        return "card_number"
    return _CHECKS[variable.kind](value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return "not_a_text"
    if not value.strip():
        return "empty"
    if len(value) > TEXT_MAX:
        return "too_long"
    return "" if value.replace("\n", "").isprintable() else "control_character"


def _link(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or set(value) & set(' <>"\\'):
        return "not_a_link"
    if len(value) > LINK_MAX:
        return "too_long"
    try:
        parts = urlsplit(value)
    except ValueError:
        return "not_a_link"
    is_plain = parts.hostname and parts.username is None and parts.password is None
    return "" if parts.scheme == "https" and is_plain else "not_a_link"


def _date(value: Any) -> str:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return "not_a_date"
    return "" if len(value) == len("2026-12-31") else "not_a_date"


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return "not_a_number"
    number = Decimal(value)
    if not number.is_finite() or abs(number) >= _LARGEST:
        return "not_a_number"
    # Written out, a small exponent is a long line of noughts.
    return "" if int(number.as_tuple().exponent) >= -10 else "not_a_number"


_CHECKS = {"text": _text, "link": _link, "date": _date, "number": _number}


def written(
    variables: Sequence[Variable], values: Mapping[str, Any], *, language: str
) -> dict[str, str]:
    """Return checked values as they stand in a message of that language."""
    with translation.override(language):
        return {
            each.name: _written(each.kind, values[each.name])
            for each in variables
            if each.name in values
        }


def _written(kind: str, value: Any) -> str:
    if kind == "date":
        return str(formats.date_format(date.fromisoformat(value), "DATE_FORMAT"))
    if kind == "number":
        # Not grouped: the number of an invoice is one too.
        return str(formats.number_format(value, use_l10n=True, force_grouping=False))
    return str(value)
