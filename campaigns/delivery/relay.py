"""Handing a batch to the relay, one message behind the other, and naming each outcome.

Between two messages the caller is asked again when the gate's answer has become old: a slow relay
must not stretch the moment after which a "no" comes too late.
"""

import time
from collections.abc import Callable, Sequence
from types import TracebackType

from django.conf import settings

from campaigns.delivery import outcomes as means
from campaigns.delivery.preparing import Prepared
from campaigns.delivery.statements import Outcome
from campaigns.models import DeliveryState
from campaigns.smtp.addresses import RelayAddress
from campaigns.smtp.outcomes import (
    Accepted,
    Closed,
    ConnectionLost,
    HandOverInDoubt,
    Ready,
    Refused,
    RelayUnavailable,
    UnsafeBody,
)
from campaigns.smtp.session import RelaySession

# What is past its gate is handed over within this time, at the relay's measured pace.
GATE_SECONDS = 0.25
_FIRST_PACE = 0.02  # seconds per message, until the relay has shown its own
_SMOOTHING = 0.3
# A relay may close a session that was quiet for a minute or more; ours is not reused after less.
_IDLE_SECONDS = 20.0

Regate = Callable[[Sequence[Prepared]], set[int]]


class Relay:
    """The session to the relay of one task, and how fast it is. Not for several threads."""

    def __init__(self, address: RelayAddress | None = None) -> None:
        self._address = address or RelayAddress.parse(settings.RELAY_URL)
        self._session: RelaySession | None = None
        self._used_at = 0.0
        self._pace = _FIRST_PACE
        self._has_pace = False

    def __enter__(self) -> "Relay":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def leave(self) -> None:
        if self._session is not None:
            self._session.leave()
            self._session = None

    @property
    def batch_size(self) -> int:
        """How many messages the relay takes in GATE_SECONDS."""
        return max(1, min(500, int(GATE_SECONDS / self._pace)))

    def connect(self) -> RelaySession:
        """Return a usable session. Raises RelayUnavailable."""
        is_stale = time.monotonic() - self._used_at > _IDLE_SECONDS
        if self._session is not None and (is_stale or not self._session.is_usable):
            self.leave()
        if self._session is None:
            self._session = RelaySession(self._address)
        self._used_at = time.monotonic()
        return self._session

    def hand_over(self, batch: Sequence[Prepared], *, regate: Regate) -> list[Outcome]:
        """Hand over what has just passed its gate; return an outcome for every message tried.

        A message that `regate` holds back has none. Raises HandOverStopped, which carries the
        outcomes so far, when the relay cannot be reached any more or the gate cannot be asked.
        """
        started, gated_at = time.monotonic(), time.monotonic()
        found: list[Outcome] = []
        waiting = list(batch)
        step = _Step(self)
        while waiting:
            if time.monotonic() - gated_at > GATE_SECONDS:
                try:
                    passed = regate(waiting)
                except Exception as error:
                    # What has left is known here alone: its outcomes go with the error.
                    step.drop_envelope()
                    raise HandOverStopped([*found, *_back(waiting)], error) from None
                gated_at = time.monotonic()
                if waiting[0].claimed.id not in passed:
                    step.drop_envelope()
                waiting = [each for each in waiting if each.claimed.id in passed]
                if not waiting:
                    break
            current = waiting.pop(0)
            try:
                found.append(step.send(current, waiting[0] if waiting else None))
            except RelayUnavailable as error:
                untried = _back([current, *waiting], delay_seconds=means.LOST_PAUSE_SECONDS)
                raise HandOverStopped([*found, *untried], error) from None
        step.drop_envelope()
        self._learn(time.monotonic() - started, len(found))
        return found

    def _learn(self, seconds: float, messages: int) -> None:
        if not messages:
            return
        self._used_at = time.monotonic()
        pace = max(seconds / messages, 0.0002)
        self._pace = pace if not self._has_pace else self._pace + _SMOOTHING * (pace - self._pace)
        self._has_pace = True


class HandOverStopped(Exception):
    """A batch ended before its end: what became of it so far, and why it stopped."""

    def __init__(self, outcomes: list[Outcome], cause: Exception) -> None:
        super().__init__(type(cause).__name__)
        self.outcomes = outcomes
        self.cause = cause


def _back(untried: Sequence[Prepared], *, delay_seconds: float = 0.0) -> list[Outcome]:
    return [means.back(each.claimed, delay_seconds=delay_seconds) for each in untried]


class _Step:
    """One message after the other; the next one's envelope may already be open."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._opened: tuple[int, Ready | Refused] | None = None
        self._session: RelaySession | None = None

    def drop_envelope(self) -> None:
        """Take back an envelope whose body will not follow; only closing does that."""
        if self._session is not None and self._opened and isinstance(self._opened[1], Ready):
            self._session.abandon()
        self._opened = None

    def send(self, current: Prepared, following: Prepared | None) -> Outcome:
        try:
            opened = self._open(current)
            if isinstance(opened, Refused):
                return means.refused(current.claimed, opened)
            return self._body(current, following)
        except ConnectionLost:
            self._opened = None
            return means.lost(current.claimed)
        except HandOverInDoubt:
            self._opened = None
            return means.in_doubt(current.claimed)
        except UnsafeBody:
            self._opened = None
            return Outcome(id=current.claimed.id, state=DeliveryState.FAILED, reason="unsafe_body")

    def _open(self, current: Prepared) -> Ready | Refused:
        if self._opened is not None and self._opened[0] == current.claimed.id:
            answer = self._opened[1]
            self._opened = None
            return answer
        self._session = self._relay.connect()
        return self._session.open_message(current.mail_from, current.recipient)

    def _body(self, current: Prepared, following: Prepared | None) -> Outcome:
        if self._session is None:
            raise ConnectionLost("There is no session.")
        if following is None:
            return _outcome(current, self._session.send_body(current.message))
        both = self._session.send_body_then_open(
            current.message, following.mail_from, following.recipient
        )
        if not isinstance(both.following, Closed):
            self._opened = (following.claimed.id, both.following)
        return _outcome(current, both.outcome)


def _outcome(current: Prepared, answer: Accepted | Refused) -> Outcome:
    if isinstance(answer, Accepted):
        return means.accepted(current.claimed, answer)
    return means.refused(current.claimed, answer)
