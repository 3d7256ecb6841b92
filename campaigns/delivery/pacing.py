"""A batch and its allowance: who may leave now, who comes later, and what was not used."""

import time
from collections.abc import Sequence, Set
from dataclasses import dataclass

from campaigns.delivery import outcomes as means
from campaigns.delivery.carrier import GATE_SECONDS
from campaigns.delivery.fleet import Choice, Fleet
from campaigns.delivery.preparing import Prepared
from campaigns.delivery.statements import Outcome
from campaigns.models import DeliveryState
from campaigns.relays import allowances
from campaigns.relays.allowances import Allowance, Answers
from campaigns.relays.limits import LAG_SECONDS
from campaigns.relays.mail_services import OTHER, service_of

# From so many different domains on, "slower" is said by the relay and not by one of them.
_DOMAINS_OF_A_STORM = 3


@dataclass
class PacedBatch:
    """What leaves next over one relay. Its allowance is good for LAG_SECONDS: half of them until
    the gate has answered, half for the hand-over."""

    fleet: Fleet
    choice: Choice
    ready: list[Prepared]
    held_back: list[tuple[Prepared, float]]
    # Ids of what needs no other batch: ready, or back in the queue.
    dealt_with: set[int]
    allowance: Allowance | None
    _since: float

    @classmethod
    def begin(cls, fleet: Fleet, choice: Choice, waiting: Sequence[Prepared]) -> "PacedBatch":
        size = choice.carrier.batch_size()
        if choice.is_trial:
            size = 1
        elif choice.way.is_governed(service_of(each.recipient) for each in waiting):
            size = choice.carrier.batch_size(LAG_SECONDS / 2)
        batch = cls(fleet, choice, [], [], set(), None, time.monotonic())
        batch._share(waiting[:size])
        return batch

    def _share(self, wanted: Sequence[Prepared]) -> None:
        """Ask for the allowance of these, and sort them by it."""
        self._since = time.monotonic()
        services = [service_of(each.recipient) for each in wanted]
        self.allowance = self.fleet.allowance(self.choice.way, services)
        if self.allowance is None:
            self.ready, self.held_back = list(wanted), []
        else:
            sorted_out = list(zip(wanted, self.allowance.passes, self.allowance.waits, strict=True))
            self.ready = [each for each, passes, _wait in sorted_out if passes]
            self.held_back = [(each, wait) for each, passes, wait in sorted_out if not passes]
        # Whom the relay itself has no room for stays at hand: another may carry them.
        later = [each for each, wait in self.held_back if wait]
        self.dealt_with = {each.claimed.id for each in [*self.ready, *later]}

    @property
    def ids(self) -> set[int]:
        return {each.claimed.id for each in self.ready}

    @property
    def relay_wait(self) -> float:
        return self.allowance.relay_wait if self.allowance else 0.0

    @property
    def seconds(self) -> float:
        """How long the hand-over may go on before it asks again."""
        return GATE_SECONDS if self.allowance is None else LAG_SECONDS / 2

    @property
    def is_fresh(self) -> bool:
        return self.allowance is None or time.monotonic() - self._since < LAG_SECONDS / 2

    def sent_back(self) -> list[Outcome]:
        """Those over their mail service's allowance, each for its turn; the try does not count."""
        return [
            means.back(each.claimed, delay_seconds=wait) for each, wait in self.held_back if wait
        ]

    def keep_only(self, passed: Set[int]) -> None:
        """Let go of what did not pass the gate, and give its allowance back."""
        stopped = [each for each in self.ready if each.claimed.id not in passed]
        self.ready = [each for each in self.ready if each.claimed.id in passed]
        self._give_back(stopped)

    def renew(
        self, *, among: Set[int] | None = None, late: Sequence[Prepared] | None = None
    ) -> list[Outcome]:
        """Give the allowance of what is still to be sent back and ask for a new one; return the
        outcomes of those that get none: they are past their gate and go back to the queue."""
        if self.allowance is None:
            return []
        unsent = self.ready if late is None else list(late)
        self._give_back(unsent)
        wanted = [each for each in unsent if among is None or each.claimed.id in among]
        self._share(wanted)
        return [
            means.back(each.claimed, delay_seconds=max(wait, self.relay_wait))
            for each, wait in self.held_back
        ]

    def give_back_unused(self, found: Sequence[Outcome]) -> None:
        """After a hand-over that stopped: what was not tried has used nothing."""
        untried = {each.id for each in found if each.is_uncounted and not each.evidence}
        self._give_back([each for each in self.ready if each.claimed.id in untried])

    def _give_back(self, unused: Sequence[Prepared]) -> None:
        if self.allowance is not None and unused:
            services = [service_of(each.recipient) for each in unused]
            allowances.give_back(self.allowance, unused=services)


def answers_of(batch: Sequence[Prepared], found: Sequence[Outcome]) -> dict[str, Answers]:
    """What was answered, by mail service; the relay as a whole under OTHER, where it asked us to
    be slower whomever we wrote to."""
    recipients = {each.claimed.id: each.recipient for each in batch}
    counts: dict[str, list[int]] = {}
    slower_domains = set()
    for outcome in found:
        is_slower = outcome.reason == means.THROTTLED
        if not is_slower and outcome.state == DeliveryState.QUEUED:
            continue
        recipient = recipients[outcome.id]
        for service in {service_of(recipient), OTHER}:
            counts.setdefault(service, [0, 0])[is_slower] += 1
        if is_slower:
            slower_domains.add(recipient.rpartition("@")[2].lower())
    answers = {service: Answers(*both) for service, both in counts.items()}
    if OTHER in answers and len(slower_domains) < _DOMAINS_OF_A_STORM:
        answers[OTHER] = Answers(taken=answers[OTHER].taken + answers[OTHER].slower)
    return answers
