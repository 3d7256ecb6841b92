"""Taking a relay out when it fails, trying it again, and bringing it back: for all workers at once.

closed -> (it fails) -> open until a time -> half open: one worker tries one message -> closed, or
open for longer. The state is in the database; it is written when it changes, not per message.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from campaigns.models import Relay, RelayState, SenderRefusal
from campaigns.relays.slowing import pause_seconds

UNREACHABLE, BUSY, SENDER_REFUSED = "unreachable", "busy", "sender_refused"
# The relay itself knows us and says no (a key, an account that is not paid): whoever sends.
ACCOUNT_REFUSED = "account_refused"
# What the pages know: to whoever reads them both are the same.
_SHOWN = {ACCOUNT_REFUSED: SENDER_REFUSED}
FIRST_SECONDS, LONGEST_SECONDS = 5.0, 600.0
# A probe that nobody brings to its end: its worker is gone.
PROBE_SECONDS = 400


@dataclass(frozen=True, slots=True)
class Health:
    """What the breaker says of a relay at one moment."""

    state: str
    open_until: datetime | None
    probe_until: datetime | None

    @property
    def may_carry(self) -> bool:
        return self.state == RelayState.CLOSED

    def may_be_tried(self, at: datetime) -> bool:
        """Its time out is over, and nobody else is trying it."""
        if self.state == RelayState.OPEN:
            return self.open_until is None or self.open_until <= at
        if self.state == RelayState.HALF_OPEN:
            return self.probe_until is None or self.probe_until <= at
        return False


def begin_probe(*, relay: str, at: datetime) -> bool:
    """Take the one try that a relay has after its time out; return whether it is ours."""
    due = Q(state=RelayState.OPEN) & (Q(open_until=None) | Q(open_until__lte=at))
    forgotten = Q(state=RelayState.HALF_OPEN) & (Q(probe_until=None) | Q(probe_until__lte=at))
    until = at + timedelta(seconds=PROBE_SECONDS)
    taken = Relay.objects.filter(due | forgotten, code=relay)
    return taken.update(state=RelayState.HALF_OPEN, probe_until=until) == 1


def trip(*, relay: str, failure: str, at: datetime, jitter: float) -> None:
    """Take a relay out, for longer each time in a row. Several workers may say so of one failure:
    it counts once."""
    with transaction.atomic(using="default"):
        row = Relay.objects.select_for_update().get(code=relay)
        if row.state == RelayState.OPEN and row.open_until and row.open_until > at:
            return
        pause = pause_seconds(
            row.failures, first=FIRST_SECONDS, longest=LONGEST_SECONDS, jitter=jitter
        )
        row.state, row.failure, row.failed_at = RelayState.OPEN, _SHOWN.get(failure, failure), at
        row.failures = min(row.failures + 1, 1000)
        row.open_until, row.probe_until = at + timedelta(seconds=pause), None
        row.save(
            update_fields=["state", "failure", "failed_at", "failures", "open_until", "probe_until"]
        )


def recovered(*, relay: str) -> None:
    """It took or refused a message as a relay does: it is back. Calling twice is safe."""
    Relay.objects.filter(code=relay).exclude(state=RelayState.CLOSED).update(
        state=RelayState.CLOSED, failures=0, failure="", open_until=None, probe_until=None
    )


def give_up_probe(*, relay: str, at: datetime) -> None:
    """The try was not made (nothing was due): whoever comes next may make it."""
    Relay.objects.filter(code=relay, state=RelayState.HALF_OPEN).update(
        state=RelayState.OPEN, open_until=at, probe_until=None
    )


def reset(*, relay: str, address_print: bytes) -> None:
    """It has another address or password: what was wrong with the old one says nothing."""
    Relay.objects.filter(code=relay).update(
        state=RelayState.CLOSED,
        failures=0,
        failure="",
        open_until=None,
        probe_until=None,
        address_print=address_print,
    )
    SenderRefusal.objects.filter(relay=relay).delete()
