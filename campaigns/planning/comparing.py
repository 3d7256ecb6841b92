"""A/B tests: what is compared, when it is decided, and what happens then.

The horizon is fixed: the wait begins when the last message of the sample has its outcome, and the
numbers are looked at once, when it is over. Asking again and again would find a difference by
chance far more often than one time in twenty.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from campaigns.delivery import statements
from campaigns.doorbells import ring_delivery
from campaigns.drafts import ChangedMeanwhile, NotADraft
from campaigns.models import (
    Campaign,
    CampaignMode,
    CampaignState,
    Comparison,
    ComparisonOutcome,
    Delivery,
    DeliveryState,
    WinnerRule,
)
from campaigns.planning.statistics import Judgement, Share, judge

_LIVE = (CampaignState.RUNNING, CampaignState.FINISHED)
_LEAVING = (
    DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.HANDING, DeliveryState.IN_DOUBT,
)  # fmt: skip


class NotYet(Exception):
    """The wait of this A/B test is not over: nobody chooses before."""


class AlreadyChosen(Exception):
    """A variant was chosen before, or the campaign was cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSettings:
    """What a person decides about an A/B test before the launch."""

    variants: int
    sample_percent: int
    rule: str
    wait_minutes: int


def compare_variants(
    *, campaign_id: UUID, chosen: ComparisonSettings | None, seen_at: datetime | None = None,
    now: datetime,
) -> None:  # fmt: skip
    """Set the A/B test of a draft, or take it away (None). Safe twice.

    Raises NotADraft, and ChangedMeanwhile where `updated_at` is no longer `seen_at`.
    """
    with transaction.atomic(using="default"):
        campaign = Campaign.objects.select_for_update(no_key=True).get(id=campaign_id)
        if campaign.state != CampaignState.DRAFT or campaign.mode != CampaignMode.NEWSLETTER:
            raise NotADraft
        if seen_at not in (None, campaign.updated_at):
            raise ChangedMeanwhile
        if chosen is None:
            Comparison.objects.filter(campaign_id=campaign_id).delete()
        else:
            Comparison.objects.update_or_create(campaign_id=campaign_id, defaults=asdict(chosen))
        Campaign.objects.filter(id=campaign_id).update(updated_at=now)


def comparison_of(campaign_id: UUID) -> Comparison | None:
    return Comparison.objects.filter(campaign_id=campaign_id).first()


def shares(*, campaign_id: UUID, rule: str, variants: int) -> Mapping[int, Share]:
    """Return what was counted of each variant of the sample, now. A variant may have nothing."""
    found = statements.tally(campaign_id=campaign_id, rule=rule)
    return {variant: Share(*found.get(variant, (0, 0))) for variant in range(variants)}


def decide_due(*, now: datetime) -> None:
    """Begin the waits of samples that have left, and decide where the wait is over.

    Safe to call by any number of workers at once. A paused campaign waits.
    """
    undecided = Comparison.objects.filter(winner=None, campaign__state__in=_LIVE)
    leaving = Delivery.objects.filter(campaign_id=OuterRef("campaign_id"), state__in=_LEAVING)
    for one in undecided.filter(decide_at=None).exclude(Exists(leaving)):
        Comparison.objects.filter(campaign_id=one.campaign_id, decide_at=None).update(
            decide_at=now + timedelta(minutes=one.wait_minutes)
        )
    due = undecided.filter(decide_at__lte=now).exclude(rule=WinnerRule.PERSON)
    for one in due:
        counted = shares(campaign_id=one.campaign_id, rule=one.rule, variants=one.variants)
        _settle(one, judge(counted, fewest=one.rule == WinnerRule.OPT_OUTS), counted, None, now)


def choose(*, campaign_id: UUID, variant: int, actor_id: UUID, now: datetime) -> None:
    """A person chooses what goes on, where the rule leaves it to one.

    Raises NotYet before the wait is over, and AlreadyChosen, also when repeated.
    """
    one = Comparison.objects.select_related("campaign").get(campaign_id=campaign_id)
    if one.rule != WinnerRule.PERSON or one.winner is not None:
        raise AlreadyChosen(AlreadyChosen.__doc__)
    if one.decide_at is None or one.decide_at > now:
        raise NotYet(NotYet.__doc__)
    if not 0 <= variant < one.variants:
        raise ValueError("There is no such variant.")
    counted = shares(campaign_id=campaign_id, rule=WinnerRule.CLICKS, variants=one.variants)
    by_person = Judgement(variant, ComparisonOutcome.PERSON)
    if not _settle(one, by_person, counted, actor_id, now):
        raise AlreadyChosen(AlreadyChosen.__doc__)


def _settle(
    one: Comparison, judgement: Judgement, counted: Mapping[int, Share], actor_id: UUID | None,
    now: datetime,
) -> bool:  # fmt: skip
    """Keep the decision and let the rest go, once; return whether this call did it."""
    with transaction.atomic(using="default"):
        campaign = Campaign.objects.select_for_update(no_key=True).get(id=one.campaign_id)
        if campaign.state == CampaignState.CANCELLED:
            return False
        decided = Comparison.objects.filter(campaign_id=one.campaign_id, winner=None).update(
            winner=judgement.chosen,
            outcome=judgement.outcome,
            decided_at=now,
            decided_by=actor_id,
            tally=[[each.messages, each.events] for _variant, each in sorted(counted.items())],
        )
        if decided and statements.release_held(
            campaign_id=one.campaign_id, variant=judgement.chosen
        ):
            transaction.on_commit(partial(ring_delivery, one.campaign_id), robust=True)
    return bool(decided)
