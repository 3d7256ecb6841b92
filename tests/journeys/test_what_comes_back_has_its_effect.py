"""A bounce and a complaint come by mail, and nobody whom they are about is written to again."""

import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from uuid import uuid4

import pytest

from campaigns import services as campaigns
from campaigns.delivery.naming import return_path
from campaigns.models import Delivery
from campaigns.returns.tokens import references_in
from crm.models import Contact
from tests.campaigns.returns.door import Door, free_port
from tests.campaigns.returns.samples import sample
from tests.journeys import acts
from tests.journeys.stage import ROOT, Stage, wait_for


@pytest.fixture
def door(stage: Stage) -> Iterator[Door]:
    """The process that takes in what comes back, beside the others of the stage."""
    place = f"127.0.0.1:{free_port()}"
    environment = stage.environment("returns") | {"ACCORD_RETURNS_LISTEN": place}
    command = [sys.executable, str(ROOT / "manage.py"), "returns"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    door = Door(place, process)
    try:
        wait_for(door.is_answering, "the door for what comes back")
        yield door
    finally:
        process.kill()
        process.wait()


def _delivery(message: EmailMessage) -> Delivery:
    token = references_in(str(message["Message-ID"]).encode())[0]
    return Delivery.objects.get(id=token.delivery_id)


def _comes_back(door: Door, message: EmailMessage, name: str) -> Delivery:
    """Hand over what a mail service sends about this message, as the mail server in front does."""
    delivery = _delivery(message)
    address = return_path(delivery)
    raw = sample(name, return_path=address, message_id=str(message["Message-ID"]))
    assert door.hand(raw, address)[0] == 250
    return delivery


def test_a_bounce_and_a_complaint_by_mail(stage: Stage, door: Door) -> None:
    form = acts.publish_form()
    run = uuid4().hex[:8]
    alice, bob, carol = (f"{name}-{run}@example.org" for name in ("alice", "bob", "carol"))
    acts.subscribe(stage, form, [alice, bob, carol])
    first = acts.launch(form, subject="First")
    acts.wait_until_finished(first)
    assert campaigns.progress(campaign_id=first).counts["sent"] == 3

    bounced = _comes_back(door, stage.inbox.to(alice)[-1], "postfix_unknown_user")
    _comes_back(door, stage.inbox.to(bob)[-1], "arf_comcast")
    _comes_back(door, stage.inbox.to(carol)[-1], "out_of_office_fr")

    def is_known() -> bool:
        account = campaigns.progress(campaign_id=first)
        assert account.audience == sum(account.counts.values()) == 3
        return (account.counts["sent"], account.counts["bounced"]) == (2, 1)

    wait_for(is_known, "the bounce to be in the campaign's figures")
    assert Contact.objects.get(id=bounced.contact_id).unreachable_at is not None

    def second() -> bool:
        campaign = acts.launch(form, subject="Second")
        account = acts.wait_until_finished(campaign)
        return account.audience == 1 and account.exclusions == {"unreachable": 1, "withdrawn": 1}

    wait_for(second, "the complaint to be an objection")
    assert "Second" not in [message["Subject"] for message in stage.inbox.to(alice)]
    assert "Second" in [message["Subject"] for message in stage.inbox.to(carol)]
