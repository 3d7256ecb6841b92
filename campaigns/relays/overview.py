"""The relays and mail services as their page shows them: numbers and states, nobody's address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localtime

from campaigns.models import Relay, RelayAllowance, RelayChange, RelaySlot
from campaigns.relays import limits as counting
from campaigns.relays.addresses import relay_urls, shown
from campaigns.relays.choice import limits_of
from campaigns.relays.limits import Limits
from campaigns.relays.mail_services import MAIL_SERVICES, OTHER, service_limits

_SHOWN_CHANGES = 20


@dataclass(frozen=True, slots=True)
class Use:
    """How much of one limit is used."""

    unit: str
    used: int
    limit: int

    @property
    def percent(self) -> int:
        return min(100, 100 * self.used // max(1, self.limit))


@dataclass(frozen=True, slots=True)
class RelayLine:
    relay: Relay
    address: str
    state: str
    uses: Sequence[Use]
    connections: int
    # Asked us to be slower: nothing before, and this many a second.
    paused_until: datetime | None
    slowed_to: float | None


@dataclass(frozen=True, slots=True)
class ServiceLine:
    code: str
    name: str
    limits: Sequence[tuple[str, int]]
    paused_until: datetime | None
    slowed_to: float | None


def _state(relay: Relay) -> str:
    return relay.state if relay.is_enabled else "paused"


def _uses(used: counting.Used, limits: Limits, at: datetime) -> list[Use]:
    found = []
    for unit, limit in limits.items():
        left = counting.room(used, {unit: limit}, at) or 0
        found.append(Use(unit, limit - left, limit))
    return found


def relay_lines(at: datetime) -> list[RelayLine]:
    """Every relay of the settings, also one that no worker has used yet."""
    urls = relay_urls()
    rows = {row.code: row for row in Relay.objects.filter(code__in=urls)}
    wholes = {row.relay_id: row for row in RelayAllowance.objects.filter(service=OTHER)}
    held = list(RelaySlot.objects.filter(lease_until__gt=at).values_list("relay_id", flat=True))
    lines = []
    for code, url in urls.items():
        relay = rows.get(code) or fresh(code)
        whole = wholes.get(code) or RelayAllowance()
        lines.append(
            RelayLine(
                relay=relay,
                address=shown(url),
                state=_state(relay),
                uses=_uses(whole.used, limits_of(relay, localtime(at).date()), at),
                connections=held.count(code),
                paused_until=_ahead(whole.paused_until, at),
                slowed_to=whole.slowed_to,
            )
        )
    return lines


def fresh(code: str) -> Relay:
    """A relay that has no row yet, with what a row begins with."""
    return Relay(
        code=code, is_enabled=True, weight=100, carries_letters=True, carries_newsletters=True
    )


def _ahead(moment: datetime | None, at: datetime) -> datetime | None:
    return moment if moment is not None and moment > at else None


def service_lines(at: datetime) -> list[ServiceLine]:
    """Every service of the list, with the worst of what its relays were told."""
    told: dict[str, list[RelayAllowance]] = {}
    for row in RelayAllowance.objects.exclude(service=OTHER).exclude(slowed_to=None):
        told.setdefault(row.service, []).append(row)
    limits = service_limits()
    lines = []
    for code, service in MAIL_SERVICES.items():
        pauses = [_ahead(row.paused_until, at) for row in told.get(code, [])]
        paces = [row.slowed_to for row in told.get(code, []) if row.slowed_to is not None]
        lines.append(
            ServiceLine(
                code=code,
                name=service.name,
                limits=list(limits[code].items()),
                paused_until=max(filter(None, pauses), default=None),
                slowed_to=min(paces, default=None),
            )
        )
    return lines


def last_changes() -> list[RelayChange]:
    return list(RelayChange.objects.order_by("-id")[:_SHOWN_CHANGES])


__all__ = [
    "RelayLine",
    "ServiceLine",
    "fresh",
    "last_changes",
    "relay_lines",
    "service_lines",
]
