"""What can become of a message at a relay: values for answers, errors for silence."""

from dataclasses import dataclass
from typing import Literal

Stage = Literal["session", "mail", "recipient", "data", "body"]


class RelayFailure(Exception):
    """The relay did not answer as a relay does. Texts hold no address."""


class RelayUnavailable(RelayFailure):
    """No usable session: not reachable, no TLS where required, or the password was refused."""


class ConnectionLost(RelayFailure):
    """The connection ended before the final dot: the relay does not have the message."""


class HandOverInDoubt(RelayFailure):
    """The final dot was written and no reply came: the relay may or may not have the message."""


class UnsafeBody(ValueError):
    """The body has a bare CR or LF, a NUL, or 8-bit bytes that were not announced."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The relay said 354 and waits for the body."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A definite no. Addresses in the relay's text are masked."""

    code: int
    enhanced: str
    text: str
    permanent: bool
    stage: Stage


@dataclass(frozen=True, slots=True)
class Accepted:
    """The relay has the message. The queue id is empty when its reply did not show one."""

    queue_id: str
    reply: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection ended before this message's 354: it was not taken."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """The outcome of one message and the state of the next one's envelope."""

    outcome: Accepted | Refused
    following: Ready | Refused | Closed
