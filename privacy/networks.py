"""Where a request comes from, as little of it as does the work."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN = "unknown"


def network_of(request: HttpRequest) -> str:
    """Return the client's network, /24 or /48: enough against abuse, and no person's address.

    The address is the socket's; X-Forwarded-For counts only from a configured proxy, and then
    from the right, because the left part is whatever the client wrote.
    """
    return _network(
        request.META.get("REMOTE_ADDR", ""),
        request.META.get("HTTP_X_FORWARDED_FOR", ""),
        tuple(settings.PUBLIC_PROXIES),
    )


@lru_cache(maxsize=4096)
def _network(socket_address: str, forwarded_for: str, proxies: tuple[Network, ...]) -> str:
    address = _client(socket_address=socket_address, forwarded_for=forwarded_for, proxies=proxies)
    if address is None:
        return UNKNOWN
    prefix = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, prefix), strict=False))


def _client(
    *, socket_address: str, forwarded_for: str, proxies: Sequence[Network]
) -> Address | None:
    address = _parse(socket_address)
    hops = [hop for hop in forwarded_for.split(",") if hop.strip()]
    while address is not None and hops and any(address in network for network in proxies):
        address = _parse(hops.pop())
    return address


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
