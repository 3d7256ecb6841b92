"""From the relay's words to the ledger's: which answer means what."""

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
# The relay does not take mail from us: the campaign stops and says so.
SENDER_REFUSED = "sender_refused"
IN_DOUBT_PAUSE_SECONDS = 60.0


def accepted(claimed: Claimed, answer: Accepted) -> Outcome:
    return Outcome(
        id=claimed.id, state=DeliveryState.SENT, evidence=f"250 {answer.queue_id}".strip()
    )


def refused(claimed: Claimed, answer: Refused) -> Outcome:
    """A definite no: for good (5xx), or back to the queue with a growing pause (4xx)."""
    evidence = f"{answer.code} {answer.enhanced}".strip()
    if answer.stage in ("session", "mail") and answer.enhanced != "5.6.7":
        # Said before the recipient was named: it is about us, not about the person.
        reason = SENDER_REFUSED if answer.permanent else "relay_busy"
        return _again(claimed, reason, evidence, is_uncounted=True)
    if answer.permanent:
        return Outcome(
            id=claimed.id, state=DeliveryState.BOUNCED, reason="rejected", evidence=evidence
        )
    if claimed.attempts + 1 >= MOST_TRIES:
        return Outcome(
            id=claimed.id,
            state=DeliveryState.FAILED,
            reason="deferred_too_long",
            evidence=evidence,
        )
    return _again(claimed, "deferred", evidence, is_uncounted=False)


def _again(claimed: Claimed, reason: str, evidence: str, *, is_uncounted: bool) -> Outcome:
    pause = min(_FIRST_PAUSE_SECONDS * 2**claimed.attempts, _LONGEST_PAUSE_SECONDS)
    return Outcome(
        id=claimed.id,
        state=DeliveryState.QUEUED,
        reason=reason,
        evidence=evidence,
        delay_seconds=pause,
        is_uncounted=is_uncounted,
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
        reason="connection_lost",
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
            reason="in_doubt",
            delay_seconds=IN_DOUBT_PAUSE_SECONDS * 2**claimed.attempts,
        )
    return Outcome(id=claimed.id, state=DeliveryState.UNKNOWN, reason="hand_over_unproven")


def back(claimed: Claimed, *, delay_seconds: float = 0.0) -> Outcome:
    """Not tried: to the queue as it was."""
    return Outcome(
        id=claimed.id,
        state=DeliveryState.QUEUED,
        delay_seconds=delay_seconds,
        is_uncounted=True,
    )
