"""Gives the tests a real PostgreSQL: one throw-away server per run, cloned databases per worker.

Loaded before Django's settings are, because they read the addresses that are made here.
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from deploy.databases import environment, load_passwords, provision
from deploy.embedded.postgres import Cluster

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "_template"


def _prepare() -> Path:
    """Start the server of this run and migrate the template databases once."""
    home = Path(tempfile.mkdtemp(prefix="accord-tests-"))
    home.chmod(0o755)
    cluster = Cluster(home / "postgres", is_durable=False)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    atexit.register(cluster.stop)
    cluster.start()
    passwords = load_passwords(home / "secrets" / "roles.json")
    names = provision(cluster, passwords=passwords, suffix=TEMPLATE)
    values = environment(cluster, process="owner", passwords=passwords, names=names)
    values["ACCORD_HOME"] = str(home / "template")
    subprocess.run(
        [sys.executable, "manage.py", "provision", "-v0"], cwd=ROOT, check=True, env=_env(values)
    )
    # What an installation starts with is of today; the tests live on a day of their own and write
    # it themselves. As a replica, because no role may empty these tables.
    with psycopg.connect(cluster.dsn(database=names["crm"]), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("TRUNCATE consent_purpose, consent_notice CASCADE")
    return home


def _env(values: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "ACCORD_SECRET_KEY": "only-for-tests-" * 4, **values}


def clone(cluster: Cluster, *, suffix: str) -> dict[str, str]:
    """Return zone -> name of fresh copies of the migrated databases."""
    passwords = load_passwords(cluster.home.parent / "secrets" / "roles.json")
    names = {zone: f"{zone}{suffix}" for zone in ("crm", "vault", "intake")}
    with psycopg.connect(cluster.dsn(database="postgres"), autocommit=True) as connection:
        # Two clones of one template at a time are refused: take turns.
        connection.execute("SELECT pg_advisory_lock(4242)")
        for zone, name in names.items():
            connection.execute(
                f'CREATE DATABASE "{name}" TEMPLATE "{zone}{TEMPLATE}" OWNER accord_owner'
            )
    provision(cluster, passwords=passwords, suffix=suffix)
    return names


if "ACCORD_TEST_HOME" not in os.environ:
    os.environ["ACCORD_TEST_HOME"] = str(_prepare())

HOME = Path(os.environ["ACCORD_TEST_HOME"])
CLUSTER = Cluster(HOME / "postgres", is_durable=False)
PASSWORDS = json.loads((HOME / "secrets" / "roles.json").read_text(encoding="utf-8"))
# The controller of a parallel run collects nothing, and needs no databases of its own.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
NAMES = clone(CLUSTER, suffix=f"_{WORKER}")
os.environ.update(
    _env(environment(CLUSTER, process="owner", passwords=PASSWORDS, names=NAMES))
    | {
        "ACCORD_HOME": str(HOME / WORKER),
        "ACCORD_LOG_LEVEL": "WARNING",
        "ACCORD_BROKER_URL": "memory://",
        "ACCORD_INTAKE_MEMORY_SECONDS": "0",
    }
)
(HOME / WORKER / "static").mkdir(parents=True, exist_ok=True)
for folder in ("keys", "journal"):  # the cloned databases belong to these
    shutil.copytree(HOME / "template" / folder, HOME / WORKER / folder, dirs_exist_ok=True)
