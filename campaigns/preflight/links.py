"""Asks whether the links of a mail still lead somewhere, without being led anywhere inside.

A link is written by staff, but what its server answers is anybody's: a redirect, a name that means
another address at each look-up. So a name is resolved once, every address of it must be a public
one, and the connection is made to that very address (with the name in TLS and in the Host line).
Each redirect goes through the same door. Nothing of the body is read. A link has so many seconds
in all: a socket's own time-out begins anew with every byte, and a site that drips would hold us.
"""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from campaigns.content.html_contexts import MARK, links_of
from campaigns.content.merge import Segments
from campaigns.preflight.findings import Finding, passed, unknown, warning

_SECONDS = 5.0
# For one link with all of its redirects.
LINK_SECONDS = 15.0
_MOST_REDIRECTS = 4
MOST_LINKS = 50
_PORTS = {80, 443, 8080, 8443}
_HEADERS = {"User-Agent": "Accord-link-check/1", "Accept": "*/*", "Connection": "close"}
# Everything that may stand in an address; the rest is percent-encoded as browsers do.
_AS_WRITTEN = "%/?:@!$&'()*+,;=-._~[]"
_REDIRECTS = {301, 302, 303, 307, 308}
_GONE = {404, 410}
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublic(Exception):
    """The address is one of a private network, or none that a mail should lead to."""


class Unanswered(Exception):
    """Nobody answered: no network here, or the other side is down. The argument is a code."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a link's server said in the end, after how many redirects."""

    status: int
    redirects: int


def links_to_check(html: Segments) -> list[str]:
    """The addresses of a page that are the same for everybody, each once, without the fragment."""
    found = (url for _start, _end, url in links_of(MARK.join(html.literals)))
    web = (
        url.partition("#")[0] for url in found if url.lower().startswith(("http://", "https://"))
    )
    return list(dict.fromkeys(url for url in web if MARK not in url))


def link_finding(url: str, **allowed: Any) -> Finding:
    """What became of one link: alive, gone, leading inside, or not to be known from here."""
    try:
        answer = ask(url, **allowed)
    except NotPublic:
        return warning("link-not-public", url=url[:200])
    except Unanswered as silent:
        return unknown("link-unanswered", url=url[:200], why=str(silent))
    if answer.status in _GONE:
        return warning("link-gone", url=url[:200], status=answer.status)
    if answer.status >= 400:
        # Many sites refuse programs and answer people.
        return unknown("link-refused", url=url[:200], status=answer.status)
    return passed("link", url=url[:200], status=answer.status)


def ask(
    url: str, *, is_allowed: Callable[[IpAddress], bool] | None = None, ports: Sequence[int] = ()
) -> Answer:
    """Ask with HEAD, and with GET where that is not answered, following redirects.

    `is_allowed` and `ports` widen what may be reached, for a server of a test: nothing of the
    program passes them. Raises NotPublic and Unanswered, within LINK_SECONDS and the look-up of a
    name. Changes nothing anywhere.
    """
    with _Deadline(LINK_SECONDS) as end:
        return _followed(url, is_allowed or _is_public, {*_PORTS, *ports}, end)


def _followed(
    url: str, is_allowed: Callable[[IpAddress], bool], ports: set[int], end: "_Deadline"
) -> Answer:
    for redirects in range(_MOST_REDIRECTS + 1):
        parts = _checked(url, ports)
        addresses = _public_addresses(parts, is_allowed)
        status, location = _one("HEAD", parts, addresses[0], end)
        if status in (400, 403, 405, 501):
            status, location = _one("GET", parts, addresses[0], end)
        if status not in _REDIRECTS or not location:
            return Answer(status, redirects)
        url = urljoin(url, location)
    raise Unanswered("redirects")


def _checked(url: str, ports: set[int]) -> SplitResult:
    if not url.isprintable() or " " in url or "\\" in url:
        raise NotPublic
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise NotPublic from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise NotPublic
    if port not in ports:
        raise NotPublic
    return parts


def _public_addresses(
    parts: SplitResult, is_allowed: Callable[[IpAddress], bool]
) -> list[tuple[str, int]]:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unanswered("name") from None
    addresses = [str(each[4][0]).partition("%")[0] for each in found]
    # All of them: a name with one public and one private address is an attack, not a mistake.
    if not addresses or not all(is_allowed(ipaddress.ip_address(each)) for each in addresses):
        raise NotPublic
    return [(each, port) for each in addresses]


def _is_public(address: IpAddress) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        # An IPv4 address in another dress: mapped, 6to4, Teredo, NAT64.
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or [None, None])[1]
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    return address.is_global and not address.is_multicast


class _Deadline:
    """Cuts every socket that it was shown when its time is over."""

    def __init__(self, seconds: float) -> None:
        self._end_at = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        self._cut()

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end_at

    def watch(self, wire: socket.socket) -> None:
        """Raises TimeoutError where the time was over before this socket was shown."""
        self._sockets.append(wire)
        if self.is_over:
            raise TimeoutError

    def _cut(self) -> None:
        for wire in self._sockets:
            with contextlib.suppress(OSError):  # closed already
                wire.shutdown(socket.SHUT_RDWR)
            wire.close()


def _one(
    method: str, parts: SplitResult, address: tuple[str, int], end: _Deadline
) -> tuple[int, str]:
    """One question to one address that was checked; the name is never looked up again."""
    if end.is_over:
        raise Unanswered("silence")
    connection = _connection(parts, address, end)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, quote(target, safe=_AS_WRITTEN), None, _HEADERS)
        response = connection.getresponse()
        if end.is_over:
            raise TimeoutError  # cut in the middle of its headers: that is no answer
        return response.status, response.getheader("Location") or ""
    except ssl.SSLCertVerificationError:
        raise Unanswered("certificate") from None
    except (OSError, HTTPException, UnicodeError, ValueError):
        raise Unanswered("silence") from None
    finally:
        connection.close()


def _connection(parts: SplitResult, address: tuple[str, int], end: _Deadline) -> HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        secure = _PinnedHTTPS(host, address[1], timeout=_SECONDS)
        secure.pinned, secure.end = address[0], end
        return secure
    plain = _PinnedHTTP(host, address[1], timeout=_SECONDS)
    plain.pinned, plain.end = address[0], end
    return plain


class _PinnedHTTP(HTTPConnection):
    """Connects to the address that was checked; the Host line says the name."""

    pinned = ""
    end: _Deadline

    def connect(self) -> None:
        self.sock = socket.create_connection((self.pinned, self.port), self.timeout)
        self.end.watch(self.sock)


class _PinnedHTTPS(HTTPSConnection):
    pinned = ""
    end: _Deadline

    def connect(self) -> None:
        context = ssl.create_default_context()
        raw = socket.create_connection((self.pinned, self.port), self.timeout)
        # The deadline must know the wrapped socket before its handshake, which may drip as well.
        secure = context.wrap_socket(raw, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock = secure
        self.end.watch(secure)
        secure.do_handshake()
