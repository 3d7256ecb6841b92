"""One try of a call over HTTP: to one address, without redirects, within a deadline.

The standard library's client follows no redirect and asks no proxy by itself; its connection is
opened here, to the address that `guarding` has judged.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from crm.webhooks.guarding import NotCallable, Target, target_of

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 15.0


@dataclass(frozen=True)
class Answer:
    """What a try came to: a status, or a word for what went wrong before there was one."""

    status: int | None
    failure: str
    duration_ms: int
    retry_after: int | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(*, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Try once; every way to fail is an answer. The body of the receiver's answer is not read."""
    started = time.monotonic()
    status, failure, wait = _try(url, body, headers)
    spent = round((time.monotonic() - started) * 1000)
    return Answer(status, failure, spent, wait)


def _try(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int | None, str, int | None]:
    try:
        target = target_of(url)
    except NotCallable as refusal:
        return None, str(refusal), None
    opened: list[socket.socket] = []
    end_at = time.monotonic() + ANSWER_SECONDS
    # A socket's own time-out begins anew with every byte: a receiver that drips would hold us.
    end = threading.Timer(ANSWER_SECONDS, lambda: _cut(opened))
    end.daemon = True
    end.start()
    try:
        return _exchange(target, body, headers, opened, end_at)
    except TimeoutError:
        return None, "timeout", None
    except ssl.SSLError:
        return None, ("timeout" if time.monotonic() >= end_at else "no_tls"), None
    except (OSError, http.client.HTTPException):
        failure = "no_connection" if not opened else "bad_answer"
        return None, ("timeout" if time.monotonic() >= end_at else failure), None
    finally:
        end.cancel()
        _cut(opened)


def _exchange(
    target: Target, body: bytes, headers: Mapping[str, str], opened: list[socket.socket],
    end_at: float,
) -> tuple[int | None, str, int | None]:  # fmt: skip
    plain = socket.create_connection((target.address, target.port), timeout=CONNECT_SECONDS)
    wire = _within(plain, opened, end_at)
    if target.is_tls:
        # Wrapping takes the descriptor over: the timer must know the new socket before anybody can
        # drip into its handshake.
        secure = ssl.create_default_context().wrap_socket(
            plain, server_hostname=target.host, do_handshake_on_connect=False
        )
        _within(secure, opened, end_at)
        secure.do_handshake()
        wire = secure
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = wire
    connection.request(
        "POST", target.path, body=body, headers={**headers, "Host": target.host_header}
    )
    answer = connection.getresponse()
    if time.monotonic() >= end_at:
        raise TimeoutError  # cut in the middle of its headers: that is no answer
    return answer.status, "", _seconds(answer.getheader("Retry-After"))


def _within(wire: socket.socket, opened: list[socket.socket], end_at: float) -> socket.socket:
    """Let the timer cut this socket; raises TimeoutError where the timer came before it."""
    opened.append(wire)
    if time.monotonic() >= end_at:
        raise TimeoutError
    wire.settimeout(ANSWER_SECONDS)
    return wire


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None


def _cut(opened: list[socket.socket]) -> None:
    for each in opened:
        with contextlib.suppress(OSError):  # closed by the other side already
            each.shutdown(socket.SHUT_RDWR)
        each.close()
