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
from consent.notices import NoticeText, NoticeUnknown, notice, publish_notice
from consent.purposes import PurposeText, current_assessment, purposes
from consent.recording import Answer, record_answers
from consent.refusal import Refusal, refuse
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
    "ImportedPerson",
    "LedgerLine",
    "Letter",
    "MergeLine",
    "NotImportable",
    "NoticeKind",
    "NoticeText",
    "NoticeUnknown",
    "OptOutLinks",
    "PurposeText",
    "State",
    "apply_waiting_decisions",
    "check_importable",
    "current_assessment",
    "explain",
    "history",
    "indirect_notices",
    "letters_handed_over",
    "merge_preview",
    "merge_subjects",
    "notice",
    "opt_out_links",
    "permits",
    "plan_letter",
    "publish_notice",
    "purposes",
    "record_answers",
    "record_import",
    "refresh_cards",
    "register_courier",
    "seed_purposes",
    "settle_decisions",
    "settle_informed",
    "suppressed_emails",
    "withdraw_on_behalf",
    "write_letter",
]
