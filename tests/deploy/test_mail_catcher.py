"""The mail catcher: keeps what it is handed, shows hostile mail harmlessly, answers us only."""

import smtplib
import socket
import stat
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from wsgiref.simple_server import make_server

import httpx
import pytest

from deploy.embedded.postgres import free_port
from deploy.mail_catcher.__main__ import Handler
from deploy.mail_catcher.mailbox import Mailbox
from deploy.mail_catcher.page import Page
from deploy.mail_catcher.receiver import controller
from tests.conftest import NOW

PORT = 8025
URL = f"http://127.0.0.1:{PORT}"
PUBLIC_URL = "http://127.0.0.1:8000"


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "mail")


def browser(mailbox: Mailbox, *, public_url: str = PUBLIC_URL) -> httpx.Client:
    """A browser on the catcher's page, without a socket between."""
    page = Page(mailbox, port=PORT, public_url=public_url)
    return httpx.Client(transport=httpx.WSGITransport(app=page), base_url=URL)


def mail(subject: str = "Hello", *, html: str = "", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"] = "Shop <shop@example.org>"
    message["To"] = "alice@example.org"
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Plain words")
    if html:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


def keep(mailbox: Mailbox, raw: bytes, *, to: str = "alice@example.org", seconds: int = 0) -> str:
    now = NOW + timedelta(seconds=seconds)
    return mailbox.keep(raw, sender="bounce@example.org", recipients=[to], now=now)


# --- keeping ---------------------------------------------------------------------------------


def test_a_mail_is_kept_as_it_came_for_its_owner_only(mailbox: Mailbox, tmp_path: Path) -> None:
    raw = mail("Één")
    name = keep(mailbox, raw)
    path = tmp_path / "mail" / f"{name}.eml"
    assert path.read_bytes().endswith(raw)
    assert path.read_bytes().startswith(b"Return-Path: <bounce@example.org>\r\nDelivered-To: ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_oldest_go_beyond_the_limit_also_after_a_restart(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path, limit=3)
    for number in range(5):
        keep(mailbox, mail(f"Number {number}"), seconds=number)
    assert [one.subject for one in mailbox.search()] == ["Number 4", "Number 3", "Number 2"]
    assert len(list(tmp_path.iterdir())) == 3
    again = Mailbox(tmp_path, limit=2)
    assert [one.subject for one in again.search()] == ["Number 4", "Number 3"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_search_finds_recipients_and_subjects_whatever_their_case(mailbox: Mailbox) -> None:
    keep(mailbox, mail("Spring news"), to="alice@example.org")
    keep(mailbox, mail("Autumn news"), to="bob@example.org")
    assert [one.subject for one in mailbox.search("BOB")] == ["Autumn news"]
    assert [one.subject for one in mailbox.search("news alice")] == ["Spring news"]
    assert not mailbox.search("winter")


def test_the_relay_takes_pipelined_unicode_mail(mailbox: Mailbox) -> None:
    server = controller(mailbox, port=free_port())
    server.start()
    try:
        with smtplib.SMTP("127.0.0.1", server.port) as relay:
            relay.ehlo()
            assert all(relay.has_extn(name) for name in ("pipelining", "8bitmime", "smtputf8"))
            options = ["SMTPUTF8", "BODY=8BITMIME"]
            relay.sendmail("a@example.org", ["zoë@example.org"], mail("Élan"), options)
        with socket.create_connection(("127.0.0.1", server.port)) as wire:
            wire.sendall(
                b"EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
            )
            wire.sendall(b"Subject: All at once\r\n\r\nText\r\n.\r\nQUIT\r\n")
            said = b""
            while chunk := wire.recv(4096):
                said += chunk
    finally:
        server.stop()
    assert b"250 2.0.0 kept" in said
    kept = mailbox.search()
    assert [(one.subject, one.recipients) for one in kept] == [
        ("All at once", "b@example.org"),
        ("Élan", "zoë@example.org"),
    ]


# --- showing ---------------------------------------------------------------------------------

SCRIPT = "<script>alert(1)</script>"


def test_a_hostile_mail_is_shown_as_text(mailbox: Mailbox) -> None:
    raw = mail(SCRIPT, X_Odd=SCRIPT) + SCRIPT.encode()
    name = keep(mailbox, raw, to='"><script>alert(1)</script>@example.org')
    with browser(mailbox) as client:
        for address in ("/", f"/?q={SCRIPT}", *(f"/mail/{name}?part={p}" for p in PARTS)):
            answer = client.get(address)
            assert answer.status_code == 200
            assert "<script" not in answer.text
            assert "&lt;script&gt;" in answer.text
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src" not in policy
            assert "unsafe" not in policy


PARTS = ("html", "text", "headers")


def test_the_html_part_stands_in_a_sandbox_and_its_links_open_outside(mailbox: Mailbox) -> None:
    html = f"<html><head><title>t</title></head><body>{SCRIPT}<a href='/x'>go</a></body></html>"
    name = keep(mailbox, mail(html=html))
    with browser(mailbox) as client:
        page = client.get(f"/mail/{name}").text
        frame = client.get(f"/mail/{name}/html")
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "alert(1)" not in page
    policy = frame.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert '<head><base target="_blank"><title>' in frame.text


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"Subject: =?utf-8?b?////?=\r\nContent-Type: text/html; charset=nowhere\r\n\r\n\xe9",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: broken/\r\n\r\n",
        b"From: <<<@@>\r\nTo: ,,;:\r\nDate: never\r\nMessage-ID: [\r\n\r\n",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"Content-Type: multipart/alternative\r\n\r\nno boundary",
    ],
)
def test_a_broken_mail_is_shown_all_the_same(mailbox: Mailbox, raw: bytes) -> None:
    name = keep(mailbox, raw)
    with browser(mailbox) as client:
        for part in PARTS:
            assert client.get(f"/mail/{name}?part={part}").status_code == 200
        assert client.get("/").status_code == 200
        assert client.get(f"/mail/{name}/raw").content.endswith(raw)


def test_a_download_is_a_file_and_never_a_page(mailbox: Mailbox) -> None:
    name = keep(mailbox, mail(html=SCRIPT))
    with browser(mailbox) as client:
        answer = client.get(f"/mail/{name}/raw")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.eml"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_list_is_cut_into_pages_newest_first(mailbox: Mailbox) -> None:
    for number in range(60):
        keep(mailbox, mail(f"Number {number}."), seconds=number)
    with browser(mailbox) as client:
        first, second = client.get("/").text, client.get("/?page=2").text
        beyond = client.get("/?page=99999").text
    assert first.index("Number 59.") < first.index("Number 58.")
    assert "Number 9." not in first
    assert "Number 9." in second
    assert beyond == second


def test_the_list_refreshes_itself_only_where_asked(mailbox: Mailbox) -> None:
    with browser(mailbox) as client:
        assert 'http-equiv="refresh"' not in client.get("/").text
        assert '<meta http-equiv="refresh" content="5">' in client.get("/?refresh=on").text


@pytest.mark.parametrize(
    "address", ["/mail/../../etc/passwd", "/mail/x", "/mail/%2e%2e/raw", "/x", "/mail"]
)
def test_there_is_nothing_else(mailbox: Mailbox, address: str) -> None:
    with browser(mailbox) as client:
        assert client.get(address).status_code == 404


# --- doors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:9", "127.0.0.1.nip.io"])
def test_another_host_name_is_not_answered(mailbox: Mailbox, host: str) -> None:
    keep(mailbox, mail("Private"))
    with browser(mailbox) as client:
        answer = client.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "Private" not in answer.text


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", "http://127.0.0.1:8000"])
def test_another_page_changes_nothing(mailbox: Mailbox, origin: str) -> None:
    keep(mailbox, mail())
    headers = {"Origin": origin} if origin else {}
    with browser(mailbox) as client:
        assert client.post("/delete", headers=headers).status_code == 403
        assert client.get("/delete").status_code == 404
        assert client.put("/delete").status_code == 405
    assert len(mailbox.search()) == 1


def test_delete_all_deletes_the_files_too(mailbox: Mailbox, tmp_path: Path) -> None:
    name = keep(mailbox, mail())
    with browser(mailbox) as client:
        answer = client.post("/delete", headers={"Origin": URL})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "No mail yet" in client.get("/").text
        assert client.get(f"/mail/{name}").status_code == 404
    assert not list((tmp_path / "mail").iterdir())


# --- the one-click opt-out -------------------------------------------------------------------

ONE_CLICK = "List-Unsubscribe=One-Click"


class PublicSide:
    """A public side that remembers what was posted to it."""

    def __init__(self, status: str) -> None:
        self.posted: list[tuple[str, str, bytes]] = []
        self._status = status
        self._server = make_server("127.0.0.1", 0, self._answer, handler_class=Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,)).start()

    def _answer(self, environ, start_response):  # type: ignore[no-untyped-def]
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.posted.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], body))
        headers = [("Content-Length", "0"), ("Location", f"{self.url}/elsewhere")]
        start_response(self._status, headers)
        return []

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(params=["200 OK", "302 Found", "404 Not Found"])
def public_side(request: pytest.FixtureRequest) -> Iterator[PublicSide]:
    side = PublicSide(request.param)
    yield side
    side.stop()


def _with_opt_out(address: str) -> bytes:
    offered = f"<mailto:no@example.org>, <{address}>"
    return mail(List_Unsubscribe=offered, List_Unsubscribe_Post=ONE_CLICK)


def test_one_click_posts_what_a_mail_provider_posts(
    mailbox: Mailbox, public_side: PublicSide, request: pytest.FixtureRequest
) -> None:
    name = keep(mailbox, _with_opt_out(f"{public_side.url}/no/token"))
    with browser(mailbox, public_url=public_side.url) as client:
        assert "One-click opt-out" in client.get(f"/mail/{name}").text
        assert not public_side.posted  # looking is not saying no
        answer = client.post(f"/mail/{name}/opt-out", headers={"Origin": URL})
        shown = client.get(answer.headers["location"]).text
    assert public_side.posted == [("POST", "/no/token", ONE_CLICK.encode())]
    assert f"The answer was {request.node.callspec.params['public_side'][:3]}." in shown


@pytest.mark.parametrize(
    "raw",
    [
        mail(),
        mail(List_Unsubscribe=f"<{PUBLIC_URL}/no/token>"),
        _with_opt_out("http://169.254.169.254/no/token"),
        _with_opt_out("http://127.0.0.1:8000@evil.example/no"),
        _with_opt_out("https://127.0.0.1:8000/no"),
        _with_opt_out("file:///etc/passwd"),
    ],
)
def test_one_click_goes_to_the_public_side_only(mailbox: Mailbox, raw: bytes) -> None:
    name = keep(mailbox, raw)
    with browser(mailbox) as client:
        assert "One-click opt-out" not in client.get(f"/mail/{name}").text
        answer = client.post(f"/mail/{name}/opt-out", headers={"Origin": URL})
    assert answer.status_code == 400


def test_one_click_says_so_when_nobody_answers(mailbox: Mailbox) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    name = keep(mailbox, _with_opt_out(f"{nobody}/no/token"))
    with browser(mailbox, public_url=nobody) as client:
        answer = client.post(f"/mail/{name}/opt-out", headers={"Origin": URL})
        assert "nobody answered" in client.get(answer.headers["location"]).text
