"""Tables of consent: the catalogue, the ledger, and what is kept of people besides it."""

from consent.models.catalogue import (
    BalancingAssessment,
    Basis,
    Channel,
    Draft,
    DraftKind,
    LegalRule,
    Notice,
    NoticeKind,
    Purpose,
    PurposeVersion,
)
from consent.models.ledger import (
    NO_STATES,
    PERMITTING_STATES,
    LedgerEvent,
    Permission,
    Seal,
    State,
)
from consent.models.people import (
    AppliedDecision,
    ConfirmationRequest,
    LetterRequest,
    MailingPreference,
    PreferenceCard,
    PublicReceipt,
    SubjectCard,
    Suppression,
)

__all__ = [
    "NO_STATES",
    "PERMITTING_STATES",
    "AppliedDecision",
    "BalancingAssessment",
    "Basis",
    "Channel",
    "ConfirmationRequest",
    "Draft",
    "DraftKind",
    "LedgerEvent",
    "LegalRule",
    "LetterRequest",
    "MailingPreference",
    "Notice",
    "NoticeKind",
    "Permission",
    "PreferenceCard",
    "PublicReceipt",
    "Purpose",
    "PurposeVersion",
    "Seal",
    "State",
    "SubjectCard",
    "Suppression",
]
