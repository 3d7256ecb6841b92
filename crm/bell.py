"""The bell of the shell: what an account should look at. Kinds and ids, never words of a person.

A floor above gives its kinds words and an address with `register_notice_kind`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import uuid_utils.compat

from crm.models import Account, Notification

# More than that is "99+": the exact number of a pile helps nobody.
COUNTED = 99
KEPT_FOR = timedelta(days=90)
Words = object


@dataclass(frozen=True)
class NoticeKind:
    """How a kind is shown: `address` is where it leads, of its reference."""

    label: Words
    icon: str
    address: Callable[[Mapping[str, Any]], str]


_KINDS: dict[str, NoticeKind] = {}


def register_notice_kind(
    *, kind: str, label: Words, icon: str, address: Callable[[Mapping[str, Any]], str]
) -> None:
    """Say how a kind of notification is shown; the same kind again replaces the first."""
    _KINDS[kind] = NoticeKind(label, icon, address)


def kind_of(notification: Notification) -> NoticeKind | None:
    """Return how it is shown; None for a kind that nobody registered."""
    return _KINDS.get(notification.kind)


def notify(
    *,
    account_ids: Iterable[UUID],
    kind: str,
    reference: Mapping[str, Any],
    cause: str,
    at: datetime,
) -> None:
    """Ring the bell of accounts, in the caller's transaction.

    `reference` holds ids and codes alone. `cause` names what happened (`reminder:<id>`): the same
    cause rings the same account once, so calling twice is safe. Accounts that are gone are left
    out.
    """
    there = Account.objects.filter(id__in=list(account_ids), is_active=True)
    Notification.objects.bulk_create(
        [
            Notification(
                id=uuid_utils.compat.uuid7(),
                account_id=number,
                kind=kind,
                reference=dict(reference),
                cause=cause,
                at=at,
            )
            for number in there.values_list("id", flat=True)
        ],
        ignore_conflicts=True,
    )


def accounts_in(*roles: str) -> list[UUID]:
    """Return the accounts at work in these roles, to ring the bell of."""
    rows = Account.objects.filter(role__in=roles, is_active=True)
    return list(rows.values_list("id", flat=True))


def unread_count(*, account_id: UUID) -> int:
    """Return how many wait, COUNTED + 1 at most: one look into a small index."""
    unread = Notification.objects.filter(account=account_id, read_at=None)
    return len(unread.values_list("id")[: COUNTED + 1])


def mark_read(*, account_id: UUID, now: datetime, notification_id: UUID | None = None) -> None:
    """Note that an account has seen one notification, or all of its own; safe to repeat."""
    rows = Notification.objects.filter(account=account_id, read_at=None)
    if notification_id is not None:
        rows = rows.filter(id=notification_id)
    rows.update(read_at=now)


def forget_old(*, now: datetime) -> int:
    """Delete what is older than KEPT_FOR; return how many. Safe to repeat."""
    deleted, _by_table = Notification.objects.filter(at__lt=now - KEPT_FOR).delete()
    return deleted
