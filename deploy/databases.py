"""The three databases and the roles that reach them; provisioning may run at every start."""

import json
import secrets
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.embedded.postgres import Cluster

OWNER = "accord_owner"
# Which databases a process may connect to. beat has none: it only rings bells.
ZONES: dict[str, tuple[str, ...]] = {
    "owner": ("crm", "vault", "intake"),
    "public": ("intake",),
    "returns": ("intake",),
    "staff": ("crm", "vault"),
    "worker": ("crm", "vault", "intake"),
    "search": ("crm", "vault"),
    "beat": (),
}
DATABASES = ("crm", "vault", "intake")


def role_of(process: str) -> str:
    return f"accord_{process}"


def load_passwords(path: Path) -> dict[str, str]:
    """Return the role passwords kept at `path` (0600), made at the first call.

    A role that came with a newer release gets its password when it is first asked for.
    """
    kept: dict[str, str] = {}
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
    wanted = {role_of(process) for process, zones in ZONES.items() if zones}
    if wanted <= kept.keys():
        return kept
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept |= {role: secrets.token_urlsafe(24) for role in sorted(wanted - kept.keys())}
    path.touch(mode=0o600)
    path.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    return kept


def _create_roles(connection: psycopg.Connection, passwords: dict[str, str]) -> None:
    present = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    for role, password in passwords.items():
        verb = "ALTER" if role in present else "CREATE"
        connection.execute(
            sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                sql.Identifier(role), sql.Literal(password)
            )
        )


def _create_databases(connection: psycopg.Connection, names: dict[str, str]) -> None:
    present = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
    for name in names.values():
        if name not in present:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(OWNER)
                )
            )


def _open_doors(connection: psycopg.Connection, names: dict[str, str]) -> None:
    for zone, name in names.items():
        database = sql.Identifier(name)
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        for process, zones in ZONES.items():
            if zone in zones:
                connection.execute(
                    sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                        database, sql.Identifier(role_of(process))
                    )
                )


def provision(cluster: Cluster, *, passwords: dict[str, str], suffix: str = "") -> dict[str, str]:
    """Create the roles and databases that are missing; return zone -> database name.

    Calling twice is safe. Tables and their grants come with `manage.py migrate` and
    `deploy.grants.apply_grants`.
    """
    names = {zone: f"{zone}{suffix}" for zone in DATABASES}
    with psycopg.connect(cluster.dsn(database="postgres"), autocommit=True) as connection:
        _create_roles(connection, passwords)
        _create_databases(connection, names)
        _open_doors(connection, names)
    for name in names.values():
        with psycopg.connect(cluster.dsn(database=name), autocommit=True) as connection:
            connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            connection.execute(
                sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(OWNER))
            )
    return names


def environment(
    cluster: Cluster, *, process: str, passwords: dict[str, str], names: dict[str, str]
) -> dict[str, str]:
    """Return the settings of one process: the addresses of the databases it may reach only."""
    role = role_of(process)
    return {"ACCORD_PROCESS": process} | {
        f"ACCORD_{zone.upper()}_DSN": cluster.dsn(
            database=names[zone], user=role, password=passwords[role]
        )
        for zone in ZONES[process]
    }
