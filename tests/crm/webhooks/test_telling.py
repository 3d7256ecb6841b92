"""Other systems are told at least once, signed, by ids alone; a dead receiver is given up."""

import ipaddress
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from crm.models import (
    CallState,
    Notification,
    WebhookAttempt,
    WebhookCall,
    WebhookEndpoint,
    WebhookEvent,
)
from crm.services import KindUnknown, call_webhooks, publish_event
from crm.webhooks import endpoints, working
from crm.webhooks.posting import Answer
from tests.campaigns.cast import clock
from tests.consent import people
from tests.crm.pages.arrivals import arrive
from tests.crm.staff import make_account
from tests.crm.webhooks.receiver import Receiver, receiver

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def hook(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOK_NETWORKS = LOOPBACK
    with receiver() as kept:
        yield kept


def listen(hook: Receiver, *kinds: str) -> tuple[UUID, str]:
    return endpoints.create_endpoint(
        name="billing", url=hook.url, kinds=kinds or ["lead.created"], actor_id=uuid4(), now=clock()
    )


def tell(kind: str = "lead.created", at: datetime | None = None) -> str:
    number = str(uuid4())
    publish_event(kind=kind, ids={"lead_id": number}, at=at or clock())
    return number


def later(**delta: float) -> None:
    """Let so much time pass for what waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE crm_webhookcall SET due_at = due_at - make_interval(secs => %s)",
            [timedelta(**delta).total_seconds()],
        )


def test_a_lead_is_told_signed_and_without_anything_of_the_person(hook: Receiver) -> None:
    _endpoint, secret = listen(hook)
    contact = arrive("Zanzibar", message="Canary")
    call_webhooks(clock=clock)
    (headers, body), *more = hook.calls
    assert not more and hook.paths == ["/hook?of=accord"]
    event = Webhook(secret).verify(body, headers)
    assert event["type"] == "lead.created" and event["data"]["contact_id"] == str(contact)
    assert set(event["data"]) == {"lead_id", "contact_id"}
    sent = (body + json.dumps(headers).encode()).lower()
    assert b"zanzibar" not in sent and b"canary" not in sent
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


def test_what_is_taken_back_is_not_told(hook: Receiver) -> None:
    listen(hook)
    with transaction.atomic():
        tell()
        transaction.set_rollback(True)
    call_webhooks(clock=clock)
    assert hook.calls == [] and not WebhookEvent.objects.exists()


def test_an_endpoint_is_told_what_it_listens_to(hook: Receiver) -> None:
    listen(hook, "campaign.finished")
    tell("lead.created")
    assert not WebhookEvent.objects.exists()
    publish_event(kind="campaign.finished", ids={"campaign_id": str(uuid4())}, at=clock())
    call_webhooks(clock=clock)
    assert [json.loads(body)["type"] for _headers, body in hook.calls] == ["campaign.finished"]
    with pytest.raises(KindUnknown):
        publish_event(kind="lead.whispered", ids={}, at=clock())


def test_a_failure_is_tried_again_later_under_the_same_number(hook: Receiver) -> None:
    hook.statuses = [500, 302, 200]
    hook.headers = {"Location": "http://127.0.0.1:1/elsewhere"}
    listen(hook)
    tell()
    call_webhooks(clock=clock)
    call_webhooks(clock=clock)
    assert len(hook.calls) == 1  # not before its pause
    later(seconds=6)
    call_webhooks(clock=clock)
    later(seconds=331)
    call_webhooks(clock=clock)
    assert len({headers["webhook-id"] for headers, _body in hook.calls}) == 1
    assert [row.status for row in WebhookAttempt.objects.order_by("at")] == [500, 302, 200]
    assert WebhookCall.objects.get().state == CallState.DONE
    assert WebhookEndpoint.objects.get().failing_since is None


def test_a_receiver_that_asks_to_wait_is_waited_for(hook: Receiver) -> None:
    hook.statuses, hook.headers = [429], {"Retry-After": "3600"}
    listen(hook)
    tell()
    call_webhooks(clock=clock)
    assert WebhookCall.objects.get().due_at > clock() + timedelta(minutes=59)


def test_after_the_whole_schedule_it_is_given_up_and_can_be_told_again(hook: Receiver) -> None:
    hook.statuses = [500] * 10
    listen(hook)
    tell()
    for _try in range(12):
        call_webhooks(clock=clock)
        later(days=2)
    call = WebhookCall.objects.get()
    assert (call.state, call.attempts, len(hook.calls)) == (CallState.FAILED, 10, 10)
    endpoints.redeliver(call_id=call.id, now=clock())
    with pytest.raises(endpoints.NotRepeatable):
        endpoints.redeliver(call_id=call.id, now=clock())
    call_webhooks(clock=clock)
    assert WebhookCall.objects.get().state == CallState.DONE
    assert len({headers["webhook-id"] for headers, _body in hook.calls}) == 1


def test_days_of_failure_switch_it_off_and_ring_the_bell(hook: Receiver) -> None:
    keeper = make_account("sasha", "dsi")
    make_account("camille", "marketing")
    endpoint, _secret = listen(hook)
    WebhookEndpoint.objects.update(failing_since=clock() - timedelta(days=6))
    hook.statuses = [500]
    tell()
    call_webhooks(clock=clock)
    row = WebhookEndpoint.objects.get()
    assert row.disabled_at is not None and row.disabled_reason == "failing"
    assert WebhookCall.objects.get().state == CallState.DROPPED
    told = Notification.objects.get()
    assert told.account == keeper and told.reference == {"endpoint": str(endpoint)}
    tell()
    assert WebhookCall.objects.count() == 1
    endpoints.enable_endpoint(endpoint_id=endpoint)
    tell()
    call_webhooks(clock=clock)
    assert len(hook.calls) == 2


def test_an_address_that_is_gone_is_not_called_again(hook: Receiver) -> None:
    listen(hook)
    hook.statuses = [410]
    tell()
    call_webhooks(clock=clock)
    assert WebhookEndpoint.objects.get().disabled_reason == "gone"


def test_two_secrets_sign_while_the_receiver_changes_over(hook: Receiver) -> None:
    endpoint, old = listen(hook)
    new = endpoints.rotate_secret(endpoint_id=endpoint, now=clock())
    tell()
    call_webhooks(clock=clock)
    headers, body = hook.calls[0]
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
    WebhookEndpoint.objects.update(old_secret_until=clock())
    tell()
    call_webhooks(clock=clock)
    headers, body = hook.calls[1]
    Webhook(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)


def test_the_secret_is_sealed_and_opens_at_its_own_endpoint_only(hook: Receiver) -> None:
    import base64

    first, secret = listen(hook)
    second, _other = listen(hook)
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    kept = WebhookEndpoint.objects.get(id=first)
    assert len(raw) == 32 and raw not in bytes(kept.secret)
    WebhookEndpoint.objects.filter(id=second).update(secret=bytes(kept.secret))
    tell()
    call_webhooks(clock=clock)
    failures = {each.call.endpoint_id: each.failure for each in WebhookAttempt.objects.all()}
    assert failures == {first: "", second: "no_secret"}
    assert len(hook.calls) == 1


def test_a_worker_that_died_loses_nothing(hook: Receiver) -> None:
    listen(hook)
    tell()
    held = working._claim(clock())
    assert len(held) == 1  # and then it is killed
    call_webhooks(clock=clock)
    assert hook.calls == []
    WebhookCall.objects.update(lease_until=clock())
    call_webhooks(clock=clock)
    assert len(hook.calls) == 1
    # The one that was only slow comes back: what it found out counts no more.
    working._note(held[0], Answer(500, "", 1), clock())
    assert WebhookCall.objects.get().state == CallState.DONE
    assert WebhookAttempt.objects.count() == 1


def test_a_no_of_a_person_is_told_by_the_number_of_the_contact(hook: Receiver) -> None:
    from consent.services import withdraw_on_behalf

    listen(hook, "contact.opted_out", "lead.state_changed")
    contact = arrive("Alice")
    people.submit(contact, people.newsletter(is_ticked=True), needs_confirmation=False)
    withdraw_on_behalf(
        subject_id=contact, email="alice@example.org", purpose_code="newsletter",
        source_id=uuid4(), actor_id=uuid4(), now=clock(),
    )  # fmt: skip
    call_webhooks(clock=clock)
    events = [json.loads(body) for _headers, body in hook.calls]
    assert [event["type"] for event in events] == ["contact.opted_out"]
    assert events[0]["data"] == {"contact_id": str(contact)}


def test_old_events_are_forgotten_and_waiting_ones_are_not(hook: Receiver) -> None:
    listen(hook)
    old = clock() - timedelta(days=31)
    tell(at=old)
    call_webhooks(clock=clock)
    tell(at=old)
    assert endpoints.forget_old_events(now=clock()) == 1
    assert WebhookCall.objects.get().state == CallState.WAITING


def test_a_test_is_an_event_like_others(hook: Receiver) -> None:
    endpoint, secret = listen(hook)
    endpoints.test_endpoint(endpoint_id=endpoint, now=clock())
    call_webhooks(clock=clock)
    headers, body = hook.calls[0]
    assert Webhook(secret).verify(body, headers)["type"] == "endpoint.test"
