"""Writing an event into the outbox, in the transaction in which it happens."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import uuid_utils.compat
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from psycopg.types.json import Jsonb

from crm.doorbells import ring_webhooks

_PUBLISH = (Path(__file__).parent.parent / "sql" / "publish_events.sql").read_text("utf-8")
# What other systems can be told of; a floor above adds its own.
KINDS: dict[str, Promise] = {
    "lead.created": _("A lead arrived"),
    "lead.state_changed": _("A lead is in another state"),
    "contact.opted_out": _("A person said no"),
    "campaign.finished": _("A campaign is finished"),
    "delivery.bounced": _("A message was refused for good"),
    "sequence.finished": _("A person came to the end of a sequence"),
    "endpoint.test": _("A test by staff"),
}


class KindUnknown(ValueError):
    """No such kind of event is published here."""


def register_event_kind(*, kind: str, label: Promise) -> None:
    """Add a kind of event that a floor above publishes."""
    KINDS[kind] = label


def publish_event(*, kind: str, ids: Mapping[str, str], at: datetime) -> None:
    """Tell every endpoint that listens to `kind`; see publish_events."""
    publish_events(kind=kind, ids=[ids], at=at)


def publish_events(*, kind: str, ids: Sequence[Mapping[str, str]], at: datetime) -> None:
    """Write events into the outbox, in the caller's transaction: told if and only if it commits.

    Each of `ids` names things (`lead_id` -> its id), never what is in them: other systems ask for
    the rest with a token of their own. Without an endpoint that listens nothing is written. Each
    event reaches each endpoint at least once; calling twice makes two events. Raises KindUnknown.
    """
    if kind not in KINDS:
        raise KindUnknown(KindUnknown.__doc__)
    if not ids:
        return
    with connections["default"].cursor() as cursor:
        _write(cursor, kind, [uuid_utils.compat.uuid7() for _one in ids], ids, at)
        if cursor.rowcount:
            transaction.on_commit(ring_webhooks, using="default", robust=True)


def _write(
    cursor: CursorWrapper,
    kind: str,
    numbers: Sequence[UUID],
    ids: Sequence[Mapping[str, str]],
    at: datetime,
) -> None:
    cursor.execute(
        _PUBLISH,
        {
            "kind": kind,
            "numbers": list(numbers),
            "ids": [Jsonb(dict(one)) for one in ids],
            "at": at,
        },
    )
