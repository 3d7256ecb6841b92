"""The product on a durable PostgreSQL of its own, which these tests may kill."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from django.db import connections
from psycopg.conninfo import conninfo_to_dict
from pytest_django import DjangoDbBlocker, Settings

from deploy.databases import environment, load_passwords, provision
from deploy.embedded.postgres import Cluster, free_port
from tests.journeys import conftest as journeys
from tests.journeys.inbox import Inbox
from tests.journeys.stage import ROOT, Stage

LEASE_SECONDS = 6
_ZONES = {"default": "CRM", "vault": "VAULT", "intake": "INTAKE"}


@dataclass
class FaultStage(Stage):
    cluster: Cluster = field(kw_only=True)
    passwords: dict[str, str] = field(default_factory=dict)
    relay_url: str = ""

    def environment(self, process: str) -> dict[str, str]:
        kind = process.rstrip("123")
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
        values = environment(self.cluster, process=kind, passwords=self.passwords, names=self.names)
        return {**clean, **values, **self.settings()}

    def settings(self) -> dict[str, str]:
        return super().settings() | {
            "ACCORD_RELAY_URL": self.relay_url,
            "ACCORD_LEASE_SECONDS": str(LEASE_SECONDS),
            **self.more,
        }

    def command(self, name: str) -> list[str]:
        kind = name.rstrip("123")
        if kind == "worker":
            host = ["--hostname", f"{name}@faults"]
            return [*super().command("worker"), *host, "--include", "tests.faults.points"]
        if kind == "beat":
            return [*self.celery, "beat", "--schedule", str(self.home / f"{name}.schedule")]
        return super().command(name)

    # --- faults ---------------------------------------------------------------------------

    @property
    def plan(self) -> Path:
        return self.home / "faults.json"

    def strike(self, *, seed: str, rates: dict[str, float], acts: Sequence[str]) -> None:
        words = json.dumps({"seed": seed, "rates": rates, "acts": list(acts)})
        unfinished = self.plan.with_suffix(".new")
        unfinished.write_text(words, encoding="utf-8")
        unfinished.replace(self.plan)

    def be_kind(self) -> None:
        self.plan.unlink(missing_ok=True)

    def struck(self) -> list[dict[str, object]]:
        """Every fault that was done, in order."""
        try:
            lines = (self.home / "struck.jsonl").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

    def wipe_broker(self) -> None:
        for each in (self.home / "broker").rglob("*.msg"):
            each.unlink(missing_ok=True)

    def lose_power(self) -> None:
        """PostgreSQL dies as it stands, and comes back."""
        self.cluster.kill()
        self.cluster.start()

    # --- what is true ---------------------------------------------------------------------

    def ask(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """Rows of `crm`, as the owner of the server."""
        with psycopg.connect(self.cluster.dsn(database=self.names["crm"])) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def faults_stage(home: Path, *, relay_url: str, more: dict[str, str]) -> Iterator[FaultStage]:
    """A stage on which nothing runs yet."""
    home.mkdir(parents=True)
    cluster = Cluster(home / "postgres")
    for folder in ("broker/tmp", "broker/queue", "static"):
        (home / folder).mkdir(parents=True)
    cluster.start()
    try:
        passwords = load_passwords(home / "secrets" / "roles.json")
        names = provision(cluster, passwords=passwords)
        ports = {"public": free_port(), "staff": free_port()}
        stage = FaultStage(
            home,
            Inbox(),
            names,
            ports,
            more=more,
            cluster=cluster,
            passwords=passwords,
            relay_url=relay_url,
        )
        subprocess.run(
            [sys.executable, "manage.py", "provision", "-v0"],
            cwd=ROOT,
            env=stage.environment("owner"),
            check=True,
        )
        try:
            yield stage
        finally:
            stage.stop()
    finally:
        cluster.stop()


@contextmanager
def inside(stage: FaultStage, settings: Settings, blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let this process speak to the stage's databases, as its owner."""
    before = {alias: dict(connections[alias].settings_dict) for alias in _ZONES}
    values = stage.environment("owner")
    for alias, zone in _ZONES.items():
        parts = conninfo_to_dict(values[f"ACCORD_{zone}_DSN"])
        connections[alias].close()
        connections[alias].settings_dict.update(
            HOST=parts["host"],
            PORT=str(parts["port"]),
            USER=parts["user"],
            PASSWORD=parts["password"],
        )
    try:
        with journeys.on_stage(stage, settings, blocker):
            yield
    finally:
        for alias, kept in before.items():
            connections[alias].close()
            connections[alias].settings_dict.update(kept)


class Waker(threading.Thread):
    """Wakes what a fault has frozen, after twice the lease: its sessions are long over."""

    def __init__(self, stage: FaultStage) -> None:
        super().__init__(daemon=True)
        self._stage = stage
        self._is_over = threading.Event()
        self._woken = 0

    def run(self) -> None:
        while not self._is_over.wait(0.2):
            self.wake(older_than=2 * LEASE_SECONDS)

    def wake(self, *, older_than: float) -> None:
        frozen = [each for each in self._stage.struck() if each["act"] == "stop"]
        for each in frozen[self._woken :]:
            if time.time() - float(str(each["at"])) < older_than:
                break
            self._woken += 1
            try:
                os.kill(int(str(each["pid"])), signal.SIGCONT)
            except ProcessLookupError:
                continue

    def finish(self) -> None:
        self._is_over.set()
        self.join()
        self.wake(older_than=0)
