"""The process `returns` as it runs: a program of its own, with the role of its own."""

import os
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.databases import environment
from tests import plugin


@dataclass
class Door:
    """A running process and how to reach it."""

    where: str
    process: subprocess.Popen[bytes]

    def connect(self) -> smtplib.LMTP:
        if self.where.startswith("unix:"):
            return smtplib.LMTP(self.where.removeprefix("unix:"), timeout=30)
        host, _colon, port = self.where.rpartition(":")
        return smtplib.LMTP(host, int(port), timeout=30)

    def hand(self, message: bytes, to: str) -> tuple[int, bytes]:
        """Hand one message over as a mail server does; return the answer to the dot, or before."""
        with self.connect() as client:
            for code, text in (client.ehlo(), client.mail("<>"), client.rcpt(to)):
                if code >= 400:
                    return code, text
            return client.data(message)

    def is_answering(self) -> bool:
        try:
            with self.connect() as client:
                return client.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def surroundings(**more: str) -> dict[str, str]:
    """The environment of the process: of the databases only intake, as accord_returns."""
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_DSN")}
    own = environment(
        plugin.CLUSTER, process="returns", passwords=plugin.PASSWORDS, names=plugin.NAMES
    )
    assert [name for name in own if name.endswith("_DSN")] == ["ACCORD_INTAKE_DSN"]
    return kept | own | more


@contextmanager
def running(where: str, **more: str) -> Iterator[Door]:
    """Run it until the block ends; wait until it answers, and end it whatever happened."""
    command = [sys.executable, str(plugin.ROOT / "manage.py"), "returns"]
    process = subprocess.Popen(
        command,
        env=surroundings(ACCORD_RETURNS_LISTEN=where, **more),
        cwd=plugin.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    door = Door(where, process)
    try:
        deadline = time.monotonic() + 30
        while not door.is_answering():
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.05)
        yield door
    finally:
        process.kill()
        process.communicate()


def socket_in(folder: Path) -> str:
    return f"unix:{folder / 'returns'}"
