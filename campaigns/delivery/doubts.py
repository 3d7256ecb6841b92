"""Messages of which nobody can tell whether the relay has them: asked of its own log and queue.

A worker that died past its gate, or a connection that broke after the dot, leaves such messages.
Where the relay is a Postfix whose log this machine can read, they wait `in_doubt` until the log
says what became of them: taken, or certainly not. Where it does not say, a newsletter is `unknown`
and is never sent again, and a required letter goes back to the queue under the same Message-ID.

The relay's sessions are over by then: a lease is longer than its patience, and nothing is asked
before the lease has ended. So what the relay does not have now it will not get any more.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import transaction

from campaigns.delivery import statements
from campaigns.delivery.naming import message_id
from campaigns.delivery.outcomes import MOST_TRIES
from campaigns.delivery.postfix_log import NoEvidence, Reading, queued_now, read_log
from campaigns.delivery.statements import Claimed, Doubt, Outcome
from campaigns.delivery.telling import tell_sent
from campaigns.models import LETTER_KINDS, DeliveryState
from campaigns.relays.addresses import DEFAULT
from campaigns.smtp.addresses import BadRelayAddress, RelayAddress
from campaigns.smtp.outcomes import RelayFailure
from campaigns.smtp.session import RelaySession

logger = logging.getLogger("campaigns.delivery")

BATCH = 500
# Stamps of the log are whole seconds, and two clocks of one machine are read.
_MARGIN = timedelta(seconds=2)
# A log that has said nothing for so long will not.
PATIENCE = timedelta(hours=1)
_AGAIN_SECONDS = 30.0


class Answer(StrEnum):
    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    NOT_YET = "not_yet"
    NO_EVIDENCE = "no_evidence"


def has_evidence() -> bool:
    """Return whether messages in doubt can be looked up at all."""
    return bool(settings.RELAY_LOG)


@dataclass(frozen=True)
class Evidence:
    """What the relay was found to know at one moment."""

    reading: Reading
    queue: frozenset[str]

    def about(self, doubt: Doubt, name: str, *, now: datetime) -> tuple[Answer, str]:
        """Return what became of a message, and its queue id if the relay has or had it."""
        taken = self.reading.accepted.get(name, "")
        here = (q for q, each in self.reading.announced.items() if each == name)
        taken = taken or next((q for q in here if q in self.queue), "")
        if taken:
            return Answer.TAKEN, taken
        since = doubt.handing_at - _MARGIN
        until = doubt.handing_at + timedelta(seconds=settings.LEASE_SECONDS)
        if self.reading.covers(since, until):
            # The log is that of one relay: another, which the message may have been handed to
            # then, whatever the settings say today, has it in a log that is not here.
            is_of_this_log = doubt.relay == DEFAULT
            return (Answer.NOT_TAKEN if is_of_this_log else Answer.NO_EVIDENCE), ""
        is_late = now - doubt.handing_at > PATIENCE
        return (Answer.NO_EVIDENCE if is_late or self._is_broken(since) else Answer.NOT_YET), ""

    def _is_broken(self, since: datetime) -> bool:
        """The log will never tell: it began too late, or the relay stopped meanwhile."""
        began = self.reading.began_at
        return (began is not None and began > since) or any(
            since <= at for at in self.reading.breaks
        )


def resolve(*, clock: Callable[[], datetime]) -> int:
    """Ask the relay about everything in doubt whose time has come; return how many were settled.

    Safe to call by any number of workers at once.
    """
    settled = 0
    while doubts := statements.claim_doubts(size=BATCH, again_seconds=_AGAIN_SECONDS):
        now = clock()
        outcomes = _outcomes(doubts, now=now)
        with transaction.atomic(using="default"):
            written = statements.settle_doubts(outcomes=outcomes)
            # As if its worker had lived to say it.
            sent = [row.id for row in written if row.state == DeliveryState.SENT]
            tell_sent(sent, at=now)
        settled += len(written)
    return settled


def _outcomes(doubts: Sequence[Doubt], *, now: datetime) -> list[Outcome]:
    names = {doubt.id: message_id(_as_claimed(doubt)) for doubt in doubts}
    try:
        evidence = _gathered(frozenset(names.values()), now=now)
    except NoEvidence as error:
        logger.warning("the relay's log or queue cannot be read: %s", error)
        late = [doubt for doubt in doubts if now - doubt.handing_at > PATIENCE]
        return [_outcome(doubt, Answer.NO_EVIDENCE, "") for doubt in late]
    found = [_outcome(doubt, *evidence.about(doubt, names[doubt.id], now=now)) for doubt in doubts]
    return [each for each in found if each.state != DeliveryState.IN_DOUBT]


def _as_claimed(doubt: Doubt) -> Claimed:
    return Claimed(doubt.id, doubt.contact_id, doubt.reference_id, doubt.kind, doubt.attempts)


def _gathered(names: frozenset[str], *, now: datetime) -> Evidence:
    """The queue before the log: what leaves the queue between the two is in the log."""
    _knock()
    queue = frozenset(queued_now(settings.RELAY_CONFIG_DIR))
    return Evidence(read_log(Path(settings.RELAY_LOG), message_ids=names, now=now), queue)


def _knock() -> None:
    """Open a session and leave: a quiet relay writes a line then, and its log reaches to now."""
    try:
        RelaySession(RelayAddress.parse(settings.RELAY_URL)).leave()
    except (RelayFailure, BadRelayAddress) as error:
        raise NoEvidence(type(error).__name__) from None


def _outcome(doubt: Doubt, answer: Answer, queue_id: str) -> Outcome:
    if answer == Answer.TAKEN:
        return Outcome(id=doubt.id, state=DeliveryState.SENT, evidence=f"log {queue_id}")
    if answer == Answer.NOT_TAKEN:
        return Outcome(id=doubt.id, state=DeliveryState.QUEUED, reason="not_taken")
    if answer == Answer.NOT_YET:
        return Outcome(id=doubt.id, state=DeliveryState.IN_DOUBT)
    is_required = doubt.kind in LETTER_KINDS or doubt.is_required
    if is_required and doubt.attempts < MOST_TRIES:
        return Outcome(id=doubt.id, state=DeliveryState.QUEUED, reason="in_doubt")
    return Outcome(id=doubt.id, state=DeliveryState.UNKNOWN, reason="hand_over_unproven")
