"""The worker's part of an import: look at the file, wait for a yes, take the people in.

Everything is done part by part, each in one transaction with the note of how far it is: a worker
that dies leaves a part undone and none half done or done twice.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from consent.services import (
    ImportedPerson,
    NoticeUnknown,
    NotImportable,
    record_import,
    suppressed_emails,
)
from crm.imports import waiting
from crm.imports.columns import Candidate, read_row
from crm.imports.waiting import COUNTING, DROPPED, READY, RUNNING, Pending
from crm.merging import kept_ids
from crm.models import Contact, ImportBatch
from crm.reception import Facets, receive_many
from crm.timeline import add_timeline
from privacy.services import find_by_email

logger = logging.getLogger("crm.imports")
EXAMPLES = 10


@dataclass
class Found:
    """What a look at the whole file found: counts, lines that cannot be taken, ten examples."""

    new: int = 0
    known: int = 0
    # Of the known ones: a "no" is kept, so that they are not written to.
    known_no: int = 0
    refusals: list[list[object]] = field(default_factory=list)
    examples: list[dict[str, str]] = field(default_factory=list)
    is_usable: bool = False


def work_on_imports(*, now: datetime) -> None:
    """Bring every import on as far as it can go without a person; safe to repeat and at once."""
    for batch_id in (
        ImportBatch.objects.filter(finished_at=None)
        .order_by("created_at")
        .values_list("id", flat=True)
    ):
        try:
            _work_on(batch_id, now)
        except waiting.NotReady:
            logger.info("import %s was changed meanwhile", batch_id)
        except (waiting.ImportUnknown, NotImportable, NoticeUnknown) as error:
            # Its key is away, or what it was allowed by is: what is done stands, the rest is not.
            logger.error("import %s is stopped: %s", batch_id, type(error).__name__)
            _close(batch_id, now)


def _work_on(batch_id: UUID, now: datetime) -> None:
    at = waiting.pending(batch_id)
    if at is None:
        _end(batch_id, now)
    elif at.stage == COUNTING:
        _count(batch_id, at)
    elif at.stage == RUNNING:
        _run(batch_id, now)
    elif at.stage == DROPPED or _is_forgotten(batch_id, now):
        _close(batch_id, now)


def _is_forgotten(batch_id: UUID, now: datetime) -> bool:
    oldest = now - waiting.WAITS_FOR
    return ImportBatch.objects.filter(id=batch_id, created_at__lt=oldest).exists()


# --- the look before the run -----------------------------------------------------------------


def _count(batch_id: UUID, at: Pending) -> None:
    batch = ImportBatch.objects.get(id=batch_id)
    found, seen = Found(), set[str]()
    if "email" in at.mapping:
        for part in range(at.parts):
            people, refused = _read_part(batch_id, at, part, seen)
            found.refusals += refused
            _count_part(batch, people, found)
    found.refusals.sort(key=lambda one: int(str(one[0])))
    found.is_usable = bool(found.new + found.known)
    with transaction.atomic():
        now_at = _locked(batch_id)
        if now_at is not None and (now_at.stage, now_at.mapping) == (COUNTING, at.mapping):
            waiting.change(batch_id, stages=(COUNTING,), stage=READY, found=asdict(found))


def _read_part(
    batch_id: UUID, at: Pending, part: int, seen: set[str]
) -> tuple[list[Candidate], list[list[object]]]:
    """Return the people of a part and the lines refused; `seen` are the addresses before it."""
    people, refused = [], list[list[object]]()
    for row in waiting.rows_of(batch_id, part):
        read = read_row(row, at.mapping, width=len(at.header))
        if isinstance(read, str):
            refused.append([row.line, read])
        elif read.person.email in seen:
            refused.append([row.line, "duplicate"])
        else:
            seen.add(read.person.email)
            people.append(read)
    return people, refused


def _count_part(batch: ImportBatch, people: Sequence[Candidate], found: Found) -> None:
    known, refused = _sort_out(batch, people)
    found.known += len(known)
    found.known_no += len(known & refused)
    said_no = refused - known
    found.new += len(people) - len(known) - len(said_no)
    found.refusals += [[p.line, "said_no"] for p in people if p.person.email in said_no]
    for one in people[: EXAMPLES - len(found.examples)]:
        found.examples.append(_example(one, one.person.email in known, said_no))


def _sort_out(batch: ImportBatch, people: Sequence[Candidate]) -> tuple[set[str], set[str]]:
    """Return the addresses of contacts, and those that a "no" is kept for."""
    emails = [one.person.email for one in people]
    subjects = find_by_email(emails=emails)
    kept = kept_ids(subjects.values())
    present = set(
        Contact.objects.filter(
            id__in=[kept.get(number, number) for number in subjects.values()]
        ).values_list("id", flat=True)
    )
    known = {email for email, number in subjects.items() if kept.get(number, number) in present}
    return known, suppressed_emails(emails=emails, purpose_code=batch.purpose_id)


def _example(one: Candidate, is_known: bool, said_no: set[str]) -> dict[str, str]:
    said = {name: str(value) for name, value in vars(one.person).items() if value}
    fate = "known" if is_known else "said_no" if one.person.email in said_no else "new"
    tags = ", ".join(one.tags)
    return {**said, "line": str(one.line), "language": one.language, "tags": tags, "fate": fate}


# --- the run ---------------------------------------------------------------------------------


def _locked(batch_id: UUID) -> Pending | None:
    """Return where an import stands, held against other workers; None where one has it."""
    row = ImportBatch.objects.select_for_update(skip_locked=True).filter(id=batch_id)
    return waiting.pending(batch_id) if row.filter(finished_at=None).first() else None


def _run(batch_id: UUID, now: datetime) -> None:
    while True:
        with transaction.atomic():
            at = _locked(batch_id)
            if at is None or at.stage != RUNNING:
                return
            if at.next_part < at.parts:
                _take_in(ImportBatch.objects.get(id=batch_id), at, now)
                waiting.change(batch_id, stages=(RUNNING,), next_part=at.next_part + 1)
        if at.next_part >= at.parts:
            _end(batch_id, now)
            return


def _take_in(batch: ImportBatch, at: Pending, now: datetime) -> None:
    # Lines that the look found twice in the file: a part alone cannot know them.
    twice = {line for line, reason in at.found["refusals"] if reason == "duplicate"}
    read, refused = _read_part(batch.id, at, at.next_part, set())
    people = [one for one in read if one.line not in twice]
    refused += [[one.line, "duplicate"] for one in read if one.line in twice]
    known, said_no = _sort_out(batch, people)
    taken = [one for one in people if one.person.email not in said_no - known]
    refused += [[one.line, "said_no"] for one in people if one.person.email in said_no - known]
    _receive(batch, taken, known, now)
    batch.rows_read += len(taken) + len(refused)
    batch.rows_known += len([1 for one in taken if one.person.email in known])
    batch.rows_new += len([1 for one in taken if one.person.email not in known])
    batch.refusals = [*batch.refusals, *({"line": line, "reason": why} for line, why in refused)]
    batch.save(update_fields=["rows_read", "rows_known", "rows_new", "refusals"])


def _receive(
    batch: ImportBatch, taken: Sequence[Candidate], known: set[str], now: datetime
) -> None:
    if not taken:
        return
    facets = [Facets(language=one.language, source="import", tags=one.tags) for one in taken]
    people = [(one.person, each) for one, each in zip(taken, facets, strict=True)]
    numbers = receive_many(people=people, now=now)
    restricted = set(
        Contact.objects.filter(id__in=numbers, restricted_at__isnull=False).values_list(
            "id", flat=True
        )
    )
    record_import(
        people=[
            ImportedPerson(number, one.person.email, one.language)
            for number, one in zip(numbers, taken, strict=True)
            if number not in restricted
        ],
        purpose_code=batch.purpose_id,
        channel=batch.channel,
        notice_code=batch.notice_code,
        notice_version=batch.notice_version,
        source=batch.source,
        batch_id=batch.id,
        actor_id=batch.created_by,
        now=now,
    )
    fresh = [n for n, one in zip(numbers, taken, strict=True) if one.person.email not in known]
    add_timeline(contact_ids=fresh, kind="imported", reference={"import": str(batch.id)}, at=now)


def _end(batch_id: UUID, now: datetime) -> None:
    """Destroy what was kept of the file, and say that it is over."""
    waiting.destroy(batch_id)
    batch = ImportBatch.objects.filter(id=batch_id, finished_at=None)
    batch.update(finished_at=now)


def _close(batch_id: UUID, now: datetime) -> None:
    """End an import before its time; where nobody was taken in, nothing of it is kept."""
    waiting.destroy(batch_id)
    ImportBatch.objects.filter(id=batch_id, finished_at=None, rows_read=0).delete()
    _end(batch_id, now)
