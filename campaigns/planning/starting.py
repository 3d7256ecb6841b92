"""From a press of the button, or a moment, to a campaign that runs: the freezing is a worker's.

The request only moves the campaign to `starting`. A worker freezes the audience in one statement
and one transaction; until its commit nothing has happened, so that a worker that dies leaves a
campaign that the next bell starts. A cancel does not wait: the freezing then comes to nothing.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import connections, transaction

from campaigns.delivery import statements
from campaigns.doorbells import ring_start
from campaigns.drafts import ChangedMeanwhile
from campaigns.launching import NotReady, freeze_and_run, obstacles
from campaigns.models import Campaign, CampaignState, LaunchPlan
from campaigns.moving import WrongState, give_up_round, note, refuse_sequence_mail
from campaigns.planning.agreement import NeedsAgreement

_FROM = (CampaignState.DRAFT, CampaignState.SCHEDULED)
# Words of `halted_reason` that say why a campaign did not start.
NOT_READY, NOBODY_MISSED = "not_ready", "nobody_missed"


def begin_launch(
    *, campaign_id: UUID, actor_id: UUID | None, seen_at: datetime | None = None, now: datetime
) -> None:
    """Ask for the launch of a draft; a worker does it within seconds.

    Raises NotReady, ChangedMeanwhile, and WrongState: of two presses one begins.
    """
    if reasons := obstacles(campaign_id=campaign_id, now=now):
        raise NotReady(reasons)
    with transaction.atomic(using="default"):
        campaign = Campaign.objects.select_for_update(no_key=True).get(id=campaign_id)
        refuse_sequence_mail(campaign)
        if campaign.state not in _FROM:
            raise WrongState(campaign.state)
        if seen_at not in (None, campaign.updated_at):
            raise ChangedMeanwhile
        # At once is not at an hour.
        LaunchPlan.objects.update_or_create(
            campaign_id=campaign_id,
            defaults={"asked_by": actor_id, "is_by_local_hour": False, "start_at": None},
        )
        to_starting(campaign=campaign, actor_id=actor_id, now=now)


def to_starting(*, campaign: Campaign, actor_id: UUID | None, now: datetime) -> None:
    """Move a locked campaign to starting and ring for a worker, in the caller's transaction."""
    Campaign.objects.filter(id=campaign.id).update(
        state=CampaignState.STARTING, updated_at=now, halted_reason=""
    )
    LaunchPlan.objects.filter(campaign_id=campaign.id).update(freezing_at=None)
    note(campaign.id, campaign.state, CampaignState.STARTING, actor_id, now)
    transaction.on_commit(partial(ring_start, campaign.id), robust=True)


def start_due(*, now: datetime) -> None:
    """Begin what is scheduled and due, and ring for whatever is still to be started.

    Safe to call by any number of beats at once: each campaign is moved once.
    """
    statements.start_due(now=now)
    starting = Campaign.objects.filter(state=CampaignState.STARTING)
    for campaign_id in starting.values_list("id", flat=True):
        ring_start(campaign_id)


def start(*, campaign_id: UUID, now: datetime) -> None:
    """Freeze the audience of a campaign that is starting, and send. Safe any number of times.

    Approval and obstacles are asked about again: what is not ready goes back to where it was, with
    a word for its page, and sends nothing.
    """
    LaunchPlan.objects.filter(
        campaign_id=campaign_id, campaign__state=CampaignState.STARTING, freezing_at=None
    ).update(freezing_at=now)
    try:
        _start_once(campaign_id, now)
    except WrongState:
        return  # it was cancelled meanwhile: that holds, and nothing was planned
    except NotReady:
        _give_back(campaign_id, NOT_READY, now)
    except NeedsAgreement as missing:
        _give_back(campaign_id, missing.reason, now)


def _start_once(campaign_id: UUID, now: datetime) -> None:
    with transaction.atomic(using="default"):
        if not _is_mine(campaign_id):
            return
        campaign = Campaign.objects.select_related("purpose").get(id=campaign_id)
        if campaign.state == CampaignState.STARTING:
            freeze_and_run(campaign=campaign, actor_id=None, now=now)


def _is_mine(campaign_id: UUID) -> bool:
    """Of several workers one freezes. Not the row's lock: a cancel would wait for it."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"start {campaign_id}"]
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def _give_back(campaign_id: UUID, reason: str, now: datetime) -> None:
    """To the draft that it was, or to the end of the round before."""
    with transaction.atomic(using="default"):
        campaign = Campaign.objects.select_for_update(no_key=True).get(id=campaign_id)
        if campaign.state != CampaignState.STARTING:
            return
        is_later = campaign.launched_at is not None
        to = CampaignState.FINISHED if is_later else CampaignState.DRAFT
        if is_later:
            give_up_round(campaign_id)
        Campaign.objects.filter(id=campaign_id).update(
            state=to, updated_at=now, halted_reason=reason
        )
        note(campaign_id, CampaignState.STARTING, to, None, now, reason)
