"""From the relay's words to the ledger's: which answer means what."""

from dataclasses import replace

from django.conf import settings

from campaigns.delivery.statements import Claimed, Outcome
from campaigns.models import LETTER_KINDS, DeliveryState
from campaigns.smtp.outcomes import Accepted, Refused

# RFC 5321 4.5.4.1 asks for tries over four to five days; a newsletter is stale after one. With
# the pauses below, eight tries reach over 10 hours and 35 minutes.
MOST_TRIES = 8
_FIRST_PAUSE_SECONDS = 300.0
_LONGEST_PAUSE_SECONDS = 6 * 3600.0
LOST_PAUSE_SECONDS = 5.0
THROTTLED_PAUSE_SECONDS = 60.0
# The relay does not take mail from us: the campaign stops and says so.
SENDER_REFUSED = "sender_refused"
RELAY_BUSY = "relay_busy"
THROTTLED = "throttled"
PROVIDER_REFUSED = "provider_refused"
CONNECTION_LOST, IN_DOUBT, UNPROVEN = "connection_lost", "in_doubt", "hand_over_unproven"
IN_DOUBT_PAUSE_SECONDS = 60.0
# A provider's API cannot always say whether it is the person or our own account that it refuses.
_PROVIDER_TRIES = 3

# RFC 3463 and 7372, and what the big services write: the sender is not authenticated, may not send,
# or has a bad reputation. It is said of one message and true of all.
_ABOUT_US = frozenset(
    {
        *("5.1.7", "5.1.8", "5.7.60", "5.7.515"),
        *(f"5.7.{number}" for number in range(20, 31)),
    }
)
# "Later, you are too fast": policy (4.7.x), congestion (4.4.5), and system resources (4.3.x); and
# without an enhanced code the bare ones that big services use for it.
_SLOWER = ("4.7.", "4.4.5", "4.3.1", "4.3.2", "4.5.3")
_SLOWER_CODES = frozenset({421, 450, 452, 454})


def accepted(claimed: Claimed, answer: Accepted) -> Outcome:
    return Outcome(
        id=claimed.id, state=DeliveryState.SENT, evidence=f"250 {answer.queue_id}".strip()
    )


def _asks_us_to_be_slower(answer: Refused) -> bool:
    if answer.enhanced:
        return answer.enhanced.startswith(_SLOWER)
    return answer.code in _SLOWER_CODES


def refused(claimed: Claimed, answer: Refused) -> Outcome:
    """A definite no: for good (5xx), or back to the queue with a growing pause (4xx)."""
    evidence = f"{answer.code} {answer.enhanced}".strip()
    if answer.stage in ("session", "mail") and answer.enhanced != "5.6.7":
        # Said before the recipient was named: it is about us, not about the person.
        return replace(
            _about_us(claimed, SENDER_REFUSED if answer.permanent else RELAY_BUSY, evidence),
            is_about_account=answer.stage == "session",
        )
    if answer.permanent and answer.enhanced in _ABOUT_US:
        return _about_us(claimed, SENDER_REFUSED, evidence)
    if answer.permanent:
        return Outcome(
            id=claimed.id, state=DeliveryState.BOUNCED, reason="rejected", evidence=evidence
        )
    if _asks_us_to_be_slower(answer):
        return _throttled(claimed, evidence)
    return _deferred(claimed, evidence)


def _about_us(claimed: Claimed, reason: str, evidence: str) -> Outcome:
    """Not about this message: it waits only until another relay, or this one, takes mail."""
    return Outcome(
        id=claimed.id,
        state=DeliveryState.QUEUED,
        reason=reason,
        evidence=evidence,
        delay_seconds=LOST_PAUSE_SECONDS,
        is_uncounted=True,
    )


def _throttled(claimed: Claimed, evidence: str) -> Outcome:
    """We are too fast: the pace is at fault, not the message, so its tries do not count. When it
    comes back the relay's and the service's own pauses hold (relays/slowing.py)."""
    return Outcome(
        id=claimed.id,
        state=DeliveryState.QUEUED,
        reason=THROTTLED,
        evidence=evidence,
        delay_seconds=THROTTLED_PAUSE_SECONDS,
        is_uncounted=True,
    )


def _deferred(claimed: Claimed, evidence: str) -> Outcome:
    if claimed.attempts + 1 >= MOST_TRIES:
        return Outcome(
            id=claimed.id,
            state=DeliveryState.FAILED,
            reason="deferred_too_long",
            evidence=evidence,
        )
    pause = min(_FIRST_PAUSE_SECONDS * 2**claimed.attempts, _LONGEST_PAUSE_SECONDS)
    return Outcome(
        id=claimed.id,
        state=DeliveryState.QUEUED,
        reason="deferred",
        evidence=evidence,
        delay_seconds=pause,
    )


def taken_by_provider(claimed: Claimed, *, backend: str, message_id: str) -> Outcome:
    """Its own id is the evidence: the events that it reports later name no other."""
    return Outcome(
        id=claimed.id, state=DeliveryState.SENT, evidence=provider_evidence(backend, message_id)
    )


def provider_evidence(backend: str, message_id: str) -> str:
    return f"api:{backend} {message_id}".strip()


def refused_by_provider(claimed: Claimed, evidence: str) -> Outcome:
    """A definite no of an API that does not say whom it is about."""
    if claimed.attempts + 1 >= _PROVIDER_TRIES:
        return Outcome(
            id=claimed.id, state=DeliveryState.FAILED, reason=PROVIDER_REFUSED, evidence=evidence
        )
    return Outcome(
        id=claimed.id,
        state=DeliveryState.QUEUED,
        reason=PROVIDER_REFUSED,
        evidence=evidence,
        delay_seconds=_FIRST_PAUSE_SECONDS * 2**claimed.attempts,
    )


def lost(claimed: Claimed) -> Outcome:
    """The connection ended before the dot: certainly not taken. It counts as a try, so that a
    message on which a relay falls over does not come back for ever."""
    if claimed.attempts + 1 >= MOST_TRIES:
        return Outcome(
            id=claimed.id, state=DeliveryState.FAILED, reason="connection_lost_too_often"
        )
    return Outcome(
        id=claimed.id,
        state=DeliveryState.QUEUED,
        reason=CONNECTION_LOST,
        delay_seconds=LOST_PAUSE_SECONDS,
    )


def in_doubt(claimed: Claimed) -> Outcome:
    """The dot was written and no answer came. A newsletter is never sent twice on a guess; a
    required letter is, with the same Message-ID, and so is a message to one person that the law
    requires. Where the relay's log can be asked, all wait for what it says, until the relay can
    no longer be busy with this session."""
    if settings.RELAY_LOG:
        return Outcome(
            id=claimed.id,
            state=DeliveryState.IN_DOUBT,
            reason="hand_over_unproven",
            delay_seconds=settings.LEASE_SECONDS,
        )
    is_required = claimed.kind in LETTER_KINDS or claimed.is_required
    if is_required and claimed.attempts + 1 < MOST_TRIES:
        return Outcome(
            id=claimed.id,
            state=DeliveryState.QUEUED,
            reason=IN_DOUBT,
            delay_seconds=IN_DOUBT_PAUSE_SECONDS * 2**claimed.attempts,
        )
    return Outcome(id=claimed.id, state=DeliveryState.UNKNOWN, reason=UNPROVEN)


def back(claimed: Claimed, *, delay_seconds: float = 0.0) -> Outcome:
    """Not tried: to the queue as it was."""
    return Outcome(
        id=claimed.id,
        state=DeliveryState.QUEUED,
        delay_seconds=delay_seconds,
        is_uncounted=True,
    )
