"""What steps do: once, in the turn's transaction, and for nobody else when one of them fails."""

import ipaddress
from collections.abc import Iterator, Mapping
from datetime import datetime
from unittest import mock
from uuid import UUID

import pytest
from pytest_django import Settings

from campaigns.automations import publishing
from campaigns.automations.running import carry_on
from campaigns.models import Enrolment
from crm.models import ContactTag, WebhookEvent
from crm.webhooks import endpoints
from crm.webhooks.endpoints import create_endpoint
from tests.campaigns.automations import cast
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


class Recorder:
    """A publisher that keeps what it was told, and fails for whom it is told to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, UUID]] = []
        self.fails_for: UUID | None = None

    def __call__(self, *, kind: str, subjects: Mapping[UUID, UUID], at: datetime) -> None:
        if self.fails_for in subjects.values():
            raise LookupError("not this one")
        assert at >= NOW
        assert {event.version for event in subjects} == {5}
        self.told += [(kind, contact) for contact in subjects.values()]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    with mock.patch.object(publishing, "_PUBLISHERS", [made]):
        yield made


def test_other_systems_are_told_who_came_to_the_end(settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    endpoints.create_endpoint(
        name="crm", url="http://127.0.0.1:9/", kinds=["sequence.finished"], actor_id=cast.STAFF,
        now=NOW,
    )  # fmt: skip
    other = cast.active(cast.wait("w1"), name="Other")
    first = cast.active(cast.step("s1", "tag", tag="welcomed"), name="First")
    second = cast.active(cast.step("s1", "goto", sequence=str(other)), name="Second")
    alice = cast.person("alice")
    cast.enter(first, alice)
    cast.enter(second, alice)
    for each in (first, second, other):
        cast.turn(each, NOW)
    told = {"sequence_id": str(first), "contact_id": str(alice)}
    assert list(WebhookEvent.objects.values_list("ids", flat=True)) == [told]


def test_an_event_is_published_with_its_name(recorder: Recorder) -> None:
    sequence = cast.active(cast.step("s1", "webhook", event="arrived"))
    alice = cast.person("alice")
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    assert recorder.told == [("arrived", alice)]
    assert cast.where(sequence) == {alice: ("finished", "s1", "end")}


def test_one_persons_failure_holds_up_nobody_and_is_tried_again(recorder: Recorder) -> None:
    sequence = cast.active(
        cast.step("s1", "tag", tag="first"), cast.step("s2", "webhook", event="arrived")
    )
    bad, good = cast.person("alice"), cast.person("bob")
    recorder.fails_for = bad
    cast.enter(sequence, bad, good)
    assert carry_on(sequence_id=sequence, now=NOW) == 2
    assert cast.where(sequence)[good] == ("finished", "s2", "end")
    assert cast.where(sequence)[bad] == ("active", "", "step_failed")
    # What its steps had done was taken back with the failure.
    assert set(ContactTag.objects.values_list("contact_id", flat=True)) == {good}
    recorder.fails_for = None
    assert carry_on(sequence_id=sequence, now=NOW) == 0
    assert carry_on(sequence_id=sequence, now=NOW + cast.days(1)) == 1
    assert cast.where(sequence)[bad] == ("finished", "s2", "end")


def test_a_step_that_always_fails_ends_the_passage_at_last(recorder: Recorder) -> None:
    sequence = cast.active(cast.step("s1", "webhook", event="arrived"))
    alice = cast.person("alice")
    recorder.fails_for = alice
    cast.enter(sequence, alice)
    for day in range(6):
        cast.turn(sequence, NOW + cast.days(day))
    row = Enrolment.objects.get()
    assert (row.state, row.reason, row.failures) == ("failed", "step_failed", 6)


def test_a_question_leads_two_ways_which_join_again() -> None:
    sequence = cast.active(
        cast.step(
            "s1",
            "condition",
            segment=str(cast.segment(language=["fr"])),
            yes=[cast.step("s2", "tag", tag="fr")],
            no=[cast.step("s3", "tag", tag="other"), cast.step("s4", "stop")],
        ),
        cast.step("s5", "tag", tag="both"),
    )
    french, english = cast.person("alice"), cast.person("bob", language="en")
    cast.enter(sequence, french, english)
    cast.turn(sequence, NOW)
    assert set(ContactTag.objects.values_list("contact_id", "tag_id")) == {
        (french, "fr"),
        (french, "both"),
        (english, "other"),
    }
    assert cast.where(sequence)[english] == ("finished", "s4", "stop")


def test_a_tag_is_taken_off_and_a_person_goes_on_elsewhere() -> None:
    elsewhere = cast.active(cast.wait("s1"), name="Elsewhere")
    sequence = cast.active(
        cast.step("s1", "untag", tag="old"), cast.step("s2", "goto", sequence=str(elsewhere))
    )
    alice = cast.person("alice", tags=["old"])
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    assert not ContactTag.objects.exists()
    assert cast.where(sequence) == {alice: ("finished", "s2", "moved_on")}
    assert cast.where(elsewhere)[alice][0] == "active"


def test_a_tag_that_is_an_exit_of_its_own_sequence_ends_it() -> None:
    sequence = cast.active(cast.step("s1", "tag", tag="done"), cast.wait("s2"), exit_tags=["done"])
    alice = cast.person("alice")
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    assert cast.where(sequence)[alice][0::2] == ("exited", "tag")


def test_other_systems_are_told_of_who_comes_to_the_end() -> None:
    create_endpoint(
        name="billing", url="https://hooks.example.org/", kinds=["sequence.finished"],
        actor_id=cast.STAFF, now=NOW,
    )  # fmt: skip
    sequence = cast.active(cast.step("s1", "tag", tag="lost"), cast.step("s2", "stop"))
    leaves = cast.active(cast.step("s1", "tag", tag="lost"), exit_tags=["lost"], name="Leaves")
    alice, bob = cast.person("alice"), cast.person("bob")
    cast.enter(sequence, alice)
    cast.enter(leaves, bob)
    for each in (sequence, leaves):
        cast.turn(each, NOW)
    assert cast.where(leaves)[bob][0] == "exited"
    event = WebhookEvent.objects.get()
    assert event.kind == "sequence.finished"
    assert event.ids == {"sequence_id": str(sequence), "contact_id": str(alice)}
