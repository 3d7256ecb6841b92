"""Fixtures of the whole suite."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client, TransactionTestCase
from psycopg.pq import TransactionStatus
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
_KEPT = frozenset({"django_content_type", "auth_permission", "django_migrations"})


class Emptying:
    """Empties the databases of this test worker between tests.

    As the owner of the server and as a replica, because no role of the product may empty the
    append-only tables. A test fills a dozen tables of some rows, so these are found and deleted
    from: Django's own flush truncates all of the hundred and makes every permission again, which
    took a quarter of the suite's time.
    """

    def __init__(self) -> None:
        self._open: dict[str, psycopg.Connection] = {}
        self._probes: dict[str, str] = {}

    def __call__(self, alias: str) -> None:
        settled = connections[alias].connection
        if settled is not None and settled.info.transaction_status != TransactionStatus.IDLE:
            connections[alias].close()
        cursor = self._connection(alias).cursor()
        if alias not in self._probes:
            names = connections[alias].introspection.django_table_names(
                only_existing=True, include_views=False
            )
            self._probes[alias] = " UNION ALL ".join(
                f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")"
                for name in sorted({*names} - _KEPT)
            )
        if filled := cursor.execute(self._probes[alias]).fetchall():
            cursor.execute("; ".join(f'DELETE FROM "{row[0]}"' for row in filled))

    def _connection(self, alias: str) -> psycopg.Connection:
        held = self._open.get(alias)
        if held is None or held.closed or not _answers(held):
            database = str(connections[alias].settings_dict["NAME"])
            held = psycopg.connect(plugin.CLUSTER.dsn(database=database), autocommit=True)
            held.execute("SET session_replication_role = replica; SET lock_timeout = '30s'")
            self._open[alias] = held
        return held

    def close(self) -> None:
        for held in self._open.values():
            held.close()


def _answers(connection: psycopg.Connection) -> bool:
    """Some tests end every session of a database."""
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="session", autouse=True)
def empty_between_tests() -> Iterator[None]:
    case: Any = TransactionTestCase
    empty, flush = Emptying(), case._fixture_teardown

    def teardown(self: Any) -> None:
        for alias in self._databases_names(include_mirrors=False):
            empty(alias)

    case._fixture_teardown = teardown
    yield
    case._fixture_teardown = flush
    empty.close()


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
