"""The public host answers with public pages, to its own name, and writes down nobody's link."""

import socket
import ssl

import httpx
import pytest
from django.urls import Resolver404, resolve

from tests.journeys.stage import wait_for
from tests.network.attacks import ALL_AT_ONCE, EVERY_STAFF_URL, NO_ANSWER
from tests.network.town import CLIENT, FORMS_PER_NETWORK, PORTS, PUBLIC, STAFF, WAN, Town

pytestmark = pytest.mark.timeout(300)  # the first one builds the town


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
    # nginx writes its line after the answer has gone.
    wait_for(lambda: "GET /contacts/ 302" in town.log("staff/access.log"), "the last line")
    kinds = ("access", "error")
    written = "".join(town.log(f"{host}/{kind}.log") for host in PORTS for kind in kinds)
    assert written.count("GET /p/(token) 502") == 2
    for secret in (token, "198.51.100.134", CLIENT):
        assert secret not in written
