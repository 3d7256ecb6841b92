"""The staff side is reached through the tunnel and through nothing else (in real namespaces)."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from django.urls import Resolver404, resolve, reverse

from tests.crm.access.test_every_staff_address import GUARDED, OPEN
from tests.journeys import acts
from tests.journeys.stage import wait_for
from tests.network.scan import open_ports
from tests.network.town import (
    ATTACKER,
    CLIENT,
    DATABASE,
    DATABASE_LINK,
    FORMS_PER_NETWORK,
    HUB,
    INNER,
    LINK,
    PASSWORDS,
    PORTS,
    PUBLIC,
    RELAY,
    STAFF,
    STAFF_IPV6,
    WAN,
    Town,
    stranger_up,
)

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


# --- in: through the tunnel, with both factors -------------------------------------------------


def test_a_colleague_signs_in_through_the_tunnel(town: Town) -> None:
    with town.browser("client", f"https://{STAFF}") as browser:
        assert browser.get("/sign-in").status_code == 200
        account = town.accounts["camille"]
        assert acts.show_password(browser, account).headers["Location"] == "/sign-in/code"
        assert acts.show_code(browser, account).status_code == 302
        page = browser.get("/")
        assert page.status_code == 200
        assert page.headers["Strict-Transport-Security"] == "max-age=63072000"
        assert page.headers["Server"] == "nginx"
        assert browser.get("/static/crm/accord.css").status_code == 200
        assert set(browser.cookies) >= {"accord_session", "accord_csrf"}
        assert all(cookie.secure for cookie in browser.cookies.jar)


def test_the_lock_counts_the_address_of_the_tunnel_whatever_a_header_says(town: Town) -> None:
    with town.browser("client", f"https://{STAFF}") as browser:
        for number in range(5):
            browser.headers["X-Forwarded-For"] = f"203.0.113.{number}"
            browser.headers["Forwarded"] = f"for=203.0.113.{number}"
            acts.submit(browser, "/sign-in", username="lucie")
            answer = acts.submit(browser, "/sign-in/password", password="not hers at all")
        assert answer.status_code == 429
        acts.submit(browser, "/sign-in", username="lucie")
        again = acts.submit(browser, "/sign-in/password", password=PASSWORDS["lucie"])
        assert again.status_code == 429
    counted = town.rows("staff", "crm", "SELECT username, host(ip_address) FROM axes_accessattempt")
    assert counted == [("lucie", CLIENT)]


# --- out: the internet -------------------------------------------------------------------------


@contextmanager
def _route(town: Town, host: str, network: str, via: str) -> Iterator[None]:
    """A neighbour on the same cable may send to any address by any host."""
    town.hosts.ip(host, "route", "add", network, "via", via)
    try:
        yield
    finally:
        town.hosts.ip(host, "route", "del", network, "via", via)


@contextmanager
def _without_firewall(town: Town, host: str) -> Iterator[None]:
    town.hosts.run(host, "nft", "flush", "ruleset")
    try:
        yield
    finally:
        town.hosts.run(host, "nft", "-f", str(town.file(f"{host}/nftables.conf")))


def test_the_internet_finds_no_tcp_port_of_the_staff_host(town: Town) -> None:
    with town.hosts.inside("internet"):
        assert open_ports(ATTACKER, WAN["public"]) == {80, 443}
        assert open_ports(ATTACKER, WAN["staff"]) == set()
    with _route(town, "internet", "10.77.0.0/24", WAN["staff"]), town.hosts.inside("internet"):
        assert open_ports(ATTACKER, HUB, ports=[22, 80, 443, 8001]) == set()
    for port in (80, 443, PORTS["staff"]):
        assert not town.connects("internet", STAFF_IPV6, port, seconds=0.3)


def test_a_stolen_tunnel_address_is_nobody_outside_of_the_tunnel(town: Town) -> None:
    town.hosts.ip("internet", "addr", "add", f"{CLIENT}/32", "dev", "wan")
    try:
        with _route(town, "internet", f"{HUB}/32", WAN["staff"]), town.hosts.inside("internet"):
            assert open_ports(CLIENT, HUB, ports=[443]) == set()
    finally:
        town.hosts.ip("internet", "addr", "del", f"{CLIENT}/32", "dev", "wan")


def test_without_its_firewall_the_same_scan_sees_a_door_and_nginx_keeps_it_shut(
    town: Town,
) -> None:
    """So the scan is no blind one, and the address is asked for a second time."""
    with (
        _without_firewall(town, "staff"),
        _route(town, "internet", "10.77.0.0/24", WAN["staff"]),
    ):
        with town.hosts.inside("internet"):
            assert open_ports(ATTACKER, HUB, ports=[22, 80, 443, 8001]) == {443}
        with town.browser("internet", f"https://{STAFF}") as stranger:
            for url in ("/sign-in", "/health", "/static/crm/accord.css"):
                answer = stranger.get(url, headers=ALL_AT_ONCE)
                assert answer.status_code == 403, url
                assert "nginx</center>" in answer.text


def test_the_staff_host_listens_inside_the_tunnel_and_for_the_tunnel(town: Town) -> None:
    lines = town.hosts.run("staff", "ss", "-lntuH").splitlines()
    heard = {(line.split()[0], line.split()[4]) for line in lines}
    port = str(town.plan.tunnel.port)
    assert {each for each in heard if not each[1].startswith("127.0.0.1:")} == {
        ("tcp", f"{HUB}:443"),
        ("udp", f"0.0.0.0:{port}"),
        ("udp", f"[::]:{port}"),
    }


# --- the public host ---------------------------------------------------------------------------


def _is_public(url: str) -> bool:
    try:
        resolve(url, urlconf="deploy.urls_public")
    except Resolver404:
        return False
    return True


def test_the_public_host_knows_no_staff_address(town: Town) -> None:
    urls = [url for url in EVERY_STAFF_URL if not _is_public(url)]
    assert len(urls) == len(EVERY_STAFF_URL) - 1  # both have /health
    urls += ["/static/crm/accord.css", "/static/vendor/tabler/tabler.min.css", "/admin/"]
    # An attacker with many addresses: the rate of one is limited.
    for number, url in enumerate(urls):
        address = f"198.51.100.{100 + number % 25}"
        with town.browser("internet", f"https://{PUBLIC}", local_address=address) as stranger:
            for method, headers in (("GET", {}), ("POST", {}), ("GET", ALL_AT_ONCE)):
                answer = stranger.request(method, url, headers=headers)
                assert answer.status_code == 404, (method, url)


def test_the_public_host_answers_to_its_name_only(town: Town) -> None:
    with town.browser("internet", f"http://{PUBLIC}", local_address="198.51.100.130") as visitor:
        answer = visitor.get("/no")
        assert answer.status_code == 301
        assert answer.headers["Location"] == f"https://{PUBLIC}/no"
        with pytest.raises(NO_ANSWER):
            visitor.get("/no", headers={"Host": STAFF})
    with town.browser("internet", f"https://{PUBLIC}", local_address="198.51.100.130") as visitor:
        page = visitor.get("/no", headers={"X-Forwarded-Host": STAFF})
        assert page.status_code == 200
        assert STAFF not in page.text
        assert page.headers["Strict-Transport-Security"] == "max-age=63072000"
        assert page.headers["Server"] == "nginx"
        assert visitor.get("/static/consent/public.css").status_code == 200
        with pytest.raises(NO_ANSWER):
            visitor.get("/no", headers={"Host": STAFF})
        with pytest.raises(httpx.ConnectError):
            visitor.get("/no", extensions={"sni_hostname": STAFF})


def test_what_is_too_large_or_too_much_is_turned_away(town: Town) -> None:
    with town.browser("internet", f"https://{PUBLIC}", local_address="198.51.100.131") as visitor:
        assert visitor.post("/no", content=b"x" * (64 * 1024 + 1)).status_code == 413
        statuses = [visitor.get("/health").status_code for _ in range(120)]
    assert set(statuses) == {200, 429}
    # Whoever carries a "no" for others is not counted as one visitor.
    with town.browser("internet", f"https://{PUBLIC}", local_address="198.51.100.132") as provider:
        assert 429 not in {provider.get("/u/a-token").status_code for _ in range(120)}


def test_the_intake_works_and_counts_the_address_that_knocks(town: Town) -> None:
    before = _envelopes(town)
    with town.browser("internet", f"https://{PUBLIC}", local_address="198.51.100.133") as visitor:
        statuses = []
        for number in range(FORMS_PER_NETWORK + 1):
            claim = {"X-Forwarded-For": f"192.0.{number}.7", "X-Real-IP": f"192.0.{number}.7"}
            answer = visitor.post("/no", data={"email": "ana@example.org"}, headers=claim)
            statuses.append(answer.status_code)
    assert statuses == [200] * FORMS_PER_NETWORK + [429]
    assert _envelopes(town) == before + FORMS_PER_NETWORK


def _envelopes(town: Town) -> int:
    return int(town.rows("worker", "intake", "SELECT count(*) FROM privacy_envelope")[0][0])


def test_old_protocols_and_suites_are_refused(town: Town) -> None:
    context = ssl.create_default_context(cafile=str(town.authority.file))
    with town.hosts.inside("internet"):
        with (
            socket.create_connection((WAN["public"], 443), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=PUBLIC) as secured,
        ):
            assert secured.version() == "TLSv1.3"
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
        with (
            socket.create_connection((WAN["public"], 443), timeout=5) as plain,
            pytest.raises(ssl.SSLError),
        ):
            context.wrap_socket(plain, server_hostname=PUBLIC)


def test_no_log_holds_a_token_a_query_or_an_address(town: Town) -> None:
    token = "Zm9yLW5vYm9keQ-0123456789abcdef"
    paths = [f"/{page}/{token}" for page in ("u", "p", "c", "r", "l", "undo")]
    paths += [f"/o/{token}.gif", f"/{token}", f"/no?e={token}", f"/p/{token}/receipt"]
    with town.browser("internet", f"https://{PUBLIC}", local_address="198.51.100.134") as visitor:
        for path in paths:
            visitor.get(path, headers={"User-Agent": token, "Referer": token})
        town.stop("public")
        for path in paths:
            assert visitor.get(path).status_code == 502
        town.start_web("public")
        town.wait_for_web("public")
    with town.browser("client", f"https://{STAFF}") as browser:
        browser.get("/contacts/", params={"q": token})
    written = "".join(town.log(f"{host}/{kind}.log") for host in PORTS for kind in
                      ("access", "error"))  # fmt: skip
    assert "GET /p/(token) 502" in written
    assert "GET /contacts/ 302" in written
    for secret in (token, "198.51.100.134", CLIENT):
        assert secret not in written


# --- keys --------------------------------------------------------------------------------------


def test_a_key_that_nobody_knows_gets_nothing(town: Town) -> None:
    interface = stranger_up(town)
    try:
        assert not town.connects("internet", HUB, 443, seconds=1.5)
        shaken = town.hosts.run("internet", "wg", "show", interface, "latest-handshakes")
        assert shaken.split()[1] == "0"
        sent = town.hosts.run("internet", "wg", "show", interface, "transfer").split()
        assert int(sent[2]) > 0  # it did knock
        assert int(sent[1]) == 0
    finally:
        town.hosts.run("internet", "ip", "link", "del", interface)


def test_a_peer_that_is_removed_is_out_at_once(town: Town) -> None:
    key = town.plan.peers[0].public_key
    with town.browser("client", f"https://{STAFF}") as browser:
        assert browser.get("/sign-in").status_code == 200
        town.hosts.run("staff", "wg", "set", town.interface, "peer", key, "remove")
        with pytest.raises(httpx.ReadTimeout):  # on the connection that was open
            browser.get("/sign-in", timeout=1.0)
    assert not town.connects("client", HUB, 443)
    add = ["peer", key, "allowed-ips", f"{CLIENT}/32"]
    town.hosts.run("staff", "wg", "set", town.interface, *add)
    town.begin_tunnel_anew()
    wait_for(lambda: town.connects("client", HUB, 443), "the tunnel to be up again")


# --- the staff process asked directly ----------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.9", "127.0.0.1"])
def test_the_process_itself_refuses_everything(town: Town, address: str) -> None:
    """From an address that is no proxy, and from the proxy's without what a proxy must say."""
    claims: list[dict[str, str]] = [{}, ALL_AT_ONCE] if address == "127.0.0.9" else [{}]
    url = f"http://127.0.0.1:{PORTS['staff']}"
    with town.browser("staff", url, local_address=address) as stranger:
        for path in [*EVERY_STAFF_URL, "/static/crm/accord.css", "/ws", "/admin/", "/nowhere"]:
            for claim in claims:
                for method in ("GET", "POST"):
                    answer = stranger.request(method, path, headers={"Host": STAFF, **claim})
                    assert (answer.status_code, answer.text) == (403, "403 Forbidden\n"), path
        for claim in CLAIMS if address == "127.0.0.9" else [UPGRADE]:
            assert stranger.get("/health", headers=claim).status_code == 403, claim


def test_the_staff_host_is_no_colleague_of_itself(town: Town) -> None:
    with town.browser("staff", f"https://{STAFF}") as browser:
        assert browser.get("/sign-in").status_code == 403


# --- databases ---------------------------------------------------------------------------------


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
        _without_firewall(town, "public"),
        _route(town, "public", "10.88.0.0/24", DATABASE_LINK),
        _route(town, "public", "10.77.0.0/24", WAN["staff"]),
        town.hosts.inside("public"),
    ):
        assert open_ports(LINK, DATABASE_LINK) == {database}
        for target in (DATABASE, *INNER.values()):
            assert open_ports(LINK, target, ports=inside) == set(), target
        for target in (HUB, WAN["staff"], WAN["worker"]):
            assert open_ports(WAN["public"], target, ports=inside) == set(), target


# --- the way out -------------------------------------------------------------------------------


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
