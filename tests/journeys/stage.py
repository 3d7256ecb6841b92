"""The whole product on its real parts: databases, processes by role, worker, beat and a relay.

One stage serves the journeys of a test run; they keep apart by their own forms and people.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx

from deploy.databases import environment
from deploy.embedded.postgres import free_port
from tests import plugin
from tests.journeys.inbox import Inbox

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_SECONDS = 60
T = TypeVar("T")


def wait_for(
    question: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_SECONDS
) -> T:
    """Ask until the answer is true; fails naming `what` it waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"Waited {seconds} s in vain: {what}.")


@dataclass
class Stage:
    home: Path
    inbox: Inbox
    names: dict[str, str]
    ports: dict[str, int]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    # Settings of this stage that differ from those of all.
    more: dict[str, str] = field(default_factory=dict)

    @property
    def public_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['public']}"

    @property
    def staff_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['staff']}"

    def environment(self, process: str) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
        values = environment(
            plugin.CLUSTER, process=process, passwords=plugin.PASSWORDS, names=self.names
        )
        return {**clean, **values, **self.settings()}

    def settings(self) -> dict[str, str]:
        return {
            "ACCORD_SECRET_KEY": "only-for-tests-" * 4,
            "ACCORD_HOME": str(self.home),
            "ACCORD_PUBLIC_URL": self.public_url,
            "ACCORD_STAFF_URL": self.staff_url,
            # A notice is whole only with a company behind it.
            "ACCORD_ORGANISATION_NAME": "Exemple SAS",
            "ACCORD_ORGANISATION_ADDRESS": "1 rue de l’Exemple, 75000 Paris",
            "ACCORD_DPO_ADDRESS": "dpo@example.org",
            # A lease longer than the relay's time-outs, as in production, but of a test's length.
            "ACCORD_RELAY_URL": f"smtp://127.0.0.1:{self.inbox.port}?timeout=3&final_timeout=3",
            "ACCORD_LEASE_SECONDS": "5",
            # Everybody in the journeys has an address of the same domain.
            "ACCORD_CONFIRMATIONS_PER_DOMAIN_HOUR": "10000",
            "ACCORD_CONFIRMATIONS_PER_DOMAIN_DAY": "10000",
            # Three people are many here: an export of them needs a second person.
            "ACCORD_EXPORT_ALONE_MAX": "2",
            # So are four, for a campaign that is launched from its page.
            "ACCORD_CAMPAIGN_APPROVAL_SIZE": "3",
            # So that people of different networks can be played from one machine.
            "ACCORD_PUBLIC_PROXIES": "127.0.0.1/32",
            # The receivers of webhooks are on this machine.
            "ACCORD_WEBHOOK_NETWORKS": "127.0.0.0/8",
            "ACCORD_LOG_LEVEL": "INFO",
            "ACCORD_BROKER_URL": "filesystem://localhost",
            "TMPDIR": str(self.home / "broker" / "tmp"),
            "PYTHONUNBUFFERED": "1",
            **self.more,
        }

    def command(self, name: str) -> list[str]:
        if name == "worker":
            return [*_CELERY, "worker", "--concurrency", "2", "--loglevel", "INFO"]
        if name == "beat":
            return [*_CELERY, "beat", "--schedule", str(self.home / "beat.schedule")]
        if name == "search":
            return [sys.executable, "manage.py", "search"]
        return self._web(name)

    def start(self, name: str) -> None:
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self.command(name),
                cwd=ROOT,
                env=self.environment(name),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ring(self, task: str) -> None:
        """Do what beat does when its time has come."""
        command = [*self.celery, "call", task]
        subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment("beat"),
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def _web(self, name: str) -> list[str]:
        bind = f"127.0.0.1:{self.ports[name]}"
        command = [sys.executable, "-m", "gunicorn", "--config", "python:deploy.web_server"]
        command += ["deploy.wsgi", "--threads", "4"]
        return [*command, "--bind", bind, "--no-control-socket"]

    @property
    def celery(self) -> list[str]:
        return list(_CELERY)

    def wait_until_up(self) -> None:
        for url in (self.public_url, self.staff_url):
            wait_for(partial(_answers, f"{url}/health"), f"{url} to answer")

    def kill(self, name: str) -> None:
        """Kill -9 the process and its children at once."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop_one(self, name: str) -> None:
        """Let a process end by itself."""
        process = self.processes.pop(name)
        process.terminate()
        process.wait(30)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes.clear()

    def log(self, name: str) -> str:
        return (self.home / f"{name}.log").read_text(encoding="utf-8", errors="replace")


_CELERY = [sys.executable, "-m", "celery", "--app", "deploy.celery"]


S = TypeVar("S", bound=Stage)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


PROGRAMS = ("public", "staff", "search", "worker", "beat")


def set_up(
    *, name: str = "stage", programs: tuple[str, ...] = PROGRAMS, more: dict[str, str] | None = None
) -> Stage:
    """Clone the databases, copy the keys they belong to, and start the processes."""
    stage = prepared(name, Stage)
    stage.more = more or {}
    stage.inbox.start()
    for program in programs:
        stage.start(program)
    stage.wait_until_up()
    return stage


def prepared(name: str, kind: type[S]) -> S:
    """A stage on which nothing runs yet."""
    home = plugin.HOME / f"{name}-{plugin.WORKER}"
    for folder in ("broker/tmp", "broker/queue", "static"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    for folder in ("keys", "journal"):
        shutil.copytree(plugin.HOME / "template" / folder, home / folder, dirs_exist_ok=True)
    names = plugin.clone(plugin.CLUSTER, suffix=f"_{name}_{plugin.WORKER}")
    return kind(home, Inbox(), names, {"public": free_port(), "staff": free_port()})
