"""What the home page says of campaigns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.accounts import progress
from campaigns.models import Campaign, CampaignMode, CampaignState, WinnerRule
from campaigns.pages.labels import advice
from campaigns.planning.agreement import KIND
from crm.services import Account, CardValue, Figure, ListRow
from privacy.services import waiting_approvals


def running(_account: Account, _now: datetime) -> CardValue:
    """How many are being sent; stopped ones are said first: they wait for somebody."""
    states = list(
        Campaign.objects.filter(
            mode=CampaignMode.NEWSLETTER,
            state__in=(CampaignState.RUNNING, CampaignState.PAUSED),
        ).values_list("state", "halted_reason")
    )
    stopped = sum(state == CampaignState.PAUSED or bool(halted) for state, halted in states)
    detail = ngettext("%(count)s is stopped", "%(count)s are stopped", stopped)
    url = f"{reverse('campaign-list')}?state={CampaignState.RUNNING}" if states else ""
    return CardValue(len(states), detail % {"count": stopped} if stopped else "", url)


def last(_account: Account, _now: datetime) -> CardValue:
    """How many people the newest launched campaign is for, and its name."""
    newest = (
        Campaign.objects.filter(mode=CampaignMode.NEWSLETTER)
        .exclude(launched_at=None)
        .order_by("-launched_at")
        .values_list("id", "name", "audience_size")
        .first()
    )
    if newest is None:
        return CardValue("–", _("None has been launched yet"))
    campaign_id, name, audience = newest
    return CardValue(audience or 0, name, reverse("campaign", args=[campaign_id]))


def needing(account: Account, now: datetime) -> Sequence[ListRow]:
    """What waits for this person: what did not start, and A/B tests that a person decides."""
    own = Q(created_by=account.id) | Q(plan__asked_by=account.id)
    halted = Q(state__in=(CampaignState.DRAFT, CampaignState.FINISHED)) & ~Q(halted_reason="")
    undecided = Q(
        state=CampaignState.RUNNING,
        comparison__rule=WinnerRule.PERSON,
        comparison__winner=None,
        comparison__decide_at__lte=now,
    )
    rows = Campaign.objects.filter(own & (halted | undecided)).order_by("-updated_at")
    return [
        ListRow(
            title=row.name,
            url=reverse("campaign", args=[row.id]),
            detail=_why(row.halted_reason),
            at=row.updated_at,
        )
        for row in rows.only("id", "name", "halted_reason", "updated_at")[:SHOWN]
    ]


def _why(halted_reason: str) -> str:
    known = advice(halted_reason)
    return str(known.what) if known else _("The A/B test waits for your choice")


def agreeing(account: Account, now: datetime) -> Sequence[ListRow]:
    """Campaigns that another person wants to send, and that this one may agree to."""
    waiting = waiting_approvals(kinds=[KIND], now=now, not_asked_by=account.id, limit=SHOWN)
    asked_at = {UUID(str(each.reference["campaign"])): each.requested_at for each in waiting}
    rows = Campaign.objects.filter(id__in=asked_at, plan__approval_id__in=[w.id for w in waiting])
    return [
        ListRow(
            title=name,
            url=reverse("campaign", args=[number]),
            detail=_("Waits for a second person"),
            at=asked_at[number],
        )
        for number, name in rows.values_list("id", "name")
    ]


SHOWN = 10


def numbers(_now: datetime) -> Sequence[Figure]:
    """What operations may know of the campaigns that move: numbers, and no name."""
    moving = Campaign.objects.filter(
        mode=CampaignMode.NEWSLETTER, state__in=(CampaignState.RUNNING, CampaignState.PAUSED)
    )
    lines = []
    for campaign_id in moving.order_by("-launched_at").values_list("id", flat=True)[:SHOWN]:
        account = progress(campaign_id=campaign_id)
        counts = ", ".join(f"{state} {count}" for state, count in account.counts.items() if count)
        is_stopped = bool(account.halted_reason)
        lines.append(Figure(str(campaign_id), f"{account.audience}: {counts}", is_stopped))
    return lines


def is_first_campaign_written() -> bool:
    return Campaign.objects.exists()


def campaign_address(reference: Mapping[str, Any]) -> str:
    """Where a notification about a campaign leads."""
    return reverse("campaign", args=[reference["campaign"]])


def sequence_address(reference: Mapping[str, Any]) -> str:
    """Where a notification about a sequence leads."""
    return reverse("sequence", args=[reference["sequence"]])
