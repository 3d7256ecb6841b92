"""The permission that a person's events add up to.

A permission is the fold of all events of its (subject, purpose, channel) in the order in which
they happened, whatever the order in which they arrived. An event that is newer than everything
folded before is one step; one that came late makes the whole history be folded again.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connections

from consent.models import NO_STATES, PERMITTING_STATES, LedgerEvent, Permission, State, SubjectCard

# What a person does with their own hands and we can prove: the only things that end a "no".
CONFIRMED_METHODS = frozenset({"double_opt_in", "preference_centre", "undo"})
# What may make a permission at all; the database refuses any other (consent_guard_permission).
RAISING_METHODS = CONFIRMED_METHODS | {"form", "information_letter"}

Key = tuple[str, str]


def fold(rows: Sequence[LedgerEvent]) -> None:
    """Bring the permissions of one person up to date with rows that were just appended."""
    subject_id = rows[0].subject_id
    by_key: dict[Key, list[LedgerEvent]] = {}
    for row in sorted(rows, key=_when):
        by_key.setdefault((row.purpose_id, row.channel), []).append(row)
    fresh = {key: made for key, each in by_key.items() if (made := folded(each)) is not None}
    # The insert settles who is first; the locks order two events of one person.
    Permission.objects.bulk_create([fresh[key] for key in sorted(fresh)], ignore_conflicts=True)
    locked = Permission.objects.filter(subject_id=subject_id).select_for_update()
    for held in locked.order_by("purpose_id", "channel"):
        news = by_key.get((held.purpose_id, held.channel), [])
        if news and (held.folded_at, held.folded_seq) != _when(news[-1]):
            _bring_up_to_date(held, news)
    received_at = max(row.received_at for row in rows)
    SubjectCard.objects.filter(subject_id=subject_id).update(stale_since=received_at)


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
        if row is None or (held.folded_at, held.folded_seq) == _when(row):
            continue
        if _when(row) < (held.folded_at, held.folded_seq):
            held = refold(held.subject_id, held.purpose_id, held.channel) or held
        else:
            _step(held, row)
        changed.append(held)
    _save(changed)
    received_at = max(row.received_at for row in rows)
    SubjectCard.objects.filter(subject_id__in=subjects).update(stale_since=received_at)


def _save(changed: Sequence[Permission]) -> None:
    """One statement: an UPDATE per row would be a round trip per person."""
    if not changed:
        return
    columns: dict[str, Any] = {
        "subjects": [each.subject_id for each in changed],
        "purposes": [each.purpose_id for each in changed],
        "channels": [each.channel for each in changed],
        "states": [str(each.state) for each in changed],
        "bases": [str(each.basis) for each in changed],
        "since": [each.since for each in changed],
        "events": [each.event_id for each in changed],
        "at": [each.folded_at for each in changed],
        "seqs": [each.folded_seq for each in changed],
    }
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "UPDATE consent_permission p SET state = n.state, basis = n.basis, since = n.since,"
            " event_id = n.event, folded_at = n.folded_at, folded_seq = n.folded_seq"
            " FROM unnest(%(subjects)s::uuid[], %(purposes)s::text[], %(channels)s::text[],"
            " %(states)s::text[], %(bases)s::text[], %(since)s::timestamptz[],"
            " %(events)s::bigint[], %(at)s::timestamptz[], %(seqs)s::bigint[])"
            " AS n (subject, purpose, channel, state, basis, since, event, folded_at, folded_seq)"
            " WHERE p.subject_id = n.subject AND p.purpose_id = n.purpose"
            " AND p.channel = n.channel",
            columns,
        )


def _bring_up_to_date(held: Permission, news: Sequence[LedgerEvent]) -> None:
    if _when(news[0]) < (held.folded_at, held.folded_seq):
        held = refold(held.subject_id, held.purpose_id, held.channel) or held
    else:
        for row in news:
            _step(held, row)
    held.save(update_fields=["state", "basis", "since", "event", "folded_at", "folded_seq"])


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
