"""Which TCP ports of a host answer: one SYN to each, as a port scanner does."""

import array
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterable

_SYN, _SYN_ACK = 0x02, 0x12
EVERY_PORT = range(1, 65536)
PATIENCE_SECONDS = 1.0


def open_ports(source: str, target: str, *, ports: Iterable[int] = EVERY_PORT) -> set[int]:
    """Return the ports that answer a SYN; from the network namespace that this thread is in.

    Each is asked twice: one lost packet must not hide an open door.
    """
    mark = 1024 + os.getpid() % 60000  # the port that we ask from
    wanted = list(ports)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        raw.bind((source, 0))
        found: set[int] = set()
        for _round in range(2):
            for port in wanted:
                raw.sendto(_syn(source, target, mark, port), (target, 0))
            found |= _answers(raw, target, mark)
    return found


def _syn(source: str, target: str, mark: int, port: int) -> bytes:
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!HHIIBBHHH", mark, port, port, 0, 5 << 4, _SYN, 1024, 0, 0)
    pseudo = ends + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(head))
    return head[:16] + _checksum(pseudo + head) + head[18:]


def _checksum(data: bytes) -> bytes:
    words = array.array("H", data)
    if sys.byteorder == "little":
        words.byteswap()
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


def _answers(raw: socket.socket, target: str, mark: int) -> set[int]:
    found: set[int] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := deadline - time.monotonic()) > 0 and select.select([raw], [], [], left)[0]:
        packet, (sender, _zero) = raw.recvfrom(128)
        start = (packet[0] & 0x0F) * 4
        port, to, _seq, _ack, _offset, flags = struct.unpack("!HHIIBB", packet[start : start + 14])
        if sender == target and to == mark and flags & _SYN_ACK == _SYN_ACK:
            found.add(port)
    return found
