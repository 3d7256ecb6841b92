"""The launcher: durable through kill -9, adopted when it already runs, quiet about statements."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from deploy.embedded.postgres import Cluster


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("postgres") / "home")
    made.start()
    yield made
    made.stop()


def _rows(cluster: Cluster) -> int:
    with psycopg.connect(cluster.dsn(database="postgres")) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def test_committed_rows_survive_a_kill_and_a_second_start_is_harmless(cluster: Cluster) -> None:
    with psycopg.connect(cluster.dsn(database="postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000)")
    cluster.kill()
    cluster.start()
    cluster.start()
    assert _rows(cluster) == 1000


def test_another_launcher_adopts_and_stops_the_same_server(cluster: Cluster) -> None:
    other = Cluster(cluster.home)
    other.start()
    assert other.port == cluster.port
    other.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(cluster.dsn(database="postgres"), connect_timeout=2)


def test_a_wrong_password_opens_nothing(cluster: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(cluster.dsn(database="postgres", password="wrong"))


def test_a_failing_statement_leaves_no_value_in_the_log(cluster: Cluster) -> None:
    canary = "canary.person@example.org"
    with psycopg.connect(cluster.dsn(database="postgres")) as connection:
        connection.execute("CREATE TABLE one (address text UNIQUE)")
        connection.execute("INSERT INTO one VALUES (%s)", [canary])
        with pytest.raises(errors.UniqueViolation):
            connection.execute("INSERT INTO one VALUES (%s)", [canary])
    written = cluster.log.read_text(encoding="utf-8")
    assert "ready to accept connections" in written
    assert "one_address_key" not in written  # an error quotes its row: none is written
    assert canary not in written


def test_the_superuser_password_is_readable_by_its_owner_only(cluster: Cluster) -> None:
    secret: Path = cluster.home / "superuser.password"
    assert secret.stat().st_mode & 0o777 == 0o600
