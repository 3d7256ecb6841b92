"""The worker's part of exports: make the file part by part, and destroy what is over.

Each part is one transaction with the note of how far the export is: a worker that dies leaves a
part undone and none half done or done twice. One part is in memory at a time, however many people.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from crm.exports.asking import KIND, reference_of
from crm.exports.gate import Judged, judge_next
from crm.exports.keeping import SealedRow, destroy_file, seal_part
from crm.exports.terms import FAILURES_MOST
from crm.models import ContactTag, Export
from privacy.services import NotApproved, approval, use_approval

logger = logging.getLogger("crm.exports")
# Doubled each time: ten tries take seventeen hours, longer than most of what is broken.
FIRST_PAUSE = timedelta(minutes=2)


def work_on_exports(*, now: datetime) -> None:
    """Destroy every file whose time is over, and bring every other one on; safe to repeat.

    One that fails keeps no other one waiting: it is tried again later, FAILURES_MOST times.
    """
    destroy_exports(now=now)
    waiting = Export.objects.filter(
        made_at=None, cancelled_at=None, refused_at=None, destroyed_at=None
    )
    due = waiting.exclude(next_try_at__gt=now).order_by("requested_at")
    for number in due.values_list("id", flat=True):
        try:
            if _may_start(number, now):
                _make(number, now)
        except Exception as error:
            # The class alone: what stands in an error of the database may be of a person.
            logger.error("export %s could not be made: %s", number, type(error).__name__)
            _note_failure(number, now)


def _note_failure(number: UUID, now: datetime) -> None:
    """Count a failure and set the next try, each twice as far off; the last one refuses."""
    with transaction.atomic():
        export = _held(number)
        if export is None:
            return
        export.failures += 1
        export.next_try_at = now + FIRST_PAUSE * 2 ** (export.failures - 1)
        if export.failures >= FAILURES_MOST:
            export.refused_at = now
        export.save(update_fields=["failures", "next_try_at", "refused_at"])


def destroy_exports(*, now: datetime) -> None:
    """Destroy the files that are expired, cancelled or refused, keys first; safe to repeat."""
    alive = Export.objects.filter(destroyed_at=None)
    over = (
        alive.filter(expires_at__lte=now)
        | alive.filter(cancelled_at__isnull=False)
        | alive.filter(refused_at__isnull=False)
    )
    for number in over.values_list("id", flat=True):
        try:
            _destroy(number, now)
        except Exception as error:
            # Tried again each time, for ever: a file does not outlive its day because it is odd.
            logger.error("export %s is not destroyed: %s", number, type(error).__name__)


def _destroy(number: UUID, now: datetime) -> None:
    with transaction.atomic():
        # A worker in the middle of a part has the row: its next look finds the file over.
        export = _held(number)
        if export is not None:
            destroy_file(export)
            Export.objects.filter(id=number).update(destroyed_at=now)


def _held(number: UUID) -> Export | None:
    """Return an export that is not destroyed, held against other workers; None if one has it."""
    rows = Export.objects.select_for_update(skip_locked=True)
    return rows.filter(id=number, destroyed_at=None).first()


def _may_start(number: UUID, now: datetime) -> bool:
    """Say whether an export may be made: alone, or as another person agreed to it."""
    with transaction.atomic():
        export = _held(number)
        if export is None:
            return False
        if export.started_at is not None:
            return True
        if export.approval_id is not None and not _is_agreed(export, now):
            return False
        return Export.objects.filter(id=number).update(started_at=now) == 1


def _is_agreed(export: Export, now: datetime) -> bool:
    asked = approval(approval_id=export.approval_id) if export.approval_id else None
    if asked is not None and asked.is_waiting(now):
        return False
    try:
        use_approval(
            approval_id=export.approval_id or UUID(int=0),
            kind=KIND,
            reference=reference_of(export),
            now=now,
        )
    except NotApproved:
        logger.info("export %s was not agreed to", export.id)
        Export.objects.filter(id=export.id).update(refused_at=now)
        return False
    return True


def _make(number: UUID, now: datetime) -> None:
    is_going_on = True
    while is_going_on:
        with transaction.atomic():
            export = _held(number)
            is_going_on = (
                export is not None
                and export.made_at is None
                and export.cancelled_at is None
                and _make_part(export, now)
            )


def _make_part(export: Export, now: datetime) -> bool:
    """Judge and seal the next people; False once everybody was looked at."""
    judged = judge_next(export=export, now=now)
    if not judged:
        export.made_at, export.expires_at = now, now + timedelta(days=export.keep_days)
        export.save(update_fields=["made_at", "expires_at"])
        return False
    rows, left_out = _sorted_out(export, judged)
    if rows:
        seal_part(export_id=export.id, number=export.parts, rows=rows)
        export.parts += 1
    export.rows += len(rows)
    export.left_out = dict(Counter(export.left_out) + left_out)
    export.looked_at_id = judged[-1].contact_id
    export.save(update_fields=["parts", "rows", "left_out", "looked_at_id"])
    return True


def _sorted_out(export: Export, judged: Sequence[Judged]) -> tuple[list[SealedRow], Counter[str]]:
    """Return the rows of who may be named, and how many others were left out by why."""
    left_out = Counter(one.refusal for one in judged if one.refusal is not None)
    passed = [one for one in judged if one.refusal is None]
    room = export.most_rows - export.rows
    if len(passed) > room:
        left_out["over"] = len(passed) - room
        passed = passed[:room]
    tags = _tags([one.contact_id for one in passed]) if "tags" in export.columns else {}
    return [_row(export, one, tags.get(one.contact_id, ())) for one in passed], left_out


def _tags(numbers: Sequence[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {}
    rows = ContactTag.objects.filter(contact__in=numbers).order_by("tag_id")
    for contact, tag in rows.values_list("contact_id", "tag_id"):
        found.setdefault(contact, []).append(tag)
    return found


def _row(export: Export, one: Judged, tags: Sequence[str]) -> SealedRow:
    profile = one.profile
    if profile is None:
        raise TypeError("who passed the gate has a profile")
    said = {**vars(profile), "language": one.language, "tags": ",".join(tags)}
    cells = [str(said[name]) for name in export.columns]
    return SealedRow(one.contact_id, profile.email, profile.phone, cells)
