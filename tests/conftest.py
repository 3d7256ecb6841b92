"""Fixtures of the whole suite."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from pytest_django import DjangoDbBlocker

from tests import plugin


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> None:
    """The databases are clones of migrated templates already: nothing to create."""


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
