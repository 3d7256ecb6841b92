"""Signs that an account is used by more than one person: nobody is in two places at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db import connection

_SQL = (Path(__file__).parent.parent / "sql" / "shared_accounts.sql").read_text(encoding="utf-8")
# A session that goes back and forth between two networks is two people, or one at a bad VPN.
_MOVES = 10
PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class Suspicion:
    """How often an account was in use twice at a time; a sign, and no proof."""

    account_id: UUID
    username: str
    role: str
    in_two_networks: int
    in_two_browsers: int
    network_changes: int
    latest_at: datetime | None


def shared_accounts(*, now: datetime, period: timedelta = PERIOD) -> Sequence[Suspicion]:
    """Return the accounts that look shared, the plainest first, 200 at most; reads only."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"since": now - period, "moves": _MOVES})
        return [Suspicion(*row) for row in cursor.fetchall()]
