"""The door of consent. Other floors import from here and from nowhere else in `consent`."""

from datetime import datetime
from uuid import UUID

from consent.cards import OptOutLinks, opt_out_links, refresh_cards
from consent.decisions import apply_waiting_decisions, settle_decisions
from consent.gate import REASONS, Explanation, LedgerLine, explain, history, permits
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
from consent.proof import NothingToProve, proof_pack
from consent.purposes import PurposeText, current_assessment, purposes
from consent.receipts import Receipt, make_receipt, make_waiting_receipts
from consent.recording import Answer, record_answers
from consent.records import records_of
from consent.refusal import Refusal, refuse
from consent.sealing import SealBroken, SealProof, proof_of, seal_ledger
from consent.seeds import seed_purposes
from consent.suppression import EVERYTHING
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
    "NOTICE_ITEMS",
    "NOTICE_RECIPIENTS",
    "NO_STATES",
    "OBJECTION_DAYS",
    "PERMITTING_STATES",
    "REASONS",
    "Answer",
    "Basis",
    "Channel",
    "ConsentCannotBeImported",
    "Courier",
    "Explanation",
    "FactsDiffer",
    "ImportedPerson",
    "LedgerLine",
    "Letter",
    "MergeLine",
    "MissingItem",
    "NoNoticeDraft",
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
    "PurposeText",
    "PurposeUse",
    "Receipt",
    "SealBroken",
    "SealProof",
    "State",
    "apply_waiting_decisions",
    "begin_notice",
    "check_importable",
    "correct_notice",
    "correct_notice_by_draft",
    "current_assessment",
    "current_notice",
    "discard_notice_draft",
    "every_notice",
    "explain",
    "history",
    "indirect_notices",
    "interest_word",
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
    "offered_purposes",
    "opt_out_links",
    "permits",
    "plan_letter",
    "proof_of",
    "proof_pack",
    "publish_notice",
    "publish_notice_draft",
    "purposes",
    "record_answers",
    "record_import",
    "records_of",
    "records_of_notice",
    "refresh_cards",
    "register_courier",
    "seal_ledger",
    "seed_purposes",
    "settle_decisions",
    "settle_informed",
    "starting_choices",
    "suppressed_emails",
    "withdraw_on_behalf",
    "write_letter",
    "write_notice",
]
