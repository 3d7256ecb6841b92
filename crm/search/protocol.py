"""What staff and search say to each other: a length of four bytes, then as much JSON.

Version 1. A request is {"v": 1, "verb": "find", "text", "limit", "after"} or {"v": 1, "verb":
"status"}. An answer has "v" and either "error", one of ERRORS, or what its verb promises. Answers
hold ids, ranks and counts, never a word about anybody.
"""

import json
import socket
import struct
from typing import Any

VERSION = 1
REQUEST_MAX, ANSWER_MAX = 4096, 64 * 1024
TEXT_MAX, LIMIT_MAX = 200, 500
ERRORS = ("malformed", "version", "verb", "too_long", "too_short", "busy")

Message = dict[str, Any]


class Malformed(ValueError):
    """What came is not a message of this protocol."""


class Closed(Exception):
    """The other side has closed the connection."""


def send(connection: socket.socket, message: Message) -> None:
    body = json.dumps({"v": VERSION, **message}, separators=(",", ":")).encode()
    connection.sendall(struct.pack(">I", len(body)) + body)


def receive(connection: socket.socket, *, most: int) -> Message:
    """Return the next message. Raises Closed, Malformed, and TimeoutError."""
    (length,) = struct.unpack(">I", _exactly(connection, 4))
    if not 0 < length <= most:
        raise Malformed(Malformed.__doc__)
    try:
        message = json.loads(_exactly(connection, length))
    except (ValueError, RecursionError):
        raise Malformed(Malformed.__doc__) from None
    if not isinstance(message, dict):
        raise Malformed(Malformed.__doc__)
    return message


def _exactly(connection: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(length - len(parts))
        if not part:
            raise Closed(Closed.__doc__)
        parts += part
    return bytes(parts)
