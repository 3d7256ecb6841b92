"""What a person changes of the relays: each change leaves a line with who and what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from campaigns.models import MailServiceLimit, Relay, RelayChange
from campaigns.relays.addresses import know_relays, relay_urls
from campaigns.relays.mail_services import MAIL_SERVICES, UNIT_FIELDS

# What may be changed by hand; how a relay is, is for the breaker alone.
CHANGEABLE = (
    *("weight", "carries_letters", "carries_newsletters", "sender_domains", "max_connections"),
    *("per_second", "per_minute", "per_hour", "per_day"),
    *("warm_up_from", "warm_up_first_day", "warm_up_growth_percent", "warm_up_days"),
)


class NoSuchRelay(Exception):
    """The settings name no relay of this code."""


class NoSuchService(Exception):
    """This mail service is not on the reviewed list."""


def _known(code: str) -> None:
    if code not in relay_urls():
        raise NoSuchRelay(code)
    know_relays()


def set_enabled(*, code: str, is_enabled: bool, actor_id: UUID | None, now: datetime) -> None:
    """Take a relay out by hand, or bring it back; calling twice changes nothing more.

    The batch that is being handed over is finished. Raises NoSuchRelay.
    """
    _known(code)
    with transaction.atomic(using="default"):
        changed = Relay.objects.filter(code=code, is_enabled=not is_enabled)
        if changed.update(is_enabled=is_enabled):
            what = "resumed" if is_enabled else "paused"
            RelayChange.objects.create(at=now, actor_id=actor_id, relay_code=code, what=what)


def change_relay(
    *, code: str, values: Mapping[str, Any], actor_id: UUID | None, now: datetime
) -> None:
    """Set what a relay may carry and how fast. Calling twice changes nothing more.

    Raises NoSuchRelay. A plan of a warm-up is whole or not there (constraint).
    """
    _known(code)
    with transaction.atomic(using="default"):
        row = Relay.objects.select_for_update().get(code=code)
        new = {name: values[name] for name in CHANGEABLE if name in values}
        changed = {name: value for name, value in new.items() if getattr(row, name) != value}
        if not changed:
            return
        Relay.objects.filter(code=code).update(**changed)
        _note(at=now, actor_id=actor_id, relay_code=code, changed=changed)


def change_service(
    *, service: str, values: Mapping[str, int | None], actor_id: UUID | None, now: datetime
) -> None:
    """Set how fast a mail service is written to, over each relay. Raises NoSuchService."""
    if service not in MAIL_SERVICES:
        raise NoSuchService(service)
    limits = {name: values.get(name) for name in UNIT_FIELDS.values()}
    with transaction.atomic(using="default"):
        MailServiceLimit.objects.update_or_create(service=service, defaults=limits)
        _note(at=now, actor_id=actor_id, service=service, changed=limits)


def _note(*, changed: Mapping[str, Any], **line: Any) -> None:
    detail = {
        name: value if isinstance(value, int | list | None) else str(value)
        for name, value in changed.items()
    }
    RelayChange.objects.create(what="changed", detail=detail, **line)
