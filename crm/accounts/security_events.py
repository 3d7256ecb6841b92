"""Security events: a row for those who watch over the installation, and one line of the log."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import uuid_utils.compat

from crm.models import SecurityEvent

logger = logging.getLogger("accord.security")


class Kind(StrEnum):
    """What is recorded. The words for people are in crm/pages/security.py."""

    WRONG_PASSWORD = "wrong_password"  # noqa: S105  (a kind, no secret; so below)
    BRUTE_FORCE = "brute_force"
    SLOW_GUESSING = "slow_guessing"
    NETWORK_CHANGED = "network_changed"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_COPIED = "passkey_copied"
    FACTORS_RESET = "factors_reset"
    ENROLMENT_KEY_REFUSED = "enrolment_key_refused"
    SESSIONS_ENDED = "sessions_ended"
    TOKEN_MADE = "token_made"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    TOKEN_REFUSED = "token_refused"  # noqa: S105
    ADDRESS_UNKNOWN = "address_unknown"
    ADDRESSES_TRIED = "addresses_tried"


# What happens every day to people who mistype: a row, but no alarm.
_QUIET = frozenset(
    {Kind.WRONG_PASSWORD, Kind.NETWORK_CHANGED, Kind.TOKEN_MADE, Kind.ADDRESS_UNKNOWN}
)


def record_event(
    kind: Kind,
    *,
    now: datetime,
    account_id: UUID | None = None,
    name_print: str = "",
    network_print: str = "",
    reference: Mapping[str, str | int] | None = None,
) -> UUID:
    """Keep the event and write one line with its id; not safe twice, it is another event then."""
    row = SecurityEvent.objects.create(
        id=uuid_utils.compat.uuid7(),
        at=now,
        kind=kind.value,
        account_id=account_id,
        name_print=name_print,
        network_print=network_print,
        reference=dict(reference or {}),
    )
    level = logging.INFO if kind in _QUIET else logging.WARNING
    logger.log(level, "event=%s id=%s account=%s", kind.value, row.id, account_id or "-")
    return UUID(str(row.id))


def happened(kind: Kind, *, within: timedelta, now: datetime, **about: str | UUID) -> int:
    """Return how often `kind` happened: to a name_print, from a network_print, by an account_id."""
    rows = SecurityEvent.objects.filter(kind=kind.value, at__gt=now - within, **about)
    return rows.count()
