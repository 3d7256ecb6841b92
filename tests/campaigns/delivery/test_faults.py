"""What goes wrong on the way: nothing is lost, nothing is doubled, and the ledger says what was."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models import F
from pytest_django import Settings

from campaigns import services
from campaigns.delivery import engine, statements
from campaigns.delivery.pacing import PacedBatch
from campaigns.delivery.statements import Outcome
from campaigns.models import Campaign, Delivery, DeliveryState
from consent import decisions
from crm.models import Contact
from privacy.journal import journal
from tests.campaigns import cast
from tests.campaigns.smtp.relay import DROP, Script, relay
from tests.conftest import NOW
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@contextmanager
def scripted(settings: Settings, script: Script) -> Iterator[Script]:
    with relay(script) as address:
        settings.RELAY_URL = f"smtp://127.0.0.1:{address.port}?timeout=2&final_timeout=2"
        yield script


def test_a_dead_relay_halts_the_campaign_and_loses_nothing(
    settings: Settings, inbox: Inbox
) -> None:
    cast.subscribers(2)
    campaign = cast.launched()
    alive, settings.RELAY_URL = settings.RELAY_URL, "smtp://127.0.0.1:9?timeout=1"
    cast.deliver(campaign)
    account = services.progress(campaign_id=campaign)
    assert (account.halted_reason, account.counts["queued"]) == ("relay_unreachable", 2)
    settings.RELAY_URL = alive
    cast.deliver(campaign)
    account = services.progress(campaign_id=campaign)
    assert (account.halted_reason, account.state, len(inbox.recipients())) == ("", "finished", 2)
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize(
    ("stage", "answer", "state", "reason"),
    [
        ("rcpt", "550 5.1.1 no such person", DeliveryState.BOUNCED, "rejected"),
        ("dot", "554 5.7.1 not wanted", DeliveryState.BOUNCED, "rejected"),
        ("rcpt", "450 4.2.1 later", DeliveryState.QUEUED, "deferred"),
        ("dot", "451 4.3.0 later", DeliveryState.QUEUED, "deferred"),
        ("mail", "451 4.3.2 closed for a while", DeliveryState.QUEUED, "relay_busy"),
        ("rcpt", DROP, DeliveryState.QUEUED, "connection_lost"),
        # After 354 the body and its dot are written at once: nobody can tell how far they came.
        ("data", DROP, DeliveryState.UNKNOWN, "hand_over_unproven"),
        ("dot", DROP, DeliveryState.UNKNOWN, "hand_over_unproven"),
    ],
)
def test_each_answer_of_a_relay_has_its_meaning(
    settings: Settings, stage: str, answer: str, state: DeliveryState, reason: str
) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    with scripted(settings, Script.answering(stage, answer)):
        cast.deliver(campaign)
    row = Delivery.objects.get()
    assert (row.state, row.reason) == (state, reason)
    assert "@" not in row.evidence
    is_queued = state == DeliveryState.QUEUED
    assert Delivery.objects.filter(due_at__gt=F("handing_at")).exists() == is_queued


def test_an_address_that_does_not_exist_is_not_written_to_again(settings: Settings) -> None:
    contact = cast.subscribers(1)[0]
    with scripted(settings, Script.answering("rcpt", "550 5.1.1 unknown")):
        cast.deliver(cast.launched())
    assert Contact.objects.get(id=contact).unreachable_at is not None
    second = cast.launched()
    assert services.progress(campaign_id=second).exclusions == {"unreachable": 1}


def test_a_message_deferred_for_too_long_ends(settings: Settings) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    Delivery.objects.update(attempts=7)
    with scripted(settings, Script.answering("rcpt", "450 4.2.1 later")):
        cast.deliver(campaign)
    assert services.progress(campaign_id=campaign).failed == {"deferred_too_long": 1}


def test_a_lease_that_ends_gives_back_what_cannot_have_left(inbox: Inbox) -> None:
    cast.subscribers(3)
    campaign = cast.launched()
    claimed = statements.claim(campaign_id=campaign, worker="dead", size=2, kind="gate")
    Delivery.objects.filter(id=claimed[0].id).update(state=DeliveryState.HANDING)
    Delivery.objects.filter(worker="dead").update(lease_until=NOW - timedelta(days=1))
    services.sweep(now=cast.clock())
    cast.deliver(campaign)
    assert cast.counts(campaign) == {"sent": 2, "unknown": 1}
    assert len(inbox.recipients()) == 2


def test_a_worker_whose_lease_ended_cannot_pass_the_gate(inbox: Inbox) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    rows = statements.claim(campaign_id=campaign, worker="slow", size=1, kind="gate")
    Delivery.objects.update(lease_until=NOW - timedelta(days=1))
    verdicts = statements.gate(
        kind="gate",
        marks=[statements.GateMark(rows[0].id, bytes(32))],
        worker="slow",
        head=journal().head(),
        relay="default",
    )
    assert verdicts == []


def test_nothing_is_sent_while_the_journal_is_ahead_of_the_database(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_JOURNAL_TRIES", 2)
    cast.subscribers(2)
    campaign = cast.launched()
    ours = journal()
    with ours.locked():
        ours.append("opt_out", None, {}, NOW)
    cast.deliver(campaign)
    account = services.progress(campaign_id=campaign)
    assert inbox.recipients() == []
    assert (account.halted_reason, account.counts["queued"]) == ("journal_behind", 2)


def test_nothing_is_sent_without_the_journal(
    inbox: Inbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    monkeypatch.setattr(journal(), "path", settings.JOURNAL_DIR / "elsewhere" / "journal.log")
    cast.deliver(campaign)
    assert inbox.recipients() == []
    assert services.progress(campaign_id=campaign).halted_reason == "journal_unreachable"


def test_nothing_is_sent_while_a_decision_cannot_take_effect(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = cast.subscribers(2)
    campaign = cast.launched()
    cast.opt_out(contacts[:1], ["person0@example.org"])

    def broken(*_anything: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setitem(decisions._ACTIONS, "opt_out", broken)
    cast.deliver(campaign)
    assert inbox.recipients() == []
    assert services.progress(campaign_id=campaign).halted_reason == "decisions_waiting"


def test_what_may_have_left_is_never_given_back(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.subscribers(2)
    campaign = cast.launched()
    real = statements.record

    def record(*, outcomes: list[Outcome], worker: str) -> object:
        if any(each.state == DeliveryState.SENT for each in outcomes):
            raise OperationalError
        return real(outcomes=outcomes, worker=worker)

    monkeypatch.setattr(engine, "_RECORD_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(statements, "record", record)
    with pytest.raises(OperationalError):
        cast.deliver(campaign)
    assert len(inbox.recipients()) == 2
    assert cast.counts(campaign) == {"handing": 2}
    monkeypatch.undo()
    Delivery.objects.update(lease_until=NOW - timedelta(days=1))
    services.sweep(now=cast.clock())
    cast.deliver(campaign)
    assert len(inbox.recipients()) == 2
    assert cast.counts(campaign) == {"unknown": 2}
    assert Campaign.objects.get(id=campaign).state == "finished"


def test_what_was_not_written_is_given_back_when_the_allowance_cannot_be_renewed(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.subscribers(2)
    campaign = cast.launched()

    def away(_batch: object) -> object:
        raise OperationalError

    monkeypatch.setattr(PacedBatch, "is_fresh", False)
    monkeypatch.setattr(PacedBatch, "renew", away)
    with pytest.raises(OperationalError):
        cast.deliver(campaign)
    assert cast.counts(campaign) == {"queued": 2}
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    monkeypatch.undo()
    cast.deliver(campaign)
    assert cast.counts(campaign) == {"sent": 2}
    assert len(inbox.recipients()) == 2


def test_a_relay_that_takes_nothing_from_this_sender_stops_the_campaign(
    settings: Settings,
) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    with scripted(settings, Script.answering("mail", "550 5.7.1 not from you")):
        cast.deliver(campaign)
    account = services.progress(campaign_id=campaign)
    assert (account.halted_reason, account.counts["queued"]) == ("sender_refused", 1)


def test_what_has_left_is_recorded_when_the_gate_cannot_be_asked_any_more(
    inbox: Inbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.subscribers(4)
    campaign = cast.launched()

    def answer(_recipient: str) -> str:
        elsewhere = settings.JOURNAL_DIR / "elsewhere" / "journal.log"
        monkeypatch.setattr(journal(), "path", elsewhere)
        threading.Event().wait(0.3)  # longer than the gate's answer is good for
        return "250 2.0.0 kept"

    inbox.answer = answer
    cast.deliver(campaign)
    account = services.progress(campaign_id=campaign)
    assert account.halted_reason == "journal_unreachable"
    assert cast.counts(campaign) == {"sent": 1, "queued": 3}
    assert len(inbox.recipients()) == 1
