"""The door of consent. Other floors import from here and from nowhere else in `consent`."""

from datetime import datetime
from uuid import UUID

from consent.addresses import Reach, marks_of, register_addresses, register_merged
from consent.assessments import (
    Assessment,
    AssessmentDraft,
    approve_assessment,
    assessment_draft,
    assessments_of,
    findings_against_assessment,
    save_assessment_draft,
)
from consent.cards import OptOutLinks, card_permits, opt_out_links, refresh_cards
from consent.decisions import apply_waiting_decisions, settle_decisions
from consent.findings import CannotPublish, Finding, NoDraft, PurposeUnknown
from consent.form_titles import register_form_titles
from consent.gate import REASONS, Explanation, LedgerLine, explain, history, permits, reachable
from consent.histories import Step, write_histories
from consent.imports import (
    ConsentCannotBeImported,
    ImportedPerson,
    NotImportable,
    check_importable,
    indirect_notices,
    record_import,
    suppressed_emails,
)
from consent.informing import OBJECTION_DAYS, settle_informed
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
from consent.merging import MergeLine, merge_preview, merge_subjects
from consent.models import NO_STATES, PERMITTING_STATES, Basis, Channel, NoticeKind, State
from consent.notice_agreement import NoticeDisagreement, PurposeUse, notice_disagreements
from consent.notice_builder.checking import (
    NOTICE_ITEMS,
    MissingItem,
    missing_from_notice,
    notice_items,
)
from consent.notice_builder.choices import (
    NOTICE_RECIPIENTS,
    NoticeChoices,
    OfferedPurpose,
    interest_word,
    offered_purposes,
    starting_choices,
)
from consent.notice_builder.drafts import (
    NoNoticeDraft,
    NoticeExists,
    NoticeIncomplete,
    NoticeProposal,
    begin_notice,
    correct_notice_by_draft,
    discard_notice_draft,
    notice_choices,
    notice_drafts,
    notice_proposal,
    publish_notice_draft,
    write_notice,
)
from consent.notices import (
    FactsDiffer,
    NoticeText,
    NoticeUnknown,
    correct_notice,
    current_notice,
    every_notice,
    notice,
    notice_by_id,
    notice_wordings,
    publish_notice,
    records_of_notice,
)
from consent.objecting import object_by_message
from consent.opting_out import drop_opt_out
from consent.proof import NothingToProve, proof_pack
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
from consent.receipts import Receipt, make_receipt, make_waiting_receipts
from consent.recording import Answer, record_answers
from consent.records import records_of
from consent.refusal import Refusal, refuse, register_told
from consent.sealing import SealBroken, SealProof, proof_of, seal_ledger, unsealed_since
from consent.seeds import seed_purposes
from consent.showing import (
    KeptNo,
    RecordUnknown,
    SealedIn,
    ShownRecord,
    kept_for,
    shown_record,
)
from consent.suppression import EVERYTHING, rekey_suppressions
from consent.vocabulary import DATA_TERMS, PURPOSE_TERMS
from privacy.services import journal_writer


def withdraw_on_behalf(
    *,
    subject_id: UUID,
    email: str,
    purpose_code: str,
    source_id: UUID,
    actor_id: UUID,
    language: str = "fr",
    phone: str = "",
    now: datetime,
) -> None:
    """Record a "no" that a person told a member of staff; empty code: all of marketing.

    Staff can only ever lower a permission. `email` is normalised, `phone` in E.164; either may be
    empty. The number is kept, too, for purposes that people are called for. Idempotent by
    `source_id`.
    """
    marks = marks_of([Reach(email, phone)])[0]
    with journal_writer(now=now) as writer:
        refuse(
            refusal=Refusal(
                subject_id,
                marks.email,
                [purpose_code or EVERYTHING],
                "staff_on_behalf",
                source_id,
                now,
                language,
                "controller",
                actor_id,
                marks.phone,
            ),
            writer=writer,
        )


__all__ = [
    "DATA_TERMS",
    "EVERYTHING",
    "NOTICE_ITEMS",
    "NOTICE_RECIPIENTS",
    "NO_STATES",
    "OBJECTION_DAYS",
    "PERMITTING_STATES",
    "PURPOSE_TERMS",
    "REASONS",
    "Answer",
    "Assessment",
    "AssessmentDraft",
    "Basis",
    "CannotPublish",
    "Channel",
    "CodeTaken",
    "ConsentCannotBeImported",
    "Courier",
    "Explanation",
    "FactsDiffer",
    "Finding",
    "ImportedPerson",
    "KeptNo",
    "LedgerLine",
    "Letter",
    "MergeLine",
    "MissingItem",
    "NoDraft",
    "NoNoticeDraft",
    "NoNumberLeft",
    "NotImportable",
    "NothingToProve",
    "NoticeChoices",
    "NoticeDisagreement",
    "NoticeExists",
    "NoticeIncomplete",
    "NoticeKind",
    "NoticeProposal",
    "NoticeText",
    "NoticeUnknown",
    "OfferedPurpose",
    "OptOutLinks",
    "PublishedPurpose",
    "PurposeEntry",
    "PurposeText",
    "PurposeUnknown",
    "PurposeUse",
    "Reach",
    "Receipt",
    "RecordUnknown",
    "RuleNow",
    "RuleRefused",
    "RuleUnknown",
    "SealBroken",
    "SealProof",
    "SealedIn",
    "ShownRecord",
    "State",
    "Step",
    "apply_waiting_decisions",
    "approve_assessment",
    "assessment_draft",
    "assessments_of",
    "begin_notice",
    "begin_purpose",
    "bring_purpose_back",
    "card_permits",
    "change_legal_rule",
    "check_importable",
    "consent_wanted",
    "correct_notice",
    "correct_notice_by_draft",
    "current_assessment",
    "current_notice",
    "discard_notice_draft",
    "discard_purpose_draft",
    "drop_opt_out",
    "every_notice",
    "explain",
    "findings_against_assessment",
    "history",
    "indirect_notices",
    "interest_word",
    "kept_for",
    "legal_rule",
    "legal_rules",
    "letters_handed_over",
    "make_receipt",
    "make_waiting_receipts",
    "merge_preview",
    "merge_subjects",
    "missing_from_notice",
    "notice",
    "notice_by_id",
    "notice_choices",
    "notice_disagreements",
    "notice_drafts",
    "notice_items",
    "notice_proposal",
    "notice_wordings",
    "object_by_message",
    "offered_purposes",
    "opt_out_links",
    "permits",
    "plan_letter",
    "proof_of",
    "proof_pack",
    "publish_notice",
    "publish_notice_draft",
    "publish_purpose",
    "published_purposes",
    "purpose_entry",
    "purpose_findings",
    "purpose_register",
    "purposes",
    "reachable",
    "record_answers",
    "record_import",
    "records_of",
    "records_of_notice",
    "refresh_cards",
    "register_addresses",
    "register_courier",
    "register_form_titles",
    "register_merged",
    "register_told",
    "rekey_suppressions",
    "retire_purpose",
    "save_assessment_draft",
    "save_purpose_draft",
    "seal_ledger",
    "seed_purposes",
    "settle_decisions",
    "settle_informed",
    "shown_record",
    "starting_choices",
    "suppressed_emails",
    "unsealed_since",
    "withdraw_on_behalf",
    "write_histories",
    "write_letter",
    "write_notice",
]
