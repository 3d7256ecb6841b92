"""Keeps programs running: restarts the dead with a growing pause, stops the living in order."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from deploy.desk.console import relay_lines, say

ROOT = Path(__file__).resolve().parents[2]
LONGEST_PAUSE_SECONDS = 30.0
# Five deaths within a minute are no accident: going on would only hide the cause.
DEATHS_ALLOWED = 5
DEATHS_WINDOW_SECONDS = 60.0
LINES_KEPT = 20
PATIENCE_SECONDS = 60.0
PROBE_SECONDS = 2.0


class GivenUp(RuntimeError):
    """A program cannot be kept running; the message names it, `lines` are its last words."""

    def __init__(self, why: str, lines: Iterable[str]) -> None:
        super().__init__(why)
        self.lines = list(lines)


@dataclass(frozen=True)
class Program:
    """One process of the product: what runs, with which settings, and how it is stopped."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    ports: tuple[int, ...] = ()
    health: str = ""  # a path on the first port that answers 200 when the program is well
    stop_order: int = 0
    stop_seconds: float = 5.0


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_well(port: int, path: str) -> bool:
    """True when the server answers 200: gunicorn accepts long before the product is loaded."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_SECONDS)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


class Child:
    """A program and the process that runs it just now, if one does."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.last_lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._started_at = 0.0
        self._deaths: list[float] = []
        self._in_a_row = 0
        self._restart_at: float | None = None

    def is_up(self) -> bool:
        """True when it is alive and answers."""
        if not self.is_alive or not all(accepts(port) for port in self.program.ports):
            return False
        return not self.program.health or is_well(self.program.ports[0], self.program.health)

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, *, now: float) -> None:
        self._restart_at, self._started_at = None, now
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.desk.leash", *self.program.command],
            cwd=ROOT,
            env=dict(self.program.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches the desk alone, which stops in order
        )
        self.last_lines.clear()
        arguments = (self.program.name, self.process.stdout, self.last_lines)
        self._listener = threading.Thread(target=relay_lines, args=arguments, daemon=True)
        self._listener.start()

    def tend(self, *, now: float) -> None:
        """Bury a dead process, or start the next one when its pause is over.

        Raises GivenUp.
        """
        if self._restart_at is not None:
            if now >= self._restart_at:
                self.start(now=now)
        elif self.process is not None and (code := self.process.poll()) is not None:
            self._bury(code, now=now)

    def _bury(self, code: int, *, now: float) -> None:
        self.end_group(signal.SIGKILL)  # what it left behind holds its port or its queue
        if self._listener is not None:
            self._listener.join(timeout=1)
        self._deaths = [at for at in self._deaths if now - at < DEATHS_WINDOW_SECONDS] + [now]
        if len(self._deaths) >= DEATHS_ALLOWED:
            why = f"{self.program.name} died {DEATHS_ALLOWED} times within a minute (code {code})."
            raise GivenUp(why, self.last_lines)
        has_lasted = now - self._started_at >= DEATHS_WINDOW_SECONDS
        self._in_a_row = 1 if has_lasted else self._in_a_row + 1
        pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** (self._in_a_row - 1))
        self._restart_at = now + pause
        say("desk", f"{self.program.name} ended by itself {_how(code)}: again in {pause:.0f} s.")

    def end_group(self, signum: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signum)

    def ask_to_end(self) -> None:
        if self.process is not None and self.is_alive:
            self.process.terminate()

    def finish(self) -> None:
        """Wait for the end that was asked for; what is still there after that is killed."""
        if self.process is None:
            return
        try:
            self.process.wait(self.program.stop_seconds)
        except subprocess.TimeoutExpired:
            say("desk", f"{self.program.name} does not stop: killed.")
        self.end_group(signal.SIGKILL)
        self.process.wait()
        if self._listener is not None:
            self._listener.join(timeout=1)


def _how(code: int) -> str:
    return f"(signal {signal.Signals(-code).name})" if code < 0 else f"(code {code})"


class Supervisor:
    """The children of the desk. Start, tend and stop it from one thread."""

    def __init__(
        self, programs: Iterable[Program], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.children = [Child(program) for program in programs]
        self._clock = clock

    def start(self) -> None:
        for child in self.children:
            child.start(now=self._clock())

    def tend(self) -> None:
        """Look after every child once; raises GivenUp."""
        for child in self.children:
            child.tend(now=self._clock())

    def wait_until_up(self, *, is_ending: threading.Event) -> None:
        """Return when every child answers, or when the desk ends; raises GivenUp."""
        waiting = list(self.children)
        deadline = self._clock() + PATIENCE_SECONDS
        while waiting := [child for child in waiting if not child.is_up()]:
            if is_ending.wait(0.05):
                return
            self.tend()
            if self._clock() > deadline:
                name = waiting[0].program.name
                why = f"{name} does not answer as it should."
                raise GivenUp(why, waiting[0].last_lines)

    def stop(self) -> None:
        """Stop the children group by group; a second call finds nothing to do."""
        ordered = sorted(self.children, key=lambda child: child.program.stop_order)
        for _order, group in groupby(ordered, key=lambda child: child.program.stop_order):
            together = list(group)
            for child in together:
                child.ask_to_end()
            for child in together:
                child.finish()
