"""A mailbox that is emptied: on a real Dovecot, with its TLS, and broken off in the middle."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from campaigns.models import Return
from campaigns.returns import mailbox
from campaigns.returns.mail import take_mail
from campaigns.returns.mailbox import BadMailbox, Mailbox, MailboxClosed, empty
from privacy.models import Envelope, SealingPublicKey
from privacy.services import IntakeClosed
from tests.campaigns.returns import imap_server
from tests.campaigns.returns.cast import settle
from tests.campaigns.returns.door import free_port, running
from tests.campaigns.returns.imap_server import Server
from tests.campaigns.returns.samples import sample
from tests.needs import IMAP, find_dovecot

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
    pytest.mark.skipif(find_dovecot() is None, reason=IMAP),
]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="accord-imap-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def running_server(home: Path) -> Iterator[Server]:
    with imap_server.running(home) as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Server:
    with running_server.client() as client:
        for folder in ("INBOX", "Done"):
            if not client.folder_exists(folder):
                client.create_folder(folder)
            client.select_folder(folder)
            client.delete_messages(client.search())
            client.expunge()
    return running_server


def test_what_is_in_the_mailbox_is_kept_and_then_removed(server: Server) -> None:
    server.put(sample("postfix_unknown_user"), sample("arf_comcast"), sample("reply_fr"))
    assert empty(server.mailbox) == 3
    assert server.count() == 0
    settle()
    assert sorted(Return.objects.values_list("kind", flat=True)) == [
        "complaint", "hard_bounce", "reply",
    ]  # fmt: skip


def test_it_can_be_moved_to_a_folder_instead(server: Server) -> None:
    server.put(sample("postfix_unknown_user"))
    assert empty(replace(server.mailbox, done="Done")) == 1
    assert (server.count(), server.count("Done")) == (0, 1)


def test_what_could_not_be_kept_stays_in_the_mailbox(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(*[sample("qmail_unknown") + b"%d\r\n" % n for n in range(3)])
    keys = list(SealingPublicKey.objects.all())
    SealingPublicKey.objects.all().delete()
    with pytest.raises(IntakeClosed):
        empty(server.mailbox)
    assert server.count() == 3
    SealingPublicKey.objects.bulk_create(keys)
    assert empty(server.mailbox) == 3
    assert Envelope.objects.filter(kind="return").count() == 3


def test_broken_off_between_the_disk_and_the_deletion_it_goes_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(*[sample("qmail_unknown") + b"%d\r\n" % n for n in range(4)])
    times: list[int] = []

    def take_and_die(**message: object) -> None:
        take_mail(**message)  # type: ignore[arg-type]
        times.append(1)
        if len(times) == 2:
            raise ConnectionResetError

    monkeypatch.setattr(mailbox, "take_mail", take_and_die)
    with pytest.raises(MailboxClosed):
        empty(server.mailbox)
    assert server.count() == 3
    assert empty(server.mailbox) == 3
    assert Envelope.objects.filter(kind="return").count() == 4


def test_the_process_killed_in_the_middle_loses_nothing(server: Server) -> None:
    server.put(*[sample("qmail_unknown") + b"%d\r\n" % n for n in range(30)])
    place = f"127.0.0.1:{free_port()}"
    for _kill in range(3):
        with running(place, ACCORD_RETURNS_IMAP=server.url) as door:
            time.sleep(0.1)
            os.kill(door.process.pid, signal.SIGKILL)
    with running(place, ACCORD_RETURNS_IMAP=server.url):
        deadline = time.monotonic() + 30
        while server.count():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert Envelope.objects.filter(kind="return").count() == 30


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"folder": "Nowhere"}, {"port": 1}])
def test_a_mailbox_that_does_not_open_is_one_named_error(
    server: Server, change: dict[str, object]
) -> None:
    with pytest.raises(MailboxClosed) as caught:
        empty(replace(server.mailbox, **change))  # type: ignore[arg-type]
    assert "returns" not in str(caught.value)


def test_a_server_that_is_somebody_else_gets_no_password(server: Server) -> None:
    with pytest.raises(MailboxClosed):
        empty(replace(server.mailbox, ca_file=""))


@pytest.mark.parametrize(
    "url", ["imap://a:b@c/INBOX", "imaps://c/INBOX", "imaps://a@c", "imaps://a:b@c:x", "x"]
)
def test_a_mailbox_is_named_whole_and_over_tls(url: str) -> None:
    with pytest.raises(BadMailbox):
        Mailbox.parse(url)


def test_a_password_may_hold_anything() -> None:
    box = Mailbox.parse("imaps://a%40b:p%40ss%2Fw@mail.example.org/INBOX.Sub?done=Done")
    assert (box.username, box.password, box.folder, box.done, box.port) == (
        "a@b", "p@ss/w", "INBOX.Sub", "Done", 993,
    )  # fmt: skip
    assert "p@ss" not in repr(box)
