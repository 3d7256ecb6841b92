"""Whoever takes over the public process has credentials that read nothing of anybody."""

from uuid import uuid4

import httpx
import psycopg
import pytest

from tests import plugin
from tests.crm.access.test_every_staff_address import GUARDED
from tests.journeys import acts
from tests.journeys.stage import Stage


def _connect(stage: Stage, zone: str) -> psycopg.Connection:
    role = "accord_public"
    dsn = plugin.CLUSTER.dsn(database=stage.names[zone], user=role, password=plugin.PASSWORDS[role])
    return psycopg.connect(dsn)


def test_the_environment_of_the_process_names_one_database_and_no_key(stage: Stage) -> None:
    given = stage.environment("public")
    assert "ACCORD_INTAKE_DSN" in given
    assert "ACCORD_CRM_DSN" not in given and "ACCORD_VAULT_DSN" not in given


@pytest.mark.parametrize("zone", ["crm", "vault"])
def test_its_credentials_do_not_even_connect_to_the_others(stage: Stage, zone: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        _connect(stage, zone)


def test_what_was_posted_cannot_be_read_changed_or_removed_again(stage: Stage) -> None:
    stage.stop_one("worker")
    try:
        form = acts.publish_form()
        assert acts.post_lead(stage, form, f"{uuid4().hex}@example.org").status_code == 202
        for statement in (
            "SELECT * FROM privacy_envelope",
            "SELECT id FROM privacy_envelope LIMIT 1",
            "UPDATE privacy_envelope SET failure = ''",
            "DELETE FROM privacy_envelope",
            "INSERT INTO privacy_envelope SELECT * FROM privacy_envelope",
            "COPY privacy_envelope TO STDOUT",
        ):
            with (
                _connect(stage, "intake") as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(statement)
    finally:
        stage.start("worker")
    acts.wait_for_leads(form, 1)


def test_no_staff_page_is_reachable_on_the_public_address(stage: Stage) -> None:
    for url, _pattern in GUARDED:
        assert httpx.get(f"{stage.public_url}{url}").status_code == 404, url
