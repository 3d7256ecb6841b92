"""A worker's turn at the delivery ledger.

Claim, decrypt and render; then, for one small batch after the other: let the waiting opt-outs
take effect, ask the gate, hand over, record. The promise: a "no" that was acknowledged before
the opt-outs of a batch were drained is honoured by that batch.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections, transaction

from campaigns.delivery import outcomes as means
from campaigns.delivery import statements
from campaigns.delivery.carrier import HandOverStopped, RelayOut
from campaigns.delivery.fleet import PATIENCE_SECONDS, AtLimit, Choice, Fleet, NoRelayLeft
from campaigns.delivery.pacing import PacedBatch, answers_of
from campaigns.delivery.preparing import (
    LetterDesk,
    NewsletterDesk,
    Preparation,
    Prepared,
    campaign_for_sending,
)
from campaigns.delivery.statements import Claimed, Gate, Outcome, Verdict
from campaigns.delivery.telling import tell_bounces
from campaigns.finishing import finish_campaigns
from campaigns.models import Campaign, CampaignState, DeliveryState
from campaigns.returns.consequences import settle_no
from consent.services import letters_handed_over, settle_decisions
from crm.services import mark_unreachable, record_sent
from privacy.services import JournalUnreachable, is_journal_applied, journal_head

logger = logging.getLogger("campaigns.delivery")

Clock = Callable[[], datetime]
# Decrypting and rendering is cheapest by the hundred; the lease is long enough for it.
CLAIM_SIZE = 200
# Between an opt-out's line in the journal and its commit the gate answers nothing: wait for it.
_JOURNAL_TRIES, _JOURNAL_PAUSE = 40, 0.05
_RECORD_PAUSES = (0.2, 1.0, 3.0, 10.0)


class Halted(Exception):
    """Sending cannot go on; the argument is the word that the campaign's page explains."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Desk(Protocol):
    def prepare(self, rows: Sequence[Claimed], *, now: datetime) -> Preparation: ...


@dataclass
class Turn:
    """One task's time with one queue: a campaign's, or that of the required letters."""

    worker: str
    fleet: Fleet
    clock: Clock
    desk: Desk
    campaign_id: UUID | None = None
    handed_over: int = 0
    gate: Gate = "gate"
    # What follows, in the transaction that records it, from the leaving of these references.
    on_sent: Callable[[Sequence[UUID], datetime], None] | None = None
    _held: dict[int, Claimed] = field(default_factory=dict)
    # How long it may still wait for room, until something leaves again.
    _patience: float = PATIENCE_SECONDS

    def run(self, *, seconds: float) -> bool:
        """Work until the queue has nothing due or the time is over; return whether more is due.

        Raises Halted: then everything that was held is back in the queue.
        """
        ends_at = time.monotonic() + seconds
        try:
            while time.monotonic() < ends_at:
                rows = statements.claim(
                    campaign_id=self.campaign_id,
                    worker=self.worker,
                    size=self._claim_size(ends_at),
                    kind=self.gate,
                )
                if not rows:
                    return False
                self._held = {row.id: row for row in rows}
                self._serve(rows, ends_at)
        except AtLimit:
            raise Halted("relays_at_limit") from None
        except NoRelayLeft as nobody:
            raise Halted(nobody.reason) from None
        finally:
            self._release()
        return True

    def _claim_size(self, ends_at: float) -> int:
        """What cannot leave is not claimed. Raises AtLimit and NoRelayLeft, if anything is due."""
        while True:
            try:
                return self.fleet.room(CLAIM_SIZE)
            except (AtLimit, NoRelayLeft) as nothing:
                if not statements.is_due(campaign_id=self.campaign_id, kind=self.gate):
                    return 1
                if time.monotonic() > ends_at or not self._is_soon(nothing):
                    raise

    def _is_soon(self, nothing: AtLimit | NoRelayLeft) -> bool:
        """Wait for what may leave within a moment; what may not is no use to wait for.

        The waits of a turn have one budget, which is full again when something has left.
        """
        if not isinstance(nothing, AtLimit) or nothing.wait_seconds > self._patience:
            return False
        self._patience -= nothing.wait_seconds
        time.sleep(nothing.wait_seconds)
        return True

    def _serve(self, rows: Sequence[Claimed], ends_at: float) -> None:
        self.fleet.choose()  # without a relay nothing is decrypted
        preparation = self.desk.prepare(rows, now=self.clock())
        self._record(preparation.settled)
        waiting = list(preparation.prepared)
        while waiting and time.monotonic() < ends_at:
            try:
                choice = self.fleet.choose()
            except AtLimit as full:
                if not self._is_soon(full):
                    raise
                continue
            batch = PacedBatch.begin(self.fleet, choice, waiting)
            self._record(batch.sent_back())
            waiting = [each for each in waiting if each.claimed.id not in batch.dealt_with]
            if batch.ready:
                self._send(batch, choice)
            elif batch.relay_wait:
                time.sleep(min(batch.relay_wait, PATIENCE_SECONDS))

    def _send(self, batch: PacedBatch, choice: Choice) -> None:
        asked_at = time.monotonic()
        passed = self._pass_gate(batch.ready, relay=choice.way.code)
        batch.keep_only(passed)
        if not batch.is_fresh:
            self._record(batch.renew())
        ready = batch.ready
        # From here on only the relay's answer may move them: a message that may have left is
        # never given back, whatever fails on the way. Nothing before this line has written any.
        for each in ready:
            self._held.pop(each.claimed.id, None)
        started = time.monotonic()
        try:
            found = choice.carrier.hand_over(
                batch.ready,
                regate=lambda late: self._pass_again(batch, late),
                seconds=batch.seconds,
                asked_at=asked_at,
            )
        except HandOverStopped as stopped:
            self._record(stopped.outcomes)
            batch.give_back_unused(stopped.outcomes)
            if isinstance(stopped.cause, RelayOut):
                self.fleet.out(choice.way.code, stopped.cause.failure)
                self.fleet.room(1)  # the others go on; without any the campaign says so at once
                return
            raise stopped.cause from None
        self._record(found)
        if found:
            self._patience = PATIENCE_SECONDS
        self.fleet.worked(choice)
        answers = answers_of(ready, found)
        self.fleet.note(choice.way, answers, time.monotonic() - started)

    def _pass_again(self, batch: PacedBatch, late: Sequence[Prepared]) -> set[int]:
        """Ask again, the gate and for the allowance: both have become old."""
        passed = self._pass_gate(late, relay=batch.choice.way.code)
        self._record(batch.renew(among=passed, late=late))
        return passed & batch.ids

    # --- the gate ---------------------------------------------------------------------------

    def _pass_gate(self, batch: Sequence[Prepared], *, relay: str) -> set[int]:
        """Return the ids that may be handed over now; the others are settled by the gate."""
        if not batch:
            return set()
        verdicts = self._verdicts(batch, relay)
        for verdict in verdicts:
            if verdict.state != DeliveryState.HANDING:
                self._held.pop(verdict.id, None)
        answered = {verdict.id for verdict in verdicts}
        for each in batch:
            if each.claimed.id not in answered:  # the lease ended: somebody else's now
                self._held.pop(each.claimed.id, None)
        return {each.id for each in verdicts if each.state == DeliveryState.HANDING}

    def _verdicts(self, batch: Sequence[Prepared], relay: str) -> list[Verdict]:
        marks = [each.mark for each in batch]
        for attempt in range(_JOURNAL_TRIES):
            try:
                if not (settle_decisions(now=self.clock()) and settle_no(now=self.clock())):
                    raise Halted("decisions_waiting")
                head = journal_head()
                verdicts = statements.gate(
                    kind=self.gate, marks=marks, worker=self.worker, head=head, relay=relay
                )
                if verdicts or is_journal_applied():
                    return verdicts
            except JournalUnreachable:
                raise Halted("journal_unreachable") from None
            if attempt + 1 < _JOURNAL_TRIES:
                time.sleep(_JOURNAL_PAUSE)
        raise Halted("journal_behind")

    # --- the ledger -------------------------------------------------------------------------

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        for pause in _RECORD_PAUSES:
            try:
                self._write(outcomes)
                break
            except (OperationalError, InterfaceError) as error:
                # What the relay said is known here alone: try to keep it while the database is
                # coming back. After that the sweep calls these messages unknown.
                logger.warning(
                    "%s outcomes could not be recorded (%s); trying again",
                    len(outcomes),
                    type(error.__cause__ or error).__name__,
                )
                connections["default"].close()
                time.sleep(pause)
        else:
            self._write(outcomes)
        for each in outcomes:
            self._held.pop(each.id, None)

    def _write(self, outcomes: Sequence[Outcome]) -> None:
        evidence = {each.id: each.evidence for each in outcomes}
        with transaction.atomic(using="default"):
            written = statements.record(outcomes=outcomes, worker=self.worker)
            sent = [row for row in written if row.state == DeliveryState.SENT]
            self.handed_over += len(sent)
            now = self.clock()
            if sent and self.campaign_id is not None:
                contacts = [row.contact_id for row in sent]
                record_sent(campaign_id=self.campaign_id, contact_ids=contacts, at=now)
            elif sent and self.on_sent is not None:
                self.on_sent([row.reference_id for row in sent], now)
            bounced = [row for row in written if row.state == DeliveryState.BOUNCED]
            tell_bounces([(row.id, row.contact_id) for row in bounced], at=now)
            dead = [row.contact_id for row in bounced if _is_dead(evidence[row.id])]
            if dead:
                mark_unreachable(contact_ids=dead, at=now)

    def _release(self) -> None:
        """Give back what is still held: claimed and not tried, or past its gate and not tried."""
        rows, self._held = list(self._held.values()), {}
        if rows:
            statements.record(outcomes=[means.back(row) for row in rows], worker=self.worker)


def _is_dead(evidence: str) -> bool:
    """RFC 3463 3.2: 5.1.x says that the address itself is wrong (5.1.8 is about the sender)."""
    enhanced = evidence.partition(" ")[2]
    return enhanced.startswith("5.1.") and enhanced not in ("5.1.7", "5.1.8")


def deliver(
    *, campaign_id: UUID, worker: str, seconds: float, clock: Clock, relay_url: str = ""
) -> bool:
    """Send what is due of one running campaign; return whether more is due.

    Safe to call by any number of workers at once. What stops it is written on the campaign.
    """
    campaign = campaign_for_sending(campaign_id)
    if campaign.state != CampaignState.RUNNING:
        return False
    is_more = False
    reason = ""
    sender_domain = campaign.sender_address.rpartition("@")[2].lower()
    with Fleet(
        worker=worker, load="newsletter", sender_domain=sender_domain, only=relay_url
    ) as fleet:
        turn = Turn(
            worker=worker,
            fleet=fleet,
            clock=clock,
            desk=NewsletterDesk(campaign),
            campaign_id=campaign_id,
        )
        try:
            is_more = turn.run(seconds=seconds)
        except Halted as halted:
            reason = halted.reason
            logger.warning("campaign %s is halted: %s", campaign_id, reason)
    if reason != campaign.halted_reason:
        Campaign.objects.filter(id=campaign_id).update(halted_reason=reason)
    if not reason:
        finish_campaigns(campaign_id=campaign_id, now=clock())
    return is_more


def send_letters(*, worker: str, seconds: float, clock: Clock) -> int:
    """Send the required letters that are due; return how many the relay took."""
    sender_domain = settings.SENDER_ADDRESS.rpartition("@")[2].lower()
    with Fleet(worker=worker, load="letter", sender_domain=sender_domain) as fleet:
        turn = Turn(
            worker=worker,
            fleet=fleet,
            clock=clock,
            desk=_LETTERS,
            gate="gate_letters",
            on_sent=_letters_left,
        )
        try:
            turn.run(seconds=seconds)
        except Halted as halted:
            logger.warning("letters are halted: %s", halted.reason)
        return turn.handed_over


def _letters_left(references: Sequence[UUID], now: datetime) -> None:
    letters_handed_over(request_ids=references, now=now)


_LETTERS = LetterDesk()
