"""Whole histories at once, for an installation that is made to try things out on.

They are events like any others: hashed, folded, guarded by the same triggers. What they say never
happened to anybody, so this verb is for installations of people who do not exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from uuid import UUID, uuid4

from django.db import transaction

from consent.ledger import Event, append_many
from consent.models import Basis, State
from consent.notices import NoticeText, notice
from consent.purposes import current_assessment


@dataclass(frozen=True)
class Step:
    """One event of a history, in the words of the ledger's columns."""

    purpose_code: str
    channel: str
    basis: str
    state: str
    event_type: str
    method: str
    indicated_by: str
    language: str
    at: datetime


def write_histories(
    *, histories: Sequence[tuple[UUID, Sequence[Step]]], notice_code: str, form_code: str
) -> int:
    """Append the histories of many subjects, the first events of all, then the second, ...

    One transaction on crm; returns how many events. Not safe twice: it is a second history.
    """
    written = 0
    notices = {
        language: notice(code=notice_code, version=1, language=language)
        for language in ("fr", "en")
    }
    with transaction.atomic():
        for column in zip_longest(*(steps for _subject, steps in histories)):
            events = [
                _event(subject, step, notices, form_code)
                for (subject, _steps), step in zip(histories, column, strict=True)
                if step is not None
            ]
            written += len(append_many(events))
    return written


def _event(subject: UUID, step: Step, notices: dict[str, NoticeText], form_code: str) -> Event:
    shown = notices.get(step.language) or notices["fr"]
    is_interest = step.basis == Basis.LEGITIMATE_INTEREST
    return Event(
        subject_id=subject,
        purpose_code=step.purpose_code,
        channel=step.channel,
        basis=step.basis,
        state=State(step.state),
        event_type=step.event_type,
        event_at=step.at,
        received_at=step.at,
        method=step.method,
        source_id=uuid4(),
        language=step.language,
        indicated_by=step.indicated_by,
        assessment_id=current_assessment(purpose_code=step.purpose_code) if is_interest else None,
        notice_id=shown.id,
        notice_sha256=shown.sha256,
        form_code=form_code,
        form_version=1,
    )
