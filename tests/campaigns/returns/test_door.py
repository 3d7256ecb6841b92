"""The door for mail that comes back: what was answered 250 is never lost, and nothing else gets in.

listmonk's reading of mailboxes drops a bounce when its channel is full, and deletes the mail all
the same. Ours is killed here in the middle, and its database is taken away.
"""

import os
import random
import signal
import smtplib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command

from campaigns import services
from campaigns.models import Return, ReturnPart
from campaigns.returns.listening import BadListen, Listen
from consent.models import LedgerEvent
from consent.services import apply_waiting_decisions, opt_out_links
from privacy.models import Blob, Envelope
from tests import plugin
from tests.campaigns import cast as campaigning
from tests.campaigns.returns.cast import sent, settle
from tests.campaigns.returns.door import Door, free_port, running, socket_in
from tests.campaigns.returns.samples import sample
from tests.conftest import NOW, Connect
from tests.journeys.inbox import Inbox

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
DOMAIN = "mail.localhost.example"
TO = f"bounce+{'a' * 29}@{DOMAIN}"


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with running(f"127.0.0.1:{free_port()}") as door:
        yield door


def _waiting() -> int:
    return Envelope.objects.filter(kind="return").count()


def test_a_message_is_sealed_on_disk_before_it_is_answered(door: Door) -> None:
    code, _text = door.hand(sample("postfix_unknown_user"), TO)
    assert code == 250
    row = Envelope.objects.get(kind="return")
    assert b"alice" not in bytes(row.sealed)
    settle()
    assert Return.objects.get().kind == "hard_bounce"
    assert _waiting() == 0


def test_a_socket_serves_as_well_as_a_port(tmp_path: Path) -> None:
    with running(socket_in(tmp_path)) as door:
        assert door.hand(sample("qmail_unknown"), TO)[0] == 250
    assert _waiting() == 1


@pytest.mark.parametrize(
    "address",
    [
        f"bounce@{DOMAIN}", f"bounce+{'a' * 28}@{DOMAIN}", f"bounce+{'a' * 29}@elsewhere.example",
        f"root@{DOMAIN}", "alice@example.org", f"bounce+{'1' * 29}@{DOMAIN}",
    ],
)  # fmt: skip
def test_mail_to_any_other_address_is_refused(door: Door, address: str) -> None:
    assert door.hand(b"Subject: hello\r\n\r\nx", address)[0] == 550
    assert _waiting() == 0


def test_addresses_of_the_settings_are_taken_in() -> None:
    place = f"127.0.0.1:{free_port()}"
    with running(place, ACCORD_RETURNS_ADDRESSES="News@example.org") as door:
        assert door.hand(sample("reply_fr"), "news@EXAMPLE.org")[0] == 250


def test_one_recipient_at_a_time(door: Door) -> None:
    with door.connect() as client:
        client.ehlo()
        client.mail("<>")
        assert client.rcpt(TO)[0] == 250
        assert client.rcpt(TO)[0] == 452


def test_a_large_message_is_taken_and_cut(door: Door) -> None:
    start = sample("postfix_unknown_user")
    code, _text = door.hand(start + b"".join(random.randbytes(60).hex().encode() + b"\r\n"
                                             for _ in range(20_000)), TO)  # fmt: skip
    assert code == 250
    assert 1 < _waiting() < 30
    settle()
    assert Return.objects.get().kind == "hard_bounce"
    assert not ReturnPart.objects.exists()
    assert not Blob.objects.exists()  # the parts waited sealed, and are gone


def test_lines_that_nobody_wrapped_are_taken(door: Door) -> None:
    code, _text = door.hand(sample("qmail_unknown") + b"x" * 200_000 + b"\r\n", TO)
    assert code == 250


def test_the_same_message_again_is_the_same_message(door: Door) -> None:
    """Our 250 may be lost on its way: the mail server then hands the message over once more."""
    message = sample("postfix_mailbox_full")
    for _try in range(2):
        assert door.hand(message, TO)[0] == 250
    assert _waiting() == 1
    settle()
    assert door.hand(message, TO)[0] == 250
    settle()
    assert Return.objects.count() == 1


def test_without_its_database_it_asks_to_be_told_later(door: Door) -> None:
    name = plugin.NAMES["intake"]
    with psycopg.connect(plugin.CLUSTER.dsn(database="postgres"), autocommit=True) as owner:
        owner.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND usename = 'accord_returns'",
            [name],
        )
        try:
            assert door.hand(sample("postfix_unknown_user"), TO)[0] == 451
        finally:
            owner.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert door.hand(sample("postfix_unknown_user"), TO)[0] == 250
    assert _waiting() == 1


def test_killed_in_the_middle_it_loses_nothing_that_it_answered_for() -> None:
    """kill -9 at moments of chance, and a mail server that tries again, as they do."""
    place = f"127.0.0.1:{free_port()}"
    taken, waiting = 0, b""
    for _kill in range(6):
        with running(place) as door:
            killer = threading.Timer(
                random.uniform(0.02, 0.2), os.kill, [door.process.pid, signal.SIGKILL]
            )
            killer.start()
            while True:
                waiting = waiting or sample("postfix_unknown_user").replace(
                    b"I'm sorry", f"number {taken} {uuid4()}".encode()
                )
                try:
                    code = door.hand(waiting, TO)[0]
                except (OSError, smtplib.SMTPException):
                    break
                if code == 250:
                    taken, waiting = taken + 1, b""
            killer.join()
            assert door.process.wait(10) == -signal.SIGKILL
    with running(place) as door:
        if waiting:
            assert door.hand(waiting, TO)[0] == 250
            taken += 1
    assert taken > 0
    while services.take_returns(now=campaigning.clock()) or _waiting():
        pass
    assert Return.objects.count() == taken
    assert not ReturnPart.objects.exists()


def test_it_stops_when_it_is_asked_to() -> None:
    with running(f"127.0.0.1:{free_port()}") as door:
        door.process.send_signal(signal.SIGTERM)
        assert door.process.wait(10) == 0


def test_its_role_can_write_and_read_nothing(connect: Connect) -> None:
    with connect("returns", "intake") as connection:
        connection.execute("SELECT id, public FROM privacy_sealingpublickey")
        for statement in (
            "SELECT * FROM privacy_envelope",
            "DELETE FROM privacy_envelope",
            "SELECT * FROM consent_preferencecard",
            "SELECT * FROM forms_intake_publishedform",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()
    for zone in ("default", "vault"):
        database = plugin.NAMES["crm" if zone == "default" else zone]
        role = "accord_returns"
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(
                plugin.CLUSTER.dsn(database=database, user=role, password=plugin.PASSWORDS[role])
            )


# --- to say no by mail -----------------------------------------------------------------------


def test_a_mail_to_the_address_of_the_header_is_a_no_before_the_next_gate(
    door: Door, inbox: Inbox, settings: object
) -> None:
    settings.RETURNS_BY_MAIL = True  # type: ignore[attr-defined]
    one = sent()
    header = str(inbox.to(one.email)[0]["List-Unsubscribe"])
    mailto = header.partition("<mailto:")[2].partition(">")[0]
    address, _question, subject = mailto.partition("?subject=")
    assert address == f"optout@{DOMAIN}"
    mail = f"From: Alice <alice@example.org>\r\nSubject: {subject}\r\n\r\n".encode()
    after = campaigning.launched()
    assert door.hand(mail, address)[0] == 250
    campaigning.deliver(after)  # nobody has looked at what came back
    assert len(inbox.to(one.email)) == 1
    assert services.progress(campaign_id=after).skipped == {"withdrawn": 1}
    assert (
        LedgerEvent.objects.order_by("-seq").values_list("method", flat=True)[0] == "mail_opt_out"
    )
    assert _waiting() == 0


def test_a_mail_to_that_address_without_its_token_is_looked_at_by_a_person(door: Door) -> None:
    mail = b"From: Alice <alice@example.org>\r\nSubject: Bonjour\r\n\r\nje ne veux plus rien\r\n"
    assert door.hand(mail, f"optout@{DOMAIN}")[0] == 250
    settle()
    row = Return.objects.get()
    assert (row.kind, row.is_kept, row.contact_id) == ("unknown", True, None)


def test_a_token_that_a_mail_program_folded_works(door: Door) -> None:
    contact = campaigning.subscriber("alice@example.org")
    links = opt_out_links(
        subjects={contact: "alice@example.org"}, purpose_code="newsletter", now=NOW
    )
    token = links[contact].one_click_url.rpartition("/")[2]
    mail = f"From: a@example.org\r\nSubject:\r\n {token}\r\n\r\n".encode()
    assert door.hand(mail, f"OptOut@{DOMAIN}")[0] == 250
    assert apply_waiting_decisions(now=campaigning.clock()) == 1


# --- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["0.0.0.0:24", "192.0.2.1:24", "24", "host:24", "127.0.0.1:x", ""])
def test_it_listens_on_this_machine_only(text: str) -> None:
    with pytest.raises(BadListen):
        Listen.parse(text)


def test_another_process_does_not_run_it() -> None:
    with pytest.raises(CommandError, match="ACCORD_PROCESS=returns"):
        call_command("returns")


def test_many_sessions_at_once_are_answered_later(door: Door) -> None:
    held = [door.connect() for _ in range(20)]
    with pytest.raises((smtplib.SMTPException, OSError)):
        door.connect().ehlo()
    for each in held:
        each.close()
    deadline = time.monotonic() + 5
    while not door.is_answering():
        assert time.monotonic() < deadline
