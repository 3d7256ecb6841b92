"""The three databases: who may connect, who may do what, and that the list is complete."""

import json
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from deploy.databases import ZONES, load_passwords
from deploy.grants import GRANTS, effective_grants, tables
from tests.conftest import Connect

ALL = ("crm", "vault", "intake")


@pytest.mark.parametrize("zone", ALL)
def test_the_catalogue_grants_exactly_what_was_reviewed(connect: Connect, zone: str) -> None:
    with connect("owner", zone) as connection:
        reviewed = {table: rule for table, rule in GRANTS[zone].items() if rule}
        assert effective_grants(connection) == reviewed


@pytest.mark.parametrize("zone", ALL)
def test_every_table_has_a_reviewed_rule(connect: Connect, zone: str) -> None:
    with connect("owner", zone) as connection:
        assert tables(connection) == set(GRANTS[zone])


@pytest.mark.parametrize(
    ("process", "zone"),
    [(p, z) for p, zones in ZONES.items() if zones for z in ALL if z not in zones],
)
def test_a_process_cannot_connect_outside_its_zones(
    connect: Connect, process: str, zone: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied"), connect(process, zone):
        pass


def test_the_public_role_reads_back_none_of_what_it_drops_in(connect: Connect) -> None:
    row = (
        "INSERT INTO privacy_envelope (id, kind, context, seal_key, sealed, received_at, failure)"
        " VALUES (gen_random_uuid(), 'lead', 'contact', 1, %s, now(), '')"
    )
    with connect("public", "intake") as connection:
        connection.execute(row, [b"x" * 64])
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SELECT id FROM privacy_envelope")


@pytest.mark.parametrize(
    "statement", ["UPDATE privacy_envelope SET kind=''", "DELETE FROM privacy_envelope"]
)
def test_the_public_role_changes_nothing(connect: Connect, statement: str) -> None:
    with connect("public", "intake") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize("size", [63, 16385])
def test_an_envelope_outside_its_size_is_refused(connect: Connect, size: int) -> None:
    with connect("public", "intake") as connection, pytest.raises(errors.CheckViolation):
        connection.execute(
            "INSERT INTO privacy_envelope (id, kind, context, seal_key, sealed, received_at,"
            " failure) VALUES (gen_random_uuid(), 'lead', 'contact', 1, %s, now(), '')",
            [b"x" * size],
        )


def test_staff_cannot_destroy_keys(connect: Connect) -> None:
    with connect("staff", "vault") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("DELETE FROM dek")


def test_a_role_of_a_newer_release_gets_its_password(tmp_path: Path) -> None:
    path = tmp_path / "roles.json"
    path.write_text(json.dumps({"accord_owner": "kept"}), encoding="utf-8")
    first = load_passwords(path)
    assert first["accord_owner"] == "kept"
    assert first["accord_returns"]
    assert load_passwords(path) == first
