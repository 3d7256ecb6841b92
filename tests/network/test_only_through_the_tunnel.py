"""The staff side is reached through the tunnel and through nothing else."""

import httpx
import pytest

from tests.journeys import acts
from tests.journeys.stage import wait_for
from tests.network.attacks import (
    ALL_AT_ONCE,
    CLAIMS,
    EVERY_STAFF_URL,
    UPGRADE,
    route,
    without_firewall,
)
from tests.network.building import stranger_up
from tests.network.scan import open_ports
from tests.network.town import ATTACKER, CLIENT, HUB, PASSWORDS, PORTS, STAFF, STAFF_IPV6, WAN, Town

pytestmark = pytest.mark.timeout(300)  # the first one builds the town


# --- in: through the tunnel, with both factors ---------------------------------------------------


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
        assert set(browser.cookies) >= {"__Host-accord_session", "__Host-accord_csrf"}
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
    counted = town.rows("staff", "crm", "SELECT host(ip_address) FROM axes_accessattempt")
    assert counted == [(CLIENT,)]


# --- out: the internet ---------------------------------------------------------------------------


def test_the_internet_finds_no_tcp_port_of_the_staff_host(town: Town) -> None:
    with town.hosts.inside("internet"):
        assert open_ports(ATTACKER, WAN["public"]) == {80, 443}
        assert open_ports(ATTACKER, WAN["staff"]) == set()
    with route(town, "internet", "10.77.0.0/24", WAN["staff"]), town.hosts.inside("internet"):
        assert open_ports(ATTACKER, HUB, ports=[22, 80, 443, 8001]) == set()
    for port in (80, 443, PORTS["staff"]):
        assert not town.connects("internet", STAFF_IPV6, port, seconds=0.3)


def test_a_stolen_tunnel_address_is_nobody_outside_of_the_tunnel(town: Town) -> None:
    town.hosts.ip("internet", "addr", "add", f"{CLIENT}/32", "dev", "wan")
    try:
        with route(town, "internet", f"{HUB}/32", WAN["staff"]), town.hosts.inside("internet"):
            assert open_ports(CLIENT, HUB, ports=[443]) == set()
    finally:
        town.hosts.ip("internet", "addr", "del", f"{CLIENT}/32", "dev", "wan")


def test_without_its_firewall_the_same_scan_sees_a_door_and_nginx_keeps_it_shut(
    town: Town,
) -> None:
    """So the scan is no blind one, and the address is asked for a second time."""
    with (
        without_firewall(town, "staff"),
        route(town, "internet", "10.77.0.0/24", WAN["staff"]),
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


# --- keys ----------------------------------------------------------------------------------------


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


def test_a_new_colleague_is_added_while_the_others_work(town: Town) -> None:
    newcomer = town.peer_config("lucie", "10.77.0.9")
    with town.browser("client", f"https://{STAFF}") as browser:
        assert browser.get("/sign-in").status_code == 200
        town.hosts.run("staff", "wg", "addconf", town.interface, str(newcomer))
        assert browser.get("/sign-in").status_code == 200  # on the connection that was open
    peers = town.hosts.run("staff", "wg", "show", town.interface, "allowed-ips")
    assert f"{CLIENT}/32" in peers
    assert "10.77.0.9/32" in peers


# --- the staff process asked directly ------------------------------------------------------------


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
