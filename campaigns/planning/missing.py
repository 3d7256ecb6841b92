"""A later round of a finished campaign, to whoever was missed. Nobody gets a second message."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.delivery import statements
from campaigns.launching import NotReady, obstacles, target
from campaigns.models import Campaign, CampaignState, Delivery, DeliveryState, LaunchPlan
from campaigns.moving import WrongState, refuse_sequence_mail
from campaigns.planning.starting import to_starting


class NothingMissing(Exception):
    """There is nobody whom this round would write to."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Whom a later round could write to, counted now.

    `newcomers` may be written to and have no message. `failed` were tried for too long or could
    not be built. `unknown` may have their message already: nobody knows.
    """

    newcomers: int
    failed: int
    unknown: int

    def people(self, *, with_failed: bool, with_unknown: bool) -> int:
        return self.newcomers + self.failed * with_failed + self.unknown * with_unknown


def missing(*, campaign_id: UUID, now: datetime) -> Missing:
    """Return who was missed. Raises NotReady where the segment is gone. Changes nothing."""
    campaign = Campaign.objects.get(id=campaign_id)
    members, parameters = target(campaign, now)
    rows = Delivery.objects.filter(campaign_id=campaign_id)
    return Missing(
        newcomers=statements.count_missing(
            campaign_id=campaign_id,
            purpose_code=campaign.purpose_id,
            membership=members,
            parameters=parameters,
            now=now,
        ),
        failed=rows.filter(state=DeliveryState.FAILED).count(),
        unknown=rows.filter(state=DeliveryState.UNKNOWN).count(),
    )


def send_missing(
    *, campaign_id: UUID, actor_id: UUID | None, with_failed: bool, with_unknown: bool,
    now: datetime,
) -> None:  # fmt: skip
    """Begin a later round with the frozen mail: newcomers, and what is chosen besides.

    A worker freezes it as it does a launch. What is `sent` is never touched. Raises NothingMissing,
    NotReady, and WrongState unless the campaign is finished: of two presses one begins.
    """
    seen = Campaign.objects.only("state", "mode").get(id=campaign_id)
    refuse_sequence_mail(seen)
    if seen.state != CampaignState.FINISHED:
        raise WrongState(seen.state)
    if reasons := obstacles(campaign_id=campaign_id, now=now):
        raise NotReady(reasons)
    found = missing(campaign_id=campaign_id, now=now)
    if not found.people(with_failed=with_failed, with_unknown=with_unknown):
        raise NothingMissing(NothingMissing.__doc__)
    with transaction.atomic(using="default"):
        campaign = Campaign.objects.select_for_update(no_key=True).get(id=campaign_id)
        if campaign.state != CampaignState.FINISHED:
            raise WrongState(campaign.state)
        LaunchPlan.objects.update_or_create(
            campaign_id=campaign_id,
            defaults={
                "asked_by": actor_id,
                "round": campaign.rounds.count() + 2,
                "with_failed": with_failed,
                "with_unknown": with_unknown,
            },
        )
        to_starting(campaign=campaign, actor_id=actor_id, now=now)
