"""Between the hosts, and out: what the plan lists and nothing else, whoever asks."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.network.attacks import route, without_firewall
from tests.network.scan import open_ports
from tests.network.town import (
    ATTACKER,
    DATABASE,
    DATABASE_LINK,
    HUB,
    INNER,
    LINK,
    PORTS,
    RELAY,
    WAN,
    Town,
)

pytestmark = pytest.mark.timeout(300)  # the first one builds the town


# --- databases -----------------------------------------------------------------------------------


def _refusal(town: Town, host: str, dsn: str) -> str:
    with town.hosts.inside(host):
        try:
            psycopg.connect(dsn).close()
        except psycopg.OperationalError as error:
            return str(error)
    return ""


def test_each_role_is_admitted_from_its_own_host_over_tls(town: Town) -> None:
    for process, zones in (("staff", ("crm", "vault")), ("worker", ("crm", "vault", "intake"))):
        for zone in zones:
            shown = town.rows(
                process, zone, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            )
            assert shown == [(True,)]
    assert town.rows("public", "intake", "SELECT current_user") == [("accord_public",)]


def test_nobody_is_admitted_without_tls(town: Town) -> None:
    for process in ("public", "staff", "worker"):
        plain = town.dsn(process, "intake" if process == "public" else "crm", tls="disable")
        assert "pg_hba.conf rejects" in _refusal(town, process, plain), process


def test_stolen_credentials_are_worth_nothing_on_the_public_host(town: Town) -> None:
    for process in ("public", "staff", "worker", "search", "owner"):
        for zone in ("crm", "vault", "intake"):
            if (process, zone) != ("public", "intake"):
                dsn = town.dsn(process, zone, link=True)
                assert "pg_hba.conf rejects" in _refusal(town, "public", dsn), (process, zone)


def test_a_role_is_not_admitted_from_the_host_of_another(town: Town) -> None:
    for host, process in (("staff", "worker"), ("staff", "owner"), ("worker", "staff")):
        assert "pg_hba.conf rejects" in _refusal(town, host, town.dsn(process, "crm")), process
    assert "pg_hba.conf rejects" in _refusal(town, "staff", town.dsn("staff", "intake"))


def test_even_root_on_the_public_host_reaches_the_intake_and_no_further(town: Town) -> None:
    """His own firewall and routes are his: the other ends drop what he sends."""
    database = town.plan.database.port
    inside = [22, 80, 443, database, *PORTS.values(), town.plan.worker.broker_port]
    with town.hosts.inside("public"), pytest.raises(PermissionError):
        open_ports(LINK, DATABASE_LINK, ports=inside)  # held back by his own
    with (
        without_firewall(town, "public"),
        route(town, "public", "10.88.0.0/24", DATABASE_LINK),
        route(town, "public", "10.77.0.0/24", WAN["staff"]),
        town.hosts.inside("public"),
    ):
        assert open_ports(LINK, DATABASE_LINK) == {database}
        for target in (DATABASE, *INNER.values()):
            assert open_ports(LINK, target, ports=inside) == set(), target
        for target in (HUB, WAN["staff"], WAN["worker"]):
            assert open_ports(WAN["public"], target, ports=inside) == set(), target


# --- the way out ---------------------------------------------------------------------------------


@contextmanager
def _listening(town: Town, *ends: tuple[str, int]) -> Iterator[None]:
    with town.hosts.inside("internet"):
        doors = [socket.create_server(end) for end in ends]
    try:
        yield
    finally:
        for door in doors:
            door.close()


def test_a_host_reaches_what_its_plan_lists_and_nothing_else(town: Town) -> None:
    with _listening(town, (ATTACKER, 443), (ATTACKER, 587), (RELAY, 587), (RELAY, 443)):
        assert town.connects("client", ATTACKER, 443)  # it is there, for who is not held back
        assert town.connects("worker", RELAY, 587)
        for address, port in ((ATTACKER, 443), (ATTACKER, 587), (RELAY, 443)):
            assert not town.connects("worker", address, port, seconds=0.3)
        for host in ("staff", "public"):
            for address, port in ((ATTACKER, 443), (RELAY, 587)):
                assert not town.connects(host, address, port, seconds=0.3), host


@pytest.mark.parametrize("host", ["staff", "public", "worker"])
def test_nothing_leaves_by_datagram(town: Town, host: str) -> None:
    with (
        town.hosts.inside(host),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        pytest.raises(PermissionError),
    ):
        sender.sendto(b"q", (ATTACKER, 53))


def test_the_rules_that_are_loaded_are_the_rendered_ones(town: Town) -> None:
    for host in ("public", "staff", "worker", "database"):
        loaded = town.hosts.run(host, "nft", "list", "ruleset")
        assert len(re.findall("policy drop;", loaded)) == 3, host
        rendered = town.file(f"{host}/nftables.conf").read_text(encoding="utf-8")
        assert loaded.count(" comment ") == rendered.count(" comment "), host
