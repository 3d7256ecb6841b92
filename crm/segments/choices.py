"""What can be chosen as the value of a fact, with a name to read.

Forms and campaigns belong to floors above: they register who knows their names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.utils.functional import Promise
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from consent.services import Channel, purposes
from crm.models import Account, Role, Segment, Tag

_SQL = Path(__file__).parent.parent / "sql"

_FOLLOWERS = (Role.MARKETING, Role.SALES, Role.COMMUNICATION)

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


CHANNEL_NAMES: Mapping[str, Promise] = {
    "email": _("by e-mail"),
    "phone": _("by telephone"),
    "post": _("by post"),
    "sms": _("by text message"),
}
LEAD_STATE_NAMES: Mapping[str, Promise] = {
    "new": pgettext_lazy("lead", "New"),
    "in_progress": _("In progress"),
    "answered": _("Answered"),
    "closed": _("Closed"),
}


def _permissions() -> list[Choice]:
    """Every purpose by every channel of it; without a channel a code means by e-mail."""
    return [
        Choice(
            one.code if channel == Channel.EMAIL else f"{one.code}:{channel}",
            f"{one.title}, {CHANNEL_NAMES.get(channel, channel)}",
        )
        for one in purposes(language=get_language() or "fr")
        for channel in one.channels
    ]


def _lead_states() -> list[Choice]:
    return [Choice(code, name) for code, name in LEAD_STATE_NAMES.items()]


def _owners() -> list[Choice]:
    """Whoever may follow leads up, and is still with us."""
    rows = Account.objects.filter(is_active=True, role__in=_FOLLOWERS).order_by("username")
    return [Choice(str(row.id), row.username) for row in rows]


def _segments() -> list[Choice]:
    rows = Segment.objects.filter(archived_at=None).order_by("name")
    return [Choice(str(number), name) for number, name in rows.values_list("id", "name")]


_PROVIDERS: dict[str, Provider] = {
    "language": _languages,
    "status": _statuses,
    "tag": _tags,
    "form": _from_sql("form_codes.sql"),
    "campaign": _from_sql("campaign_ids.sql"),
    "permission": _permissions,
    "lead_state": _lead_states,
    "lead_owner": _owners,
    "segment": _segments,
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
