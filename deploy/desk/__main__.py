"""`python -m deploy.desk` (what `make run` calls): ends with Ctrl-C and goes on where it stopped.

As long as it runs it holds `desk.lock` in the home folder.
"""

import contextlib
import fcntl
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from types import FrameType

from deploy.databases import environment, load_passwords, provision
from deploy.desk import welcome
from deploy.desk.broker_folder import remove_expired
from deploy.desk.console import say
from deploy.desk.layout import PORTS, BadPort, Layout
from deploy.desk.programs import Databases, programs, settings_of
from deploy.desk.steps import Interrupted, StepFailed, Steps
from deploy.desk.supervisor import GivenUp, Supervisor
from deploy.embedded.postgres import Cluster, ServerNotStarted, is_free

TICK_SECONDS = 0.1
SWEEP_SECONDS = 60.0
# The children of a desk that was killed need a moment to leave their ports.
PORT_PATIENCE_SECONDS = 1.5


class CannotStart(RuntimeError):
    """The desk cannot start; the message says what to do."""


class Desk:
    """One installation under a home folder; `run` returns the exit code."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.cluster = Cluster(layout.home / "postgres")
        self.is_ending = threading.Event()
        self._started_at = time.monotonic()

    def run(self) -> int:
        self.layout.make_folders()
        try:
            with self._lock():
                self._check_ports()
                return self._run_locked()
        except (CannotStart, StepFailed, ServerNotStarted) as refusal:
            say("desk", str(refusal))
            return 1
        except Interrupted:
            return 0

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.layout.home / "desk.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                home = self.layout.home
                raise CannotStart(
                    f"Already running on {home}. Stop that one first (Ctrl-C)."
                ) from None
            yield

    def _check_ports(self) -> None:
        deadline = time.monotonic() + PORT_PATIENCE_SECONDS
        for name, (setting, _usual) in PORTS.items():
            port = self.layout.ports[name]
            while not is_free(port):
                if time.monotonic() > deadline:
                    raise CannotStart(
                        f"Port {port} is in use. Choose another: {setting}=<port> make run"
                    )
                self.is_ending.wait(TICK_SECONDS)

    def _run_locked(self) -> int:
        say("desk", "Starting PostgreSQL")
        self.cluster.start()
        try:
            databases = self._provision()
            values = settings_of("owner", layout=self.layout, databases=databases)
            steps = Steps(self.layout, environment=values, is_ending=self.is_ending)
            steps.migrate()
            is_first = steps.create_accounts()
            steps.make_demonstration()
            return self._supervise(databases, is_first=is_first)
        finally:
            self.cluster.stop()
            say("desk", "Stopped. Run again to go on.")

    def _provision(self) -> Databases:
        passwords = load_passwords(self.layout.secrets / "roles.json")
        names = provision(self.cluster, passwords=passwords)

        def databases(process: str) -> dict[str, str]:
            return environment(self.cluster, process=process, passwords=passwords, names=names)

        return databases

    def _supervise(self, databases: Databases, *, is_first: bool) -> int:
        self._sweep_broker()
        supervisor = Supervisor(programs(layout=self.layout, databases=databases))
        try:
            supervisor.start()
            addresses = welcome.form_addresses(
                settings_of("public", layout=self.layout, databases=databases)
            )
            supervisor.wait_until_up(is_ending=self.is_ending)
            if self.is_ending.is_set():
                return 0
            welcome.show(self.layout, forms=addresses(), is_first=is_first)
            taken = time.monotonic() - self._started_at
            say("desk", f"Ready in {taken:.1f} s. Ctrl-C stops everything.")
            self._watch(supervisor)
        except GivenUp as end:
            say("desk", f"{end} Its last lines:")
            for line in end.lines:
                say("desk", f"  {line}")
            return 1
        finally:
            supervisor.stop()
        return 0

    def _watch(self, supervisor: Supervisor) -> None:
        swept_at = time.monotonic()
        while not self.is_ending.wait(TICK_SECONDS):
            supervisor.tend()
            self._keep_postgres()
            if time.monotonic() - swept_at > SWEEP_SECONDS:
                self._sweep_broker()
                swept_at = time.monotonic()

    def _keep_postgres(self) -> None:
        """Start PostgreSQL again where it died: the others reconnect by themselves."""
        if self.cluster.is_running():
            return
        say("desk", "PostgreSQL ended by itself: starting it again")
        before = self.cluster.port
        self.cluster.start()
        if self.cluster.port != before:
            raise CannotStart("PostgreSQL came back on another port. Run again to go on.")
        say("desk", "PostgreSQL is back")

    def _sweep_broker(self) -> None:
        remove_expired(self.layout.broker / "queue", now=datetime.now(UTC))

    def end(self, signum: int, frame: FrameType | None) -> None:
        self.is_ending.set()


def main() -> int:
    try:
        desk = Desk(Layout.read())
    except BadPort as refusal:
        say("desk", str(refusal))
        return 1
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, desk.end)
    return desk.run()


if __name__ == "__main__":
    raise SystemExit(main())
