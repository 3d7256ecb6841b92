"""Numbers for whoever waits for them: a question that takes too long is stopped, and estimated.

A segment over a million contacts is counted by reading them. While rules are being written that
may take two seconds, and not more: then PostgreSQL's own estimate is shown, as one.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg.errors
from django.db import OperationalError, connections, transaction

from crm.segments.compile import membership
from crm.segments.waterfall import Waterfall, count_members, waterfall

# While one types; after the button that asks for the exact number.
WHILE_TYPING, WHEN_ASKED = timedelta(seconds=2), timedelta(seconds=20)
SAMPLE_SIZE = 10


class TooLong(Exception):
    """The question took longer than whoever asked can wait."""


@dataclass(frozen=True)
class Count:
    """How many; an estimate is the planner's, and has no waterfall."""

    members: int
    waterfall: Waterfall | None = None
    is_estimate: bool = False


@contextmanager
def no_longer_than(patience: timedelta) -> Iterator[None]:
    """Stop every statement inside after that time, and raise TooLong. One transaction."""
    milliseconds = patience // timedelta(milliseconds=1)
    try:
        with transaction.atomic(using="default"):
            with connections["default"].cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)]
                )
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise TooLong(TooLong.__doc__) from None
        raise


def how_many(
    *,
    rules: Mapping[str, Any] | None,
    purpose_code: str = "",
    channel: str = "",
    patience: timedelta,
    now: datetime,
) -> Count:
    """Return the members, by reason when a purpose is given; after `patience` an estimate.

    Reads only. Raises InvalidRules, and TooLong if not even an estimate could be had.
    """
    try:
        with no_longer_than(patience):
            if not purpose_code:
                return Count(count_members(rules=rules, now=now))
            fall = waterfall(rules=rules, purpose_code=purpose_code, channel=channel, now=now)
            return Count(fall.members, fall)
    except TooLong:
        with no_longer_than(patience):
            return Count(_estimate(rules, now), is_estimate=True)


def _estimate(rules: Mapping[str, Any] | None, now: datetime) -> int:
    """Return how many rows the planner expects; nothing is read but its statistics."""
    statement, parameters = membership(rules=rules, now=now)
    with connections["default"].cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        (plan,) = cursor.fetchone() or ("[]",)
    found = json.loads(plan) if isinstance(plan, str) else plan
    return int(found[0]["Plan"]["Plan Rows"])


def sample(*, rules: Mapping[str, Any] | None, now: datetime) -> list[UUID]:
    """Return the newest few contacts of a segment, without those whose data must be left unused.

    Raises InvalidRules and TooLong.
    """
    statement, parameters = membership(rules=rules, now=now)
    with no_longer_than(WHILE_TYPING), connections["default"].cursor() as cursor:
        # An id begins with the time at which it was made.
        cursor.execute(
            f"{statement} AND c.restricted_at IS NULL ORDER BY c.id DESC LIMIT %s",
            [*parameters, SAMPLE_SIZE],
        )
        return [row[0] for row in cursor.fetchall()]
