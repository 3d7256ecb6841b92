"""The public pages with the database role that they really have: it can add, and read nothing."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from django.db import ProgrammingError, connections
from django.test import Client

from privacy.models import Envelope, SealingPublicKey
from tests import plugin
from tests.conftest import Connect
from tests.forms_intake import cast
from tests.forms_intake.cast import CODE, body
from tests.forms_intake.page import filled

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
URL, API = f"/f/{CODE}", f"/api/v1/forms/{CODE}"
ROLE = "accord_public"


class _Closed:
    """Stands for a database that this process was not given."""

    def __call__(self, *_args: object) -> None:
        raise AssertionError("the public side asked for a database that it does not have")


@pytest.fixture
def public_role(visitor: Client) -> Iterator[Client]:
    """The visitor's process connects as accord_public, and has no other database."""
    cast.published()
    intake = connections["intake"]
    before = {name: intake.settings_dict[name] for name in ("USER", "PASSWORD")}
    intake.close()
    intake.settings_dict.update(USER=ROLE, PASSWORD=plugin.PASSWORDS[ROLE])
    with (
        connections["default"].execute_wrapper(_Closed()),
        connections["vault"].execute_wrapper(_Closed()),
    ):
        yield visitor
    intake.close()
    intake.settings_dict.update(before)


def test_the_role_is_the_real_one(public_role: Client) -> None:
    with connections["intake"].cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (ROLE,)


def test_every_public_address_works_with_it(public_role: Client) -> None:
    page = public_role.get(URL)
    assert page.status_code == 200
    assert public_role.get(f"{URL}/embed").status_code == 200
    assert public_role.get(f"{URL}/embed.html").status_code == 200
    form = public_role.get(API).json()
    assert public_role.post(URL, filled(page.content)).status_code == 200
    key = str(uuid4())
    for _attempt in range(2):
        answer = public_role.post(
            f"{API}/submissions",
            body(form),
            content_type="application/json",
            headers={"Idempotency-Key": key},
        )
        assert answer.status_code == 202


def test_what_it_dropped_in_is_read_by_the_worker_alone(public_role: Client) -> None:
    public_role.post(URL, filled(public_role.get(URL).content))
    with pytest.raises(ProgrammingError, match="permission denied for table privacy_envelope"):
        Envelope.objects.count()
    intake = connections["intake"]
    intake.close()
    intake.settings_dict.update(USER="accord_worker", PASSWORD=plugin.PASSWORDS["accord_worker"])
    assert Envelope.objects.count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM privacy_envelope",
        "SELECT count(*) FROM privacy_envelope",
        "DELETE FROM privacy_envelope",
        "UPDATE privacy_envelope SET failure = ''",
        "INSERT INTO privacy_envelope VALUES (DEFAULT) RETURNING id",
        "TRUNCATE privacy_envelope",
        "UPDATE forms_intake_publishedform SET document = '{}'",
        "DELETE FROM forms_intake_publishedform",
        "INSERT INTO forms_intake_publishedform VALUES ('x', 1, '{}', now())",
        "UPDATE privacy_sealingpublickey SET public = ''",
        "INSERT INTO privacy_sealingpublickey SELECT * FROM privacy_sealingpublickey",
    ],
)
def test_everything_else_is_refused(connect: Connect, statement: str) -> None:
    with (
        connect("public", "intake") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_the_other_databases_do_not_even_open(connect: Connect) -> None:
    for zone in ("crm", "vault"):
        with pytest.raises(psycopg.OperationalError), connect("public", zone):
            pass


def test_the_keys_that_it_reads_are_public_ones(public_role: Client) -> None:
    assert {field.name for field in SealingPublicKey._meta.get_fields()} == {
        "id",
        "public",
        "instance_id",
        "created_at",
    }
    assert len(bytes(SealingPublicKey.objects.get().public)) == 32
