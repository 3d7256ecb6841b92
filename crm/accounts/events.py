"""What is done to accounts, line by line: who, whom, what, when. Never a password."""

from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db.models import QuerySet

from crm.models import AccountEvent


def note(
    *, account_id: UUID, what: str, actor_id: UUID | None, now: datetime, **detail: str
) -> None:
    """Write one line, in the transaction of what it is about. Nobody: the command line."""
    AccountEvent.objects.create(
        id=uuid_utils.compat.uuid7(),
        at=now,
        actor_id=actor_id,
        account_id=account_id,
        what=what,
        detail=detail,
    )


def events_of(*, account_id: UUID) -> QuerySet[AccountEvent]:
    """Return what was done to an account: to be paged through, newest first."""
    return AccountEvent.objects.filter(account_id=account_id)
