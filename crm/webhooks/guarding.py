"""Which addresses may be called: nothing inside of our own networks (SSRF, ASVS 1.3.6).

A name is resolved once, every answer is judged, and the call goes to the address that was judged:
a name that is resolved again behind our back leads nowhere else.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

URL_MAX = 500
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class NotCallable(ValueError):
    """This address is not called; the argument is a word for why."""


@dataclass(frozen=True)
class Target:
    """Where a call goes: the name for TLS and Host, and the one address that was judged."""

    is_tls: bool
    host: str
    port: int
    path: str
    address: str

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.is_tls else 80) else f"{name}:{self.port}"


def check_url(url: str) -> None:
    """Raise NotCallable for what can never be called, without asking the DNS."""
    _parts(url)


def target_of(url: str) -> Target:
    """Return where a call to `url` goes, resolving its name once.

    Raises NotCallable: bad_url, https_needed, no_name, or refused_address.
    """
    is_tls, host, port, path = _parts(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotCallable("no_name") from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    # One private answer among public ones is a trap, or a mistake: either way nobody is called.
    if not addresses or not all(_is_callable(text, is_tls=is_tls) for text in addresses):
        raise NotCallable("refused_address")
    return Target(is_tls, host, port, path, addresses[0])


def _parts(url: str) -> tuple[bool, str, int, str]:
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise NotCallable("bad_url")
    try:
        split = urlsplit(url)
        host, port = split.hostname, split.port
    except ValueError:
        raise NotCallable("bad_url") from None
    if split.scheme not in ("https", "http") or not host or "\\" in url:
        raise NotCallable("bad_url")
    if split.username is not None or split.password is not None or split.fragment:
        raise NotCallable("bad_url")
    is_tls = split.scheme == "https"
    if not is_tls and not settings.WEBHOOK_NETWORKS:
        raise NotCallable("https_needed")
    path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    return is_tls, host, port or (443 if is_tls else 80), path


def _is_callable(text: str, *, is_tls: bool) -> bool:
    """Public addresses over TLS; others, and without TLS, inside of the settings' networks only."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if any(address in network for network in settings.WEBHOOK_NETWORKS):
        return True
    return is_tls and all(_is_public(each) for each in (address, *_inside(address)))


def _is_public(address: _Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(address: _Address) -> list[_Address]:
    """The IPv4 addresses that an IPv6 one leads to: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[_Address | None] = [address.ipv4_mapped, address.sixtofour]
    found += list(address.teredo or ())
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in found if each is not None]
