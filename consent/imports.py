"""People whose data came from elsewhere: told first, then given time to say no, only then reached.

Article 14 of the GDPR asks that a person whose data we have from somebody else is told so, and from
where, at the latest with the first message (14(3)(b)). Here the telling is a letter of its own: it
leaves before anything else may, and what follows from it follows only once the relay has taken it.
Nothing in this file can make a permission out of a file: the ledger refuses it too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connections, transaction

from consent.cards import opt_out_links
from consent.ledger import Event, append_many
from consent.letters import INFORMATION, Letter, Told, plan_information
from consent.models import (
    Basis,
    LedgerEvent,
    LetterRequest,
    Notice,
    NoticeKind,
    Permission,
    Purpose,
    State,
)
from consent.notices import NoticeUnknown
from consent.purposes import current_assessment
from privacy.services import Fingerprints, fingerprint_emails

# The law names no number of days: the right to object must be brought to the person's attention
# before the first message at the latest (21(4)), and saying no must be possible in earnest. A week
# holds a week-end and the absence of a few days; ours is longer than what most of them need.
OBJECTION_DAYS = 7
METHOD, LETTER_METHOD = "import", "information_letter"


class ConsentCannotBeImported(ValueError):
    """Consent cannot be imported: it is a person's own act, and a file proves none (GDPR 7(1)).
    Ask these people with a form of yours, or import them on legitimate interest."""


class NotImportable(ValueError):
    """This purpose takes no imported people: it needs legitimate interest among its bases, and a
    balancing assessment in force that says that the interest prevails."""


@dataclass(frozen=True, repr=False)
class ImportedPerson:
    """A subject with their normalised address and language. No repr: addresses are not printed."""

    subject_id: UUID
    email: str
    language: str


@dataclass(frozen=True)
class _Batch:
    """What is common to the people of one import."""

    purpose_code: str
    channel: str
    assessment_id: UUID
    notices: Mapping[str, Notice]
    source: str
    batch_id: UUID
    actor_id: UUID
    now: datetime

    def notice_for(self, language: str) -> Notice:
        return self.notices.get(language) or next(iter(self.notices.values()))

    def arrived(self, person: ImportedPerson) -> Event:
        return Event(
            subject_id=person.subject_id,
            purpose_code=self.purpose_code,
            channel=self.channel,
            basis=Basis.LEGITIMATE_INTEREST,
            state=State.INTEREST_UNINFORMED,
            event_type="Acquire",
            event_at=self.now,
            received_at=self.now,
            method=METHOD,
            source_id=self.batch_id,
            language=self.notice_for(person.language).language,
            indicated_by="controller",
            assessment_id=self.assessment_id,
            source=self.source,
            import_batch=self.batch_id,
            actor_id=self.actor_id,
        )


def record_import(
    *,
    people: Sequence[ImportedPerson],
    purpose_code: str,
    channel: str,
    notice_code: str,
    notice_version: int,
    source: str,
    batch_id: UUID,
    actor_id: UUID,
    basis: str = Basis.LEGITIMATE_INTEREST,
    now: datetime,
) -> int:
    """Note people as imported and not yet told, and plan their letters; return how many.

    Whoever has any answer for this purpose and channel, or said no by their address, is left
    exactly as they are. In the caller's transaction on crm; a few statements for a thousand.
    Idempotent by (batch, subject). Raises ConsentCannotBeImported, NotImportable, NoticeUnknown.
    """
    batch = _Batch(
        purpose_code,
        channel,
        check_importable(purpose_code=purpose_code, channel=channel, basis=basis),
        _notices(notice_code, notice_version),
        source,
        batch_id,
        actor_id,
        now,
    )
    fresh = _without_answer(people, purpose_code, channel)
    marks = dict(_unsuppressed(fresh, purpose_code))
    recorded = [person for person in fresh if person.subject_id in marks]
    if recorded:
        append_many([batch.arrived(person) for person in recorded])
        plan_information(
            people=[
                Told(each.subject_id, marks[each.subject_id], batch.notice_for(each.language))
                for each in recorded
            ],
            source_id=batch_id,
            purpose_code=purpose_code,
            now=now,
        )
    return len(recorded)


def check_importable(
    *, purpose_code: str, channel: str, basis: str = Basis.LEGITIMATE_INTEREST
) -> UUID:
    """Return the assessment that an import for this purpose rests on.

    Raises ConsentCannotBeImported and NotImportable.
    """
    if basis == Basis.CONSENT:
        raise ConsentCannotBeImported(ConsentCannotBeImported.__doc__)
    purpose = Purpose.objects.filter(code=purpose_code, retired_at=None).first()
    assessment = current_assessment(purpose_code=purpose_code)
    if (
        purpose is None
        or assessment is None
        or basis != Basis.LEGITIMATE_INTEREST
        or basis not in purpose.bases
        or channel not in purpose.channels
    ):
        raise NotImportable(NotImportable.__doc__)
    return assessment


def indirect_notices() -> list[tuple[str, int]]:
    """Return code and newest version of every published notice of article 14."""
    newest: dict[str, int] = {}
    rows = Notice.objects.filter(kind=NoticeKind.INDIRECT)
    for code, version in rows.order_by("code", "version").values_list("code", "version"):
        newest[code] = version
    return list(newest.items())


def suppressed_emails(*, emails: Sequence[str], purpose_code: str) -> set[str]:
    """Return which of these normalised addresses a "no" is kept for, in one statement."""
    marks = fingerprint_emails(emails=emails)
    kept = _are_suppressed([mark.marks for mark in marks], purpose_code)
    return {email for email, is_kept in zip(emails, kept, strict=True) if is_kept}


def _notices(code: str, version: int) -> dict[str, Notice]:
    rows = Notice.objects.filter(code=code, version=version, kind=NoticeKind.INDIRECT)
    # French first: the language of whoever's own is not among them. The newest wording wins.
    ordered = sorted(rows.order_by("revision"), key=lambda row: row.language != "fr")
    if not ordered:
        raise NoticeUnknown(NoticeUnknown.__doc__)
    return {row.language: row for row in ordered}


def _without_answer(
    people: Sequence[ImportedPerson], purpose_code: str, channel: str
) -> list[ImportedPerson]:
    answered = set(
        Permission.objects.filter(
            subject_id__in=[person.subject_id for person in people],
            purpose=purpose_code,
            channel=channel,
        ).values_list("subject_id", flat=True)
    )
    once = {person.subject_id: person for person in people}
    return [person for number, person in once.items() if number not in answered]


def _unsuppressed(
    people: Sequence[ImportedPerson], purpose_code: str
) -> Iterator[tuple[UUID, bytes]]:
    found: list[Fingerprints] = fingerprint_emails(emails=[person.email for person in people])
    marks = [each.marks for each in found]
    for person, mark, is_kept in zip(
        people, marks, _are_suppressed(marks, purpose_code), strict=True
    ):
        if not is_kept:
            yield person.subject_id, mark


def _are_suppressed(marks: Sequence[bytes], purpose_code: str) -> list[bool]:
    """Ask the gate's own function of every set of fingerprints, in their order."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT consent_is_suppressed(1, m.marks, %s)"
            " FROM unnest(%s::bytea[]) WITH ORDINALITY AS m (marks, place) ORDER BY m.place",
            [purpose_code, list(marks)],
        )
        return [bool(row[0]) for row in cursor.fetchall()]


# --- the letter ------------------------------------------------------------------------------


def information_letter(request_id: UUID, email: str, now: datetime) -> Letter | None:
    """Return what to write, or None when the person has answered since: nothing waits for it."""
    request = (
        LetterRequest.objects.filter(id=request_id, kind=INFORMATION)
        .select_related("notice", "purpose")
        .first()
    )
    if request is None or request.notice is None or request.purpose is None:
        return None
    arrived = _arrival(request)
    if arrived is None or not _rests_on(arrived):
        return None
    links = opt_out_links(
        subjects={request.subject_id: email}, purpose_code=request.purpose.code, now=now
    )[request.subject_id]
    is_french = request.language == "fr"
    return Letter(
        request.language,
        {
            "purposes": request.purpose.title_fr if is_french else request.purpose.title_en,
            "notice": request.notice.text,
            "source": arrived.source,
            "opt_out_url": links.one_click_url,
            "preferences_url": links.preferences_url,
        },
    )


def note_informed(requests: Sequence[LetterRequest], now: datetime) -> None:
    """The relay has these letters: their readers are told. In the caller's transaction."""
    arrivals = {each.id: arrived for each in requests if (arrived := _arrival(each)) is not None}
    waiting = _still(State.INTEREST_UNINFORMED, list(arrivals.values()))
    append_many(
        [
            _informed(each, arrivals[each.id], now)
            for each in requests
            if each.id in arrivals and arrivals[each.id].seq in waiting
        ]
    )


def _arrival(request: LetterRequest) -> LedgerEvent | None:
    return LedgerEvent.objects.filter(
        source_id=request.source_id,
        subject_id=request.subject_id,
        event_state=State.INTEREST_UNINFORMED,
    ).first()


def _still(state: State, events: Sequence[LedgerEvent]) -> set[int]:
    """Return which of these events are what their permission still rests on, locked."""
    held = Permission.objects.select_for_update(of=("self",)).filter(
        event__in=[event.seq for event in events], state=state
    )
    return set(held.order_by("subject_id", "purpose_id").values_list("event_id", flat=True))


def _rests_on(event: LedgerEvent) -> bool:
    return Permission.objects.filter(event=event.seq, state=event.event_state).exists()


def _informed(request: LetterRequest, arrived: LedgerEvent, now: datetime) -> Event:
    notice = request.notice
    return Event(
        subject_id=arrived.subject_id,
        purpose_code=arrived.purpose_id,
        channel=arrived.channel,
        basis=arrived.basis,
        state=State.INTEREST_INFORMED,
        event_type="IndirectDataCollectionNotice",
        event_at=now,
        received_at=now,
        method=LETTER_METHOD,
        source_id=request.id,
        language=request.language,
        indicated_by="controller",
        assessment_id=arrived.assessment_id,
        notice_id=notice.id if notice else None,
        notice_sha256=bytes(notice.sha256) if notice else None,
        supersedes=arrived.record_id,
        source=arrived.source,
        import_batch=arrived.import_batch,
    )


# --- the time to object ----------------------------------------------------------------------


def settle_informed(*, now: datetime, limit: int = 1_000) -> int:
    """Let those who were told OBJECTION_DAYS ago, and have not objected, be written to.

    Returns how many; a "no" from any side since then stands. Safe to repeat, and by many at once.
    """
    return sum(
        _settle(code, channel, now, limit)
        for code, channels in Purpose.objects.values_list("code", "channels")
        for channel in channels
    )


def _settle(purpose_code: str, channel: str, now: datetime, limit: int) -> int:
    settled = 0
    last = UUID(int=0)
    while True:
        with transaction.atomic():
            told = list(
                Permission.objects.filter(
                    purpose=purpose_code,
                    channel=channel,
                    state=State.INTEREST_INFORMED,
                    subject_id__gt=last,
                    since__lte=now - timedelta(days=OBJECTION_DAYS),
                    event__method=LETTER_METHOD,
                )
                .select_related("event")
                .select_for_update(of=("self",), skip_locked=True)
                .order_by("subject_id")[:limit]
            )
            letters = LetterRequest.objects.in_bulk([each.event.source_id for each in told])
            append_many(_unobjected([each.event for each in told], letters, purpose_code, now))
        settled += len(told)
        if len(told) < limit:
            return settled
        last = told[-1].subject_id


def _unobjected(
    told: Sequence[LedgerEvent],
    letters: Mapping[UUID, LetterRequest],
    purpose_code: str,
    now: datetime,
) -> list[Event]:
    """What follows for those who were told, but for an address that a "no" is kept for."""
    marks = [
        bytes(letters[each.source_id].address_fingerprint or b"")
        if each.source_id in letters
        else b""
        for each in told
    ]
    kept = _are_suppressed(marks, purpose_code)
    return [
        Event(
            subject_id=each.subject_id,
            purpose_code=each.purpose_id,
            channel=each.channel,
            basis=each.basis,
            state=State.INTEREST_NOT_OBJECTED,
            event_type="NoObjection",
            event_at=now,
            received_at=now,
            method=LETTER_METHOD,
            source_id=each.source_id,
            language=each.language,
            indicated_by="controller",
            assessment_id=each.assessment_id,
            notice_id=each.notice_id,
            notice_sha256=bytes(each.notice_sha256 or b"") or None,
            shown_record=each.record_id,
            supersedes=each.record_id,
            source=each.source,
            import_batch=each.import_batch,
        )
        for each, mark, is_kept in zip(told, marks, kept, strict=True)
        # Whose letter cannot be found any more was erased meanwhile: silence is no answer then.
        if mark and not is_kept
    ]
