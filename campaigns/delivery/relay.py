"""A relay that speaks SMTP: the next message's envelope goes behind the dot of this one."""

import time

from campaigns.delivery import outcomes as means
from campaigns.delivery.carrier import Carrier, Step
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
    UnsafeBody,
)
from campaigns.smtp.session import RelaySession

# A relay may close a session that was quiet for a minute or more; ours is not reused after less.
_IDLE_SECONDS = 20.0


class Relay(Carrier):
    """The session to an SMTP relay of one task."""

    def __init__(self, address: RelayAddress) -> None:
        super().__init__()
        self._address = address
        self._session: RelaySession | None = None

    def leave(self) -> None:
        self.is_proven = False
        if self._session is not None:
            self._session.leave()
            self._session = None

    def connect(self) -> RelaySession:
        """Return a usable session. Raises RelayUnavailable."""
        is_stale = time.monotonic() - self.used_at > _IDLE_SECONDS
        if self._session is not None and (is_stale or not self._session.is_usable):
            self.leave()
        if self._session is None:
            self._session = RelaySession(self._address)
        self.used_at = time.monotonic()
        return self._session

    def reach(self) -> None:
        self.connect()

    def step(self) -> "_Step":
        return _Step(self)


class _Step(Step):
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

    def begin(self, current: Prepared) -> Outcome | None:
        """Open its envelope, if it was not opened behind the dot of the message before."""
        if self._opened is None or self._opened[0] != current.claimed.id:
            try:
                self._session = self._relay.connect()
                answer = self._session.open_message(current.mail_from, current.recipient)
            except ConnectionLost:
                self._opened = None
                return means.lost(current.claimed)
            self._opened = (current.claimed.id, answer)
        answer = self._opened[1]
        if isinstance(answer, Refused):
            self._opened = None
            return means.refused(current.claimed, answer)
        return None

    def finish(self, current: Prepared, following: Prepared | None) -> Outcome:
        self._opened = None
        try:
            return self._body(current, following)
        except ConnectionLost:
            return means.lost(current.claimed)
        except HandOverInDoubt:
            return means.in_doubt(current.claimed)
        except UnsafeBody:
            return Outcome(id=current.claimed.id, state=DeliveryState.FAILED, reason="unsafe_body")

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
