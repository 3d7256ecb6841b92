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
    SINGLE_KINDS,
    Delivery,
    DeliveryKind,
    DeliveryState,
)
from campaigns.models.measurement import MeasuredMessage, PublishedLink, TrackedLink
from campaigns.models.single import OutgoingMessage, ReplyTemplate
from campaigns.models.transactional import (
    Ground,
    TransactionalMessage,
    TransactionalTemplate,
    TransactionalVersion,
)

__all__ = [
    "LETTER_KINDS",
    "OPEN_STATES",
    "SINGLE_KINDS",
    "AudienceExclusion",
    "Campaign",
    "CampaignState",
    "CampaignVersion",
    "CompiledContent",
    "Delivery",
    "DeliveryKind",
    "DeliveryState",
    "Ground",
    "MeasuredMessage",
    "OutgoingMessage",
    "PublishedIssue",
    "PublishedLink",
    "ReplyTemplate",
    "StateChange",
    "Template",
    "TrackedLink",
    "TransactionalMessage",
    "TransactionalTemplate",
    "TransactionalVersion",
]
