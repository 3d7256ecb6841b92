"""A campaign from state to state: who moved it, and its brakes."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from campaigns.delivery import statements
from campaigns.doorbells import ring_delivery
from campaigns.models import Campaign, CampaignMode, CampaignState, LaunchPlan, Round, StateChange


class WrongState(Exception):
    """The campaign is not in a state from which this can be done; the argument is its state."""


def refuse_sequence_mail(campaign: Campaign) -> None:
    """Raise WrongState for the mail of a sequence: that alone launches, pauses and ends it, and
    its rows are a person's passages, not an audience."""
    if campaign.mode != CampaignMode.NEWSLETTER:
        raise WrongState(campaign.mode)


def note(
    campaign_id: UUID, before: str, after: str, actor_id: UUID | None, now: datetime,
    reason: str = "",
) -> None:  # fmt: skip
    StateChange.objects.create(
        campaign_id=campaign_id,
        at=now,
        actor_id=actor_id,
        from_state=before,
        to_state=after,
        reason=reason,
    )


def move(
    campaign_id: UUID, froms: Sequence[CampaignState], to: CampaignState, actor_id: UUID | None,
    now: datetime, then: Callable[[], None] | None = None, reason: str = "",
) -> None:  # fmt: skip
    """Change the state where the old one still holds; the row lock makes clicks take turns."""
    with transaction.atomic(using="default"):
        # no_key: a cancel does not wait for the messages that are being planned.
        rows = Campaign.objects.select_for_update(no_key=True)
        before, mode = rows.values_list("state", "mode").get(id=campaign_id)
        if mode != CampaignMode.NEWSLETTER:  # its sequence pauses and ends it
            raise WrongState(mode)
        if before == to:
            return
        if before not in froms:
            raise WrongState(before)
        Campaign.objects.filter(id=campaign_id).update(state=to, updated_at=now, halted_reason="")
        note(campaign_id, before, to, actor_id, now, reason)
        if then is not None:
            then()


def pause(*, campaign_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Stop handing over: what is past its gate (at most a batch per worker) still leaves.

    Raises WrongState. Safe twice.
    """
    move(campaign_id, [CampaignState.RUNNING], CampaignState.PAUSED, actor_id, now)


def resume(*, campaign_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Go on where it was paused. Raises WrongState. Safe twice."""

    def ring() -> None:
        transaction.on_commit(partial(ring_delivery, campaign_id), robust=True)

    move(campaign_id, [CampaignState.PAUSED], CampaignState.RUNNING, actor_id, now, ring)


def cancel(*, campaign_id: UUID, actor_id: UUID | None, reason: str = "", now: datetime) -> None:
    """End a campaign for good; what was not sent is counted as skipped. Raises WrongState.

    Safe twice. While its audience is being frozen, the freezing comes to nothing; a later round
    that has not begun yet is given up, and the campaign is finished as before.
    """
    campaigns = Campaign.objects.filter(id=campaign_id, state=CampaignState.STARTING)
    if campaigns.filter(launched_at__isnull=False).exists():
        give_up = partial(give_up_round, campaign_id)
        to = CampaignState.FINISHED
        move(campaign_id, [CampaignState.STARTING], to, actor_id, now, give_up, reason)
        return
    froms = [
        CampaignState.DRAFT,
        CampaignState.SCHEDULED,
        CampaignState.STARTING,
        CampaignState.RUNNING,
        CampaignState.PAUSED,
    ]
    skip = partial(statements.skip_cancelled, campaign_id=campaign_id)
    move(campaign_id, froms, CampaignState.CANCELLED, actor_id, now, skip, reason)


def give_up_round(campaign_id: UUID) -> None:
    """Forget a later round that was never frozen."""
    done = Round.objects.filter(campaign_id=campaign_id).count()
    LaunchPlan.objects.filter(campaign_id=campaign_id).update(round=done + 1)
