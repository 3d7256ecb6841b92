"""A whole installation to copy, and a copy of it: two sets of databases, two key rings."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.databases import environment, provision
from tests import plugin

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class House:
    """One installation: its databases, its home, and commands run as one of its processes."""

    home: Path
    names: dict[str, str]

    def environment(self, process: str = "owner") -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
        values = environment(
            plugin.CLUSTER, process=process, passwords=plugin.PASSWORDS, names=self.names
        )
        mine = {
            "ACCORD_HOME": str(self.home),
            "ACCORD_SECRET_KEY": "only-for-tests-" * 4,
            "ACCORD_LOG_LEVEL": "WARNING",
            "ACCORD_ORGANISATION_NAME": "Exemple SAS",
            "ACCORD_ORGANISATION_ADDRESS": "1 rue de l’Exemple, 75000 Paris",
            "ACCORD_DPO_ADDRESS": "dpo@example.org",
        }
        return {**clean, **values, **mine}

    def run(
        self, *words: str, process: str = "owner", **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment(process) | more,
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, *words: str, **more: str) -> str:
        done = self.run(*words, **more)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    @contextmanager
    def connect(self, zone: str) -> Iterator[psycopg.Connection]:
        with psycopg.connect(plugin.CLUSTER.dsn(database=self.names[zone])) as connection:
            yield connection

    def rows(self, statement: str, zone: str = "crm") -> list[tuple[Any, ...]]:
        with self.connect(zone) as connection:
            return connection.execute(statement).fetchall()


def house(name: str) -> House:
    """A new installation, with its own databases and keys."""
    home = plugin.HOME / f"{name}-{plugin.WORKER}"
    (home / "static").mkdir(parents=True)
    suffix = f"_{name}_{plugin.WORKER}"
    with psycopg.connect(plugin.CLUSTER.dsn(database="postgres"), autocommit=True) as connection:
        for zone in ("crm", "vault", "intake"):
            connection.execute(f'CREATE DATABASE "{zone}{suffix}" OWNER accord_owner')
    names = provision(plugin.CLUSTER, passwords=plugin.PASSWORDS, suffix=suffix)
    made = House(home, names)
    made.must("provision", "-v0")
    return made


@pytest.fixture(scope="package")
def original() -> House:
    """The made-up company, and one person like no other."""
    made = house("original")
    made.must("demo")
    made.must("shell", "-v0", "-c", _ODD_ONE)
    return made


# The values by which the odd one would be known, wherever they turned up.
CANARY = {
    "email": "quetzalcoatl.zwierzynska@canary-house.example",
    "given_name": "Quetzalcoatl",
    "family_name": "Zwierzynska",
    "company": "Canary House Xylographers",
    "source": "only-one-came-by-this",
    "tag": "the-only-xylographer",
}
_ODD_ONE = f"""
from django.utils import timezone
from crm.services import Person, receive_many
person = Person(email={CANARY["email"]!r}, given_name={CANARY["given_name"]!r},
    family_name={CANARY["family_name"]!r}, company={CANARY["company"]!r}, phone="+3545551234")
facets = {{"language": "en", "country": "IS", "status": "former", "source": {CANARY["source"]!r},
    "tags": [{CANARY["tag"]!r}]}}
receive_many(people=[(person, facets)], now=timezone.now())
"""


@pytest.fixture(scope="package")
def shape(original: House) -> Path:
    path = original.home / "shape.json"
    original.must("anonymised_copy", "measure", str(path))
    return path


@pytest.fixture(scope="package")
def copies(shape: Path) -> list[House]:
    """Two copies of one shape, as on two days."""
    made = [house("copy1"), house("copy2")]
    for each in made:
        each.must("anonymised_copy", "make", str(shape))
    return made
