"""What needs two people: one asks, another agrees, and then it is done once.

Which kinds there are, who may ask and who may agree is for the floors above. Here is what holds
for all of them: the one who agrees is another person, the question stays as it was asked, it can
be decided once and used once, and not after its time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db.models import Q, QuerySet

from privacy.models import Approval

Reference = Mapping[str, str | int]


class SamePerson(Exception):
    """Whoever asked cannot agree: it needs another person."""


class NotPending(Exception):
    """The request was decided already, or its time is over."""


class NotApproved(Exception):
    """Nobody has agreed to exactly this, the agreement is over, or it was used already."""


@dataclass(frozen=True)
class AskedApproval:
    """A request as it was asked, and what became of it."""

    id: UUID
    kind: str
    reference: Reference
    requested_by: UUID
    requested_at: datetime
    expires_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    is_approved: bool | None
    used_at: datetime | None

    def is_waiting(self, now: datetime) -> bool:
        return self.decided_at is None and self.expires_at > now


def request_approval(
    *, kind: str, reference: Reference, requested_by: UUID, now: datetime, expires_at: datetime
) -> UUID:
    """Ask for a second person and return the request's id. Not safe twice: it asks again."""
    row = Approval.objects.create(
        id=uuid_utils.compat.uuid7(),
        kind=kind,
        reference=dict(reference),
        requested_by=requested_by,
        requested_at=now,
        expires_at=expires_at,
    )
    return UUID(str(row.id))


def _decide(approval_id: UUID, decided_by: UUID, now: datetime, *, is_approved: bool) -> None:
    rows = Approval.objects.filter(id=approval_id, decided_at=None, expires_at__gt=now)
    changed = rows.exclude(requested_by=decided_by).update(
        decided_by=decided_by, decided_at=now, is_approved=is_approved
    )
    if not changed:
        raise SamePerson(SamePerson.__doc__) if rows.exists() else NotPending(NotPending.__doc__)


def approve(*, approval_id: UUID, decided_by: UUID, now: datetime) -> None:
    """Agree to what was asked; raises SamePerson and NotPending, the latter also when repeated."""
    _decide(approval_id, decided_by, now, is_approved=True)


def refuse(*, approval_id: UUID, decided_by: UUID, now: datetime) -> None:
    """Refuse what was asked; raises as `approve` does. Whoever asked may take it back instead."""
    _decide(approval_id, decided_by, now, is_approved=False)


def use_approval(*, approval_id: UUID, kind: str, reference: Reference, now: datetime) -> None:
    """Spend an agreement, in the caller's transaction on crm: it is for exactly this, and once.

    Raises NotApproved. A standing agreement (a schedule) is not spent but asked about:
    `standing_approval`.
    """
    spent = Approval.objects.filter(
        id=approval_id,
        kind=kind,
        reference=dict(reference),
        is_approved=True,
        used_at=None,
        expires_at__gt=now,
    ).update(used_at=now)
    if not spent:
        raise NotApproved(NotApproved.__doc__)


def standing_approval(*, kind: str, reference: Reference, now: datetime) -> UUID | None:
    """Return the newest living agreement to exactly this, unspent; None if there is none."""
    found = Approval.objects.filter(
        kind=kind, reference=dict(reference), is_approved=True, used_at=None, expires_at__gt=now
    )
    return found.order_by("-requested_at").values_list("id", flat=True).first()


def approval(*, approval_id: UUID) -> AskedApproval | None:
    """Return one request; None where there is none."""
    return next(iter(_asked(Approval.objects.filter(id=approval_id))), None)


def waiting_approvals(
    *,
    kinds: Sequence[str],
    now: datetime,
    after: tuple[datetime, UUID] | None = None,
    not_asked_by: UUID | None = None,
    limit: int = 100,
) -> list[AskedApproval]:
    """Return requests that may still be decided, the oldest first, behind (asked at, id)."""
    rows = Approval.objects.filter(kind__in=kinds, decided_at=None, expires_at__gt=now)
    if not_asked_by is not None:
        rows = rows.exclude(requested_by=not_asked_by)
    if after is not None:
        moment, number = after
        rows = rows.filter(requested_at__gte=moment)
        rows = rows.exclude(requested_at=moment, id__lte=number)
    return _asked(rows.order_by("requested_at", "id")[:limit])


def past_approvals(
    *, kinds: Sequence[str], now: datetime, after: tuple[datetime, UUID] | None, limit: int
) -> list[AskedApproval]:
    """Return the requests that are decided or over, newest first, behind (asked at, id)."""
    rows = Approval.objects.filter(kind__in=kinds)
    rows = rows.filter(Q(decided_at__isnull=False) | Q(expires_at__lte=now))
    if after is not None:
        moment, number = after
        rows = rows.filter(requested_at__lte=moment)
        rows = rows.exclude(requested_at=moment, id__gte=number)
    return _asked(rows.order_by("-requested_at", "-id")[:limit])


def _asked(rows: QuerySet[Approval]) -> list[AskedApproval]:
    return [AskedApproval(**row) for row in rows.values(*AskedApproval.__dataclass_fields__)]
