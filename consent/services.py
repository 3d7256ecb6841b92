"""The door of consent. Other floors import from here and from nowhere else in `consent`."""

from datetime import datetime
from uuid import UUID

from consent.addresses import Reach, marks_of, register_addresses
from consent.cards import OptOutLinks, opt_out_links, refresh_cards
from consent.decisions import apply_waiting_decisions, settle_decisions
from consent.gate import REASONS, Explanation, LedgerLine, explain, history, permits, reachable
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
from consent.purposes import PurposeText, current_assessment, purposes
from consent.recording import Answer, record_answers
from consent.refusal import Refusal, refuse
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
    "REASONS",
    "Answer",
    "Basis",
    "Channel",
    "Courier",
    "Explanation",
    "KeptNo",
    "LedgerLine",
    "Letter",
    "NoticeText",
    "NoticeUnknown",
    "OptOutLinks",
    "PurposeText",
    "Reach",
    "RecordUnknown",
    "SealedIn",
    "ShownRecord",
    "State",
    "apply_waiting_decisions",
    "current_assessment",
    "explain",
    "history",
    "kept_for",
    "letters_handed_over",
    "notice",
    "opt_out_links",
    "permits",
    "plan_letter",
    "publish_notice",
    "purposes",
    "reachable",
    "record_answers",
    "refresh_cards",
    "register_addresses",
    "register_courier",
    "rekey_suppressions",
    "seed_purposes",
    "settle_decisions",
    "shown_record",
    "withdraw_on_behalf",
    "write_letter",
]
