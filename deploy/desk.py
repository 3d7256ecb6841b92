"""The desk: the databases and the web processes of one machine, under one supervisor.

`python -m deploy.desk` (what `make run` calls) ends with Ctrl-C and goes on where it stopped.
"""

import fcntl
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from deploy.databases import environment, load_passwords, provision
from deploy.embedded.postgres import Cluster, is_free

ROOT = Path(__file__).resolve().parent.parent
COLOURS = {"desk": 36, "public": 32, "staff": 34}
STOP_SECONDS = 10


def say(name: str, line: str) -> None:
    """Print one line with its process's name, coloured on a terminal."""
    prefix = f"{name:<7}|"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        prefix = f"\033[{COLOURS[name]}m{prefix}\033[0m"
    print(prefix, line.rstrip(), flush=True)


def _relay_lines(name: str, stream: IO[str]) -> None:
    for line in stream:
        say(name, line)


@dataclass
class Desk:
    """One installation under a home folder; `run` returns the exit code."""

    home: Path
    public_port: int
    staff_port: int
    children: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    is_ending: threading.Event = field(default_factory=threading.Event)

    def run(self) -> int:
        (self.home / "static").mkdir(parents=True, exist_ok=True, mode=0o755)
        with (self.home / "desk.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("desk", f"Already running on {self.home}. Stop that one first (Ctrl-C).")
                return 1
            if (taken := self._taken_port()) is not None:
                say("desk", taken)
                return 1
            return self._run_locked()

    def _taken_port(self) -> str | None:
        for name in ("public", "staff"):
            port = getattr(self, f"{name}_port")
            if not is_free(port):
                setting = f"ACCORD_{name.upper()}_PORT"
                return f"Port {port} is in use. Choose another: {setting}=<port> make run"
        return None

    def _run_locked(self) -> int:
        cluster = Cluster(self.home / "postgres")
        say("desk", "Starting PostgreSQL")
        cluster.start()
        try:
            passwords = load_passwords(self.home / "secrets" / "roles.json")
            names = provision(cluster, passwords=passwords)
            self._migrate(environment(cluster, process="owner", passwords=passwords, names=names))
            for name, port in (("public", self.public_port), ("staff", self.staff_port)):
                values = environment(cluster, process=name, passwords=passwords, names=names)
                self._start(name, port, values)
            if not self._wait_until_up():
                return 1
            say("desk", f"Public pages: http://127.0.0.1:{self.public_port}/health")
            say("desk", f"Staff pages:  http://127.0.0.1:{self.staff_port}/health")
            say("desk", "Ready. Ctrl-C stops everything.")
            return self._watch()
        finally:
            self._stop_children()
            cluster.stop()
            say("desk", "Stopped. Run again to go on.")

    def _environment(self, values: dict[str, str]) -> dict[str, str]:
        secret = self.home / "secrets" / "django.key"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        inherited = {k: v for k, v in os.environ.items() if not k.endswith("_DSN")}
        mine = {"ACCORD_HOME": str(self.home), "ACCORD_SECRET_KEY_FILE": str(secret)}
        return {**inherited, **mine, **values, "PYTHONUNBUFFERED": "1"}

    def _migrate(self, values: dict[str, str]) -> None:
        """Migrate only when the migrations or the grants changed since the last start."""
        digest = _digest([*sorted(ROOT.glob("*/migrations/*.py")), ROOT / "deploy" / "grants.py"])
        mark = self.home / "migrated"
        if mark.exists() and mark.read_text(encoding="utf-8") == digest:
            return
        say("desk", "Migrating crm, vault and intake")
        subprocess.run(
            [sys.executable, "manage.py", "provision", "-v0"],
            cwd=ROOT,
            env=self._environment(values),
            check=True,
        )
        mark.write_text(digest, encoding="utf-8")

    def _start(self, name: str, port: int, values: dict[str, str]) -> None:
        command = [sys.executable, "-m", "gunicorn", "deploy.wsgi", "--threads", "4"]
        command += ["--bind", f"127.0.0.1:{port}", "--no-control-socket"]
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self._environment(values),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops in order
        )
        if child.stdout is None:
            raise RuntimeError("The child's output is not a pipe.")
        threading.Thread(target=_relay_lines, args=(name, child.stdout), daemon=True).start()
        self.children[name] = child

    def _wait_until_up(self) -> bool:
        """Return True when both web processes accept connections, False when one has ended."""
        waiting = {"public": self.public_port, "staff": self.staff_port}
        while waiting and not self.is_ending.wait(0.05):
            for name, port in list(waiting.items()):
                if (code := self.children[name].poll()) is not None:
                    say("desk", f"{name} ended by itself with code {code}: see its lines above.")
                    return False
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        del waiting[name]
        return True

    def _watch(self) -> int:
        """Wait for a signal, or for a child that ends by itself: then the desk ends too."""
        while not self.is_ending.wait(0.2):
            for name, child in self.children.items():
                if child.poll() is not None:
                    say("desk", f"{name} ended by itself with code {child.returncode}.")
                    return 1
        return 0

    def _stop_children(self) -> None:
        for child in self.children.values():
            if child.poll() is None:
                child.terminate()
        for child in self.children.values():
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def end(self, signum: int, frame: FrameType | None) -> None:
        self.is_ending.set()


def _digest(paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def main() -> int:
    desk = Desk(
        home=Path(os.environ.get("ACCORD_HOME", ROOT / "var")),
        public_port=int(os.environ.get("ACCORD_PUBLIC_PORT", "8000")),
        staff_port=int(os.environ.get("ACCORD_STAFF_PORT", "8001")),
    )
    signal.signal(signal.SIGINT, desk.end)
    signal.signal(signal.SIGTERM, desk.end)
    return desk.run()


if __name__ == "__main__":
    raise SystemExit(main())
