"""Two people who agree, and what the tests of keys do again and again."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connections

from privacy.approvals import Reference, approve, request_approval
from privacy.vault.destruction import (
    DESTRUCTION,
    SCHEDULE,
    SCHEDULE_LIFE,
    destruction_reference,
    schedule_reference,
)

ALICE, BOB = uuid4(), uuid4()


def agreed(*, kind: str, reference: Reference, now: datetime, life: timedelta) -> UUID:
    number = request_approval(
        kind=kind, reference=reference, requested_by=ALICE, now=now, expires_at=now + life
    )
    approve(approval_id=number, decided_by=BOB, now=now)
    return number


def agreed_schedule(*, now: datetime) -> UUID:
    return agreed(kind=SCHEDULE, reference=schedule_reference(), now=now, life=SCHEDULE_LIFE)


def agreed_destruction(*, epoch: int, now: datetime) -> UUID:
    reference = destruction_reference(epoch=epoch)
    return agreed(kind=DESTRUCTION, reference=reference, now=now, life=timedelta(days=7))


def sql(alias: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, list(values))
        return list(cursor.fetchall()) if cursor.description else []


def forget_epochs() -> None:
    """As a vault that was put back from before them: no role of the product can."""
    with connections["vault"].cursor() as cursor:
        cursor.execute("ALTER TABLE privacy_keyepoch DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM privacy_keyepoch")
        cursor.execute("ALTER TABLE privacy_keyepoch ENABLE TRIGGER USER")
