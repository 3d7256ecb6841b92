"""Templates, campaigns, their frozen audience and the delivery ledger."""

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
from campaigns.models.material import (
    Brand,
    Image,
    Preflight,
    PreflightState,
    PublishedImage,
    SavedBlock,
)
from campaigns.models.measurement import MeasuredMessage, PublishedLink, TrackedLink

__all__ = [
    "LETTER_KINDS",
    "OPEN_STATES",
    "AudienceExclusion",
    "Brand",
    "Campaign",
    "CampaignState",
    "CampaignVersion",
    "CompiledContent",
    "Delivery",
    "DeliveryKind",
    "DeliveryState",
    "Image",
    "MeasuredMessage",
    "Preflight",
    "PreflightState",
    "PublishedImage",
    "PublishedLink",
    "SavedBlock",
    "StateChange",
    "Template",
    "TrackedLink",
]
