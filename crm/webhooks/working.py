"""The worker's turn at the outbox: claim, call, note what came of it.

At least once: the lease of a worker that died ends, and its calls are made again under the same id.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from crm.bell import accounts_in, notify
from crm.models import CallState, WebhookAttempt, WebhookCall, WebhookEndpoint
from crm.webhooks.posting import Answer, post
from crm.webhooks.secrets_of_endpoints import secrets_of
from crm.webhooks.signing import body_of, headers_of
from privacy.services import Unreadable

logger = logging.getLogger("crm.webhooks")
_CLAIM = "\n".join(
    line
    for line in (Path(__file__).parent.parent / "sql" / "claim_webhooks.sql")
    .read_text("utf-8")
    .splitlines()
    if not line.startswith("--")
)
# After which pauses a call is made again: the schedule that Standard Webhooks recommends.
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
_JITTER = 0.1
# An endpoint of which every try failed for so long is not called any more until staff say so.
FAILS_FOR_AT_MOST = timedelta(days=5)
# After it no further calls are claimed: the worker has other work, and the bell rings again.
TURN_SECONDS = 5.0
_AT_ONCE, _OF_ONE, _THREADS = 24, 6, 8
# Longer than a turn can take: every try ends by its own deadline of twenty seconds.
LEASE = timedelta(minutes=3)
KEEPERS = ("dsi", "administrator")
GONE, TOO_MANY, UNAVAILABLE = 410, 429, 503


def call_webhooks(*, clock: Callable[[], datetime]) -> int:
    """Make the calls that are due, until there are none or the turn is over; return how many were
    tried. Safe by any number of workers at once.
    """
    tried, ends_at = 0, time.monotonic() + TURN_SECONDS
    while calls := _claim(clock()):
        _call(calls, clock)
        tried += len(calls)
        if time.monotonic() >= ends_at:
            break
    return tried


def _call(calls: Sequence[WebhookCall], clock: Callable[[], datetime]) -> None:
    """Call, and note each answer when it comes: none waits for one that hangs."""
    now = clock()
    ready = {call: _signed(call, now) for call in calls}
    with ThreadPoolExecutor(_THREADS) as pool:
        asked = {pool.submit(_answer, call, *what): call for call, what in ready.items()}
        for done in as_completed(asked):
            _note(asked[done], done.result(), clock())


def _claim(now: datetime) -> list[WebhookCall]:
    parameters: dict[str, Any] = {
        "now": now,
        "until": now + LEASE,
        "each": _OF_ONE,
        "size": _AT_ONCE,
    }
    with connections["default"].cursor() as cursor:
        cursor.execute(_CLAIM, parameters)
        ids = [row[0] for row in cursor.fetchall()]
    return list(WebhookCall.objects.filter(id__in=ids).select_related("event", "endpoint"))


def _signed(call: WebhookCall, now: datetime) -> tuple[bytes, dict[str, str]]:
    """Return body and headers; no headers where the secret does not open."""
    event = call.event
    body = body_of(kind=event.kind, ids=event.ids, at=event.at)
    try:
        secrets = secrets_of(call.endpoint, now=now)
    except Unreadable:
        logger.error("security: the secret of webhook %s does not open", call.endpoint_id)
        return body, {}
    return body, headers_of(event_id=event.id, body=body, secrets=secrets, now=now)


def _answer(call: WebhookCall, body: bytes, headers: dict[str, str]) -> Answer:
    """In a thread of its own: nothing here touches a database."""
    if not headers:
        return Answer(None, "no_secret", 0)
    return post(url=call.endpoint.url, body=body, headers=headers)


def _note(call: WebhookCall, answer: Answer, now: datetime) -> None:
    with transaction.atomic():
        # The endpoint first, as claiming and disabling do: in any other order two could wait for
        # each other. Events may be written for it meanwhile (no key).
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(id=call.endpoint_id)
        held = WebhookCall.objects.select_for_update().filter(
            id=call.id, state=CallState.WAITING, lease_until=call.lease_until
        )
        if not held.exists():  # the lease ended meanwhile: another worker tells the rest
            return
        WebhookAttempt.objects.create(
            call=call,
            at=now,
            status=answer.status,
            failure=answer.failure,
            duration_ms=answer.duration_ms,
        )
        held.update(**_fate(call, answer, now))
        _note_endpoint(endpoint, answer, now)


def _fate(call: WebhookCall, answer: Answer, now: datetime) -> dict[str, object]:
    attempts = call.attempts + 1
    fate: dict[str, object] = {"attempts": attempts, "lease_until": None}
    if answer.is_success:
        return {**fate, "state": CallState.DONE, "finished_at": now}
    if attempts > len(PAUSES):
        return {**fate, "state": CallState.FAILED, "finished_at": now}
    pause = PAUSES[attempts - 1]
    if answer.status in (TOO_MANY, UNAVAILABLE) and answer.retry_after:
        pause = max(pause, timedelta(seconds=answer.retry_after))
    # Spread, so that what failed together does not come back together.
    return {**fate, "due_at": now + pause * (1 + random.uniform(0, _JITTER))}  # noqa: S311


def _note_endpoint(endpoint: WebhookEndpoint, answer: Answer, now: datetime) -> None:
    endpoint_id = endpoint.id
    if answer.is_success:
        WebhookEndpoint.objects.filter(id=endpoint_id).update(failing_since=None)
        return
    since = endpoint.failing_since or now
    WebhookEndpoint.objects.filter(id=endpoint_id).update(failing_since=since)
    if endpoint.disabled_at is not None:
        return
    if answer.status == GONE:
        disable(endpoint_ids=[endpoint_id], reason="gone", now=now)
    elif now - since >= FAILS_FOR_AT_MOST:
        disable(endpoint_ids=[endpoint_id], reason="failing", now=now)


def disable(*, endpoint_ids: Sequence[UUID], reason: str, now: datetime) -> None:
    """Call endpoints no more; what waits for them is dropped. In the caller's transaction.

    Unless staff did it, those who keep webhooks are told by the bell. Safe to repeat.
    """
    open_ones = WebhookEndpoint.objects.filter(id__in=endpoint_ids, disabled_at=None)
    fresh = list(open_ones.values_list("id", flat=True))
    WebhookEndpoint.objects.filter(id__in=fresh).update(disabled_at=now, disabled_reason=reason)
    waiting = WebhookCall.objects.filter(endpoint__in=fresh, state=CallState.WAITING)
    waiting.update(state=CallState.DROPPED, finished_at=now, lease_until=None)
    if reason == "by_staff":
        return
    for number in fresh:
        notify(
            account_ids=accounts_in(*KEEPERS),
            kind="webhook_disabled",
            reference={"endpoint": str(number)},
            cause=f"webhook_disabled:{number}:{now.isoformat()}",
            at=now,
        )
