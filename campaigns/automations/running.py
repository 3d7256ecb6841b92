"""A worker's turn at the sequences: everybody who is due is carried on.

One transaction carries a batch: its row locks are the lease. Whoever is killed in it has done
nothing, and the next worker begins the batch anew; a worker that sleeps in it is thrown out by the
database after the lease, and its locks with it.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connections, transaction

from campaigns.automations import passages as ledger
from campaigns.automations.effects import Turn
from campaigns.automations.passages import Passage
from campaigns.automations.program import program_of
from campaigns.automations.telling import tell_finished
from campaigns.models import EnrolmentState, Sequence, SequenceState

logger = logging.getLogger("campaigns.automations")
BATCH = 500
# A step that fails is tried again, each time later; then a person of ours has to look.
TRIES = 6
_FIRST_PAUSE = timedelta(minutes=1)


def run_due(*, clock: Callable[[], datetime], seconds: float) -> int:
    """Carry on whoever is due in the active sequences; return how many were.

    Safe to call by any number of workers at once, and to kill at any point.
    """
    ends_at = time.monotonic() + seconds
    carried = 0
    active = Sequence.objects.filter(state=SequenceState.ACTIVE)
    waiting = list(active.order_by("id").values_list("id", flat=True))
    # A batch of each in turn: one with a crowd does not keep the others waiting.
    while waiting and time.monotonic() < ends_at:
        sequence_id = waiting.pop(0)
        done = carry_on(sequence_id=sequence_id, now=clock())
        carried += done
        if done >= BATCH:
            waiting.append(sequence_id)
    return carried


def carry_on(*, sequence_id: UUID, now: datetime, size: int = BATCH) -> int:
    """Carry on a batch of one sequence; return how many people it was.

    One person whose step fails holds up nobody: the batch is then done one by one.
    """
    try:
        return _batch(sequence_id, now, size)
    except OperationalError:  # a deadlock, a server that stops: the next bell tries again
        raise
    except Exception as error:
        logger.warning("a batch of sequence %s failed: %s", sequence_id, type(error).__name__)
    done = 0
    while done < size and _one(sequence_id, now):
        done += 1
    return done


def _batch(sequence_id: UUID, now: datetime, size: int) -> int:
    with transaction.atomic(using="default"):
        sequence = _lock(sequence_id)
        if sequence is None:
            return 0
        rows = ledger.claim(sequence_id=sequence_id, now=now, size=size)
        _carry(sequence, rows, now)
    return len(rows)


def _lock(sequence_id: UUID) -> Sequence | None:
    """The sequence while it is active; whoever pauses it waits for this batch, and it for them."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, true)",
            [f"{settings.LEASE_SECONDS}s"],
        )
        cursor.execute(
            "SELECT 1 FROM campaigns_sequence WHERE id = %s AND state = 'active' FOR SHARE",
            [sequence_id],
        )
        if cursor.fetchone() is None:
            return None
    return Sequence.objects.get(id=sequence_id)


def _carry(sequence: Sequence, rows: list[Passage], now: datetime) -> None:
    entered: dict[tuple[UUID, str], int] = {}
    for version_id in sorted({each.version_id for each in rows}):
        turn = Turn(sequence, program_of(version_id), now)
        turn.run([each for each in rows if each.version_id == version_id])
        entered |= turn.entered
    if rows:
        written = ledger.write(passages=rows, now=now)
        ledger.count_entered(entered)
        written_rows = [each for each in rows if each.id in written]
        tell_finished(sequence_id=sequence.id, passages=written_rows, at=now)


def _one(sequence_id: UUID, now: datetime) -> int:
    """One person alone; what fails now is due again later, or has failed for good."""
    with transaction.atomic(using="default"):
        sequence = _lock(sequence_id)
        rows = ledger.claim(sequence_id=sequence_id, now=now, size=1) if sequence else []
        if sequence is None or not rows:
            return 0
        person = rows[0]
        before = person.step, person.since, person.failures
        try:
            with transaction.atomic(using="default"):
                _carry(sequence, [person], now)
        except OperationalError:
            raise
        except Exception as error:
            logger.warning("a step of sequence %s failed: %s", sequence_id, type(error).__name__)
            person.step, person.since, person.failures = before
            _put_off(person, now)
            ledger.write(passages=[person], now=now)
    return 1


def _put_off(person: Passage, now: datetime) -> None:
    person.failures += 1
    if person.failures < TRIES:
        person.state, person.reason = EnrolmentState.ACTIVE, "step_failed"
        person.due_at = now + _FIRST_PAUSE * 4 ** (person.failures - 1)
    else:
        person.state, person.reason = EnrolmentState.FAILED, "step_failed"
        person.due_at = None
