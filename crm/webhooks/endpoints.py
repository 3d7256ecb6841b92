"""Endpoints: made, changed over to a new secret, tried, disabled, brought back, removed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils.compat
from django.db import transaction

from crm.bell import forget_old
from crm.doorbells import ring_webhooks
from crm.models import CallState, WebhookCall, WebhookEndpoint, WebhookEvent
from crm.webhooks.guarding import check_url
from crm.webhooks.publishing import KINDS, KindUnknown
from crm.webhooks.secrets_of_endpoints import new_secret, sealed_for, shown
from crm.webhooks.working import disable

# How long the old secret signs beside the new one.
CHANGE_OVER = timedelta(days=1)
KEPT_FOR = timedelta(days=30)
TEST = "endpoint.test"
MOST = 20


class EndpointUnknown(LookupError):
    """There is no such endpoint, or it was removed."""


class TooManyEndpoints(Exception):
    """There are as many endpoints as may be."""


class NotRepeatable(Exception):
    """The call is on its way already, or its endpoint is disabled."""


def endpoints() -> list[WebhookEndpoint]:
    """Return every endpoint that was not removed, by name."""
    return list(WebhookEndpoint.objects.filter(removed_at=None).order_by("name", "id"))


def endpoint_of(*, endpoint_id: UUID) -> WebhookEndpoint:
    """Return an endpoint; raises EndpointUnknown."""
    found = WebhookEndpoint.objects.filter(id=endpoint_id, removed_at=None).first()
    if found is None:
        raise EndpointUnknown(EndpointUnknown.__doc__)
    return found


def _check_kinds(kinds: Sequence[str]) -> None:
    if not kinds or not set(kinds) <= KINDS.keys() - {TEST}:
        raise KindUnknown(KindUnknown.__doc__)


def create_endpoint(
    *, name: str, url: str, kinds: Sequence[str], actor_id: UUID, now: datetime
) -> tuple[UUID, str]:
    """Make an endpoint; return its id and its secret, which is never shown again.

    Raises NotCallable, KindUnknown and TooManyEndpoints. Calling twice makes two.
    """
    check_url(url)
    _check_kinds(kinds)
    if len(endpoints()) >= MOST:
        raise TooManyEndpoints(TooManyEndpoints.__doc__)
    endpoint_id, secret = uuid_utils.compat.uuid7(), new_secret()
    WebhookEndpoint.objects.create(
        id=endpoint_id,
        name=name,
        url=url,
        kinds=sorted(set(kinds)),
        secret=sealed_for(endpoint_id, secret),
        created_at=now,
        created_by=actor_id,
    )
    return endpoint_id, shown(secret)


def change_endpoint(*, endpoint_id: UUID, name: str, url: str, kinds: Sequence[str]) -> None:
    """Change what an endpoint is; what waits goes to the new address. Safe to repeat.

    Raises NotCallable, KindUnknown and EndpointUnknown.
    """
    check_url(url)
    _check_kinds(kinds)
    rows = WebhookEndpoint.objects.filter(id=endpoint_id, removed_at=None)
    if not rows.update(name=name, url=url, kinds=sorted(set(kinds))):
        raise EndpointUnknown(EndpointUnknown.__doc__)


def rotate_secret(*, endpoint_id: UUID, now: datetime) -> str:
    """Give an endpoint a new secret and return it; the old one signs beside it for a day.

    Raises EndpointUnknown. Calling twice gives two: then the first of the new ones is the old one.
    """
    with transaction.atomic():
        rows = WebhookEndpoint.objects.select_for_update().filter(id=endpoint_id, removed_at=None)
        endpoint = rows.first()
        if endpoint is None:
            raise EndpointUnknown(EndpointUnknown.__doc__)
        secret = new_secret()
        rows.update(
            secret=sealed_for(endpoint_id, secret),
            old_secret=bytes(endpoint.secret),
            old_secret_until=now + CHANGE_OVER,
        )
    return shown(secret)


def disable_endpoint(*, endpoint_id: UUID, now: datetime) -> None:
    """Call an endpoint no more; what waits is dropped. Safe to repeat. Raises EndpointUnknown."""
    endpoint_of(endpoint_id=endpoint_id)
    with transaction.atomic():
        disable(endpoint_ids=[endpoint_id], reason="by_staff", now=now)


def enable_endpoint(*, endpoint_id: UUID) -> None:
    """Call an endpoint again, of what happens from now on. Safe to repeat."""
    endpoint_of(endpoint_id=endpoint_id)
    WebhookEndpoint.objects.filter(id=endpoint_id).update(
        disabled_at=None, disabled_reason="", failing_since=None
    )


def remove_endpoint(*, endpoint_id: UUID, now: datetime) -> None:
    """Forget an endpoint and its secrets; its log stays for a month. Safe to repeat."""
    with transaction.atomic():
        disable(endpoint_ids=[endpoint_id], reason="by_staff", now=now)
        WebhookEndpoint.objects.filter(id=endpoint_id).update(
            removed_at=now, secret=b"", old_secret=None, old_secret_until=None
        )


def test_endpoint(*, endpoint_id: UUID, now: datetime) -> UUID:
    """Send an endpoint an event that says nothing; return the call. Twice sends two.

    Raises EndpointUnknown, and NotRepeatable where it is disabled.
    """
    if endpoint_of(endpoint_id=endpoint_id).disabled_at is not None:
        raise NotRepeatable(NotRepeatable.__doc__)
    with transaction.atomic():
        event = WebhookEvent.objects.create(
            id=uuid_utils.compat.uuid7(),
            kind=TEST,
            ids={"endpoint_id": str(endpoint_id)},
            at=now,
        )
        call = WebhookCall.objects.create(
            id=uuid_utils.compat.uuid7(),
            event=event,
            endpoint_id=endpoint_id,
            due_at=now,
            created_at=now,
        )
        transaction.on_commit(ring_webhooks, using="default", robust=True)
    return call.id


def redeliver(*, call_id: UUID, now: datetime) -> None:
    """Make a call once more, with its whole schedule. Raises NotRepeatable.

    The receiver is told the same event under the same id.
    """
    with transaction.atomic():
        ended = WebhookCall.objects.filter(
            id=call_id, endpoint__disabled_at=None, endpoint__removed_at=None
        ).exclude(state=CallState.WAITING)
        if not ended.update(
            state=CallState.WAITING, attempts=0, due_at=now, finished_at=None, lease_until=None
        ):
            raise NotRepeatable(NotRepeatable.__doc__)
        transaction.on_commit(ring_webhooks, using="default", robust=True)


def forget_what_was_told(*, now: datetime) -> None:
    """Let go of old notifications and of the log of old events; safe to repeat."""
    forget_old(now=now)
    while forget_old_events(now=now):
        pass


def forget_old_events(*, now: datetime) -> int:
    """Delete what was told more than a month ago, with its log; return how many events."""
    gone = WebhookEvent.objects.filter(
        id__in=WebhookEvent.objects.filter(at__lt=now - KEPT_FOR)
        .exclude(webhookcall__state=CallState.WAITING)
        .values("id")[:5000]
    )
    count = gone.count()
    gone.delete()
    return count
