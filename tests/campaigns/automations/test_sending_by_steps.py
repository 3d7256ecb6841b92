"""A person goes through a sequence: mails, waits, and the gate before each mail."""

from datetime import timedelta

import pytest

from campaigns import services
from campaigns.automations import activating
from campaigns.models import Campaign, CampaignMode, Delivery, Enrolment
from crm.models import Contact
from tests.campaigns import cast as people
from tests.campaigns.automations import cast
from tests.campaigns.delivery.conftest import inbox
from tests.conftest import NOW
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
__all__ = ["inbox"]
LATER = NOW + timedelta(minutes=1)


def test_two_mails_with_three_days_between_them(inbox: Inbox) -> None:
    alice = people.subscriber("alice@example.org")
    sequence = cast.active(cast.step("s1", "send"), cast.wait("s2", 3), cast.step("s3", "send"))
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    assert inbox.recipients() == []
    cast.deliver()
    assert [m["Subject"] for m in inbox.to("alice@example.org")] == ["Mail s1"]
    cast.turn(sequence, LATER)
    assert cast.where(sequence) == {alice: ("active", "s2", "")}
    cast.turn(sequence, LATER + cast.days(3) - timedelta(seconds=1))
    assert Delivery.objects.count() == 1
    cast.turn(sequence, LATER + cast.days(3))
    cast.deliver()
    cast.turn(sequence, LATER + cast.days(3) + timedelta(minutes=1))
    assert [m["Subject"] for m in inbox.to("alice@example.org")] == ["Mail s1", "Mail s3"]
    assert cast.where(sequence) == {alice: ("finished", "s3", "end")}
    message = inbox.to("alice@example.org")[1]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len({m["Message-ID"] for m in inbox.to("alice@example.org")}) == 2


def test_a_mail_is_never_finished_by_itself_and_its_audience_grows(inbox: Inbox) -> None:
    alice, bob = people.subscriber("alice@example.org"), people.subscriber("bob@example.org")
    sequence = cast.active(cast.step("s1", "send"))
    for contact in (alice, bob):
        cast.enter(sequence, contact)
        cast.turn(sequence, NOW)
        cast.deliver()
        services.sweep(now=NOW)
        mail = Campaign.objects.get(mode=CampaignMode.SEQUENCE)
        assert mail.state == "running"
        assert mail.audience_size == services.progress(campaign_id=mail.id).counts["sent"]
    assert sorted(inbox.recipients()) == ["alice@example.org", "bob@example.org"]


def test_a_no_ends_the_passage_at_once_and_the_mail_that_waits_is_not_sent(inbox: Inbox) -> None:
    alice = people.subscriber("alice@example.org")
    sequence = cast.active(cast.step("s1", "send"), cast.wait("s2"), cast.step("s3", "send"))
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    people.opt_out([alice], ["alice@example.org"])
    cast.deliver()  # lets the decision take effect, then asks the gate
    assert inbox.recipients() == []
    assert cast.where(sequence) == {alice: ("exited", "s1", "opted_out")}
    assert Delivery.objects.get().reason == "withdrawn"


def test_a_permission_on_its_way_is_waited_for_and_then_used(inbox: Inbox) -> None:
    alice = people.subscriber("alice@example.org", is_confirmed=False)
    sequence = cast.active(cast.step("s1", "send"), patience_days=2)
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    assert not Delivery.objects.exclude(kind=2).exists()
    people.subscriber("alice@example.org")
    cast.turn(sequence, NOW + timedelta(hours=1))
    cast.deliver()
    assert inbox.recipients() == ["alice@example.org"]


@pytest.mark.parametrize(
    ("on_skip", "expected"),
    [("continue", ("finished", "s1", "end")), ("exit", ("exited", "s1", "mail_held_back"))],
)
def test_what_a_held_back_mail_means_is_a_setting(
    inbox: Inbox, on_skip: str, expected: tuple[str, str, str]
) -> None:
    nobody_asked = cast.person("charlie")
    sequence = cast.active(cast.step("s1", "send"), on_skip=on_skip)
    cast.enter(sequence, nobody_asked)
    cast.turn(sequence, NOW)
    cast.deliver()
    cast.turn(sequence, LATER)
    assert inbox.recipients() == []
    assert Delivery.objects.get().reason == "no_permission"
    assert cast.where(sequence) == {nobody_asked: expected}


def test_a_paused_sequence_sends_nothing_and_goes_on_when_resumed(inbox: Inbox) -> None:
    alice = people.subscriber("alice@example.org")
    sequence = cast.active(cast.step("s1", "send"))
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    activating.pause(sequence_id=sequence, actor_id=cast.STAFF, now=NOW)
    cast.deliver()
    assert cast.turn(sequence, LATER) == 0
    assert cast.enter(sequence, people.subscriber("bob@example.org")) == []
    assert inbox.recipients() == []
    activating.resume(sequence_id=sequence, actor_id=cast.STAFF, now=LATER)
    cast.deliver()
    cast.turn(sequence, LATER)
    assert inbox.recipients() == ["alice@example.org"]
    assert cast.where(sequence)[alice][0] == "finished"


def test_who_is_restricted_leaves_and_nothing_is_planned() -> None:
    alice = people.subscriber("alice@example.org")
    sequence = cast.active(cast.wait("s1"), cast.step("s2", "send"))
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    Contact.objects.filter(id=alice).update(restricted_at=NOW)
    cast.turn(sequence, NOW + cast.days(2))
    assert cast.where(sequence) == {alice: ("exited", "s1", "restricted")}
    assert not Delivery.objects.exists()


def test_whoever_is_erased_takes_their_passages_along() -> None:
    alice = people.subscriber("alice@example.org")
    sequence = cast.active(cast.wait("s1"))
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    Contact.objects.filter(id=alice).delete()
    assert not Enrolment.objects.exists()
    assert cast.count("SELECT coalesce(sum(here), 0) FROM campaigns_stepmove") == 0
