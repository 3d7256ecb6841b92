"""Templates, campaigns, their frozen audience and the delivery ledger."""

from campaigns.models.archive import PublishedIssue
from campaigns.models.campaigns import (
    AudienceExclusion,
    Campaign,
    CampaignState,
    CampaignVersion,
    CompiledContent,
    StateChange,
    Template,
)
from campaigns.models.deliveries import (
    LETTER_KINDS,
    OPEN_STATES,
    Delivery,
    DeliveryKind,
    DeliveryState,
)
from campaigns.models.measurement import MeasuredMessage, PublishedLink, TrackedLink
from campaigns.models.results import CampaignResult, MeasuredClick

__all__ = [
    "LETTER_KINDS",
    "OPEN_STATES",
    "AudienceExclusion",
    "Campaign",
    "CampaignResult",
    "CampaignState",
    "CampaignVersion",
    "CompiledContent",
    "Delivery",
    "DeliveryKind",
    "DeliveryState",
    "MeasuredClick",
    "MeasuredMessage",
    "PublishedIssue",
    "PublishedLink",
    "StateChange",
    "Template",
    "TrackedLink",
]
