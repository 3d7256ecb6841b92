"""Handing a batch over, one message behind the other, and naming each outcome.

Before the body of each message the caller is asked again when the gate's answer has become old:
neither a slow relay nor a process that stood still may stretch the moment after which a "no" comes
too late. What a relay speaks, SMTP or a provider's API, is a matter of its steps.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType

from campaigns.delivery import outcomes as means
from campaigns.delivery.preparing import Prepared
from campaigns.delivery.statements import Outcome
from campaigns.relays.breaker import ACCOUNT_REFUSED, BUSY, SENDER_REFUSED, UNREACHABLE
from campaigns.smtp.outcomes import RelayUnavailable

# What is past its gate is handed over within this time, at the relay's measured pace.
GATE_SECONDS = 0.25
# An answer of the gate that took so long says that this process stood still meanwhile (a machine
# that was moved or swapped out): it counts from the question.
_STOOD_STILL_SECONDS, _TRIES = 2.0, 3
_FIRST_PACE = 0.02  # seconds per message, until the relay has shown its own
_SMOOTHING = 0.3

Regate = Callable[[Sequence[Prepared]], set[int]]


class HandOverStopped(Exception):
    """A batch ended before its end: what became of it so far, and why it stopped."""

    def __init__(self, outcomes: list[Outcome], cause: Exception) -> None:
        super().__init__(type(cause).__name__)
        self.outcomes = outcomes
        self.cause = cause


class RelayOut(Exception):
    """This relay takes nothing now, or (SENDER_REFUSED) nothing from this sender; `failure` is the
    breaker's word for it."""

    def __init__(self, failure: str) -> None:
        super().__init__(failure)
        self.failure = failure


class Step(ABC):
    """One message after the other of one batch."""

    @abstractmethod
    def begin(self, current: Prepared) -> Outcome | None:
        """Do all but the last act; return an outcome if there will be none.

        Raises RelayUnavailable: then it was not tried.
        """

    @abstractmethod
    def finish(self, current: Prepared, following: Prepared | None) -> Outcome:
        """The act after which it may have left. Raises RelayUnavailable: then it was not tried."""

    @abstractmethod
    def drop_envelope(self) -> None:
        """Take back what was begun for a message whose body will not follow."""


# What a relay that has not yet dealt with a message in this session says about itself.
_FAILURES = {
    means.SENDER_REFUSED: SENDER_REFUSED,
    means.PROVIDER_REFUSED: SENDER_REFUSED,
    means.RELAY_BUSY: BUSY,
    means.CONNECTION_LOST: UNREACHABLE,
    means.IN_DOUBT: UNREACHABLE,
    means.UNPROVEN: UNREACHABLE,
}


class Carrier(ABC):
    """A relay as one task uses it, and how fast it is. Not for several threads."""

    def __init__(self) -> None:
        self.used_at = 0.0
        self.is_proven = False
        self._pace = _FIRST_PACE
        self._has_pace = False

    def __enter__(self) -> "Carrier":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    @abstractmethod
    def reach(self) -> None:
        """Be ready for a message. Raises RelayUnavailable."""

    @abstractmethod
    def leave(self) -> None:
        """Let go of the connection. Never raises; safe to call twice."""

    @abstractmethod
    def step(self) -> Step: ...

    def batch_size(self, seconds: float = GATE_SECONDS) -> int:
        """How many messages the relay takes in this time."""
        return max(1, min(500, int(seconds / self._pace)))

    def hand_over(
        self,
        batch: Sequence[Prepared],
        *,
        regate: Regate,
        seconds: float = GATE_SECONDS,
        asked_at: float | None = None,
    ) -> list[Outcome]:
        """Hand over what has just passed its gate; return an outcome for every message tried.

        `asked_at` is the moment (time.monotonic) when the gate began to be asked. A message that
        `regate` holds back has no outcome. Raises HandOverStopped, which carries the outcomes so
        far, when the relay takes nothing any more (its cause is RelayOut) or the gate cannot be
        asked.
        """
        started = time.monotonic()
        gated_at = _counts_from(started if asked_at is None else asked_at)
        found: list[Outcome] = []
        waiting = list(batch)
        step = self.step()
        while waiting:
            current = waiting[0]
            try:
                outcome = step.begin(current)
                for _try in range(_TRIES):
                    if outcome or not waiting or time.monotonic() - gated_at <= seconds:
                        break
                    asked_again_at = time.monotonic()
                    waiting = self._asked_again(waiting, step, regate, found)
                    gated_at = _counts_from(asked_again_at)
                if not waiting or waiting[0] is not current:
                    continue
                following = waiting[1] if waiting[1:] else None
                outcome = outcome or step.finish(current, following)
            except RelayUnavailable:
                untried = _back(waiting, delay_seconds=means.LOST_PAUSE_SECONDS)
                raise HandOverStopped([*found, *untried], RelayOut(UNREACHABLE)) from None
            waiting.pop(0)
            found.append(outcome)
            if failure := self._failure(outcome):
                step.drop_envelope()
                raise HandOverStopped([*found, *_back(waiting)], RelayOut(failure))
        step.drop_envelope()
        self._learn(time.monotonic() - started, len(found))
        return found

    def _asked_again(
        self, waiting: list[Prepared], step: Step, regate: Regate, found: list[Outcome]
    ) -> list[Prepared]:
        try:
            passed = regate(waiting)
        except Exception as error:
            # What has left is known here alone: its outcomes go with the error.
            step.drop_envelope()
            raise HandOverStopped([*found, *_back(waiting)], error) from None
        if waiting[0].claimed.id not in passed:
            step.drop_envelope()
        return [each for each in waiting if each.claimed.id in passed]

    def _failure(self, outcome: Outcome) -> str | None:
        """The breaker's word, if this answer says that the relay takes nothing; else None.

        A relay that has dealt with messages in this session may only be tired of the session
        (421 after a hundred messages is usual): the next one shows it.
        """
        failure = _FAILURES.get(outcome.reason)
        if failure is None:
            self.is_proven = True
            return None
        if failure == SENDER_REFUSED and outcome.is_about_account:
            return ACCOUNT_REFUSED
        if not self.is_proven or outcome.reason == means.SENDER_REFUSED:
            return failure
        if outcome.reason != means.PROVIDER_REFUSED:
            self.leave()
        return None

    def _learn(self, seconds: float, messages: int) -> None:
        if not messages:
            return
        self.used_at = time.monotonic()
        pace = max(seconds / messages, 0.0002)
        self._pace = pace if not self._has_pace else self._pace + _SMOOTHING * (pace - self._pace)
        self._has_pace = True


def _counts_from(asked_at: float) -> float:
    """From when on an answer of the gate that is here now becomes old."""
    now = time.monotonic()
    return now if now - asked_at < _STOOD_STILL_SECONDS else asked_at


def _back(untried: Sequence[Prepared], *, delay_seconds: float = 0.0) -> list[Outcome]:
    return [means.back(each.claimed, delay_seconds=delay_seconds) for each in untried]
