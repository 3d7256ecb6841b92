"""Fixtures of the whole suite."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings
from xdist.scheduler import LoadScopeScheduling

from privacy.services import found_installation, refresh_sealing_key
from privacy.vault.installation import instance_id
from tests import plugin

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> None:
    """The databases are clones of migrated templates already: nothing to create."""


# Written by the migrations, and the same for every test.
_KEPT = frozenset({"django_content_type", "auth_permission"})


@pytest.fixture(scope="session", autouse=True)
def flush_past_the_append_only_triggers() -> Iterator[None]:
    """Let the flush between tests empty the tables that no role of the product may empty.

    And quickly: a test fills a dozen tables of some rows, so these are found and deleted from;
    to truncate all eighty of them takes longer than most tests.
    """
    flush = DatabaseOperations.sql_flush

    def sql_flush(
        self: DatabaseOperations, style: Any, tables: Iterable[str], **kwargs: Any
    ) -> list[str]:
        wanted = [table for table in tables if table not in _KEPT]
        if not wanted:
            return []
        probes = [f"SELECT '{t}' WHERE EXISTS (SELECT FROM {self.quote_name(t)})" for t in wanted]
        with self.connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(probes))
            filled = [self.quote_name(row[0]) for row in cursor.fetchall()]
        return [
            *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in filled),
            *(f"DELETE FROM {table}" for table in filled),
            "SET CONSTRAINTS ALL IMMEDIATE",
            *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in filled),
        ]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign, assignment]
    yield
    DatabaseOperations.sql_flush = flush  # type: ignore[method-assign]


class Connect:
    """Connects to the databases of this test worker as the role of a process."""

    @contextmanager
    def __call__(self, process: str, zone: str) -> Iterator[psycopg.Connection]:
        role = f"accord_{process}"
        dsn = plugin.CLUSTER.dsn(
            database=plugin.NAMES[zone], user=role, password=plugin.PASSWORDS[role]
        )
        with psycopg.connect(dsn) as connection:
            yield connection
            connection.rollback()


@pytest.fixture
def connect() -> Connect:
    return Connect()


@pytest.fixture
def vault() -> Iterator[None]:
    """An installation with its keys, its journal and a sealing key, also after a flush.

    The test itself asks for the databases: `django_db(databases=["default", "vault", "intake"])`.
    """
    instance_id.cache_clear()
    found_installation(now=NOW)
    refresh_sealing_key(now=NOW)
    yield
    instance_id.cache_clear()


@pytest.fixture
def anchor(vault: None, settings: Settings, tmp_path: Path) -> Path:
    """An empty folder for the ledger's log, for the ledger that this test writes."""
    settings.ANCHOR_DIR = tmp_path / "anchor"
    return tmp_path / "anchor"


@pytest.fixture
def public_side(settings: Settings) -> Client:
    """A browser on the public side: its addresses and middleware, no session, no account."""
    settings.ROOT_URLCONF = "deploy.urls_public"
    settings.MIDDLEWARE = settings.PUBLIC_MIDDLEWARE
    return Client()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where CI=true nothing may be left out: a test that is skipped fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    is_ci = os.environ.get("CI") == "true"
    if is_ci and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class JourneysTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Each test where there is room; what shares one stage, or one network, on one worker."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/deploy/anonymised/"):
            return "anonymised"
        folder = nodeid.split("/")[1]
        return folder if folder in {"journeys", "network", "faults"} else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return JourneysTogether(config, log)
