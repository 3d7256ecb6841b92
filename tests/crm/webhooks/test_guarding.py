"""A webhook calls nobody inside of our own networks, whatever its name says (SSRF)."""

import ipaddress
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from crm.webhooks import posting
from crm.webhooks.guarding import NotCallable, check_url, target_of
from crm.webhooks.posting import post
from tests.crm.webhooks.receiver import receiver

INSIDE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fc00::1", "::"),  # noqa: S104
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
]
BAD = [
    *("ftp://example.org/", "//example.org/", "https:///x", "javascript:alert(1)", "https://"),
    *("https://a:b@example.org/", "https://example.org/#x", "https://exa mple.org/", "x" * 501),
    *("https://example.org\\@127.0.0.1/", "https://example.org:99999/", "https://éxample.org/"),
    "https://example.org/\r\nHost: inside",
]


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    asked: list[str] = []

    def resolve(host: str, port: int, **_how: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(None, None, None, "", (address, port)) for address in addresses]

    monkeypatch.setattr("crm.webhooks.guarding.socket.getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_not_called(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, address)
    with pytest.raises(NotCallable, match="refused_address"):
        target_of("https://hook.example.org/x")


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(NotCallable, match="bad_url"):
        check_url(url)


def test_one_private_answer_among_public_ones_refuses_all(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "93.184.215.14", "10.0.0.1")
    with pytest.raises(NotCallable, match="refused_address"):
        target_of("https://hook.example.org/")


def test_without_tls_nobody_outside_is_called(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    with pytest.raises(NotCallable, match="https_needed"):
        check_url("http://hook.example.org/")
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    answering(monkeypatch, "93.184.215.14")
    with pytest.raises(NotCallable, match="refused_address"):
        target_of("http://hook.example.org/")


def test_a_name_is_resolved_once_and_that_address_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the second answer would lead inside, and is never asked for."""
    asked = answering(monkeypatch, "93.184.215.14")
    connected: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], **_how: object) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("crm.webhooks.posting.socket.create_connection", connect)
    answer = post(url="https://hook.example.org/x", body=b"{}", headers={})
    assert (answer.status, answer.failure) == (None, "no_connection")
    assert asked == ["hook.example.org"] and connected == [("93.184.215.14", 443)]


def test_a_redirect_is_an_answer_and_not_followed(settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    with receiver() as elsewhere, receiver() as hook:
        hook.statuses, hook.headers = [307], {"Location": elsewhere.url}
        answer = post(url=hook.url, body=b"{}", headers={})
    assert answer.status == 307 and not answer.is_success
    assert elsewhere.calls == []


@pytest.mark.parametrize(
    ("scheme", "beginning"),
    # The second is a record of a handshake, whose 16000 bytes come one by one.
    [("http", b"HTTP/1.1 200 OK\r\nX: "), ("https", b"\x16\x03\x03\x3e\x80\x02\x00\x3e\x7c")],
)
def test_a_receiver_that_drips_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, scheme: str, beginning: bytes
) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.6)
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def drip() -> None:
            peer, _address = server.accept()
            with peer:
                peer.sendall(beginning)
                ends_at = time.monotonic() + 8
                while not stop.wait(0.1) and time.monotonic() < ends_at:
                    try:
                        peer.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/"
        answer = post(url=url, body=b"{}", headers={})
        stop.set()
        thread.join()
    assert (answer.status, answer.failure) == (None, "timeout")
    assert answer.duration_ms < 3_000


def test_a_certificate_that_nobody_vouches_for_is_refused(
    settings: Settings, tmp_path: Path
) -> None:
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
         "/CN=127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake() -> None:
            peer, _address = server.accept()
            try:
                context.wrap_socket(peer, server_side=True).close()
            except OSError:
                peer.close()

        thread = threading.Thread(target=shake)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        answer = post(url=url, body=b"{}", headers={})
        thread.join()
    assert (answer.status, answer.failure) == (None, "no_tls")
