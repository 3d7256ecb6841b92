"""The staff side answers only to the office and VPN networks."""

import ipaddress

import pytest
from django.test import Client
from pytest_django import Settings

from crm.networks import client_address

PROXIES = [ipaddress.ip_network("10.9.0.1/32")]


@pytest.fixture(autouse=True)
def office(settings: Settings) -> None:
    settings.STAFF_NETWORKS = [ipaddress.ip_network("192.0.2.0/24")]
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
    ],
)
def test_a_configured_proxy_is_believed_for_the_last_hop_only(header: str, status: int) -> None:
    assert _status("10.9.0.1", header) == status


def test_a_mapped_address_is_the_address_it_maps() -> None:
    found = client_address(socket_address="::ffff:192.0.2.7", forwarded_for="", proxies=[])
    assert found == ipaddress.ip_address("192.0.2.7")


def test_an_unreadable_socket_address_is_refused() -> None:
    assert _status("unknown") == 403
