"""An endpoint that hangs holds up one worker for a while, and no other endpoint."""

import ipaddress
import threading
import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

from crm.models import CallState, WebhookCall, WebhookEndpoint
from crm.services import call_webhooks, publish_events
from crm.webhooks import endpoints, working
from crm.webhooks.posting import Answer
from tests.campaigns.cast import clock
from tests.crm.webhooks.receiver import Receiver, receiver

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]


def listen(hook: Receiver, kind: str) -> None:
    endpoints.create_endpoint(
        name="billing", url=hook.url, kinds=[kind], actor_id=uuid4(), now=clock()
    )


def tell(kind: str, count: int) -> None:
    ids = [{"lead_id": str(uuid4())} for _number in range(count)]
    publish_events(kind=kind, ids=ids, at=clock())


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_second_worker_tells_the_others_while_one_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(working, "TURN_SECONDS", 0.0)

    def work() -> None:
        call_webhooks(clock=clock)
        connections.close_all()

    with receiver() as hung, receiver() as quick:
        hung.answers.clear()
        listen(hung, "lead.created")
        listen(quick, "campaign.finished")
        tell("lead.created", 20)
        first = threading.Thread(target=work)
        first.start()
        until(lambda: len(hung.calls) == 6)
        tell("campaign.finished", 2)
        assert call_webhooks(clock=clock) == 2
        assert (len(quick.calls), len(hung.calls)) == (2, 6)
        # Nothing is left for a third one: the rest waits behind what is being told.
        assert call_webhooks(clock=clock) == 0
        hung.answers.set()
        first.join(30)
    # Its turn was over: it did not go on with what the endpoint has still to be told.
    assert WebhookCall.objects.filter(state=CallState.WAITING).count() == 14


def test_a_quick_answer_is_noted_while_another_is_waited_for() -> None:
    with receiver() as hung, receiver() as quick:
        hung.answers.clear()
        listen(hung, "lead.created")
        listen(quick, "campaign.finished")
        tell("lead.created", 1)
        tell("campaign.finished", 1)

        def work() -> None:
            call_webhooks(clock=clock)
            connections.close_all()

        worker = threading.Thread(target=work)
        worker.start()
        until(lambda: WebhookCall.objects.filter(state=CallState.DONE).count() == 1)
        hung.answers.set()
        worker.join(30)
    assert WebhookCall.objects.filter(state=CallState.DONE).count() == 2


def test_calls_of_a_disabled_endpoint_are_not_claimed() -> None:
    with receiver() as hook:
        listen(hook, "lead.created")
        tell("lead.created", 1)
        WebhookEndpoint.objects.update(disabled_at=timezone.now())
        assert call_webhooks(clock=clock) == 0
        assert hook.calls == []


def test_noting_and_disabling_lock_in_one_order() -> None:
    """Whoever notes waits for the endpoint before it holds the call."""
    with receiver() as hook:
        listen(hook, "lead.created")
        tell("lead.created", 1)
        (call,) = working._claim(clock())

        def note() -> None:
            working._note(call, Answer(204, "", 1), clock())
            connections.close_all()

        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM crm_webhookendpoint FOR UPDATE")
            other = threading.Thread(target=note)
            other.start()
            time.sleep(0.5)
            # In the other order this would be refused: the call would be locked already.
            cursor.execute("SELECT 1 FROM crm_webhookcall FOR UPDATE NOWAIT")
            cursor.execute("COMMIT")
        other.join(30)
    assert WebhookCall.objects.get().state == CallState.DONE
