"""Campaigns that wait for a moment, a second person, or a decision."""

from datetime import timedelta
from uuid import UUID

import uuid_utils.compat

from campaigns import services
from campaigns.models import Campaign, CampaignVersion, Comparison, Delivery, DeliveryState
from campaigns.services import ComparisonSettings
from crm.models import Contact
from tests.campaigns import cast
from tests.conftest import NOW

MINUTE = timedelta(minutes=1)


def state(campaign: UUID) -> str:
    return Campaign.objects.get(id=campaign).state


def halted(campaign: UUID) -> str:
    return Campaign.objects.get(id=campaign).halted_reason


def begun(campaign: UUID) -> UUID:
    services.begin_launch(campaign_id=campaign, actor_id=cast.people_actor(), now=NOW)
    return campaign


def started(campaign: UUID) -> UUID:
    """Begun by a page and frozen by a worker."""
    services.start(campaign_id=begun(campaign), now=NOW)
    return campaign


def compared(
    *, variants: int = 2, sample_percent: int = 50, rule: str = "opt_outs", wait_minutes: int = 60
) -> UUID:
    """A draft with an A/B test, and words for each variant."""
    campaign = cast.draft(subject="A")
    first = Campaign.objects.get(id=campaign)
    for variant in range(1, variants):
        CampaignVersion.objects.create(
            campaign_id=campaign,
            variant=variant,
            language=first.language,
            subject="ABCD"[variant],
            mjml=first.mjml,
            updated_at=NOW,
        )
    chosen = ComparisonSettings(
        variants=variants, sample_percent=sample_percent, rule=rule, wait_minutes=wait_minutes
    )
    services.compare_variants(campaign_id=campaign, chosen=chosen, now=NOW)
    return campaign


def crowd(campaign: UUID, count: int, **chosen: object) -> list[UUID]:
    """Messages to people who are rows alone: to count by the thousand, not to be rendered."""
    people = [uuid_utils.compat.uuid7() for _ in range(count)]
    Contact.objects.bulk_create(
        Contact(
            id=each,
            has_email=True,
            has_phone=False,
            created_at=NOW,
            updated_at=NOW,
            last_act_at=NOW,
        )
        for each in people
    )
    Delivery.objects.bulk_create(
        Delivery(
            campaign_id=campaign,
            contact_id=each,
            kind=1,
            reference_id=campaign,
            due_at=NOW,
            planned_at=NOW,
            **chosen,
        )
        for each in people
    )
    return people


def sample_is_sent(campaign: UUID) -> None:
    queued = Delivery.objects.filter(campaign_id=campaign, state=DeliveryState.QUEUED)
    queued.update(state=DeliveryState.SENT, finished_at=NOW)


def comparison(campaign: UUID) -> Comparison:
    return Comparison.objects.get(campaign_id=campaign)


def adds_up(campaign: UUID) -> None:
    """The identity of the account: the audience is the sum of its states, always."""
    account = services.progress(campaign_id=campaign)
    assert account.audience == Delivery.objects.filter(campaign_id=campaign).count()
    assert account.audience == Campaign.objects.get(id=campaign).audience_size
