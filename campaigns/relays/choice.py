"""Which relay carries the next batch: by weight, among those that may and can."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from django.utils.timezone import localtime

from campaigns.models import Relay, RelayAllowance, RelayState
from campaigns.relays import limits as counting
from campaigns.relays.addresses import know_relays
from campaigns.relays.allowances import database_now, pace_of, with_pace
from campaigns.relays.breaker import SENDER_REFUSED, Health
from campaigns.relays.limits import Limits
from campaigns.relays.mail_services import OTHER, limits_in, service_limits
from campaigns.relays.senders import refused_until

Load = Literal["newsletter", "letter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A relay that may carry these messages, as it is at one moment."""

    code: str
    url: str = field(repr=False)
    weight: int
    health: Health
    failure: str
    limits: Limits
    service_limits: Mapping[str, Limits]
    # Services that asked to be written to more slowly, whatever their limits.
    slowed: frozenset[str]
    max_connections: int | None
    # How many it may still be given now, and how long until the next one if that is none.
    room: int | None
    wait_seconds: float
    # What stands in `health` is about this sender, not about the relay.
    is_refusal: bool = False
    # These are newsletters, and it carries letters too: some of its limits is not for them.
    keeps_for_letters: bool = False

    def is_governed(self, services: Iterable[str]) -> bool:
        """Say whether an allowance must be asked for messages to these services."""
        if self.limits or OTHER in self.slowed:
            return True
        return any(
            service in self.slowed or bool(self.service_limits.get(service)) for service in services
        )


def limits_of(relay: Relay, today: date) -> dict[str, int]:
    """Return a relay's limits on a day: those that were set, and that of its warm-up."""
    limits = limits_in(relay)
    cap = warm_up_of(relay, today)
    return limits if cap is None else {**limits, counting.WARM_UP: cap}


def warm_up_of(relay: Relay, today: date) -> int | None:
    """Return how many may leave on a day of a warm-up; None without one, or after it."""
    if relay.warm_up_from is None:
        return None
    return counting.warm_up_limit(
        day=(today - relay.warm_up_from).days,
        first_day=relay.warm_up_first_day or 0,
        growth_percent=relay.warm_up_growth_percent or 100,
        days=relay.warm_up_days or 0,
    )


def _may_carry(relay: Relay, load: Load, sender_domain: str) -> bool:
    if not relay.is_enabled:
        return False
    carries = relay.carries_letters if load == "letter" else relay.carries_newsletters
    return carries and (not relay.sender_domains or sender_domain in relay.sender_domains)


def ways(*, load: Load, sender_domain: str) -> tuple[datetime, list[Way]]:
    """Return the moment, and every relay that may carry such messages, healthy or not."""
    urls = know_relays()
    at = database_now()
    rows = list(Relay.objects.filter(code__in=urls).order_by("code"))
    allowances = RelayAllowance.objects.filter(relay_id__in=urls)
    by_relay: dict[str, list[RelayAllowance]] = {code: [] for code in urls}
    for allowance in allowances:
        by_relay[allowance.relay_id].append(allowance)
    services = service_limits()
    refused = refused_until(sender_domain=sender_domain)
    return at, [
        _refused(_way(row, urls[row.code], by_relay[row.code], services, load, at), refused, at)
        for row in rows
        if _may_carry(row, load, sender_domain)
    ]


def _refused(way: Way, refused: Mapping[str, datetime], at: datetime) -> Way:
    """A relay that refuses this sender is out for it, and for it alone; a relay that is out itself
    is tried by a sender that it is not known to refuse."""
    until = refused.get(way.code)
    if until is None or (until <= at and not way.health.may_carry):
        return way
    health = Health(RelayState.OPEN, until, None)
    return replace(way, health=health, failure=SENDER_REFUSED, is_refusal=True)


def _way(
    row: Relay,
    url: str,
    allowances: Sequence[RelayAllowance],
    services: Mapping[str, Limits],
    load: Load,
    at: datetime,
) -> Way:
    limits = limits_of(row, localtime(at).date())
    whole = next((each for each in allowances if each.service == OTHER), RelayAllowance())
    keeps = load == "newsletter" and row.carries_letters
    slower = with_pace(limits, pace_of(whole))
    if keeps:
        slower = counting.without_reserve(slower)
    paused = whole.paused_until
    pause = max(0.0, (paused - at).total_seconds()) if paused else 0.0
    return Way(
        code=row.code,
        url=url,
        weight=row.weight,
        health=Health(row.state, row.open_until, row.probe_until),
        failure=row.failure,
        limits=limits,
        service_limits=services,
        slowed=frozenset(each.service for each in allowances if each.slowed_to is not None),
        max_connections=row.max_connections,
        room=0 if pause else counting.room(whole.used, slower, at),
        wait_seconds=max(pause, counting.wait_seconds(whole.used, slower, at)),
        keeps_for_letters=keeps,
    )


def pick(
    among: Sequence[Way], *, at: datetime, draw: float, without: Collection[str] = ()
) -> Way | None:
    """Choose by weight; `draw` is from 0 to 1. Who is to be tried again comes first: its one
    message tells whether it is back. None: nobody can carry anything now."""
    able = [way for way in among if way.code not in without and way.room != 0]
    if trials := [way for way in able if way.health.may_be_tried(at)]:
        return trials[0]
    healthy = [way for way in able if way.health.may_carry]
    reach = draw * sum(way.weight for way in healthy)
    for way in healthy:
        reach -= way.weight
        if reach < 0:
            return way
    return healthy[-1] if healthy else None
