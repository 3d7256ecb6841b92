"""Templates, campaigns, their frozen audience and the delivery ledger."""

from campaigns.models.archive import PublishedIssue
from campaigns.models.automations import (
    ColleagueNotice,
    Enrolment,
    EnrolmentChange,
    EnrolmentState,
    Sequence,
    SequenceChange,
    SequenceMail,
    SequenceMember,
    SequenceState,
    SequenceVersion,
    StepMove,
)
from campaigns.models.campaigns import (
    AudienceExclusion,
    Campaign,
    CampaignMode,
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
from campaigns.models.material import (
    Brand,
    Image,
    Preflight,
    PreflightState,
    PublishedImage,
    SavedBlock,
)
from campaigns.models.measurement import MeasuredMessage, PublishedLink, TrackedLink
from campaigns.models.planning import (
    Comparison,
    ComparisonOutcome,
    LaunchPlan,
    Round,
    WinnerRule,
)
from campaigns.models.refusals import SenderRefusal
from campaigns.models.relays import (
    MailServiceLimit,
    Relay,
    RelayAllowance,
    RelayChange,
    RelaySlot,
    RelayState,
)
from campaigns.models.results import CampaignResult, MeasuredClick
from campaigns.models.returns import NO_KINDS, Return, ReturnPart, SoftBounce, WebhookToken
from campaigns.models.single import OutgoingMessage, ReplyTemplate
from campaigns.models.transactional import (
    Ground,
    TransactionalMessage,
    TransactionalTemplate,
    TransactionalVersion,
)
from campaigns.models.writing import DraftState

__all__ = [
    "LETTER_KINDS",
    "NO_KINDS",
    "OPEN_STATES",
    "SINGLE_KINDS",
    "AudienceExclusion",
    "Brand",
    "Campaign",
    "CampaignMode",
    "CampaignResult",
    "CampaignState",
    "CampaignVersion",
    "ColleagueNotice",
    "Comparison",
    "ComparisonOutcome",
    "CompiledContent",
    "Delivery",
    "DeliveryKind",
    "DeliveryState",
    "DraftState",
    "Enrolment",
    "EnrolmentChange",
    "EnrolmentState",
    "Ground",
    "Image",
    "LaunchPlan",
    "MailServiceLimit",
    "MeasuredClick",
    "MeasuredMessage",
    "OutgoingMessage",
    "Preflight",
    "PreflightState",
    "PublishedImage",
    "PublishedIssue",
    "PublishedLink",
    "Relay",
    "RelayAllowance",
    "RelayChange",
    "RelaySlot",
    "RelayState",
    "ReplyTemplate",
    "Return",
    "ReturnPart",
    "Round",
    "SavedBlock",
    "SenderRefusal",
    "Sequence",
    "SequenceChange",
    "SequenceMail",
    "SequenceMember",
    "SequenceState",
    "SequenceVersion",
    "SoftBounce",
    "StateChange",
    "StepMove",
    "Template",
    "TrackedLink",
    "TransactionalMessage",
    "TransactionalTemplate",
    "TransactionalVersion",
    "WebhookToken",
    "WinnerRule",
]
