"""What can be chosen as the value of a fact, with a name to read.

Forms and campaigns belong to floors above: they register who knows their names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from consent.services import Channel, purposes
from crm.models import Tag

_SQL = Path(__file__).parent.parent / "sql"

STATUS_NAMES: Mapping[str, Promise] = {
    "new": _("New"),
    "engaged": _("Engaged"),
    "customer": _("Customer"),
    "former": _("Former customer"),
    "unreachable": _("Unreachable"),
}


@dataclass(frozen=True)
class Choice:
    value: str
    label: str | Promise


Provider = Callable[[], Sequence[Choice]]


def _from_sql(name: str) -> Provider:
    statement = (_SQL / name).read_text(encoding="utf-8")

    def provide() -> list[Choice]:
        with connections["default"].cursor() as cursor:
            cursor.execute(statement)
            return [Choice(row[0], row[0]) for row in cursor.fetchall()]

    return provide


def _languages() -> list[Choice]:
    return [Choice(code, name) for code, name in settings.LANGUAGES]


def _statuses() -> list[Choice]:
    return [Choice(code, name) for code, name in STATUS_NAMES.items()]


def _tags() -> list[Choice]:
    return [Choice(tag.slug, tag.title) for tag in Tag.objects.order_by("title", "slug")]


def _permissions() -> list[Choice]:
    known = purposes(language=get_language() or "fr")
    return [Choice(one.code, one.title) for one in known if Channel.EMAIL in one.channels]


_PROVIDERS: dict[str, Provider] = {
    "language": _languages,
    "status": _statuses,
    "tag": _tags,
    "form": _from_sql("form_codes.sql"),
    "campaign": _from_sql("campaign_ids.sql"),
    "permission": _permissions,
}


# By those who know the names, on the floors above.
_REGISTERED: dict[str, Provider] = {}


def register_choices(*, fact: str, provider: Provider) -> None:
    """Say who knows the values of `form` or `campaign` by name; the last one registered does."""
    _REGISTERED[fact] = provider


def choices_of(fact: str) -> list[Choice] | None:
    """Return what can be chosen for a fact; None where any text can be written."""
    provider = _REGISTERED.get(fact) or _PROVIDERS.get(fact)
    return None if provider is None else list(provider())


def has_choices(fact: str) -> bool:
    """Say whether the values of a fact are chosen, or written freely."""
    return fact in _PROVIDERS or fact in _REGISTERED


def names_of(fact: str) -> dict[str, str]:
    """Return value -> name to read, for pages that show codes and ids."""
    return {choice.value: str(choice.label) for choice in choices_of(fact) or []}
