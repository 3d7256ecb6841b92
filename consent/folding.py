"""The permission that a person's events add up to.

A permission is the fold of all events of its (subject, purpose, channel) in the order in which
they happened, whatever the order in which they arrived. An event that is newer than everything
folded before is one step; one that came late makes the whole history be folded again.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

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
