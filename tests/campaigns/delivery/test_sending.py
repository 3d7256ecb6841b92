"""Sending against a real relay: who gets the message, who does not any more, and why."""

import threading
from typing import Any

import pytest
from django.db import connections

from campaigns import services
from campaigns.delivery import carrier, engine, statements
from campaigns.models import Campaign, Delivery, DeliveryState
from campaigns.smtp.session import RelaySession
from crm.models import Contact, ContactCampaign
from tests.campaigns import cast
from tests.conftest import NOW
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def test_everybody_planned_gets_one_message_of_their_own(inbox: Inbox) -> None:
    contacts = cast.subscribers(3)
    campaign = cast.launched()
    cast.deliver(campaign)
    assert sorted(inbox.recipients()) == [f"person{n}@example.org" for n in range(3)]
    account = services.progress(campaign_id=campaign)
    assert (account.state, account.counts["sent"], account.open) == ("finished", 3, 0)
    assert set(ContactCampaign.objects.values_list("contact_id", flat=True)) == set(contacts)
    message = inbox.to("person0@example.org")[0]
    assert message["Subject"] == "Hello Alice"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/u/" in message["List-Unsubscribe"]
    links = {inbox.to(address)[0]["List-Unsubscribe"] for address in inbox.recipients()}
    assert len(links) == 3  # nobody holds another person's link


def test_a_no_after_the_launch_is_honoured_at_the_gate(inbox: Inbox) -> None:
    contacts = cast.subscribers(2)
    campaign = cast.launched()
    cast.opt_out(contacts[:1], ["person0@example.org"])  # nobody has applied it yet
    cast.deliver(campaign)
    assert inbox.recipients() == ["person1@example.org"]
    assert services.progress(campaign_id=campaign).skipped == {"withdrawn": 1}


def test_a_no_during_a_slow_campaign_stops_the_next_message(inbox: Inbox) -> None:
    emails = [f"person{n}@example.org" for n in range(6)]
    contacts = cast.subscribers(6)
    campaign = cast.launched()

    def answer(_recipient: str) -> str:
        if len(inbox.recipients()) == 1:
            cast.opt_out(contacts[2:], emails[2:])
            connections.close_all()
        threading.Event().wait(0.3)  # slower than what one gate's answer is good for
        return "250 2.0.0 kept"

    inbox.answer = answer
    cast.deliver(campaign)
    assert len(inbox.recipients()) == 2
    assert cast.counts(campaign) == {"sent": 2, "skipped": 4}


@pytest.mark.parametrize(
    ("owner", "name"),
    [(engine, "journal_head"), (statements, "gate"), (RelaySession, "open_message")],
    ids=["before the gate is asked", "behind its answer", "before the body"],
)
def test_a_no_while_the_process_stands_still_is_honoured_when_it_goes_on(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    """A machine is moved, or swapped out: what was asked before is old, however it looks."""
    contacts = cast.subscribers(1)
    campaign = cast.launched()
    real = getattr(owner, name)
    stops: list[str] = []

    def stands_still(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        if not stops:
            stops.append(name)
            cast.opt_out(contacts, ["person0@example.org"])
            connections["intake"].close()
            threading.Event().wait(0.3)
        return answer

    monkeypatch.setattr(owner, name, stands_still)
    monkeypatch.setattr(carrier, "_STOOD_STILL_SECONDS", 0.2)
    cast.deliver(campaign)
    assert stops
    assert inbox.recipients() == []
    assert cast.counts(campaign) == {"skipped": 1}


def test_a_restricted_person_and_an_erased_key_are_skipped_with_the_reason(inbox: Inbox) -> None:
    from privacy.services import RetentionClass
    from privacy.vault.store import destroy_keys

    restricted, erased, _other = cast.subscribers(3)
    campaign = cast.launched()
    Contact.objects.filter(id=restricted).update(restricted_at=NOW)
    destroy_keys(subject_id=erased, retention_classes=[RetentionClass.PROFILE])
    cast.deliver(campaign)
    assert inbox.recipients() == ["person2@example.org"]
    account = services.progress(campaign_id=campaign)
    assert account.skipped == {"restricted": 1, "unreadable": 1}


def test_a_paused_campaign_sends_nothing_and_goes_on_when_resumed(inbox: Inbox) -> None:
    cast.subscribers(2)
    campaign = cast.launched()
    services.pause(campaign_id=campaign, actor_id=None, now=NOW)
    cast.deliver(campaign)
    assert inbox.recipients() == []
    services.resume(campaign_id=campaign, actor_id=None, now=NOW)
    cast.deliver(campaign)
    assert len(inbox.recipients()) == 2


def test_a_pause_in_the_middle_takes_back_what_has_not_left(inbox: Inbox) -> None:
    cast.subscribers(4)
    campaign = cast.launched()

    def answer(_recipient: str) -> str:
        services.pause(campaign_id=campaign, actor_id=None, now=NOW)
        connections.close_all()
        threading.Event().wait(0.3)
        return "250 2.0.0 kept"

    inbox.answer = answer
    cast.deliver(campaign)
    assert len(inbox.recipients()) == 1
    assert cast.counts(campaign) == {"queued": 3, "sent": 1}


def test_workers_side_by_side_send_nothing_twice(inbox: Inbox) -> None:
    cast.subscribers(40)
    campaign = cast.launched()

    def work() -> None:
        cast.deliver(campaign)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cast.deliver(campaign)
    recipients = inbox.recipients()
    assert len(recipients) == len(set(recipients)) == 40
    assert cast.counts(campaign) == {"sent": 40}


def test_the_message_id_is_the_same_on_every_try(inbox: Inbox) -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    cast.deliver(campaign)
    Delivery.objects.update(state=DeliveryState.QUEUED)
    Campaign.objects.update(state="running")
    cast.deliver(campaign)
    first, second = inbox.to("person0@example.org")
    assert first["Message-ID"] == second["Message-ID"]
