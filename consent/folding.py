"""The permission that a person's events add up to.

A permission is the fold of all events of its (subject, purpose, channel) in the order in which
they happened, whatever the order in which they arrived. An event that is newer than everything
folded before is one step; one that came late makes the whole history be folded again.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from consent.models import NO_STATES, PERMITTING_STATES, LedgerEvent, Permission, State, SubjectCard

# What a person does with their own hands and we can prove: the only things that end a "no".
CONFIRMED_METHODS = frozenset({"double_opt_in", "preference_centre", "undo"})
# What may make a permission at all; the database refuses any other (consent_guard_permission).
RAISING_METHODS = CONFIRMED_METHODS | {"form", "information_letter"}

Key = tuple[str, str]


_HELD = """
SELECT purpose_id, channel, state, basis, since, event_id, folded_at, folded_seq
FROM consent_permission WHERE subject_id = %s ORDER BY purpose_id, channel FOR UPDATE
"""
_BEGIN = """
INSERT INTO consent_permission
    (subject_id, purpose_id, channel, state, basis, since, event_id, folded_at, folded_seq)
VALUES {places} ON CONFLICT DO NOTHING RETURNING purpose_id, channel
"""
_CHANGE = """
UPDATE consent_permission p
SET state = v.state, basis = v.basis, since = v.since, event_id = v.event_id,
    folded_at = v.folded_at, folded_seq = v.folded_seq
FROM (VALUES {places})
    AS v (subject_id, purpose_id, channel, state, basis, since, event_id, folded_at, folded_seq)
WHERE p.subject_id = v.subject_id AND p.purpose_id = v.purpose_id AND p.channel = v.channel
"""
_PLACES = (
    "(%s::uuid, %s::text, %s::text, %s::text, %s::text, %s::timestamptz, %s::bigint,"
    " %s::timestamptz, %s::bigint)"
)


def fold(rows: Sequence[LedgerEvent]) -> None:
    """Bring the permissions of one person up to date with rows that were just appended.

    Three statements however many purposes; four for a person who is new to one of them. The ORM
    would do the same in one more each, and at three times the work in Python (measured).
    """
    subject_id = rows[0].subject_id
    news: dict[Key, list[LedgerEvent]] = {}
    for row in sorted(rows, key=_when):
        news.setdefault((row.purpose_id, row.channel), []).append(row)
    # The locks order two events of one person; the insert settles who is first.
    held = _held(subject_id)
    if missing := [key for key in sorted(news) if key not in held]:
        begun = _begin([made for key in missing if (made := folded(news[key])) is not None])
        if len(begun) < len(missing):
            held = _held(subject_id)
        news = {key: each for key, each in news.items() if key not in begun}
    _change([_brought_up_to_date(held[key], each) for key, each in sorted(news.items())])
    received_at = max(row.received_at for row in rows)
    SubjectCard.objects.filter(subject_id=subject_id).update(stale_since=received_at)


def _held(subject_id: UUID) -> dict[Key, Permission]:
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [subject_id])
        rows = cursor.fetchall()
    names = ("purpose_id", "channel", *_FOLDED)
    found = [
        Permission(subject_id=subject_id, **dict(zip(names, row, strict=True))) for row in rows
    ]
    return {(each.purpose_id, each.channel): each for each in found}


def _begin(permissions: Sequence[Permission]) -> set[Key]:
    """Write the first state of permissions; return those that nobody else wrote meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN.format(places=_places(permissions)), _values(permissions))
        return set(cursor.fetchall())


def _change(permissions: Sequence[Permission]) -> None:
    if permissions:
        with connection.cursor() as cursor:
            cursor.execute(_CHANGE.format(places=_places(permissions)), _values(permissions))


_FOLDED = ("state", "basis", "since", "event_id", "folded_at", "folded_seq")


def _places(permissions: Sequence[Permission]) -> str:
    return ", ".join([_PLACES] * len(permissions))


def _values(permissions: Sequence[Permission]) -> list[Any]:
    names = ("subject_id", "purpose_id", "channel", *_FOLDED)
    return [getattr(each, name) for each in permissions for name in names]


def fold_many(rows: Sequence[LedgerEvent]) -> None:
    """Bring the permissions of many people up to date with one fresh row of each."""
    by_key = {(row.subject_id, row.purpose_id, row.channel): row for row in rows}
    fresh = [made for key in sorted(by_key) if (made := folded([by_key[key]])) is not None]
    Permission.objects.bulk_create(fresh, ignore_conflicts=True)
    subjects = [subject for subject, _purpose, _channel in by_key]
    locked = Permission.objects.filter(subject_id__in=subjects).select_for_update()
    changed = []
    for held in locked.order_by("subject_id", "purpose_id", "channel"):
        row = by_key.get((held.subject_id, held.purpose_id, held.channel))
        if row is not None and (held.folded_at, held.folded_seq) != _when(row):
            changed.append(_brought_up_to_date(held, [row]))
    _change(changed)
    received_at = max(row.received_at for row in rows)
    SubjectCard.objects.filter(subject_id__in=subjects).update(stale_since=received_at)


def _brought_up_to_date(held: Permission, news: Sequence[LedgerEvent]) -> Permission:
    if _when(news[0]) < (held.folded_at, held.folded_seq):
        return refold(held.subject_id, held.purpose_id, held.channel) or held
    for row in news:
        _step(held, row)
    return held


def refold(subject_id: UUID, purpose_code: str, channel: str) -> Permission | None:
    """Return, unsaved, the permission that the ledger adds up to; None if it says nothing."""
    rows = LedgerEvent.objects.filter(
        subject_id=subject_id, purpose=purpose_code, channel=channel
    ).exclude(event_state=State.NOTICE_SHOWN)
    return folded(rows.order_by("event_at", "seq"))


def folded(rows: Iterable[LedgerEvent]) -> Permission | None:
    """Return, unsaved, what rows of one person, purpose and channel add up to, in their order."""
    permission: Permission | None = None
    for row in rows:
        if permission is None:
            permission = Permission(
                subject_id=row.subject_id, purpose_id=row.purpose_id, channel=row.channel
            )
            _take(permission, row)
        else:
            _step(permission, row)
    return permission


def _when(row: LedgerEvent) -> tuple[object, int]:
    return row.event_at, row.seq


def _step(permission: Permission, row: LedgerEvent) -> None:
    if _replaces(row, permission):
        _take(permission, row)
    permission.folded_at, permission.folded_seq = row.event_at, row.seq


def _take(permission: Permission, row: LedgerEvent) -> None:
    permission.state, permission.basis = row.event_state, row.basis
    permission.since, permission.event_id = row.event_at, row.seq
    permission.folded_at, permission.folded_seq = row.event_at, row.seq


def _replaces(row: LedgerEvent, before: Permission) -> bool:
    """Whether a later event changes the permission that the earlier ones add up to."""
    if row.event_state in NO_STATES:
        return True
    if before.state in NO_STATES:
        return row.method in CONFIRMED_METHODS and row.event_state in PERMITTING_STATES
    if row.event_state in PERMITTING_STATES:
        return row.method in RAISING_METHODS
    # Asking for a confirmation, or informing, takes nothing away that is there already.
    return before.state not in PERMITTING_STATES
