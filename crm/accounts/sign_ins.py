"""Sign-ins and the sessions that come of them: begun, seen, ended, forgotten."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils.compat
from django.db import transaction

from crm.accounts.circumstances import Circumstances
from crm.accounts.security_events import Kind, record_event
from crm.accounts.session_store import row_key
from crm.models import Account, ApiTokenUse, SecurityEvent, SignIn, StaffSession

# CNIL deliberation 2021-122 of 14 October 2021 on logs: six months to a year, and no longer
# without a reason.
KEPT = timedelta(days=183)


def record_sign_in(
    *, account: Account, factor: str, circumstances: Circumstances, now: datetime
) -> UUID:
    """Keep that both factors were shown; returns the sign-in's id for `note_seen`."""
    row = SignIn.objects.create(
        id=uuid_utils.compat.uuid7(),
        account=account,
        factor=factor,
        began_at=now,
        seen_at=now,
        network_print=circumstances.network_print,
        browser_print=circumstances.browser_print,
    )
    return UUID(str(row.id))


def note_seen(*, sign_in_id: UUID, now: datetime) -> None:
    """Move the time of the last request; safe twice."""
    SignIn.objects.filter(id=sign_in_id, ended_at=None).update(seen_at=now)


def end_sign_in(*, sign_in_id: UUID, now: datetime) -> None:
    SignIn.objects.filter(id=sign_in_id, ended_at=None).update(ended_at=now, seen_at=now)


def sessions_of(*, account: Account, now: datetime) -> Sequence[StaffSession]:
    """Return the living sessions of an account, the latest used first; not what they hold."""
    rows = StaffSession.objects.filter(account=account, expire_date__gt=now)
    return list(rows.defer("session_data").order_by("-seen_at"))


@transaction.atomic
def end_sessions(*, account: Account, now: datetime, but: str = "") -> int:
    """End every session of an account and return how many: the rows are gone with the commit.

    `but` is the key of a session that goes on. Safe twice: then it ends none.
    """
    rows = StaffSession.objects.filter(account=account).exclude(session_key=row_key(but))
    used = list(rows.values_list("sign_in_id", flat=True))
    SignIn.objects.filter(id__in=used, ended_at=None).update(ended_at=now)
    ended, _by_model = rows.delete()
    if ended:
        record_event(
            Kind.SESSIONS_ENDED, now=now, account_id=account.pk, reference={"count": ended}
        )
    return ended


def forget_sign_ins(*, now: datetime) -> int:
    """Delete what is older than KEPT, and sessions whose time is over; safe at any time."""
    before = now - KEPT
    old = (
        SignIn.objects.filter(began_at__lt=before),
        SecurityEvent.objects.filter(at__lt=before),
        ApiTokenUse.objects.filter(at__lt=before),
        StaffSession.objects.filter(expire_date__lte=now),
    )
    return sum(rows.delete()[0] for rows in old)
