"""The end of a campaign: said to whoever launched it, and to other systems."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.delivery import statements
from campaigns.models import Campaign, CampaignResult
from crm.services import notify, publish_events


def finish_campaigns(*, campaign_id: UUID | None, now: datetime) -> list[UUID]:
    """End the running campaigns (or this one) in which nothing is open; return their ids.

    Safe to repeat: a campaign ends once.
    """
    with transaction.atomic():
        finished = statements.finish(campaign_id=campaign_id, now=now)
        ids = [{"campaign_id": str(number)} for number in finished]
        publish_events(kind="campaign.finished", ids=ids, at=now)
        for row in Campaign.objects.filter(id__in=finished).exclude(created_by=None):
            notify(
                account_ids=[row.created_by] if row.created_by else [],
                kind="campaign_finished",
                reference={"campaign": str(row.id)},
                cause=f"campaign_finished:{row.id}:{row.rounds.count()}",
                at=now,
            )
    # After the end is kept: whoever counts at this moment holds the row.
    CampaignResult.objects.filter(campaign__in=finished, due_at__gt=now).update(due_at=now)
    return finished
