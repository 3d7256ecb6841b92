"""What begins a passage: a form, a tag, a segment, a date, a hand. And never two at a time."""

import threading
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connections, transaction

from campaigns import services
from campaigns.automations import activating
from campaigns.automations.enrolling import (
    NotActive,
    NotEnrolled,
    PassageOver,
    enrol_by_hand,
    stop_passage,
    take_up_again,
)
from campaigns.automations.occasions import WATCH_EVERY, watch
from campaigns.models import Delivery, DeliveryState, Enrolment, EnrolmentChange
from crm.contacts import tag_contact
from crm.models import Contact, Organisation
from crm.services import Person, receive_lead, receive_many
from tests.campaigns.automations import cast
from tests.campaigns.cast import subscriber
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
EVERY = timedelta(minutes=10)


def test_a_lead_of_the_form_begins_it_and_the_same_lead_again_does_not() -> None:
    sequence = cast.active(cast.wait("s1"), trigger={"kind": "form", "form": "quote"})
    lead = uuid4()
    for _time in range(2):
        with transaction.atomic():
            someone = receive_lead(
                lead_id=lead,
                person=Person(email="alice@example.org"),
                message="",
                language="fr",
                form_code="quote",
                form_version=1,
                source="form",
                received_at=NOW,
                now=NOW,
            )
    assert list(cast.where(sequence)) == [someone]


def test_a_lead_that_is_rolled_back_began_nothing() -> None:
    sequence = cast.active(cast.wait("s1"), trigger={"kind": "tag", "tag": "hot"})
    alice = cast.person("alice")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tag_contact(contact_id=alice, title="Hot", actor_id=cast.STAFF, now=NOW)
        raise ZeroDivisionError
    assert cast.where(sequence) == {}


def test_a_tag_begins_it_whether_by_hand_by_import_or_by_another_sequence() -> None:
    sequence = cast.active(cast.wait("s1"), trigger={"kind": "tag", "tag": "hot"})
    other = cast.active(cast.step("s1", "tag", tag="hot"), name="Other")
    by_hand, by_sequence = cast.person("alice"), cast.person("bob")
    tag_contact(contact_id=by_hand, title="Hot", actor_id=cast.STAFF, now=NOW)
    cast.enter(other, by_sequence)
    cast.turn(other, NOW)
    by_import = cast.person("charlie", tags=["hot"])
    cast.person("charlie", tags=["hot"])  # again: nothing is new
    assert set(cast.where(sequence)) == {by_hand, by_sequence, by_import}


def test_only_who_newly_matches_a_segment_enters() -> None:
    before = cast.person("alice", source="fair")
    trigger = {"kind": "segment", "segment": str(cast.segment(source=["fair"]))}
    sequence = cast.active(cast.wait("s1"), trigger=trigger)
    assert watch(now=NOW) == 0
    newcomer = cast.person("bob", source="fair")
    assert watch(now=NOW + EVERY / 2) == 0  # not due yet
    assert watch(now=NOW + EVERY) == 1
    assert list(cast.where(sequence)) == [newcomer]
    # Who leaves the segment and comes back has newly matched.
    Contact.objects.filter(id=before).update(source="elsewhere")
    assert watch(now=NOW + EVERY * 2) == 0
    Contact.objects.filter(id=before).update(source="fair")
    assert watch(now=NOW + EVERY * 3) == 1
    assert set(cast.where(sequence)) == {before, newcomer}


def test_who_is_in_the_segment_already_enters_if_that_is_chosen() -> None:
    before = cast.person("alice", source="fair")
    segment = str(cast.segment(source=["fair"]))
    trigger = {"kind": "segment", "segment": segment, "with_present": True}
    sequence = cast.active(cast.wait("s1"), trigger=trigger)
    assert watch(now=NOW) == 1
    assert list(cast.where(sequence)) == [before]


def test_thirty_days_before_the_contract_ends_once() -> None:
    trigger = {"kind": "date", "of": "contract_end", "days": -30, "yearly": False}
    sequence = cast.active(cast.wait("s1"), trigger=trigger, reentry_days=1)
    company = Organisation.objects.create(
        id=uuid4(), created_at=NOW, contract_ends_on=date(2026, 12, 24)
    )
    alice = cast.person("alice")
    Contact.objects.filter(id=alice).update(organisation=company)
    assert watch(now=NOW) == 0  # the 23rd of November
    assert watch(now=NOW + cast.days(1)) == 1
    row = Enrolment.objects.get()
    # At nine o'clock in Paris, not at midnight.
    assert row.due_at == max(NOW + cast.days(1), datetime(2026, 11, 24, 8, tzinfo=UTC))
    for more in range(1, 144):
        watch(now=NOW + cast.days(1) + more * EVERY)
    assert Enrolment.objects.count() == 1
    assert list(cast.where(sequence)) == [alice]


def test_days_that_nobody_saw_to_are_made_up_for_but_not_weeks() -> None:
    trigger = {"kind": "date", "of": "created", "days": 10, "yearly": False}
    sequence = cast.active(cast.wait("s1"), trigger=trigger)
    watch(now=NOW)
    away = {
        days: cast.person(f"person{days}", created_at=NOW - cast.days(days)) for days in range(11)
    }
    back = NOW + cast.days(5)
    assert watch(now=back) == 3
    # Created 7, 6 and 5 days before: their tenth day is the 3rd, 4th, 5th day from now.
    assert set(cast.where(sequence)) == {away[7], away[6], away[5]}


def test_one_person_is_once_at_a_time_in_a_sequence() -> None:
    sequence = cast.active(cast.wait("s1"), reentry_days=30)
    alice = cast.person("alice")
    assert len(cast.enter(sequence, alice)) == 1
    assert cast.enter(sequence, alice, now=NOW + cast.days(40)) == []
    row = Enrolment.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Enrolment.objects.create(
            id=uuid4(), sequence_id=sequence, version=row.version, contact_id=alice,
            since=NOW, due_at=NOW, started_at=NOW,
        )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        Enrolment.objects.filter(id=row.id).update(due_at=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Enrolment.objects.filter(id=row.id).update(state="finished")


@pytest.mark.parametrize(("reentry", "again"), [(0, []), (30, [False, True])])
def test_who_may_enter_again_and_when(reentry: int, again: list[bool]) -> None:
    sequence = cast.active(cast.step("s1", "stop"), reentry_days=reentry)
    alice = cast.person("alice")
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    entered = [bool(cast.enter(sequence, alice, now=NOW + cast.days(days))) for days in (29, 31)]
    assert entered == (again or [False, False])


def test_a_crowd_at_the_door_lets_each_in_once() -> None:
    sequence = cast.active(cast.wait("s1"))
    people = [cast.person(f"person{number}") for number in range(20)]

    def press() -> None:
        cast.enter(sequence, *people)
        connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Enrolment.objects.count() == 20


def test_by_hand_and_a_stop_that_can_be_undone_and_is_written_down() -> None:
    sequence = cast.active(cast.wait("s1", 3), cast.step("s2", "stop"))
    alice = cast.person("alice")
    row = enrol_by_hand(sequence_id=sequence, contact_id=alice, actor_id=cast.STAFF, now=NOW)
    with pytest.raises(NotEnrolled):
        enrol_by_hand(sequence_id=sequence, contact_id=alice, actor_id=cast.STAFF, now=NOW)
    cast.turn(sequence, NOW)
    for _twice in range(2):
        stop_passage(enrolment_id=row, actor_id=cast.STAFF, now=NOW)
    assert cast.where(sequence) == {alice: ("stopped", "s1", "by_hand")}
    for _twice in range(2):
        take_up_again(enrolment_id=row, actor_id=cast.STAFF, now=NOW)
    assert cast.where(sequence) == {alice: ("active", "s1", "")}
    cast.turn(sequence, NOW)
    with pytest.raises(PassageOver):
        take_up_again(enrolment_id=row, actor_id=cast.STAFF, now=NOW)
    assert list(EnrolmentChange.objects.order_by("id").values_list("what", flat=True)) == [
        "entered", "stopped", "resumed",
    ]  # fmt: skip
    activating.pause(sequence_id=sequence, actor_id=cast.STAFF, now=NOW)
    with pytest.raises(NotActive):
        enrol_by_hand(sequence_id=sequence, contact_id=alice, actor_id=cast.STAFF, now=NOW)


def test_who_answers_leaves_where_the_sequence_says_so() -> None:
    leaves = cast.active(cast.wait("s1", 9), name="Leaves")
    stays = cast.active(cast.wait("s1", 9), name="Stays", exits_on_reply=False)
    alice = cast.person("alice")
    for sequence in (leaves, stays):
        cast.enter(sequence, alice)
        cast.turn(sequence, NOW)
    assert services.stop_on_reply(contact_id=alice, at=NOW - timedelta(hours=1)) == 0
    assert services.stop_on_reply(contact_id=alice, at=NOW + timedelta(hours=1)) == 1
    assert services.stop_on_reply(contact_id=alice, at=NOW + timedelta(hours=1)) == 0
    assert cast.where(leaves) == {alice: ("exited", "s1", "reply")}
    assert cast.where(stays) == {alice: ("active", "s1", "")}


def test_a_tag_and_a_goal_end_it() -> None:
    goal = {"segment": str(cast.segment(status=["customer"]))}
    sequence = cast.active(cast.wait("s1", 9), exit_tags=["lost"], goal=goal)
    tagged, customer, stays = (cast.person(name) for name in ("alice", "bob", "charlie"))
    cast.enter(sequence, tagged, customer, stays)
    cast.turn(sequence, NOW)
    tag_contact(contact_id=tagged, title="lost", actor_id=cast.STAFF, now=NOW)
    Contact.objects.filter(id=customer).update(status="customer")
    watch(now=NOW)
    assert cast.where(sequence) == {
        tagged: ("exited", "s1", "tag"),
        customer: ("exited", "s1", "goal"),
        stays: ("active", "s1", ""),
    }


@pytest.mark.parametrize("way", ["watched", "at its step"])
def test_at_the_goal_a_mail_that_waits_is_not_sent(way: str) -> None:
    goal = {"segment": str(cast.segment(status=["customer"]))}
    sequence = cast.active(cast.step("s1", "send"), cast.wait("s2", 1, "hours"), goal=goal)
    alice = subscriber("alice@example.org")
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    assert Delivery.objects.get().state == DeliveryState.QUEUED
    Contact.objects.filter(id=alice).update(status="customer")
    if way == "watched":
        watch(now=NOW + WATCH_EVERY)
    else:
        cast.turn(sequence, NOW + timedelta(days=1))
    assert cast.where(sequence)[alice][0::2] == ("exited", "goal")
    mail = Delivery.objects.get()
    assert (mail.state, mail.reason) == (DeliveryState.SKIPPED, "cancelled")


def test_a_mail_that_waits_follows_its_person_through_a_merge() -> None:
    from crm.services import merge_contacts, settle_merges

    sequence = cast.active(cast.step("s1", "send"), cast.wait("s2", 9))
    kept, absorbed = subscriber("kept@example.org"), subscriber("absorbed@example.org")
    cast.enter(sequence, absorbed)
    cast.turn(sequence, NOW)
    merge_contacts(kept_id=kept, absorbed_id=absorbed, actor_id=cast.STAFF, now=NOW)
    settle_merges(now=NOW)
    assert Delivery.objects.get(state=DeliveryState.QUEUED).contact_id == kept
    assert cast.where(sequence)[kept][0] == "active"


def test_merged_people_are_in_it_once() -> None:
    from crm.services import merge_contacts, settle_merges

    first = cast.active(cast.wait("s1", 9), name="First")
    second = cast.active(cast.wait("s1", 9), name="Second")
    kept, absorbed = receive_many(
        people=[(Person(email=f"{name}@example.org"), {"source": "x"}) for name in ("a", "b")],
        now=NOW,
    )
    cast.enter(first, kept, absorbed)
    cast.enter(second, absorbed)
    for sequence in (first, second):
        cast.turn(sequence, NOW)
    merge_contacts(kept_id=kept, absorbed_id=absorbed, actor_id=cast.STAFF, now=NOW)
    settle_merges(now=NOW)
    active = Enrolment.objects.filter(state="active")
    assert set(active.values_list("sequence_id", "contact_id")) == {(first, kept), (second, kept)}
    assert not Enrolment.objects.filter(contact_id=absorbed).exists()
    assert Enrolment.objects.get(state="exited").reason == "merged"
