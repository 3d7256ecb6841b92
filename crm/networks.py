"""The office and VPN networks: the first thing that a request to the staff side meets."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# This answer leaves before the other middleware has added its own.
_BARE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def _within(address: Address, networks: list[Network]) -> bool:
    return any(address in network for network in networks)


def _parse(text: str) -> Address | None:
    """Return the address, an IPv4-mapped IPv6 one as IPv4; None when it is not an address."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def coarse_network(address: Address | None) -> str:
    """Return the /24 or /48 of an address: enough to tell places apart; empty for None."""
    if address is None:
        return ""
    length = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


def request_address(request: HttpRequest) -> Address | None:
    """Return whose request it is; a header counts only from a proxy of the settings."""
    return client_address(
        socket_address=request.META.get("REMOTE_ADDR", ""),
        forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", ""),
        proxies=settings.STAFF_PROXIES,
    )


def client_address(
    *, socket_address: str, forwarded_for: str, proxies: list[Network]
) -> Address | None:
    """Return whose request it is: the socket address, or what a configured proxy says.

    X-Forwarded-For counts only from a configured proxy, and then from the right: the left part
    is whatever the client wrote. None when nobody can tell: something unreadable in the header, a
    proxy that names nobody, or one on this host that is not configured (it would lend the address
    of this host to everybody).
    """
    address = _parse(socket_address)
    hops = [hop for hop in forwarded_for.split(",") if hop.strip()]
    if address is None or not _within(address, proxies):
        return None if hops and address is not None and address.is_loopback else address
    if not hops:
        return None
    for hop in reversed(hops):
        address = _parse(hop)
        if address is None or not _within(address, proxies):
            return address
    return address


class AllowedNetworksMiddleware:
    """Answers 403 to whoever is not on an allowed network, whatever the address asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        address = request_address(request)
        if address is None or not _within(address, settings.STAFF_NETWORKS):
            return HttpResponse(
                "403 Forbidden\n", status=403, content_type="text/plain", headers=_BARE
            )
        return self.get_response(request)
