"""The big mail services, by the domains of their addresses, and how fast we write to each.

The list is closed on purpose: counters are kept by service, and everybody else is "other" and has
none. The domain of a small firm, or of one's own, says who somebody is.

None of these services publishes how much it takes from whom; they say "later" (4xx) when it is too
much. These are our careful starting points, per relay: staff change them on the page of the relays,
and what a service answers slows us down by itself (slowing.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from campaigns.models import MailServiceLimit
from campaigns.relays.limits import Limits


@dataclass(frozen=True, slots=True)
class MailService:
    name: str
    domains: frozenset[str]
    limits: Limits


def _of(name: str, domains: str, per_minute: int) -> MailService:
    return MailService(name, frozenset(domains.split()), {"minute": per_minute})


MAIL_SERVICES: Mapping[str, MailService] = {
    "gmail": _of("Gmail", "gmail.com googlemail.com", 1200),
    "outlook": _of(
        "Outlook",
        "outlook.com outlook.fr hotmail.com hotmail.fr hotmail.be hotmail.co.uk live.com live.fr"
        " live.be msn.com",
        600,
    ),
    "yahoo": _of(
        "Yahoo", "yahoo.com yahoo.fr yahoo.co.uk ymail.com rocketmail.com aol.com aol.fr", 600
    ),
    "icloud": _of("iCloud", "icloud.com me.com mac.com", 600),
    "orange": _of("Orange", "orange.fr wanadoo.fr voila.fr", 300),
    "free": _of("Free", "free.fr libertysurf.fr aliceadsl.fr freesbee.fr", 300),
    "sfr": _of(
        "SFR", "sfr.fr neuf.fr cegetel.net club-internet.fr numericable.fr noos.fr 9online.fr", 300
    ),
    "laposte": _of("La Poste", "laposte.net", 300),
    "bouygues": _of("Bouygues Telecom", "bbox.fr", 300),
}
OTHER = ""
_BY_DOMAIN = {domain: code for code, each in MAIL_SERVICES.items() for domain in each.domains}
UNIT_FIELDS = {unit: f"per_{unit}" for unit in ("second", "minute", "hour", "day")}


def service_of(address: str) -> str:
    """Return the code of the mail service of an address; OTHER for one that is not on the list."""
    return _BY_DOMAIN.get(address.rpartition("@")[2].lower(), OTHER)


def limits_in(row: object) -> dict[str, int]:
    """Return the limits that a row of a relay or a service holds."""
    found = {unit: getattr(row, name) for unit, name in UNIT_FIELDS.items()}
    return {unit: int(limit) for unit, limit in found.items() if limit is not None}


def service_limits() -> dict[str, Limits]:
    """Return the limits of every service: staff's where they changed any, else ours."""
    changed = {row.service: limits_in(row) for row in MailServiceLimit.objects.all()}
    return {code: changed.get(code, each.limits) for code, each in MAIL_SERVICES.items()}
