"""A load generator that costs little: ready-made requests down kept-alive sockets."""

import socket
import threading
import time
from collections.abc import Sequence


def request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def rate(port: int, requests: Sequence[bytes], *, connections: int, status: bytes) -> float:
    """Send every request; return requests per second. Raises RuntimeError on another status."""
    shares = [requests[number::connections] for number in range(connections)]
    problems: list[str] = []

    def run(share: Sequence[bytes]) -> None:
        try:
            work(share)
        except (OSError, RuntimeError) as error:
            problems.append(f"{type(error).__name__}: {error}")

    def work(share: Sequence[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for one in share:
                connection.sendall(one)
                answer = _answer(connection)
                if answer[9:12] != status:
                    raise RuntimeError(answer[:300].decode(errors="replace"))

    threads = [threading.Thread(target=run, args=(share,)) for share in shares]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if problems:
        raise RuntimeError(problems[0])
    return len(requests) / seconds


def _answer(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += _more(connection)
    return head


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise RuntimeError("The server closed the connection.")
    return part
