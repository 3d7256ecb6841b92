"""The allowance of a batch: one short transaction per batch and relay, never one per message.

Every worker that sends over a relay takes what it needs for its next batch from the same few rows
and gives back what it did not use. The rows are locked in one order, for about a millisecond; a
worker that dies with its allowance has used it up.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.db import connections, transaction

from campaigns.models import RelayAllowance
from campaigns.relays import limits as counting
from campaigns.relays.limits import Limits
from campaigns.relays.mail_services import OTHER
from campaigns.relays.slowing import Pace, calmed, stormed

# What is over its allowance comes back in its turn, but is looked at again after this long.
_LONGEST_WAIT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a batch may do: one flag per message, in its order."""

    relay: str
    at: datetime
    passes: tuple[bool, ...]
    # Seconds until a message that does not pass may be tried again; 0 for one that passes.
    waits: tuple[float, ...]
    # The relay itself has no room: its messages wait for it, or go over another.
    relay_wait: float = 0.0
    taken: tuple[tuple[str, int], ...] = ()


def database_now() -> datetime:
    """Only the clock of the database counts: two hosts may disagree about the time."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    if row is None:
        raise RuntimeError("The database has no clock.")
    return cast("datetime", row[0])


def _locked(relay: str, services: set[str]) -> dict[str, RelayAllowance]:
    """The rows of the relay as a whole and of these services, held until the transaction ends."""
    wanted = sorted({OTHER, *services})
    rows = RelayAllowance.objects.filter(relay_id=relay, service__in=wanted).order_by("service")
    found = {row.service: row for row in rows.select_for_update()}
    if missing := [service for service in wanted if service not in found]:
        made = [RelayAllowance(relay_id=relay, service=service) for service in missing]
        RelayAllowance.objects.bulk_create(made, ignore_conflicts=True)
        found = {row.service: row for row in rows.select_for_update()}
    return found


def pace_of(row: RelayAllowance) -> Pace:
    return Pace(row.paused_until, row.storms, row.slowed_to, row.slowed_at)


def with_pace(limits: Limits, pace: Pace) -> dict[str, int]:
    """Return the limits, and that of a row that was told to be slower."""
    if pace.slowed_to is None:
        return dict(limits)
    return {**limits, "slow": max(1, math.floor(pace.slowed_to * counting.SLOW_SECONDS))}


class _Scope:
    """One row while a batch is given its allowance."""

    def __init__(
        self, row: RelayAllowance, limits: Limits, at: datetime, keeps_for_letters: bool
    ) -> None:
        self.row, self._at = row, at
        self.limits = with_pace(limits, pace_of(row))
        if keeps_for_letters:
            self.limits = counting.without_reserve(self.limits)
        paused = row.paused_until
        self._pause = max(0.0, (paused - at).total_seconds()) if paused else 0.0
        self.left = 0 if self._pause else counting.room(row.used, self.limits, at)
        self.taken = 0

    @property
    def is_full(self) -> bool:
        return self.left is not None and self.left <= self.taken

    def wait(self) -> float:
        used = counting.charge(self.row.used, self.limits, self._at, self.taken)
        return max(self._pause, counting.wait_seconds(used, self.limits, self._at))

    def line_up(self) -> float:
        """Seconds until the next message that is sent back has its turn, behind the others."""
        earliest = self._at + timedelta(seconds=self.wait())
        due = max(earliest, self.row.promised_until or earliest)
        latest = self._at + timedelta(seconds=_LONGEST_WAIT_SECONDS)
        due = min(due, latest)
        self.row.promised_until = due + timedelta(
            seconds=1 / counting.rate_per_second(self.limits) if self.limits else 0
        )
        return (due - self._at).total_seconds()

    def keep(self) -> None:
        self.row.used = counting.charge(self.row.used, self.limits, self._at, self.taken)


def take(
    *, relay: str, services: Sequence[str], relay_limits: Limits, limits: Mapping[str, Limits],
    keeps_for_letters: bool = False,
) -> Allowance:  # fmt: skip
    """Take what a batch may use of a relay's and of each mail service's allowance.

    `services` has the service of every message, in order; newsletters leave a share of every limit
    to the letters (`keeps_for_letters`). Not safe to call twice for one batch:
    the second call takes more.
    """
    with transaction.atomic(using="default"):
        rows = _locked(relay, {service for service in services if service in limits})
        at = database_now()
        scopes = {
            service: _Scope(
                row, limits[service] if service else relay_limits, at, keeps_for_letters
            )
            for service, row in rows.items()
        }
        allowance = _share_out(relay, services, scopes, at)
        for scope in scopes.values():
            scope.keep()
        fields = ["used", "promised_until"]
        RelayAllowance.objects.bulk_update([scope.row for scope in scopes.values()], fields)
    return allowance


def _share_out(
    relay: str, services: Sequence[str], scopes: Mapping[str, _Scope], at: datetime
) -> Allowance:
    whole = scopes[OTHER]
    passes, waits = [], []
    for service in services:
        own = scopes.get(service, whole)
        if own is not whole and own.is_full:
            passes.append(False)
            waits.append(own.line_up())
        elif whole.is_full:
            passes.append(False)
            waits.append(0.0)
        else:
            for scope in {id(own): own, id(whole): whole}.values():
                scope.taken += 1
            passes.append(True)
            waits.append(0.0)
    relay_wait = whole.wait() if whole.is_full else 0.0
    taken = tuple((code, scope.taken) for code, scope in scopes.items() if scope.taken)
    return Allowance(relay, at, tuple(passes), tuple(waits), relay_wait, taken)


def give_back(allowance: Allowance, *, unused: Sequence[str]) -> None:
    """Give back the allowance of messages that did not leave, by the service of each.

    In the slice it was taken from: what others were given since is not touched.
    """
    if not unused:
        return
    charged = dict(allowance.taken)
    counts = Counter(service for service in unused if service in charged)
    counts[OTHER] = len(unused)
    with transaction.atomic(using="default"):
        rows = _locked(allowance.relay, set(counts))
        for service, row in rows.items():
            row.used = counting.refund(row.used, allowance.at, counts[service])
        RelayAllowance.objects.bulk_update(rows.values(), ["used"])


@dataclass(frozen=True, slots=True)
class Answers:
    """What a relay said of the messages to one service (or, for OTHER, of them all)."""

    taken: int = 0
    slower: int = 0

    @property
    def is_storm(self) -> bool:
        """Most of them were told "later, you are too fast": not one person's full mailbox."""
        return self.slower > 0 and self.slower >= self.taken


def note_answers(
    *, relay: str, answers: Mapping[str, Answers], seconds: float, jitter: float
) -> None:
    """Be slower where a storm was answered, and faster again where none is any more."""
    with transaction.atomic(using="default"):
        rows = _locked(relay, set(answers))
        at = database_now()
        changed = []
        for service, said in answers.items():
            pace = pace_of(rows[service])
            rate = (said.taken + said.slower) / max(seconds, 0.05)
            after = (
                stormed(pace, at=at, per_second=rate, jitter=jitter)
                if said.is_storm
                else calmed(pace, at=at)
            )
            if after != pace:
                changed.append(_with(rows[service], after))
        fields = ["paused_until", "storms", "slowed_to", "slowed_at", "promised_until"]
        RelayAllowance.objects.bulk_update(changed, fields)


def _with(row: RelayAllowance, pace: Pace) -> RelayAllowance:
    row.paused_until, row.storms = pace.paused_until, pace.storms
    row.slowed_to, row.slowed_at = pace.slowed_to, pace.slowed_at
    return row


__all__ = [
    "Allowance",
    "Answers",
    "database_now",
    "give_back",
    "note_answers",
    "pace_of",
    "take",
    "with_pace",
]
