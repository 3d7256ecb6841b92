"""A link of a mail is asked for, and nobody is led inside by it."""

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from campaigns.content.html_contexts import compile_html
from campaigns.preflight import links
from campaigns.preflight.findings import Finding, Verdict
from campaigns.preflight.links import NotPublic, Unanswered, ask, link_finding, links_to_check


class _Site(BaseHTTPRequestHandler):
    """A site on loopback: its paths say what it answers."""

    asked: list[tuple[str, str, str]]

    def _answer(self) -> None:
        self.server.asked.append((self.command, self.path, self.headers["Host"]))  # type: ignore[attr-defined]
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
        elif self.path == "/loop":
            self.send_response(301)
            self.send_header("Location", "/loop")
        elif self.path == "/no-head" and self.command == "HEAD":
            self.send_response(405)
        elif self.path.startswith("/status/"):
            self.send_response(int(self.path.rpartition("/")[2]))
        else:
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = _answer

    def log_message(self, *_arguments: object) -> None:
        return


@pytest.fixture
def site() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def _loopback(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return str(address) == "127.0.0.1"


def _asked(site: ThreadingHTTPServer) -> list[tuple[str, str, str]]:
    """What the site was asked: method, path, and the name it was called by."""
    return site.asked  # type: ignore[attr-defined, no-any-return]


def look(site: ThreadingHTTPServer, path: str, host: str = "127.0.0.1") -> Finding:
    port = site.server_address[1]
    return link_finding(f"http://{host}:{port}{path}", is_allowed=_loopback, ports=[port])


@pytest.mark.parametrize(
    ("path", "code", "verdict"),
    [
        ("/", "link", Verdict.PASSED),
        ("/a?b=c&d=é#part", "link", Verdict.PASSED),
        ("/no-head", "link", Verdict.PASSED),
        ("/to//", "link", Verdict.PASSED),
        ("/status/404", "link-gone", Verdict.WARNING),
        ("/status/410", "link-gone", Verdict.WARNING),
        ("/status/403", "link-refused", Verdict.UNKNOWN),
        ("/status/500", "link-refused", Verdict.UNKNOWN),
        ("/loop", "link-unanswered", Verdict.UNKNOWN),
    ],
)
def test_what_a_site_answers_is_said(
    site: ThreadingHTTPServer, path: str, code: str, verdict: Verdict
) -> None:
    finding = look(site, path)
    assert (finding.code, finding.verdict) == (code, verdict)


def test_head_is_asked_first_and_redirects_are_counted(site: ThreadingHTTPServer) -> None:
    look(site, "/")
    look(site, "/no-head")
    assert [method for method, _path, _host in _asked(site)] == ["HEAD", "HEAD", "GET"]
    _asked(site).clear()
    look(site, "/loop")
    assert len(_asked(site)) == 5


@pytest.mark.parametrize(
    "inside",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "http://[::1]/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1:25/_HELO",
        "http://127.0.0.1:22/",
        "//10.0.0.1/",
        "http://a@10.0.0.1/",
    ],
)
def test_a_redirect_leads_nobody_inside(site: ThreadingHTTPServer, inside: str) -> None:
    finding = look(site, f"/to/{inside}")
    assert finding.verdict in (Verdict.WARNING, Verdict.UNKNOWN)
    assert len(_asked(site)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://0.0.0.0/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::]/",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[2002:7f00:0001::]/",
        "http://[64:ff9b::7f00:1]/",
        "http://localhost/",
        "https://127.0.0.1/",
        "http://93.184.216.34:25/",
        "http://93.184.216.34:6379/",
        "http://user:pass@93.184.216.34/",
        "http://93.184.216.34 /",
        "http://93.184.216.34\\@127.0.0.1/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://",
        "http://[",
        "http://a:99999/",
    ],
)
def test_inside_is_never_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connected(*_arguments: object, **_named: object) -> None:
        pytest.fail("something inside was connected to")

    monkeypatch.setattr(socket, "create_connection", connected)
    with pytest.raises((NotPublic, Unanswered)):
        ask(url)
    assert link_finding(url).verdict in (Verdict.WARNING, Verdict.UNKNOWN)


def test_a_name_that_changes_its_address_is_looked_up_once(
    site: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the first answer is public, the second is not. There is no second."""
    port = site.server_address[1]
    answers = iter(["127.0.0.1", "10.0.0.1"])
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def rebound(host: str, *rest: object, **named: object) -> Any:
        if host != "rebind.example":
            return real(host, *rest, **named)  # type: ignore[arg-type]
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    finding = look(site, "/no-head", host="rebind.example")
    assert finding.code == "link"
    assert looked_up == ["rebind.example"]
    # HEAD and then GET went to the address that was judged, under the name that was written.
    assert {host for _method, _path, host in _asked(site)} == {f"rebind.example:{port}"}


def test_a_name_with_one_inner_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(_host: str, port: int, **_named: object) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(NotPublic):
        ask("http://both.example/")


def test_without_a_network_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_arguments: object, **_named: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    finding = link_finding("https://example.com/")
    assert (finding.code, finding.verdict) == ("link-unanswered", Verdict.UNKNOWN)


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "_SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with pytest.raises(Unanswered):
            ask(f"http://127.0.0.1:{port}/", is_allowed=_loopback, ports=[port])


@pytest.mark.parametrize(
    ("scheme", "beginning"),
    # The second is a record of a TLS handshake, whose 16000 bytes come one by one.
    [("http", b"HTTP/1.1 200 OK\r\nX: "), ("https", b"\x16\x03\x03\x3e\x80\x02\x00\x3e\x7c")],
)
def test_a_server_that_drips_is_left(
    monkeypatch: pytest.MonkeyPatch, scheme: str, beginning: bytes
) -> None:
    monkeypatch.setattr(links, "LINK_SECONDS", 0.6)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            peer, _address = server.accept()
            ends_at = time.monotonic() + 12
            with peer:
                peer.sendall(beginning)
                while not stop.wait(0.1) and time.monotonic() < ends_at:
                    try:
                        peer.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        port = server.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(Unanswered):
            ask(f"{scheme}://127.0.0.1:{port}/", is_allowed=_loopback, ports=[port])
        spent = time.monotonic() - started
        stop.set()
        thread.join()
    assert spent < 5


def test_only_links_that_are_the_same_for_everybody_are_asked() -> None:
    page = compile_html(
        '<a href="https://a.example/x#1">1</a><a href="https://a.example/x#2">2</a>'
        '<a href="{{ opt_out_url }}">3</a><a href="https://b.example/?m={{ email }}">4</a>'
        '<a href="mailto:a@b.example">5</a><a href="HTTP://c.example/">6</a>'
    )
    assert links_to_check(page) == ["https://a.example/x", "HTTP://c.example/"]
