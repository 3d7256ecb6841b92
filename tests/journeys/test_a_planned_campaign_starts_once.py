"""A campaign starts at its moment, once: also when its worker is killed while it freezes."""

from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import connections, transaction

from campaigns import services
from campaigns.models import Campaign, Delivery
from crm.models import Contact
from crm.services import create_segment
from tests.campaigns import cast
from tests.journeys.stage import Stage, wait_for


def people_of(country: str, count: int) -> list[str]:
    """Subscribers of a country in which nobody else of the journeys lives."""
    emails = [f"person{number}-{uuid4().hex[:8]}@example.org" for number in range(count)]
    contacts = [cast.subscriber(email) for email in emails]
    Contact.objects.filter(id__in=contacts).update(country=country)
    return emails


def segment_of(country: str) -> UUID:
    rule = {"fact": "country", "is": "one_of", "value": [country]}
    rules = {"match": "all", "rules": [rule]}
    return create_segment(name=f"{country} {uuid4().hex[:6]}", rules=rules, now=cast.clock())


def _state(campaign: UUID) -> str:
    return Campaign.objects.get(id=campaign).state


def _is_freezing() -> bool:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted"
            " AND relation = 'campaigns_audienceexclusion'::regclass"
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def test_a_worker_that_is_killed_while_it_freezes_loses_and_doubles_nothing(stage: Stage) -> None:
    emails = people_of("IS", 3)  # so many need no second person on the stage
    campaign = cast.draft(subject="Planned", segment_id=segment_of("IS"))
    soon = cast.clock() + timedelta(seconds=2)
    services.schedule(campaign_id=campaign, actor_id=None, scheduled_at=soon, now=cast.clock())
    with transaction.atomic():
        with connections["default"].cursor() as cursor:
            # The freezing waits for this, with its rows written and not committed.
            cursor.execute("LOCK TABLE campaigns_audienceexclusion IN SHARE MODE")
        wait_for(_is_freezing, "a worker to freeze the audience")
        stage.kill("worker")
    assert _state(campaign) == "starting"
    assert not Delivery.objects.filter(campaign_id=campaign).exists()
    stage.start("worker")
    wait_for(lambda: _state(campaign) == "finished", "the campaign to finish", seconds=90)
    account = services.progress(campaign_id=campaign)
    assert (account.audience, account.counts["sent"]) == (3, 3)
    got = Counter(each for each in stage.inbox.recipients() if each in set(emails))
    assert got == dict.fromkeys(emails, 1)
    moves = Campaign.objects.get(id=campaign).changes.order_by("id")
    states = [each.to_state for each in moves]
    assert states == ["draft", "scheduled", "starting", "running", "finished"]
