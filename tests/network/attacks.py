"""What somebody tries who is not in the tunnel."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from django.urls import reverse

from tests.crm.access.test_every_staff_address import GUARDED, OPEN
from tests.network.town import CLIENT, STAFF, Town

EVERY_STAFF_URL = sorted(
    {url for url, _pattern in GUARDED}
    | {reverse(name, urlconf="deploy.urls_staff") for name in OPEN}
)
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
# What somebody outside may say to be taken for a colleague.
CLAIMS = [
    {"X-Forwarded-For": CLIENT},
    {"X-Forwarded-For": f"{CLIENT}, {CLIENT}"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-For": ""},
    {"X_Forwarded_For": CLIENT},
    {"Forwarded": f"for={CLIENT};host={STAFF};proto=https"},
    {"X-Real-IP": CLIENT},
    {"True-Client-IP": CLIENT},
    {"X-Forwarded-Host": STAFF},
    {"X-Original-URL": "/contacts/"},
    {"X-Rewrite-URL": "/contacts/"},
    UPGRADE,
]
NO_ANSWER = (httpx.RemoteProtocolError, httpx.ReadError)
ALL_AT_ONCE = {name: value for claim in CLAIMS for name, value in claim.items() if value}
ALL_AT_ONCE |= {"X-Forwarded-For": CLIENT}


@contextmanager
def route(town: Town, host: str, network: str, via: str) -> Iterator[None]:
    """A neighbour on the same cable may send to any address by any host."""
    town.hosts.ip(host, "route", "add", network, "via", via)
    try:
        yield
    finally:
        town.hosts.ip(host, "route", "del", network, "via", via)


@contextmanager
def without_firewall(town: Town, host: str) -> Iterator[None]:
    town.hosts.run(host, "nft", "flush", "ruleset")
    try:
        yield
    finally:
        town.hosts.run(host, "nft", "-f", str(town.file(f"{host}/nftables.conf")))
