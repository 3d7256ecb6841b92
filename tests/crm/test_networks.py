"""The staff side answers only to the office and VPN networks."""

import ipaddress

import pytest
from django.test import Client
from pytest_django import Settings

from crm.networks import client_address

PROXIES = [ipaddress.ip_network("10.9.0.1/32")]


@pytest.fixture(autouse=True)
def office(settings: Settings) -> None:
    settings.STAFF_NETWORKS = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "2001:db8:7::/48")]
    settings.STAFF_PROXIES = PROXIES


def _status(socket_address: str, forwarded_for: str | None = None, path: str = "/health") -> int:
    headers = {"X-Forwarded-For": forwarded_for} if forwarded_for is not None else {}
    response = Client(REMOTE_ADDR=socket_address).get(path, headers=headers)
    return int(response.status_code)


def test_the_office_is_let_in() -> None:
    assert _status("192.0.2.7") == 200


@pytest.mark.parametrize("path", ["/health", "/", "/static/x.css", "/admin/", "/api/", "/nowhere"])
def test_a_stranger_sees_the_same_refusal_everywhere(path: str) -> None:
    assert _status("203.0.113.9", path=path) == 403


@pytest.mark.parametrize("header", ["192.0.2.7", "192.0.2.7, 192.0.2.8", "127.0.0.1", "", "::1"])
def test_a_stranger_cannot_claim_an_office_address(header: str) -> None:
    assert _status("203.0.113.9", header) == 403


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("192.0.2.7", 200),
        ("203.0.113.9", 403),
        ("192.0.2.7, 203.0.113.9", 403),  # the left part is the client's own writing
        ("203.0.113.9, 192.0.2.7", 200),
        ("192.0.2.7, not-an-address", 403),
        ("192.0.2.7, 10.9.0.1", 200),  # our own proxy twice
        ("::ffff:192.0.2.7", 200),
        ("2001:db8:7::9", 200),
        ("2001:db8:8::9", 403),
        ("192.0.2.7:4711", 403),  # no address: some proxies write the port too
        ("[2001:db8:7::9]", 403),
        (" , ,", 403),
        ("", 403),  # a proxy that names nobody
        ("10.9.0.1", 403),  # its own request: a proxy is no colleague
        ("192.0.2.7%eth0", 403),
        ("0xc0000207", 403),
        ("192.0.2.007", 403),  # octal to some, decimal to others
    ],
)
def test_a_configured_proxy_is_believed_for_the_last_hop_only(header: str, status: int) -> None:
    assert _status("10.9.0.1", header) == status


def test_a_mapped_address_is_the_address_it_maps() -> None:
    found = client_address(socket_address="::ffff:192.0.2.7", forwarded_for="", proxies=[])
    assert found == ipaddress.ip_address("192.0.2.7")


def test_an_unreadable_socket_address_is_refused() -> None:
    assert _status("unknown") == 403


@pytest.mark.parametrize(
    "name",
    [
        "Forwarded",
        "X-Real-IP",
        "X-Client-IP",
        "True-Client-IP",
        "X-Forwarded",
        "X-Cluster-Client-IP",
        "Remote-Addr",
        "X-Remote-Addr",
        "Via",
    ],
)
@pytest.mark.parametrize("socket_address", ["203.0.113.9", "10.9.0.1"])
def test_no_other_header_says_whose_request_it_is(name: str, socket_address: str) -> None:
    """Neither from a stranger nor from the proxy."""
    for value in ("192.0.2.7", "for=192.0.2.7", "2001:db8:7::9"):
        client = Client(REMOTE_ADDR=socket_address)
        assert client.get("/health", headers={name: value}).status_code == 403


@pytest.mark.parametrize(
    ("socket_address", "status"),
    [
        ("2001:db8:7::9", 200),
        ("2001:db8:8::9", 403),
        ("::ffff:192.0.2.7", 200),
        ("::ffff:203.0.113.9", 403),
        ("::192.0.2.7", 403),  # IPv4-compatible, not mapped: another address
        ("64:ff9b::c000:207", 403),
        ("", 403),  # a local socket has no address
    ],
)
def test_both_versions_of_ip_are_judged_by_the_address_they_mean(
    socket_address: str, status: int
) -> None:
    assert _status(socket_address) == status


def test_a_mapped_proxy_is_the_proxy_it_maps() -> None:
    assert _status("::ffff:10.9.0.1", "192.0.2.7") == 200
    assert _status("::ffff:10.9.0.1", "203.0.113.9") == 403


@pytest.mark.parametrize("loopback", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_proxy_on_this_host_that_is_not_configured_lends_nobody_its_address(
    settings: Settings, loopback: str
) -> None:
    settings.STAFF_PROXIES = []
    settings.STAFF_NETWORKS = [ipaddress.ip_network(n) for n in ("127.0.0.1/32", "::1/128")]
    assert _status(loopback) == 200
    assert _status(loopback, "203.0.113.9") == 403
    assert _status(loopback, "127.0.0.1") == 403


def test_a_proxy_within_the_office_still_has_to_name_whom_it_speaks_for(settings: Settings) -> None:
    settings.STAFF_NETWORKS = [ipaddress.ip_network("10.9.0.0/24")]
    assert _status("10.9.0.1") == 403
    assert _status("10.9.0.1", "10.9.0.7") == 200
