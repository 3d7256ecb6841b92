"""The door of consent. Other floors import from here and from nowhere else in `consent`."""

from datetime import datetime
from uuid import UUID

from consent.assessments import (
    Assessment,
    AssessmentDraft,
    approve_assessment,
    assessment_draft,
    assessments_of,
    findings_against_assessment,
    save_assessment_draft,
)
from consent.cards import OptOutLinks, opt_out_links, refresh_cards
from consent.decisions import apply_waiting_decisions, settle_decisions
from consent.findings import CannotPublish, Finding, NoDraft, PurposeUnknown
from consent.gate import REASONS, Explanation, LedgerLine, explain, history, permits
from consent.legal_rules import (
    RuleNow,
    RuleRefused,
    RuleUnknown,
    change_legal_rule,
    consent_wanted,
    legal_rule,
    legal_rules,
)
from consent.letters import (
    Courier,
    Letter,
    letters_handed_over,
    plan_letter,
    register_courier,
    write_letter,
)
from consent.models import Basis, Channel, State
from consent.notices import NoticeText, NoticeUnknown, notice, publish_notice
from consent.purpose_drafts import (
    CodeTaken,
    NoNumberLeft,
    begin_purpose,
    bring_purpose_back,
    discard_purpose_draft,
    publish_purpose,
    purpose_findings,
    retire_purpose,
    save_purpose_draft,
)
from consent.purpose_register import (
    PublishedPurpose,
    PurposeEntry,
    published_purposes,
    purpose_entry,
    purpose_register,
)
from consent.purposes import PurposeText, current_assessment, purposes
from consent.recording import Answer, record_answers
from consent.refusal import Refusal, refuse
from consent.seeds import seed_purposes
from consent.suppression import EVERYTHING
from consent.vocabulary import DATA_TERMS, PURPOSE_TERMS
from privacy.services import fingerprint_emails, journal_writer


def withdraw_on_behalf(
    *,
    subject_id: UUID,
    email: str,
    purpose_code: str,
    source_id: UUID,
    actor_id: UUID,
    language: str = "fr",
    now: datetime,
) -> None:
    """Record a "no" that a person told a member of staff; empty code: all of marketing.

    Staff can only ever lower a permission. `email` is normalised. Idempotent by `source_id`.
    """
    with journal_writer(now=now) as writer:
        refuse(
            refusal=Refusal(
                subject_id,
                fingerprint_emails(emails=[email])[0],
                [purpose_code or EVERYTHING],
                "staff_on_behalf",
                source_id,
                now,
                language,
                "controller",
                actor_id,
            ),
            writer=writer,
        )


__all__ = [
    "DATA_TERMS",
    "PURPOSE_TERMS",
    "REASONS",
    "Answer",
    "Assessment",
    "AssessmentDraft",
    "Basis",
    "CannotPublish",
    "Channel",
    "CodeTaken",
    "Courier",
    "Explanation",
    "Finding",
    "LedgerLine",
    "Letter",
    "NoDraft",
    "NoNumberLeft",
    "NoticeText",
    "NoticeUnknown",
    "OptOutLinks",
    "PublishedPurpose",
    "PurposeEntry",
    "PurposeText",
    "PurposeUnknown",
    "RuleNow",
    "RuleRefused",
    "RuleUnknown",
    "State",
    "apply_waiting_decisions",
    "approve_assessment",
    "assessment_draft",
    "assessments_of",
    "begin_purpose",
    "bring_purpose_back",
    "change_legal_rule",
    "consent_wanted",
    "current_assessment",
    "discard_purpose_draft",
    "explain",
    "findings_against_assessment",
    "history",
    "legal_rule",
    "legal_rules",
    "letters_handed_over",
    "notice",
    "opt_out_links",
    "permits",
    "plan_letter",
    "publish_notice",
    "publish_purpose",
    "published_purposes",
    "purpose_entry",
    "purpose_findings",
    "purpose_register",
    "purposes",
    "record_answers",
    "refresh_cards",
    "register_courier",
    "retire_purpose",
    "save_assessment_draft",
    "save_purpose_draft",
    "seed_purposes",
    "settle_decisions",
    "withdraw_on_behalf",
    "write_letter",
]
