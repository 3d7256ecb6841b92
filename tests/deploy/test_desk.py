"""`make run` as its user meets it: starts, answers, refuses a second copy, stops, goes on."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from deploy.databases import environment, load_passwords
from deploy.embedded.postgres import Cluster, free_port

ROOT = Path(__file__).resolve().parents[2]


class Run:
    """A desk in a process of its own."""

    def __init__(self, home: Path, public: int, staff: int) -> None:
        self.home, self.public, self.staff = home, public, staff
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
        ports = {"ACCORD_PUBLIC_PORT": str(public), "ACCORD_STAFF_PORT": str(staff)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.desk"],
            cwd=ROOT,
            env={**clean, **ports, "ACCORD_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.lines: list[str] = []
        self._said: queue.Queue[str | None] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self._said.put(line.decode())
        self._said.put(None)

    def wait(self) -> int:
        """Wait for the end of the process and of what it said; return its exit code."""
        code = self.process.wait(timeout=30)
        self._listener.join(timeout=10)
        return code

    def read_until(self, words: str, seconds: float = 60) -> None:
        """Collect lines until one has `words`; raises AssertionError with what was said."""
        while (line := self._said.get(timeout=seconds)) is not None:
            self.lines.append(line)
            if words in line:
                return
        raise AssertionError("".join(self.lines))

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.wait()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path / "home", free_port(), free_port())
    yield run
    if run.process.poll() is None:
        run.end()


@pytest.mark.slow
def test_the_desk_starts_refuses_a_second_copy_stops_and_goes_on(desk: Run) -> None:
    desk.read_until("Ready.")
    for port in (desk.public, desk.staff):
        answer = httpx.get(f"http://127.0.0.1:{port}/health")
        assert (answer.status_code, answer.text) == (200, "ok")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
    second = Run(desk.home, free_port(), free_port())
    second.read_until("Already running")
    assert second.wait() == 1
    cluster = Cluster(desk.home / "postgres")
    _keep_a_row(cluster, desk.home)
    assert desk.end() == 0
    again = Run(desk.home, desk.public, desk.staff)
    again.read_until("Ready.")
    try:
        assert not any("Migrating" in line for line in again.lines)
        assert _kept_rows(cluster, desk.home) == 1
    finally:
        assert again.end() == 0


def _address(cluster: Cluster, home: Path) -> str:
    passwords = load_passwords(home / "secrets" / "roles.json")
    names = {"crm": "crm", "vault": "vault", "intake": "intake"}
    found = environment(cluster, process="owner", passwords=passwords, names=names)
    return found["ACCORD_CRM_DSN"]


def _keep_a_row(cluster: Cluster, home: Path) -> None:
    with psycopg.connect(_address(cluster, home)) as connection:
        connection.execute("INSERT INTO crm_tag VALUES ('kept', 'Kept')")


def _kept_rows(cluster: Cluster, home: Path) -> int:
    with psycopg.connect(_address(cluster, home)) as connection:
        row = connection.execute("SELECT count(*) FROM crm_tag").fetchone()
    assert row is not None
    return int(row[0])


def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = Run(tmp_path / "home", port, free_port())
        run.read_until(f"Port {port} is in use. Choose another: ACCORD_PUBLIC_PORT=")
        assert run.wait() == 1
