"""A throw-away installation on a durable PostgreSQL, and how its figures are printed."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.databases import environment, load_passwords, provision
from deploy.embedded.postgres import Cluster

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Ground:
    home: Path
    cluster: Cluster
    passwords: dict[str, str]
    names: dict[str, str]

    def environment(self, process: str) -> dict[str, str]:
        values = environment(
            self.cluster, process=process, passwords=self.passwords, names=self.names
        )
        mine = {
            "ACCORD_HOME": str(self.home),
            "ACCORD_SECRET_KEY": "only-for-benchmarks-" * 3,
            "ACCORD_BROKER_URL": "memory://",
            "ACCORD_CAMPAIGN_APPROVAL_SIZE": "1000000000",  # one person measures alone
            "ACCORD_LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "deploy.settings",
        }
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
        return {**clean, **values, **mine}


@contextmanager
def ground() -> Iterator[Ground]:
    """An installation with keys; PostgreSQL waits for the disk, as in production."""
    home = Path(tempfile.mkdtemp(prefix="accord-bench-"))
    home.chmod(0o755)
    cluster = Cluster(home / "postgres")
    try:
        cluster.start()
        passwords = load_passwords(home / "secrets" / "roles.json")
        made = Ground(home, cluster, passwords, provision(cluster, passwords=passwords))
        (home / "static").mkdir()
        subprocess.run(
            [sys.executable, "manage.py", "provision", "-v0"],
            cwd=ROOT,
            env=made.environment("owner"),
            check=True,
        )
        yield made
    finally:
        cluster.stop()
        shutil.rmtree(home, ignore_errors=True)


def machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return f"{os.cpu_count()} x {model}, Python {platform.python_version()}"


@dataclass(frozen=True)
class Line:
    """One row of the table: what, how fast, and the ratio to the floor of the same run."""

    name: str
    rate: float
    unit: str
    note: str = ""


def table(title: str, lines: list[Line]) -> None:
    print(f"\n{title}")
    for line in lines:
        print(f"  {line.name:<44} {line.rate:>12,.0f} {line.unit:<12} {line.note}")
