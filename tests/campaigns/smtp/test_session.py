import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.smtp.addresses import BadAddress, RelayAddress
from campaigns.smtp.outcomes import (
    Accepted,
    Closed,
    ConnectionLost,
    HandOverInDoubt,
    Ready,
    Refused,
    RelayUnavailable,
    UnsafeBody,
)
from campaigns.smtp.session import RelaySession, wire_body
from tests.campaigns.smtp.relay import DROP, Script, relay

MAIL = ("bounce+x@example.org", "ann@example.net")
BODY = b"Subject: hello\r\n\r\n.dot\r\n..two\r\n.\r\nend\r\n"


@pytest.mark.parametrize("features", [("PIPELINING",), ()])
def test_messages_arrive_byte_for_byte_one_after_another(features: tuple[str, ...]) -> None:
    script = Script(features=features)
    with relay(script) as address, RelaySession(address) as session:
        for _ in range(3):
            assert session.open_message(*MAIL) == Ready()
            outcome = session.send_body(BODY)
    assert script.bodies == [BODY] * 3
    assert isinstance(outcome, Accepted)
    assert outcome.queue_id == "Q00003"


@settings(max_examples=20, deadline=None)
@given(lines=st.lists(st.sampled_from([b"", b".", b"..", b".a", b"a.", b" .", b"QUIT"])))
def test_every_pattern_of_dots_survives_the_wire(lines: list[bytes]) -> None:
    script = Script()
    body = b"".join(line + b"\r\n" for line in lines)
    with relay(script) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        session.send_body(body)
    assert script.bodies == [body]


def test_the_next_envelope_travels_behind_the_dot() -> None:
    script = Script()
    with relay(script) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        first = session.send_body_then_open(BODY, "bounce+y@example.org", "bob@example.net")
        assert isinstance(first.outcome, Accepted)
        assert first.following == Ready()
        assert isinstance(session.send_body(b"second\r\n"), Accepted)
    assert script.bodies == [BODY, b"second\r\n"]
    assert script.senders == ["bounce+x@example.org", "bounce+y@example.org"]


def test_a_relay_without_pipelining_gets_the_next_envelope_after_its_reply() -> None:
    script = Script(features=())
    with relay(script) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        assert session.send_body_then_open(BODY, *MAIL).following == Ready()
        assert isinstance(session.send_body(BODY), Accepted)


def test_a_refusal_at_the_dot_does_not_touch_the_next_envelope() -> None:
    script = Script(dot="554 5.7.1 spam")
    with relay(script) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        result = session.send_body_then_open(BODY, *MAIL)
        assert isinstance(result.outcome, Refused)
        assert result.following == Ready()
        script.dot = ""
        assert isinstance(session.send_body(BODY), Accepted)


@pytest.mark.parametrize("features", [("PIPELINING",), ()])
@pytest.mark.parametrize(
    ("stage", "answer", "permanent"),
    [
        ("mail", "550 5.1.8 bad sender", True),
        ("rcpt", "450 4.2.1 try later", False),
        ("rcpt", "550 5.1.1 <ann@example.net>: no such user", True),
        ("data", "451 4.3.0 not now", False),
    ],
)
def test_after_a_refusal_the_session_serves_the_next_message(
    stage: str, answer: str, permanent: bool, features: tuple[str, ...]
) -> None:
    script = Script.answering(stage, answer, features)
    with relay(script) as address, RelaySession(address) as session:
        refused = session.open_message(*MAIL)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.permanent) == (int(answer[:3]), permanent)
        assert refused.enhanced == answer[4:9]
        assert "example.net" not in refused.text
        setattr(script, stage, "")
        assert session.open_message(*MAIL) == Ready()
        assert isinstance(session.send_body(BODY), Accepted)
    assert script.bodies == [BODY]


def test_a_refusal_at_the_dot_is_definite() -> None:
    with relay(Script(dot="452 4.3.1 full")) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        refused = session.send_body(BODY)
    assert isinstance(refused, Refused)
    assert (refused.stage, refused.permanent) == ("body", False)


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_421_is_a_refusal_and_ends_the_session(stage: str) -> None:
    script = Script.answering(stage, "421 4.3.2 closing")
    with relay(script) as address, RelaySession(address) as session:
        refused = session.open_message(*MAIL)
        assert isinstance(refused, Refused)
        assert not refused.permanent
        assert not session.is_usable
        with pytest.raises(ConnectionLost):
            session.open_message(*MAIL)


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
def test_hanging_up_before_354_means_not_accepted(stage: str) -> None:
    with relay(Script.answering(stage, DROP)) as address, RelaySession(address) as session:
        with pytest.raises(ConnectionLost):
            session.open_message(*MAIL)
        assert not session.is_usable


def test_hanging_up_after_the_dot_is_in_doubt() -> None:
    with relay(Script(dot=DROP)) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        with pytest.raises(HandOverInDoubt):
            session.send_body(BODY)
        assert not session.is_usable


def test_silence_after_the_dot_is_in_doubt() -> None:
    with relay(Script(silent_dot=True)) as address:
        impatient = dataclasses.replace(address, final_timeout_seconds=0.2)
        with RelaySession(impatient) as session:
            session.open_message(*MAIL)
            with pytest.raises(HandOverInDoubt):
                session.send_body(BODY)


def test_hanging_up_after_the_dot_with_an_envelope_behind_it_is_in_doubt() -> None:
    with relay(Script(dot=DROP)) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        with pytest.raises(HandOverInDoubt):
            session.send_body_then_open(BODY, *MAIL)


def test_an_abandoned_message_is_never_taken() -> None:
    script = Script()
    with relay(script) as address:
        with RelaySession(address) as session:
            session.open_message(*MAIL)
            session.abandon()
            assert not session.is_usable
        with RelaySession(address) as session:
            session.open_message(*MAIL)
            session.send_body(b"other\r\n")
    assert script.bodies == [b"other\r\n"]


def test_a_body_without_an_open_message_is_not_written() -> None:
    with (
        relay(Script()) as address,
        RelaySession(address) as session,
        pytest.raises(ConnectionLost),
    ):
        session.send_body(BODY)


# --- what may never reach the wire -----------------------------------------------------------

SMUGGLES = [
    b"a\n.\r\nMAIL FROM:<x@y>\r\n",
    b"a\r.\r\nMAIL FROM:<x@y>\r\n",
    b"a\r\n.\nQUIT\r\n",
    b"a\r\n.\rQUIT\r\n",
    b"a\r\r\n.\r\n",
    b"a\r\n\n.\r\n",
    b"a\x00b\r\n",
    b"\n",
    b"\r",
]


@pytest.mark.parametrize("body", SMUGGLES)
def test_a_smuggled_end_of_data_is_refused_before_sending(body: bytes) -> None:
    script = Script()
    with relay(script) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        with pytest.raises(UnsafeBody):
            session.send_body(body)
    assert script.bodies == []


@given(st.lists(st.sampled_from([b".", b"\r\n", b"a", b"\r\n."])).map(b"".join))
def test_no_body_holds_an_early_end_once_it_is_on_the_wire(body: bytes) -> None:
    wire = wire_body(body) + b".\r\n"
    assert (b"\r\n" + wire).index(b"\r\n.\r\n") == len(wire) - 3


def test_eight_bit_bytes_must_be_announced() -> None:
    script = Script()
    with relay(script) as address:
        with RelaySession(address) as session:
            session.open_message(*MAIL)
            with pytest.raises(UnsafeBody):
                session.send_body("é\r\n".encode())
        with RelaySession(address) as session:
            session.open_message(*MAIL, eight_bit=True)
            assert isinstance(session.send_body("é\r\n".encode()), Accepted)
    assert script.options[-1] == ["BODY=8BITMIME"]


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nRCPT TO:<c@d.example>",
        "a b@example.org",
        "<a@example.org>",
        "a@exa mple.org",
        "a\x00@example.org",
        "a\u2028@example.org",
        "nobody",
        "@example.org",
        "a@",
    ],
)
def test_an_address_cannot_carry_a_second_command(address: str) -> None:
    with relay(Script()) as place, RelaySession(place) as session:
        with pytest.raises(BadAddress):
            session.open_message("x@example.org", address)
        with pytest.raises(BadAddress):
            session.open_message(address, "x@example.org")
        assert session.open_message(*MAIL) == Ready()


def test_a_french_local_part_needs_smtputf8() -> None:
    script = Script()
    with relay(script) as address, RelaySession(address) as session:
        assert session.open_message("x@example.org", "zoé@société.example") == Ready()
    assert "SMTPUTF8" in script.options[0]
    with relay(Script(), smtputf8=False) as address, RelaySession(address) as session:
        refused = session.open_message("x@example.org", "zoé@example.org")
    assert isinstance(refused, Refused)
    assert refused.enhanced == "5.6.7"
    assert refused.permanent


def test_a_french_domain_needs_nothing_but_a_labels() -> None:
    with relay(Script(), smtputf8=False) as address, RelaySession(address) as session:
        assert session.open_message("x@example.org", "zoe@société.example") == Ready()


def test_a_required_starttls_that_is_not_offered_means_no_session() -> None:
    with relay(Script()) as address:
        strict = dataclasses.replace(address, security="starttls")
        with pytest.raises(RelayUnavailable):
            RelaySession(strict)


def test_nobody_listening_is_a_named_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(RelayUnavailable):
            RelaySession(RelayAddress("127.0.0.1", port, security="none"))


# --- a relay by hand, for what a real one never does -----------------------------------------


@contextmanager
def hand_made(replies: list[tuple[bytes, bytes]]) -> Iterator[RelayAddress]:
    """Waits for each needle, then writes its answer; closes after the last."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def serve() -> None:
        connection, _peer = listener.accept()
        with connection:
            connection.settimeout(5)
            connection.sendall(b"220 hello\r\n")
            heard = b""
            for needle, answer in replies:
                while needle not in heard:
                    heard += connection.recv(65536)
                heard = heard.split(needle, 1)[1]
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        port = listener.getsockname()[1]
        yield RelayAddress(
            "127.0.0.1", port, security="none", timeout_seconds=5, final_timeout_seconds=5
        )
    finally:
        thread.join()
        listener.close()


EHLO = (b"\r\n", b"250-hand\r\n250 PIPELINING\r\n")


def test_354_without_a_recipient_is_ended_by_a_lone_dot() -> None:
    answers = [
        EHLO,
        (b"DATA\r\n", b"250 ok\r\n550 5.1.1 no\r\n354 go\r\n"),
        (b".\r\n", b"554 5.5.1 no valid recipients\r\n"),
        (b"DATA\r\n", b"250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
    ]
    with hand_made(answers) as address, RelaySession(address) as session:
        assert isinstance(session.open_message(*MAIL), Refused)
        assert session.open_message(*MAIL) == Ready()
        session.abandon()


def test_envelope_and_data_are_one_write() -> None:
    """The relay answers nothing before it has seen DATA: only a pipelining client gets on."""
    answers = [EHLO, (b"DATA\r\n", b"250 ok\r\n250 ok\r\n354 go\r\n")]
    with hand_made(answers) as address, RelaySession(address) as session:
        assert session.open_message(*MAIL) == Ready()


def test_a_reply_that_is_not_smtp_after_the_dot_is_in_doubt() -> None:
    answers = [
        EHLO,
        (b"DATA\r\n", b"250 ok\r\n250 ok\r\n354 go\r\n"),
        (b"\r\n.\r\n", b"hello?\r\n"),
    ]
    with hand_made(answers) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        with pytest.raises(HandOverInDoubt):
            session.send_body(BODY)


def test_dropping_between_the_dot_reply_and_the_next_envelope_loses_nothing() -> None:
    answers = [
        EHLO,
        (b"DATA\r\n", b"250 ok\r\n250 ok\r\n354 go\r\n"),
        (b"DATA\r\n", b"250 2.0.0 Ok: queued as ABC123\r\n"),
    ]
    with hand_made(answers) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        result = session.send_body_then_open(BODY, *MAIL)
    assert result.outcome == Accepted("ABC123", "2.0.0 Ok: queued as ABC123")
    assert result.following == Closed()


def test_an_interrupted_step_leaves_no_session_that_would_misread_replies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class TimeIsUp(Exception):
        pass

    def interrupted() -> None:
        raise TimeIsUp

    with relay(Script()) as address, RelaySession(address) as session:
        session.open_message(*MAIL)
        monkeypatch.setattr(session, "getreply", interrupted)
        with pytest.raises(TimeIsUp):
            session.send_body(BODY)
        assert not session.is_usable
