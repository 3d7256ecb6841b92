"""Who enters a sequence, who leaves it, and what staff do with one person's passage."""

from collections.abc import Sequence as Many
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from campaigns.automations.definition import read_definition
from campaigns.automations.references import reference_of
from campaigns.delivery.statements import statement
from campaigns.models import (
    Campaign,
    CampaignState,
    Delivery,
    DeliveryState,
    Enrolment,
    EnrolmentChange,
    EnrolmentState,
    Sequence,
    SequenceState,
)

_GIVEN = "wanted AS (SELECT unnest(%s::uuid[]) AS contact_id)"


class NotActive(Exception):
    """The sequence is not active: nobody enters it."""


class NotEnrolled(Exception):
    """The person cannot enter: they are in it, or went through it and may not enter again yet."""


class PassageOver(Exception):
    """This passage is over, or cannot be taken up again."""


def enrol(
    *,
    sequence: Sequence,
    contact_ids: Many[UUID] | None = None,
    wanted: tuple[str, Many[Any]] | None = None,
    occurrence: str | None = None,
    due_at: datetime | None = None,
    actor_id: UUID | None = None,
    now: datetime,
) -> list[UUID]:
    """Begin passages of contacts, or of a statement's; return those that began.

    Who is in it or may not enter again yet is left alone; so is everybody while the sequence is
    not active. Inside the caller's transaction. Safe twice.
    """
    text, parameters = wanted or (_GIVEN, [list(contact_ids or ())])
    if sequence.current is None:
        return []
    reentry = read_definition(sequence.current.definition).reentry_days
    sql = statement("sequences_enrol").replace("{wanted}", text)
    asked: list[Any] = [sequence.id, now, due_at or now, reentry, occurrence, actor_id]
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, [*parameters, *asked])
        return [row[0] for row in cursor.fetchall()]


def enrol_by_hand(*, sequence_id: UUID, contact_id: UUID, actor_id: UUID, now: datetime) -> UUID:
    """Begin one person's passage. Raises NotActive, NotEnrolled: so twice is once."""
    with transaction.atomic(using="default"):
        sequence = (
            Sequence.objects.select_for_update(of=("self",), no_key=True)
            .select_related("current")
            .get(id=sequence_id)
        )
        if sequence.state != SequenceState.ACTIVE:
            raise NotActive(NotActive.__doc__)
        began = enrol(sequence=sequence, contact_ids=[contact_id], actor_id=actor_id, now=now)
        if not began:
            raise NotEnrolled(NotEnrolled.__doc__)
        _note(began[0], "entered", "", actor_id, now)
    return began[0]


def stop_passage(*, enrolment_id: UUID, actor_id: UUID, now: datetime) -> None:
    """End one person's passage; a mail that waits in the queue is not sent. Twice is once."""
    with transaction.atomic(using="default"):
        row = Enrolment.objects.select_for_update().get(id=enrolment_id)
        if row.state != EnrolmentState.ACTIVE:
            return
        end([row], EnrolmentState.STOPPED, "by_hand", now)
        _note(row.id, "stopped", row.step, actor_id, now)


def take_up_again(*, enrolment_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Undo a stop: the person goes on at the step where they were.

    Raises PassageOver when it ended otherwise, or the person is in the sequence anew. Twice is
    once. What was held back meanwhile is not sent later: the step counts as done.
    """
    with transaction.atomic(using="default"):
        row = Enrolment.objects.select_for_update().get(id=enrolment_id)
        if row.state == EnrolmentState.ACTIVE:
            return
        others = Enrolment.objects.filter(
            sequence=row.sequence_id, contact_id=row.contact_id, state=EnrolmentState.ACTIVE
        )
        if row.state != EnrolmentState.STOPPED or others.exists():
            raise PassageOver(PassageOver.__doc__)
        Enrolment.objects.filter(id=row.id).update(
            state=EnrolmentState.ACTIVE, reason="", due_at=now, ended_at=None
        )
        _open_mails(row)
        _note(row.id, "resumed", row.step, actor_id, now)


def _open_mails(row: Enrolment) -> None:
    """The mails of a version that nobody was in any more may be closed: they go on with it."""
    is_active = Sequence.objects.filter(id=row.sequence_id, state=SequenceState.ACTIVE).exists()
    Campaign.objects.filter(
        sequence_mail__version=row.version_id, state=CampaignState.FINISHED
    ).update(state=CampaignState.RUNNING if is_active else CampaignState.PAUSED, finished_at=None)


def end(rows: Many[Enrolment], state: EnrolmentState, reason: str, now: datetime) -> None:
    """End passages that the caller has locked, and take their mails out of the queue."""
    ids = [row.id for row in rows]
    Enrolment.objects.filter(id__in=ids, state=EnrolmentState.ACTIVE).update(
        state=state, reason=reason, due_at=None, ended_at=now
    )
    drop_queued(rows, now)


def drop_queued(rows: Many[Enrolment], now: datetime) -> None:
    drop_mails([reference_of(row.id, row.step) for row in rows], now)


def drop_mails(references: Many[UUID], now: datetime) -> None:
    """Take mails out of the queue whose people have left their sequence."""
    Delivery.objects.filter(reference_id__in=references, state=DeliveryState.QUEUED).update(
        state=DeliveryState.SKIPPED, reason="cancelled", finished_at=now
    )


def _note(enrolment_id: UUID, what: str, step: str, actor_id: UUID | None, now: datetime) -> None:
    EnrolmentChange.objects.create(
        enrolment_id=enrolment_id, at=now, actor_id=actor_id, what=what, step=step
    )


def note_moved(enrolment_ids: Many[UUID], actor_id: UUID | None, now: datetime) -> None:
    EnrolmentChange.objects.bulk_create(
        [
            EnrolmentChange(enrolment_id=number, at=now, actor_id=actor_id, what="moved")
            for number in enrolment_ids
        ],
        batch_size=1000,
    )
