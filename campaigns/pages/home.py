"""What the home page says of campaigns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.accounts import progress
from campaigns.models import Campaign, CampaignMode, CampaignState
from crm.services import Account, CardValue, Figure


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
