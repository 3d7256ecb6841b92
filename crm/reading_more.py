"""More people in a day than an account may read: two people agree to it (privacy/meter.py)."""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from privacy.services import (
    READ_MORE,
    read_more_reference,
    request_approval,
    standing_approval,
)


def ask_to_read_more(*, account_id: UUID, actor_id: UUID, now: datetime) -> UUID:
    """Ask a second person to let an account read more until midnight. Twice asks twice."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return request_approval(
        kind=READ_MORE,
        reference=read_more_reference(reader_id=account_id, now=now),
        requested_by=actor_id,
        now=now,
        expires_at=midnight + timedelta(days=1),
    )


def may_read_more(*, account_id: UUID, now: datetime) -> bool:
    """Say whether two people agreed to it for today."""
    reference = read_more_reference(reader_id=account_id, now=now)
    return standing_approval(kind=READ_MORE, reference=reference, now=now) is not None
