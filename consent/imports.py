"""People whose data came from elsewhere: told first, then given time to say no, only then reached.

Article 14 of the GDPR asks that a person whose data we have from somebody else is told so, and from
where, at the latest with the first message (14(3)(b)). Here the telling is a letter of its own: it
leaves before anything else may, and what follows from it follows only once the relay has taken it.
Nothing in this file can make a permission out of a file: the ledger refuses it too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from consent.ledger import Event, append_many
from consent.letters import Told, plan_information
from consent.models import (
    Basis,
    Notice,
    NoticeKind,
    Permission,
    Purpose,
    State,
)
from consent.notices import NoticeUnknown
from consent.purposes import current_assessment
from consent.suppression import are_suppressed
from privacy.services import Fingerprints, fingerprint_emails

METHOD = "import"


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
            event_type="ArrivedByImport",
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
    return _record(batch, [person for person in fresh if person.subject_id in marks], marks)


def _record(batch: _Batch, people: Sequence[ImportedPerson], marks: Mapping[UUID, bytes]) -> int:
    if people:
        append_many([batch.arrived(person) for person in people])
        plan_information(
            people=[
                Told(each.subject_id, marks[each.subject_id], batch.notice_for(each.language))
                for each in people
            ],
            source_id=batch.batch_id,
            purpose_code=batch.purpose_code,
            now=batch.now,
        )
    return len(people)


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
    kept = are_suppressed([mark.marks for mark in marks], purpose_code)
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
        people, marks, are_suppressed(marks, purpose_code), strict=True
    ):
        if not is_kept:
            yield person.subject_id, mark
