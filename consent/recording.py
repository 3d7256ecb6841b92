"""What a person answered on a form, as events of the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from consent.addresses import Marks, Reach, addresses_of, marks_of
from consent.confirming import request_confirmation
from consent.ledger import Event, append
from consent.letters import CONFIRMATION, hand_to_courier
from consent.models import Basis, Channel, Notice, State
from consent.notices import NoticeUnknown
from consent.refusal import Refusal, refuse
from consent.suppression import is_suppressed_person
from privacy.services import Fingerprints, journal_writer


@dataclass(frozen=True)
class Answer:
    """One box of a form. Ticked means yes to consent, and no to legitimate interest."""

    purpose_code: str
    channel: str
    basis: str
    assessment_id: UUID | None
    is_ticked: bool
    control_text: str


@dataclass(frozen=True)
class Sheet:
    """What is common to the answers of one submission."""

    subject_id: UUID
    # Not in the repr: identities are never printed.
    email: str = field(repr=False)
    marks: Marks
    notice: Notice
    language: str
    form_code: str
    form_version: int
    source_id: UUID
    event_at: datetime
    received_at: datetime
    method: str
    evidence: Mapping[str, str]

    @property
    def fingerprints(self) -> Fingerprints:
        assert self.marks.email is not None  # noqa: S101 - for the type checker: a form has one
        return self.marks.email

    def event(self, answer: Answer, state: State, event_type: str) -> Event:
        is_shown = state == State.NOTICE_SHOWN
        return Event(
            subject_id=self.subject_id,
            purpose_code=answer.purpose_code,
            channel=answer.channel,
            basis=answer.basis,
            state=state,
            event_type=event_type,
            event_at=self.event_at,
            received_at=self.received_at,
            method=self.method,
            source_id=self.source_id,
            language=self.language,
            assessment_id=answer.assessment_id,
            notice_id=self.notice.id,
            notice_sha256=bytes(self.notice.sha256),
            control_text=answer.control_text,
            form_code=self.form_code,
            form_version=self.form_version,
            # Once per submission and purpose is enough: the notice's own event carries it.
            evidence=self.evidence if is_shown else {},
        )


def record_answers(
    *,
    subject_id: UUID,
    email: str,
    answers: Sequence[Answer],
    notice_id: UUID,
    language: str,
    form_code: str,
    form_version: int,
    source_id: UUID,
    event_at: datetime,
    received_at: datetime,
    needs_confirmation: bool,
    evidence: Mapping[str, str],
    method: str = "form",
    now: datetime,
) -> list[str]:
    """Record what was shown and answered; return the states that were written, in order.

    Inside the caller's transaction on crm; `email` is normalised. Idempotent by `source_id`.
    An unticked consent box records only that the notice was shown: silence is no answer
    (GDPR recital 32). Raises NoticeUnknown.
    """
    notice = Notice.objects.filter(id=notice_id).first()
    if notice is None:
        raise NoticeUnknown(NoticeUnknown.__doc__)
    sheet = Sheet(
        subject_id,
        email,
        _marks(subject_id, email, answers),
        notice,
        language,
        form_code,
        form_version,
        source_id,
        event_at,
        received_at,
        method,
        evidence,
    )
    written = {answer: _states(sheet, answer, needs_confirmation) for answer in answers}
    append(
        [
            sheet.event(answer, state, _EVENT_TYPES[state])
            for answer, states in written.items()
            for state in states
            if state != State.INTEREST_OBJECTED
        ]
    )
    for answer, states in written.items():
        if State.INTEREST_OBJECTED in states:
            with journal_writer(now=now) as writer:
                refuse(refusal=_objection(sheet, answer), writer=writer)
    asked = {
        answer.purpose_code
        for answer, states in written.items()
        if State.CONSENT_REQUESTED in states
    }
    if asked:
        _ask_confirmation(sheet, asked, now)
    return [state for states in written.values() for state in states]


def _marks(subject_id: UUID, email: str, answers: Sequence[Answer]) -> Marks:
    """The fingerprints of the address, and of the number where one of the answers is about it."""
    phone = ""
    if any(answer.channel in _BY_NUMBER for answer in answers):
        reach = addresses_of(subject_ids=[subject_id]).get(subject_id)
        phone = reach.phone if reach else ""
    return marks_of([Reach(email, phone)])[0]


_BY_NUMBER = (Channel.PHONE, Channel.SMS)
_EVENT_TYPES = {
    State.NOTICE_SHOWN: "DirectDataCollectionNotice",
    State.INTEREST_INFORMED: "NoticeCommunicated",
    State.INTEREST_NOT_OBJECTED: "NoObjection",
    State.CONSENT_REQUESTED: "ExpressedConsent",
    State.CONSENT_GIVEN: "ExpressedConsent",
}


def _states(sheet: Sheet, answer: Answer, needs_confirmation: bool) -> list[State]:
    """The states that one answer brings, in their order."""
    if answer.basis == Basis.LEGITIMATE_INTEREST:
        last = State.INTEREST_OBJECTED if answer.is_ticked else State.INTEREST_NOT_OBJECTED
        return [State.NOTICE_SHOWN, State.INTEREST_INFORMED, last]
    if answer.basis != Basis.CONSENT or not answer.is_ticked:
        return [State.NOTICE_SHOWN]
    # Whoever said no before must confirm by mail: a form proves nothing about its sender.
    is_asked = needs_confirmation or is_suppressed_person(
        marks=sheet.marks, purpose_code=answer.purpose_code
    )
    return [State.NOTICE_SHOWN, State.CONSENT_REQUESTED if is_asked else State.CONSENT_GIVEN]


def _objection(sheet: Sheet, answer: Answer) -> Refusal:
    return Refusal(
        sheet.subject_id,
        sheet.fingerprints,
        [answer.purpose_code],
        sheet.method,
        sheet.source_id,
        sheet.event_at,
        sheet.language,
        phone=sheet.marks.phone,
    )


def _ask_confirmation(sheet: Sheet, asked: set[str], now: datetime) -> None:
    """Plan a letter, unless one of the caps is reached (consent/confirming.py)."""
    request_id = request_confirmation(
        subject_id=sheet.subject_id,
        email=sheet.email,
        fingerprints=sheet.fingerprints,
        asked=asked,
        source_id=sheet.source_id,
        language=sheet.language,
        now=now,
    )
    if request_id is not None:
        hand_to_courier(
            kind=CONFIRMATION, reference_id=request_id, subject_id=sheet.subject_id, now=now
        )
