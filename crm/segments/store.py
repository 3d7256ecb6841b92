"""Saved segments: made, changed, archived and found again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import IntegrityError, transaction

from crm.models import Segment
from crm.segments.rules import parse

Rules = Mapping[str, Any]


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
    rows = Segment.objects.filter(archived_at=None).order_by("name")
    return [SegmentSummary(row.id, row.name, row.description, row.updated_at) for row in rows]


def segment_rules(*, segment_id: UUID) -> dict[str, Any]:
    """Return the rules of a segment, archived or not: a planned campaign keeps its people.

    Raises SegmentUnknown.
    """
    rules = Segment.objects.filter(id=segment_id).values_list("rules", flat=True).first()
    if rules is None:
        raise SegmentUnknown(SegmentUnknown.__doc__)
    return dict(rules)


def create_segment(
    *,
    name: str,
    rules: Rules,
    description: str = "",
    actor_id: UUID | None = None,
    now: datetime,
) -> UUID:
    """Save a new segment and return its id. Raises InvalidRules and NameTaken."""
    parse(rules)
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

    Safe to repeat. Raises InvalidRules, NameTaken, and SegmentUnknown also for an archived one.
    """
    parse(rules)
    live = Segment.objects.filter(id=segment_id, archived_at=None)
    _update(live, name=name, description=description, rules=dict(rules), updated_at=now)


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
