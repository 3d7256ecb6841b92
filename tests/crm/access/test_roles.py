"""Every role at every address of the staff side, compared with the reviewed table."""

import re
from pathlib import Path

import pytest
from django.urls import reverse

from crm.models import Role
from crm.shell import lists_of, menu_of, steps_of
from crm.step_up import CONFIRMED
from tests.crm.access.matrix import EVERYBODY, MATRIX
from tests.crm.access.test_every_staff_address import BEHIND
from tests.crm.staff import set_session, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
ROOT = Path(__file__).resolve().parents[3]


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    names = {str(pattern.name) for _url, pattern in BEHIND}
    assert sorted(names - MATRIX.keys()) == [], "Say in matrix.py and docs/roles.md who may."
    assert sorted(MATRIX.keys() - names) == [], "It is not there any more."
    assert {str(role) for role in Role} == EVERYBODY


@pytest.mark.parametrize("role", sorted(Role.values))
def test_a_role_is_answered_as_the_table_says(vault: None, role: str) -> None:
    client = staff_client(role)
    wrong = []
    for url, pattern in BEHIND:
        row = MATRIX[str(pattern.name)]
        for method, status in (("get", row.get), ("post", row.post)):
            expected = status if status == 405 or role in row.roles else 403
            answered = getattr(client, method)(url).status_code
            if answered != expected:
                wrong.append((pattern.name, method, answered, expected))
    assert wrong == []


def test_a_second_factor_shown_long_ago_is_asked_for_again(vault: None) -> None:
    """Exactly where the table says so, and before the page looks at anything."""
    clients = {role: staff_client(role, username=role) for role in Role.values}
    for client in clients.values():
        set_session(client, **{CONFIRMED: 0.0})
    wrong = []
    for url, pattern in BEHIND:
        row = MATRIX[str(pattern.name)]
        client = clients[min(row.roles)]
        answer = getattr(client, "get" if row.get != 405 else "post")(url)
        is_sent = answer.headers.get("Location", "").startswith(reverse("confirm"))
        if is_sent is not row.step_up:
            wrong.append((pattern.name, answer.status_code))
    assert wrong == []


def test_the_menu_offers_a_role_what_it_may_open_and_nothing_else() -> None:
    offered: dict[str, set[str]] = {}
    for role in Role.values:
        for item in menu_of(role=role):
            offered.setdefault(item.url_name, set()).add(role)
    assert offered == {name: set(MATRIX[name].roles) for name in offered}
    assert len(offered) > 10


@pytest.mark.parametrize("role", sorted(Role.values))
def test_the_home_page_leads_a_role_to_nothing_it_may_not_open(role: str) -> None:
    led_to = {each.more_url_name for each in lists_of(role=role)}
    led_to |= {str(step.url_name) for step in steps_of(role=role)}
    assert {name for name in led_to if role not in MATRIX[name].roles} == set()


def test_the_page_of_roles_says_the_same() -> None:
    """docs/roles.md lists the addresses by role; it is made of the same table."""
    text = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([a-z-]+)` \| ([a-z, ]+) \|$", text, re.MULTILINE))
    expected = {
        name: "everybody" if row.roles == EVERYBODY else ", ".join(sorted(row.roles))
        for name, row in MATRIX.items()
    }
    assert told == expected
    said = text.partition("## The second factor again")[2]
    assert set(re.findall(r"^- `([a-z-]+)`$", said, re.MULTILINE)) == {
        name for name, row in MATRIX.items() if row.step_up
    }
