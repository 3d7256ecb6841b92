"""A desk in a process of its own, for the tests of `make run`."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from deploy.desk.layout import PORTS
from deploy.embedded.postgres import free_port

ROOT = Path(__file__).resolve().parents[2]


def free_ports() -> dict[str, int]:
    ports: dict[str, int] = {}
    while len(ports) < len(PORTS):
        if (port := free_port()) not in ports.values():
            ports[list(PORTS)[len(ports)]] = port
    return ports


def wait_for(question: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, f"Waited {seconds} s in vain: {what}."
        time.sleep(0.05)


class Run:
    """A running desk and everything it has said."""

    def __init__(self, home: Path, ports: dict[str, int]) -> None:
        self.home, self.ports = home, ports
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
        chosen = {setting: str(ports[name]) for name, (setting, _usual) in PORTS.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.desk"],
            cwd=ROOT,
            env={**clean, **chosen, "ACCORD_HOME": str(home), "ACCORD_DEMO": "no"},
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

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def wait(self) -> int:
        """Wait for the end of the process and of what it said; return its exit code."""
        code = self.process.wait(timeout=30)
        self._listener.join(timeout=10)
        return code

    def read_until(self, words: str, seconds: float = 60) -> str:
        """Return the next line that has `words`; raises AssertionError with what was said."""
        deadline = time.monotonic() + seconds
        try:
            while (line := self._said.get(timeout=deadline - time.monotonic())) is not None:
                self.lines.append(line)
                if words in line:
                    return line
        except (queue.Empty, ValueError):
            pass
        raise AssertionError(f"Nothing said of {words!r}:\n" + "".join(self.lines))

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def children(self) -> dict[str, int]:
        """Return the process id of each program of the desk by its name."""
        found: dict[str, int] = {}
        marks = {
            "public": f":{self.ports['public']}",
            "staff": f":{self.ports['staff']}",
            "worker": "worker@desk",
            "beat": "beat.schedule",
            "mail": "deploy.mail_catcher",
            "search": "manage.py\0search",
        }
        # By their parent: of the search, which forbids dumps, nobody else may read the settings.
        for pid in _everybody():
            command = _read(pid, "cmdline")
            if f"\nPPid:\t{self.process.pid}\n" not in _read(pid, "status"):
                continue
            found |= {name: pid for name, mark in marks.items() if mark in command}
        return found


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _everybody() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def processes_of(home: Path) -> list[int]:
    """Return every process that knows this home folder, the desk itself included."""
    mark = str(home)
    return [
        pid
        for pid in _everybody()
        if pid != os.getpid() and (mark in _read(pid, "cmdline") or mark in _read(pid, "environ"))
    ]
