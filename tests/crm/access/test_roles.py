"""Every role at every address of the staff side, compared with the reviewed table."""

import re
from pathlib import Path

import pytest

from crm.models import Role
from tests.crm.access.matrix import EVERYBODY, MATRIX
from tests.crm.access.test_every_staff_address import GUARDED
from tests.crm.staff import staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
ROOT = Path(__file__).resolve().parents[3]


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    names = {str(pattern.name) for _url, pattern in GUARDED}
    assert sorted(names - MATRIX.keys()) == [], "Say in matrix.py and docs/roles.md who may."
    assert sorted(MATRIX.keys() - names) == [], "It is not there any more."
    assert {str(role) for role in Role} == EVERYBODY


@pytest.mark.parametrize("role", sorted(Role.values))
def test_a_role_is_answered_as_the_table_says(vault: None, role: str) -> None:
    client = staff_client(role)
    wrong = []
    for url, pattern in GUARDED:
        row = MATRIX[str(pattern.name)]
        for method, status in (("get", row.get), ("post", row.post)):
            expected = status if status == 405 or role in row.roles else 403
            answered = getattr(client, method)(url).status_code
            if answered != expected:
                wrong.append((pattern.name, method, answered, expected))
    assert wrong == []


def test_the_page_of_roles_says_the_same() -> None:
    """docs/roles.md lists the addresses by role; it is made of the same table."""
    text = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([a-z-]+)` \| ([a-z, ]+) \|$", text, re.MULTILINE))
    expected = {
        name: "everybody" if row.roles == EVERYBODY else ", ".join(sorted(row.roles))
        for name, row in MATRIX.items()
    }
    assert told == expected
