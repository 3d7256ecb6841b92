"""The door of the search: a bad request gets an error, and never takes the others with it."""

import json
import logging
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import Settings

from crm.search import asking, protocol, serving
from crm.search.asking import NotASearch, SearchDown, find_contacts
from crm.search.folding import record_of
from crm.search.index import Index
from crm.search.serving import Refused, Server, answer_to
from crm.search.where import LONGEST, NotOurFolder, check_folder, socket_path
from tests.crm.search.running import search
from tests.journeys.stage import wait_for

STATUS = {
    "is_loaded": True,
    "loaded": 3,
    "about": 3,
    "started_at": "2026-11-23T09:00:00+00:00",
    "behind_since": None,
    "unreadable": 0,
    "is_locked": True,
    "resident": 1,
    "held": 1,
}


def an_index() -> Index:
    index = Index()
    names = ["Anne", "Annette", "Paul"]
    index.apply({n.to_bytes(16): (1, record_of({"given_name": x})) for n, x in enumerate(names)})
    return index


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    with search() as place:
        settings.SEARCH_SOCKET = str(place.socket)
        with Server(place.socket, index=an_index(), status=lambda: STATUS) as made:
            thread = threading.Thread(target=made.serve_forever, args=(0.01,))
            thread.start()
            yield made
            made.shutdown()
            thread.join()


def dial() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(str(socket_path()))
    return connection


def ask(request: object) -> dict[str, Any]:
    with closing(dial()) as connection:
        body = json.dumps(request).encode()
        connection.sendall(struct.pack(">I", len(body)) + body)
        return protocol.receive(connection, most=protocol.ANSWER_MAX)


def test_an_answer_holds_ids_ranks_and_counts_and_no_word(server: Server) -> None:
    answer = ask({"v": 1, "verb": "find", "text": "anne"})
    assert answer["found"] == [[f"{1:032x}", 1], [f"{0:032x}", 1]]
    assert answer["following"] is None
    assert "ann" not in json.dumps(answer).lower()


def test_pages_go_on_behind_a_place(server: Server) -> None:
    first = find_contacts(text="anne", limit=1)
    assert first.has_more
    second = find_contacts(text="anne", limit=1, after=first.matches[0].place)
    assert [m.contact_id for m in (*first.matches, *second.matches)] == [UUID(int=1), UUID(int=0)]
    assert not second.has_more


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ([], "malformed"),
        ("find", "malformed"),
        ({}, "version"),
        ({"v": 2, "verb": "status"}, "version"),
        ({"v": 1, "verb": "dump"}, "verb"),
        ({"v": 1, "verb": "find"}, "malformed"),
        ({"v": 1, "verb": "find", "text": 5}, "malformed"),
        ({"v": 1, "verb": "find", "text": "anne", "limit": True}, "malformed"),
        ({"v": 1, "verb": "find", "text": "anne", "limit": 10**9}, "too_long"),
        ({"v": 1, "verb": "find", "text": "anne", "limit": 0}, "too_long"),
        ({"v": 1, "verb": "find", "text": "a" * 201}, "too_long"),
        ({"v": 1, "verb": "find", "text": "a"}, "too_short"),
        ({"v": 1, "verb": "find", "text": "anne", "after": "x"}, "malformed"),
        ({"v": 1, "verb": "find", "text": "anne", "after": [7, "0" * 32]}, "malformed"),
        ({"v": 1, "verb": "find", "text": "anne", "after": [1, "00"]}, "malformed"),
        ({"v": 1, "verb": "find", "text": "anne", "after": ["1", "0" * 32]}, "malformed"),
    ],
)
def test_a_bad_request_is_named(server: Server, request_: object, error: str) -> None:
    assert error in protocol.ERRORS
    assert ask(request_)["error"] == error
    assert ask({"v": 1, "verb": "status"})["status"] == STATUS


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x00",
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xff" + b"x" * 100,
        b"\x00\x00\x10\x01" + b" " * 4097,
        b"\x00\x00\x00\x05{\xff}\x00\x00",
        b"\x00\x00\x08\x00" + b"[" * 2048,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_message_gets_an_error_or_a_closed_door(server: Server, sent: bytes) -> None:
    with closing(dial()) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        # Cut in the middle of a message: then there is nobody to tell.
        with suppress(protocol.Closed, ConnectionError):
            assert protocol.receive(connection, most=4096)["error"] == "malformed"
    assert ask({"v": 1, "verb": "status"})["status"] == STATUS


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("v", "verb", "text", "limit", "after"), _JSON)
    )
    | st.fixed_dictionaries(
        {"v": st.just(1), "verb": st.just("find"), "text": st.text(min_size=2)},
        optional={"limit": _JSON, "after": _JSON},
    )
)
@examples(max_examples=200, deadline=None)
def test_any_request_is_answered_or_refused(request_: dict[str, Any]) -> None:
    index = an_index()
    try:
        answer = answer_to(request_, index=index, status=lambda: STATUS)
    except Refused as refusal:
        assert str(refusal) in protocol.ERRORS
    else:
        json.dumps(answer)


def test_a_crowd_is_told_to_come_back_and_the_rest_are_served(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.places = threading.Semaphore(2)
    first, second = dial(), dial()
    for connection in (first, second):
        protocol.send(connection, {"verb": "status"})
        assert "status" in protocol.receive(connection, most=4096)
    with closing(dial()) as third:
        assert protocol.receive(third, most=4096)["error"] == "busy"
    with pytest.raises(SearchDown):
        find_contacts(text="anne")
    first.close()
    second.close()
    assert wait_for(_count, "the places to be given back") == 2


def _count() -> int:
    with suppress(SearchDown):
        return len(find_contacts(text="anne").matches)
    return 0


def test_who_says_nothing_loses_the_place(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CLIENT_SECONDS", 0.1)
    with closing(dial()) as silent, pytest.raises(protocol.Closed):
        protocol.receive(silent, most=10)


def test_a_failure_in_a_conversation_says_nothing_of_what_was_asked(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(server.index, "find", fails)
    with caplog.at_level(logging.DEBUG), pytest.raises(SearchDown):
        find_contacts(text="canary")
    wait_for(lambda: "a conversation failed (RuntimeError)" in caplog.text, "the log")
    assert "canary" not in caplog.text
    monkeypatch.undo()


def test_too_short_is_said_as_such(server: Server) -> None:
    with pytest.raises(NotASearch):
        find_contacts(text="a")


def test_an_answer_that_makes_no_sense_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [{}, {"status": {}}, {"found": [["x", 1]], "following": None}]
    monkeypatch.setattr(asking, "_ask", lambda _request, patience: answers[0])
    while answers:
        with pytest.raises(SearchDown):
            find_contacts(text="anne")
        with pytest.raises(SearchDown):
            asking.search_status()
        answers.pop(0)


def test_a_socket_that_was_left_is_taken_over(server: Server) -> None:
    path = server.path
    server.shutdown()
    server.server_close()
    assert path.exists()
    with pytest.raises(SearchDown):
        find_contacts(text="anne")
    with Server(path, index=an_index(), status=lambda: STATUS):
        assert path.is_socket()


def test_a_home_that_is_too_deep_gets_a_socket_elsewhere(settings: Settings) -> None:
    settings.SEARCH_SOCKET = ""
    settings.HOME = Path("/" + "deep/" * 30)
    path = socket_path()
    assert len(os.fsencode(path)) <= LONGEST
    assert path == socket_path()
    settings.HOME = Path("/home/accord")
    assert socket_path() == Path("/home/accord/run/search.sock")


@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_typed_words_go_to_no_folder_that_others_write_to(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(NotOurFolder):
        check_folder(folder / "search.sock")


def test_a_link_is_no_folder_of_ours(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / "run").symlink_to(tmp_path / "theirs")
    with pytest.raises(NotOurFolder):
        check_folder(tmp_path / "run" / "search.sock")
