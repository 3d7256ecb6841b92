"""Where something may have been left behind: each sink is a name and the files to search.

A new place that the product writes to is a new entry of `sinks`.
"""

import subprocess
from pathlib import Path

import psycopg

from deploy.embedded.postgres import Cluster, find_binaries
from tests.canaries.search import unpacked

Sinks = dict[str, list[Path]]


def dump(cluster: Cluster, *, database: str, folder: Path) -> list[Path]:
    """Dump a database as its backup would be, and beside it what its bytea columns hold."""
    command = [str(find_binaries() / "pg_dump"), "--dbname", cluster.dsn(database=database)]
    plain = subprocess.run(command, capture_output=True, check=True).stdout
    folder.mkdir(parents=True, exist_ok=True)
    dumped, bare = folder / f"{database}.sql", folder / f"{database}.bytea"
    dumped.write_bytes(plain)
    bare.write_bytes(unpacked(plain))
    return [dumped, bare]


def position(cluster: Cluster) -> str:
    """Return the WAL segment that is written now."""
    with psycopg.connect(cluster.dsn(database="postgres"), autocommit=True) as server:
        row = server.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()
    assert row is not None
    return str(row[0])


def data_files(cluster: Cluster, *, databases: list[str], since: str) -> list[Path]:
    """Return the files of these databases, what the server shares, and the WAL from `since` on.

    After a checkpoint: what only memory holds is on no disk yet.
    """
    with psycopg.connect(cluster.dsn(database="postgres"), autocommit=True) as server:
        server.execute("CHECKPOINT")
        found = server.execute(
            "SELECT oid FROM pg_database WHERE datname = ANY(%s)", [databases]
        ).fetchall()
    base = cluster.data / "base"
    folders = [base / str(oid) for (oid,) in found]
    assert len(folders) == len(databases)
    log = sorted(each for each in (cluster.data / "pg_wal").iterdir() if each.is_file())
    others = [
        each
        for each in cluster.data.iterdir()
        if each.name not in {"base", "pg_wal", "pg_dynshmem"}
    ]
    temporary = [each for each in base.iterdir() if each.name == "pgsql_tmp"]
    return [*folders, *others, *temporary, *(each for each in log if each.name >= since)]
