"""A launch at a moment: for everybody at once, or at an hour of each person's own clocks."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from campaigns.drafts import ChangedMeanwhile
from campaigns.launching import NotReady, obstacles
from campaigns.models import Campaign, CampaignState, LaunchPlan
from campaigns.moving import WrongState, note, refuse_sequence_mail
from campaigns.planning.moments import first_moment

FARTHEST = timedelta(days=366)


class TooSoon(Exception):
    """The moment is over, or for the first of the time zones it is."""


class TooFar(Exception):
    """The moment is more than a year ahead."""


def schedule(
    *,
    campaign_id: UUID,
    actor_id: UUID | None,
    scheduled_at: datetime,
    is_by_local_hour: bool = False,
    seen_at: datetime | None = None,
    now: datetime,
) -> None:
    """Plan the launch of a draft, or move that of a scheduled campaign. Safe twice.

    With `is_by_local_hour` the audience is frozen when the first country has that hour, and each
    message is due when its person's country has it. Raises TooSoon, TooFar, NotReady, WrongState,
    and ChangedMeanwhile where `updated_at` is no longer `seen_at`.
    """
    start_at = first_moment(scheduled_at) if is_by_local_hour else scheduled_at
    _check_moment(start_at, scheduled_at, now)
    if reasons := obstacles(campaign_id=campaign_id, now=now):
        raise NotReady(reasons)
    with transaction.atomic(using="default"):
        before = Campaign.objects.select_for_update(no_key=True).get(id=campaign_id)
        refuse_sequence_mail(before)
        if before.state not in (CampaignState.DRAFT, CampaignState.SCHEDULED):
            raise WrongState(before.state)
        if seen_at not in (None, before.updated_at):
            raise ChangedMeanwhile
        Campaign.objects.filter(id=campaign_id).update(
            state=CampaignState.SCHEDULED,
            scheduled_at=scheduled_at,
            updated_at=now,
            halted_reason="",
        )
        LaunchPlan.objects.update_or_create(
            campaign_id=campaign_id,
            defaults={
                "asked_by": actor_id,
                "is_by_local_hour": is_by_local_hour,
                "start_at": start_at,
            },
        )
        note(campaign_id, before.state, CampaignState.SCHEDULED, actor_id, now)


def _check_moment(start_at: datetime, scheduled_at: datetime, now: datetime) -> None:
    if start_at <= now:
        raise TooSoon(TooSoon.__doc__)
    if scheduled_at > now + FARTHEST:
        raise TooFar(TooFar.__doc__)


def unschedule(*, campaign_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Make a draft of a scheduled campaign again. Raises WrongState; safe twice."""
    with transaction.atomic(using="default"):
        before = Campaign.objects.select_for_update(no_key=True).get(id=campaign_id)
        if before.state == CampaignState.DRAFT:
            return
        if before.state != CampaignState.SCHEDULED:
            raise WrongState(before.state)
        Campaign.objects.filter(id=campaign_id).update(
            state=CampaignState.DRAFT, scheduled_at=None, updated_at=now
        )
        LaunchPlan.objects.filter(campaign_id=campaign_id).update(
            start_at=None, is_by_local_hour=False
        )
        note(campaign_id, before.state, CampaignState.DRAFT, actor_id, now)
