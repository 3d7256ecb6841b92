"""The tables of crm."""

from crm.models.accounts import (
    Account,
    AccountEvent,
    AccountManager,
    RecoveryCode,
    Role,
)
from crm.models.doors import (
    TOKEN_LIFE_MAX,
    ApiToken,
    ApiTokenUse,
    EnrolmentKey,
    SecurityEvent,
    SignIn,
    StaffSession,
)
from crm.models.files import (
    Export,
    ExportDownload,
    ImportBatch,
)
from crm.models.people import (
    Contact,
    ContactCampaign,
    ContactMerge,
    ContactTag,
    Lead,
    NumberChange,
    NumberShown,
    Organisation,
    Segment,
    SupportTicket,
    Tag,
    TimelineEntry,
)

__all__ = [
    "TOKEN_LIFE_MAX",
    "Account",
    "AccountEvent",
    "AccountManager",
    "ApiToken",
    "ApiTokenUse",
    "Contact",
    "ContactCampaign",
    "ContactMerge",
    "ContactTag",
    "EnrolmentKey",
    "Export",
    "ExportDownload",
    "ImportBatch",
    "Lead",
    "NumberChange",
    "NumberShown",
    "Organisation",
    "RecoveryCode",
    "Role",
    "SecurityEvent",
    "Segment",
    "SignIn",
    "StaffSession",
    "SupportTicket",
    "Tag",
    "TimelineEntry",
]
