"""The relays of one turn: which one carries the next batch, and what happened to it."""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType

from campaigns.delivery.carrier import Carrier
from campaigns.delivery.provider import Provider
from campaigns.delivery.relay import Relay
from campaigns.providers.addresses import ProviderAddress
from campaigns.relays import allowances, breaker, senders, slots
from campaigns.relays.addresses import parsed
from campaigns.relays.allowances import Allowance, Answers, database_now
from campaigns.relays.choice import Load, Way, pick, ways
from campaigns.smtp.addresses import BadRelayAddress
from campaigns.smtp.outcomes import RelayUnavailable

logger = logging.getLogger("campaigns.delivery")

# What was read of the relays is good for so long: a pause by a person takes effect within it.
_FRESH_SECONDS = 0.5
# Where the next message may leave this soon, it is worth waiting with it in hand.
PATIENCE_SECONDS = 1.5
_SHORTEST_WAIT_SECONDS = 0.05
_TRIED = breaker.Health("half_open", None, None)
_WORDS = dict.fromkeys((breaker.SENDER_REFUSED, breaker.ACCOUNT_REFUSED), "sender_refused")


class NoRelayLeft(Exception):
    """Nothing can be handed over; `reason` is the word that the campaign's page explains."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AtLimit(Exception):
    """Every relay that could carry the message has had what it may be given for now."""

    def __init__(self, wait_seconds: float) -> None:
        # Whoever waits asks the database again after it: never at once.
        self.wait_seconds = max(_SHORTEST_WAIT_SECONDS, wait_seconds)
        super().__init__(f"{self.wait_seconds:.2f} s")


def _without_a_row(url: str) -> Way:
    return Way(
        code="",
        url=url,
        weight=1,
        health=breaker.Health("closed", None, None),
        failure="",
        limits={},
        service_limits={},
        slowed=frozenset(),
        max_connections=None,
        room=None,
        wait_seconds=0.0,
    )


@dataclass
class Choice:
    """A relay for the next batch, reached."""

    way: Way
    carrier: Carrier

    @property
    def is_trial(self) -> bool:
        return self.way.health.state != "closed" and not self.carrier.is_proven


@dataclass
class Fleet:
    """Not for several threads. Leaves every connection and slot at its end."""

    worker: str
    load: Load
    sender_domain: str
    # The address of a relay that has no row: it alone, without a limit.
    only: str = ""
    draw: Callable[[], float] = random.random  # to share out work, not to keep a secret
    _carriers: dict[str, Carrier] = field(default_factory=dict)
    _ways: list[Way] = field(default_factory=list)
    _at: datetime | None = None
    _read_at: float = -1e9
    # What this turn is trying: a relay that was out, or this sender at one that refused it.
    _trial: str | None = None
    _is_trial_of_sender: bool = False

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for code in list(self._carriers):
            self._part_with(code)
        self._end_trial()

    # --- choosing ----------------------------------------------------------------------------

    def _look(self) -> tuple[datetime, list[Way]]:
        if self.only:
            return self._at or database_now(), [_without_a_row(self.only)]
        if self._at is None or time.monotonic() - self._read_at > _FRESH_SECONDS:
            self._at, found = ways(load=self.load, sender_domain=self.sender_domain)
            # What this turn is trying stays its own to try.
            self._ways = [
                replace(way, health=_TRIED, is_refusal=self._is_trial_of_sender)
                if way.code == self._trial
                else way
                for way in found
            ]
            self._read_at = time.monotonic()
        return self._at, self._ways

    def _forget(self) -> None:
        self._read_at = -1e9

    def room(self, most: int) -> int:
        """How many messages are worth claiming, at most `most`; reads, connects nowhere.

        Raises NoRelayLeft and AtLimit.
        """
        at, among = self._look()
        if pick(among, at=at, draw=0.0) is None:
            raise self._nobody(at, among, set())
        rooms = [way.room for way in among if way.health.may_carry or way.health.may_be_tried(at)]
        if any(room is None for room in rooms):
            return most
        return max(1, min(most, sum(room for room in rooms if room is not None)))

    def choose(self) -> Choice:
        """Return a relay that is ready for a batch. Raises NoRelayLeft and AtLimit."""
        without: set[str] = set()
        while True:
            at, among = self._look()
            way = pick(among, at=at, draw=self.draw(), without=without)
            if way is None:
                raise self._nobody(at, among, without)
            if self._is_reached(way, at):
                return Choice(way, self._carriers[way.code])
            without.add(way.code)

    def _is_reached(self, way: Way, at: datetime) -> bool:
        if way.health.may_be_tried(at) and not self._begin_trial(way, at):
            return False
        if way.max_connections is not None and not slots.take_slot(
            relay=way.code, most=way.max_connections, worker=self.worker
        ):
            return False
        try:
            self._carrier(way).reach()
        except RelayUnavailable:
            self.out(way.code, breaker.UNREACHABLE)
        except BadRelayAddress as error:
            logger.error("the address of relay %s cannot be used: %s", way.code, error)
            self.out(way.code, breaker.UNREACHABLE)
        else:
            return True
        return False

    def _begin_trial(self, way: Way, at: datetime) -> bool:
        if self._trial == way.code:
            return True
        is_ours = (
            senders.begin_probe(relay=way.code, sender_domain=self.sender_domain, at=at)
            if way.is_refusal
            else breaker.begin_probe(relay=way.code, at=at)
        )
        if is_ours:
            self._end_trial()
            self._trial, self._is_trial_of_sender = way.code, way.is_refusal
        return is_ours

    def _carrier(self, way: Way) -> Carrier:
        if way.code not in self._carriers:
            address = parsed(way.url)
            self._carriers[way.code] = (
                Provider(address) if isinstance(address, ProviderAddress) else Relay(address)
            )
        return self._carriers[way.code]

    def _nobody(
        self, at: datetime, among: Sequence[Way], without: set[str]
    ) -> NoRelayLeft | AtLimit:
        self._forget()
        if not among:
            return NoRelayLeft("no_relay")
        full = [way.wait_seconds for way in among if way.room == 0 and way.health.may_carry]
        busy = [way for way in among if way.health.may_carry and way.code in without]
        if full or busy:
            return AtLimit(min([*full, *(PATIENCE_SECONDS for _way in busy)]))
        failures = {way.failure for way in among}
        if failures == {breaker.SENDER_REFUSED}:
            return NoRelayLeft("sender_refused")
        return NoRelayLeft("relay_unreachable")

    # --- what happened -----------------------------------------------------------------------

    def out(self, code: str, failure: str) -> None:
        """Take a relay out for a while, for every worker: for this sender alone, if it is the
        sender that is refused."""
        if self.only:
            raise NoRelayLeft(_WORDS.get(failure, "relay_unreachable"))
        logger.warning("relay %s is out: %s", code, failure)
        at, is_tried = database_now(), self._trial == code
        if failure == breaker.SENDER_REFUSED:
            self._refuse_sender(code, at)
        else:
            breaker.trip(relay=code, failure=failure, at=at, jitter=self.draw())
            if is_tried and self._is_trial_of_sender:
                senders.give_up_probe(relay=code, sender_domain=self.sender_domain)
        if is_tried:
            self._trial = None
        self._part_with(code)
        self._forget()

    def _refuse_sender(self, code: str, at: datetime) -> None:
        if self._trial == code and not self._is_trial_of_sender:
            breaker.recovered(relay=code)  # it answers: others may send
        senders.refuse(relay=code, sender_domain=self.sender_domain, at=at, jitter=self.draw())

    def _part_with(self, code: str) -> None:
        if carrier := self._carriers.pop(code, None):
            carrier.leave()
        if self.only:
            return
        slots.leave_slot(relay=code, worker=self.worker)

    def _end_trial(self) -> None:
        if self._trial is None:
            return
        if self._is_trial_of_sender:
            senders.give_up_probe(relay=self._trial, sender_domain=self.sender_domain)
        else:
            breaker.give_up_probe(relay=self._trial, at=database_now())
        self._trial = None

    def worked(self, choice: Choice) -> None:
        """It dealt with messages: if it was out, it is back."""
        if choice.carrier.is_proven and choice.way.health.state != "closed":
            if choice.way.is_refusal:
                senders.accepted(relay=choice.way.code, sender_domain=self.sender_domain)
            else:
                breaker.recovered(relay=choice.way.code)
            self._trial = None
            self._forget()

    # --- how much ----------------------------------------------------------------------------

    def allowance(self, way: Way, services: Sequence[str]) -> Allowance | None:
        """Take the allowance of a batch; None where nothing limits it."""
        if not way.is_governed(services):
            return None
        return allowances.take(
            relay=way.code,
            services=services,
            relay_limits=way.limits,
            limits=way.service_limits,
            keeps_for_letters=way.keeps_for_letters,
        )

    def note(self, way: Way, answers: Mapping[str, Answers], seconds: float) -> None:
        """Be slower, or faster again, by what was answered."""
        told = {
            service: said
            for service, said in answers.items()
            if said.is_storm or (service in way.slowed and said.taken)
        }
        if told and not self.only:
            allowances.note_answers(
                relay=way.code, answers=told, seconds=seconds, jitter=self.draw()
            )
            self._forget()
