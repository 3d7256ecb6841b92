"""Saved segments: made, changed, archived and found again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import IntegrityError, connections, transaction
from django.db.models import QuerySet

from crm.models import Segment
from crm.segments.references import numbers_in, opened, refuse_circle
from crm.segments.rules import parse

Rules = Mapping[str, Any]
NAME_MAX = 120


class SegmentUnknown(Exception):
    """There is no such segment."""


class NameTaken(Exception):
    """Another segment has this name."""


@dataclass(frozen=True)
class SegmentSummary:
    id: UUID
    name: str
    description: str
    updated_at: datetime


def segments() -> list[SegmentSummary]:
    """Return the segments that are not archived, by name."""
    return _summaries(Segment.objects.filter(archived_at=None).order_by("name"))


def archived_segments(*, most: int = 100) -> list[SegmentSummary]:
    """Return the segments that were archived last, newest first."""
    rows = Segment.objects.filter(archived_at__isnull=False).order_by("-archived_at", "-id")
    return _summaries(rows[:most])


def _summaries(rows: QuerySet[Segment]) -> list[SegmentSummary]:
    return [SegmentSummary(row.id, row.name, row.description, row.updated_at) for row in rows]


def segment_rules(*, segment_id: UUID) -> dict[str, Any]:
    """Return the rules of a segment, archived or not: a planned campaign keeps its people.

    Raises SegmentUnknown.
    """
    rules = Segment.objects.filter(id=segment_id).values_list("rules", flat=True).first()
    if rules is None:
        raise SegmentUnknown(SegmentUnknown.__doc__)
    return dict(rules)


def opened_segment_rules(*, segment_id: UUID) -> dict[str, Any]:
    """Return the rules of a segment with those of every segment that they name in their place.

    Raises SegmentUnknown and InvalidRules.
    """
    return opened(segment_rules(segment_id=segment_id))


def create_segment(
    *,
    name: str,
    rules: Rules,
    description: str = "",
    actor_id: UUID | None = None,
    now: datetime,
) -> UUID:
    """Save a new segment and return its id. Raises InvalidRules and NameTaken."""
    refuse_circle(segment_id=None, rules=rules)
    segment = Segment(
        id=uuid_utils.compat.uuid7(),
        name=name,
        description=description,
        rules=dict(rules),
        created_by=actor_id,
        created_at=now,
        updated_at=now,
    )
    try:
        with transaction.atomic():
            segment.save(force_insert=True)
    except IntegrityError:
        raise NameTaken(NameTaken.__doc__) from None
    return segment.id


def change_segment(
    *, segment_id: UUID, name: str, rules: Rules, description: str = "", now: datetime
) -> None:
    """Replace what a segment says; audiences that were frozen from it stay as they are.

    Safe to repeat. Raises InvalidRules (also for rules that lead back to this segment), NameTaken,
    and SegmentUnknown also for an archived one.
    """
    live = Segment.objects.filter(id=segment_id, archived_at=None)
    with transaction.atomic():
        if any(numbers_in(parse(rules))):
            _one_at_a_time()
        refuse_circle(segment_id=segment_id, rules=rules)
        _update(live, name=name, description=description, rules=dict(rules), updated_at=now)


def _one_at_a_time() -> None:
    """Two who name each other's segment at once would close a circle that neither can see."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('crm_segment circles'))")


def duplicate_segment(*, segment_id: UUID, name: str, actor_id: UUID, now: datetime) -> UUID:
    """Save a copy of a segment under another name, and return its id.

    A name that is taken gets a number behind it. Raises SegmentUnknown and NameTaken.
    Calling twice makes two copies.
    """
    row = Segment.objects.filter(id=segment_id).first()
    if row is None:
        raise SegmentUnknown(SegmentUnknown.__doc__)
    taken = set(Segment.objects.filter(archived_at=None).values_list("name", flat=True))
    names = [name[:NAME_MAX], *(f"{name[: NAME_MAX - 5]} {number}" for number in range(2, 1000))]
    free = next((one for one in names if one not in taken), "")
    if not free:
        raise NameTaken(NameTaken.__doc__)
    return create_segment(
        name=free, rules=row.rules, description=row.description, actor_id=actor_id, now=now
    )


def archive_segment(*, segment_id: UUID, now: datetime) -> None:
    """Take a segment out of the lists; safe to repeat. Raises SegmentUnknown."""
    if not Segment.objects.filter(id=segment_id).exists():
        raise SegmentUnknown(SegmentUnknown.__doc__)
    Segment.objects.filter(id=segment_id, archived_at=None).update(archived_at=now)


def restore_segment(*, segment_id: UUID) -> None:
    """Put an archived segment back; safe to repeat.

    Raises SegmentUnknown, and NameTaken when another segment was given its name meanwhile.
    """
    _update(Segment.objects.filter(id=segment_id), archived_at=None)


def _update(rows: Any, **values: Any) -> None:
    try:
        with transaction.atomic():
            changed = rows.update(**values)
    except IntegrityError:
        raise NameTaken(NameTaken.__doc__) from None
    if not changed:
        raise SegmentUnknown(SegmentUnknown.__doc__)
