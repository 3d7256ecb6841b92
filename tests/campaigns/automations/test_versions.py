"""A version that runs never changes; a draft that could not run is not activated, and says why."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from campaigns import services
from campaigns.automations import activating, publishing, versions
from campaigns.automations.activating import ChangedMeanwhile, NotReadyToRun
from campaigns.automations.definition import NotASequence, moved, read_definition, with_step
from campaigns.automations.definition import Step as OneStep
from campaigns.automations.publishing import NotConfigured, publish
from campaigns.launching import launch
from campaigns.models import (
    Campaign,
    CampaignMode,
    CampaignState,
    Comparison,
    Delivery,
    DeliveryState,
    Enrolment,
    SequenceVersion,
)
from campaigns.services import WrongState
from consent.models import Purpose
from tests.campaigns.automations import cast
from tests.campaigns.cast import subscriber
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def edit(sequence: Any, *steps: dict[str, Any], **rest: Any) -> None:
    cast.rewrite(sequence, *steps, **rest)


def test_who_is_inside_goes_on_with_the_version_they_entered() -> None:
    sequence = cast.active(cast.wait("s1", 5), cast.step("s2", "tag", tag="old"))
    alice, bob = cast.person("alice"), cast.person("bob")
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    edit(sequence, cast.wait("s1", 5), cast.step("s2", "tag", tag="new"))
    assert activating.activate(sequence_id=sequence, actor_id=cast.STAFF, now=NOW) == 2
    cast.enter(sequence, bob)
    cast.turn(sequence, NOW)
    cast.turn(sequence, NOW + cast.days(5))
    from crm.models import ContactTag

    assert set(ContactTag.objects.values_list("contact_id", "tag_id")) == {
        (alice, "old"),
        (bob, "new"),
    }


def test_people_move_to_the_same_step_of_the_new_version_if_that_is_chosen() -> None:
    sequence = cast.active(cast.wait("s1", 5), cast.wait("s9", 5))
    moves, stays = cast.person("alice"), cast.person("bob")
    cast.enter(sequence, stays)
    cast.turn(sequence, NOW)
    cast.turn(sequence, NOW + cast.days(5))  # to s9
    cast.enter(sequence, moves, now=NOW + cast.days(5))
    cast.turn(sequence, NOW + cast.days(5))
    edit(sequence, cast.wait("s1", 5), cast.step("s2", "stop"))
    now = NOW + cast.days(6)
    activating.activate(sequence_id=sequence, moves_people=True, actor_id=cast.STAFF, now=now)
    numbers = dict(Enrolment.objects.values_list("contact_id", "version__number"))
    assert numbers == {moves: 2, stays: 1}
    cast.turn(sequence, NOW + cast.days(11))
    assert cast.where(sequence)[moves] == ("finished", "s2", "stop")


def test_an_activated_version_is_not_changed_by_anybody() -> None:
    sequence = cast.active(cast.wait("s1"))
    with pytest.raises(IntegrityError), transaction.atomic():
        SequenceVersion.objects.filter(sequence=sequence).update(definition={})


def test_a_second_editor_works_on_the_same_draft_and_is_told_of_changes() -> None:
    sequence = cast.active(cast.wait("s1"))
    first = versions.draft_of(sequence_id=sequence, actor_id=cast.STAFF, now=NOW)
    assert versions.draft_of(sequence_id=sequence, actor_id=None, now=NOW).id == first.id
    with pytest.raises(ChangedMeanwhile):
        activating.activate(
            sequence_id=sequence, seen_at=NOW - timedelta(1), actor_id=cast.STAFF, now=NOW
        )


def test_a_new_draft_has_copies_of_the_mails_and_a_removed_step_takes_its_mail_along() -> None:
    sequence = cast.active(cast.step("s1", "send"))
    running = Campaign.objects.get(mode=CampaignMode.SEQUENCE)
    versions.draft_of(sequence_id=sequence, actor_id=cast.STAFF, now=NOW)
    copied = Campaign.objects.exclude(id=running.id).get(mode=CampaignMode.SEQUENCE)
    assert (copied.state, copied.subject) == ("draft", running.subject)
    edit(sequence, cast.wait("s2"))
    assert Campaign.objects.filter(mode=CampaignMode.SEQUENCE).get() == running
    versions.discard_draft(sequence_id=sequence)
    assert SequenceVersion.objects.get().number == 1


def test_the_mail_of_a_sequence_is_no_newsletter() -> None:
    cast.write(cast.step("s1", "send"))
    mail = Campaign.objects.get(mode=CampaignMode.SEQUENCE)
    with pytest.raises(WrongState):
        launch(campaign_id=mail.id, actor_id=cast.STAFF, now=NOW)


def test_the_mail_of_a_sequence_is_neither_launched_nor_scheduled_nor_compared() -> None:
    cast.write(cast.step("s1", "send"))
    mail = Campaign.objects.get(mode=CampaignMode.SEQUENCE)
    who: dict[str, Any] = {"campaign_id": mail.id, "actor_id": cast.STAFF, "now": NOW}
    with pytest.raises(WrongState):
        services.begin_launch(**who)
    with pytest.raises(WrongState):
        services.schedule(scheduled_at=NOW + cast.days(1), **who)
    chosen = services.ComparisonSettings(
        variants=2, sample_percent=20, rule="clicks", wait_minutes=60
    )
    with pytest.raises(services.NotADraft):
        services.compare_variants(campaign_id=mail.id, chosen=chosen, now=NOW)
    mail.refresh_from_db()
    assert mail.state == CampaignState.DRAFT
    assert not Comparison.objects.exists()


def test_the_mail_of_a_version_that_is_over_has_no_later_round() -> None:
    sequence = cast.active(cast.step("s1", "send"))
    edit(sequence, cast.wait("s2"))
    activating.activate(sequence_id=sequence, actor_id=cast.STAFF, now=NOW)
    assert activating.retire_mails(now=NOW) == 1
    mail = Campaign.objects.get(state=CampaignState.FINISHED)
    subscriber("dora@example.org")  # whom the purpose reaches, and the sequence does not
    with pytest.raises(WrongState):
        services.send_missing(
            campaign_id=mail.id, actor_id=cast.STAFF, with_failed=True, with_unknown=True, now=NOW
        )
    assert not Delivery.objects.exists()


def test_the_mail_of_a_version_stays_open_while_a_message_is_in_doubt() -> None:
    sequence = cast.active(cast.step("s1", "send"))
    alice = cast.person("alice")
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    cast.settle_mails(state=DeliveryState.IN_DOUBT)
    edit(sequence, cast.wait("s2"))
    activating.activate(sequence_id=sequence, actor_id=cast.STAFF, now=NOW)
    Enrolment.objects.update(state="stopped", due_at=None, ended_at=NOW)
    assert activating.retire_mails(now=NOW) == 0
    Delivery.objects.update(state=DeliveryState.SENT)
    assert activating.retire_mails(now=NOW) == 1


def test_archived_people_wait_a_week_for_an_undo_then_their_passages_end() -> None:
    sequence = cast.active(cast.wait("s1", 1))
    alice = cast.person("alice")
    cast.enter(sequence, alice)
    cast.turn(sequence, NOW)
    activating.archive(sequence_id=sequence, actor_id=cast.STAFF, now=NOW)
    assert cast.turn(sequence, NOW + cast.days(2)) == 0
    assert activating.settle_archived(now=NOW + cast.days(6)) == 0
    activating.restore(sequence_id=sequence, actor_id=cast.STAFF, now=NOW + cast.days(6))
    activating.resume(sequence_id=sequence, actor_id=cast.STAFF, now=NOW + cast.days(6))
    assert cast.where(sequence)[alice][0] == "active"
    activating.archive(sequence_id=sequence, actor_id=cast.STAFF, now=NOW + cast.days(6))
    assert activating.settle_archived(now=NOW + cast.days(13)) == 1
    assert cast.where(sequence) == {alice: ("exited", "s1", "archived")}


# --- what cannot be activated ------------------------------------------------------------------


def why(*steps: dict[str, Any], **rest: Any) -> dict[str, str]:
    sequence = cast.write(*steps, **rest)
    with pytest.raises(NotReadyToRun) as refused:
        activating.activate(sequence_id=sequence, actor_id=cast.STAFF, now=NOW)
    assert SequenceVersion.objects.get(sequence=sequence).activated_at is None
    return {each.step: str(each.text) for each in refused.value.problems}


def test_a_sequence_without_steps_or_with_an_unknown_beginning() -> None:
    assert "Add a step" in why()[""]
    assert "Choose the form" in why(cast.wait("s1"), trigger={"kind": "form", "form": ""})[""]
    gone = {"kind": "segment", "segment": "0199c0de-0000-7000-8000-000000000001"}
    assert "Choose the segment" in why(cast.wait("s1"), trigger=gone)[""]


def test_a_step_that_nobody_comes_to() -> None:
    ends = cast.step("s2", "stop")
    found = why(cast.step("s1", "stop"), cast.wait("s9"))
    assert "Nobody comes" in found["s9"]
    both = cast.step(
        "s1", "condition", segment=str(cast.segment(status=["new"])), yes=[ends],
        no=[cast.step("s3", "stop")],
    )  # fmt: skip
    assert "Nobody comes" in why(both, cast.wait("s9"), name="Other")["s9"]


@pytest.mark.parametrize(
    "broken",
    [
        cast.step("s1", "wait", amount=0, unit="days"),
        cast.step("s1", "wait", amount=2, unit="centuries"),
        cast.step("s1", "wait_weekday", weekdays=[], hour=9),
        cast.step("s1", "wait_date", date="tomorrow", hour=9),
        cast.step("s1", "tag", tag=""),
        cast.step("s1", "condition", sent="s7", yes=[cast.wait("s2")]),
        cast.step("s1", "notify", account="0199c0de-0000-7000-8000-000000000001"),
        cast.step("s1", "webhook", event="arrived"),
        cast.step("s1", "goto", sequence="0199c0de-0000-7000-8000-000000000001"),
    ],
    ids=lambda held: held["kind"],
)
def test_a_step_that_cannot_be_done(
    broken: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "_PUBLISHERS", [])
    assert why(broken, cast.wait("s9"))["s1"] or why(broken)["s1"]


def test_a_mail_without_a_subject_and_a_purpose_that_is_retired() -> None:
    sequence = cast.write(cast.step("s1", "send"))
    Campaign.objects.update(subject="")
    Purpose.objects.filter(code="newsletter").update(retired_at=NOW)
    with pytest.raises(NotReadyToRun) as refused:
        activating.activate(sequence_id=sequence, actor_id=cast.STAFF, now=NOW)
    found = {each.step for each in refused.value.problems}
    assert found == {"", "s1"}


def test_a_way_back_into_the_sequence_without_a_wait() -> None:
    first = cast.active(cast.step("s1", "stop"), name="First")
    second = cast.active(cast.step("s1", "goto", sequence=str(first)), name="Second")
    edit(first, cast.step("s1", "goto", sequence=str(second)))
    with pytest.raises(NotReadyToRun) as refused:
        activating.activate(sequence_id=first, actor_id=cast.STAFF, now=NOW)
    assert "without a wait" in str(refused.value.problems[0].text)
    edit(first, cast.wait("s0"), cast.step("s1", "goto", sequence=str(second)))
    activating.activate(sequence_id=first, actor_id=cast.STAFF, now=NOW)


def test_nothing_is_published_where_nobody_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_PUBLISHERS", [])
    with pytest.raises(NotConfigured):
        publish(kind="arrived", subjects={uuid4(): uuid4()}, at=NOW)


@pytest.mark.parametrize(
    "held",
    [
        {},
        {"trigger": {"kind": "moon"}},
        {"steps": [{"key": "s1", "kind": "explode", "says": {}}]},
        {"steps": [cast.wait("s1"), cast.wait("s1")]},
        {"steps": [cast.wait(f"s{n}") for n in range(61)]},
    ],
)
def test_what_is_no_sequence_is_not_read(held: dict[str, Any]) -> None:
    whole = {
        "trigger": {"kind": "hand"}, "steps": [], "reentry_days": 0, "on_skip": "continue",
        "patience_days": 7, "exits_on_reply": True, "exit_tags": [], "goal": {},
    }  # fmt: skip
    with pytest.raises(NotASequence):
        read_definition({**whole, **held} if held else {})


def test_steps_are_put_and_moved_where_they_are_wanted() -> None:
    condition = OneStep("s2", "condition", {}, yes=(OneStep("s3", "stop"),))
    base = read_definition(
        {
            "trigger": {"kind": "hand"}, "steps": [cast.wait("s1")], "reentry_days": 0,
            "on_skip": "continue", "patience_days": 7, "exits_on_reply": True, "exit_tags": [],
            "goal": {},
        }
    )  # fmt: skip
    made = with_step(base, "after:s1", condition)
    made = with_step(made, "yes:s2", OneStep("s4", "stop"))
    made = with_step(made, "after:s3", OneStep("s5", "stop"))
    assert [step.key for step in made.every_step()] == ["s1", "s2", "s4", "s3", "s5"]
    assert [step.key for step in moved(made, "s5", -1).every_step()][2:] == ["s4", "s5", "s3"]
    assert moved(made, "s4", -1) == made
    assert read_definition(made.as_json()) == made
