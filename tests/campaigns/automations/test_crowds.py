"""A crowd stops a sequence by itself; somebody else than who activated it lets it go on."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.urls import reverse
from pytest_django import Settings

from campaigns.automations import activating
from campaigns.automations.crowds import NeedsAnother, held_since
from campaigns.automations.occasions import hear, watch
from campaigns.models import Enrolment, Sequence
from crm.models import Account, Notification
from tests.campaigns.automations import cast
from tests.conftest import NOW
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture(autouse=True)
def two_at_most(settings: Settings) -> None:
    settings.CAMPAIGN_APPROVAL_SIZE = 2


def _people(number: int, since: int = 0) -> list[UUID]:
    return [cast.person(f"person{n}") for n in range(since, since + number)]


def _activated_by(username: str) -> tuple[UUID, UUID]:
    staff_client("marketing", username=username)
    actor = Account.objects.get(username=username).id
    number = cast.write(cast.wait("s1", 9), trigger={"kind": "tag", "tag": "fair"})
    activating.activate(sequence_id=number, actor_id=actor, now=NOW)
    return number, actor


def _tagged(people: list[UUID], at: datetime) -> None:
    with transaction.atomic():
        hear("tagged", people, "fair", at)


def _state(number: UUID) -> str:
    return str(Sequence.objects.get(id=number).state)


def test_a_crowd_in_several_acts_stops_it_and_its_activator_is_told() -> None:
    number, actor = _activated_by("one")
    _tagged(_people(2), NOW)
    assert _state(number) == "active"
    _tagged(_people(1, since=2), NOW + timedelta(hours=1))
    assert _state(number) == "paused"
    assert held_since(number) == NOW + timedelta(hours=1)
    assert Enrolment.objects.count() == 3  # they wait, and nobody of them goes on
    assert [(each.account_id, each.kind) for each in Notification.objects.all()] == [
        (actor, "sequence_held")
    ]
    _tagged(_people(1, since=9), NOW + timedelta(hours=2))
    assert Enrolment.objects.count() == 3


def test_only_somebody_else_lets_it_go_on_whatever_way() -> None:
    number, actor = _activated_by("one")
    _tagged(_people(3), NOW)
    with pytest.raises(NeedsAnother):
        activating.resume(sequence_id=number, actor_id=actor, now=NOW)
    activating.archive(sequence_id=number, actor_id=actor, now=NOW)
    activating.restore(sequence_id=number, actor_id=actor, now=NOW)
    with pytest.raises(NeedsAnother):
        activating.resume(sequence_id=number, actor_id=actor, now=NOW)
    other = staff_client("marketing", username="two")
    other.cookies["accord_language"] = "en"
    page = other.get(reverse("sequence", args=[number])).content.decode()
    assert "More than 2 people entered within a day" in page
    other.post(reverse("sequence-resume", args=[number]))
    assert (_state(number), held_since(number)) == ("active", None)
    _tagged(_people(2, since=5), NOW + timedelta(hours=2))
    assert _state(number) == "active"  # counted anew since then


def test_who_has_come_to_the_end_already_counts() -> None:
    number, _actor = _activated_by("one")
    _tagged(_people(2), NOW)
    Enrolment.objects.update(state="exited", reason="tag", due_at=None, ended_at=NOW)
    _tagged(_people(1, since=2), NOW + timedelta(minutes=5))
    assert _state(number) == "paused"


def test_who_comes_over_days_is_no_crowd() -> None:
    number, _actor = _activated_by("one")
    for day in range(4):
        _tagged(_people(2, since=2 * day), NOW + timedelta(days=2 * day))
    assert _state(number) == "active"
    assert Enrolment.objects.count() == 8


def test_newcomers_of_a_segment_may_be_a_crowd() -> None:
    segment = cast.segment(source=["test"])
    number = cast.active(cast.wait("s1", 9), trigger={"kind": "segment", "segment": str(segment)})
    _people(3)
    watch(now=NOW + timedelta(hours=1))
    assert _state(number) == "paused"
