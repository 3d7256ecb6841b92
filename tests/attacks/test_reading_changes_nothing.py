"""GET and HEAD of every address of both sides: not one row is another afterwards (ASVS 3.5.3)."""

import pytest
from django.test import Client

from tests.attacks.world import World, addresses, changed, digest
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
_QUERIES = ("", "?segment=all&purpose=newsletter&do=save&delete=1&status=customer&state=closed")


@pytest.mark.parametrize("role", ["marketing", "dpo", "sales"])
def test_a_walk_over_the_staff_side_changes_nothing(world: World, role: str) -> None:
    client = staff_client(role)
    urls = addresses("deploy.urls_staff", world.parts())
    before = digest()
    opened = 0
    for url in urls:
        for query in _QUERIES:
            for method in ("get", "head"):
                answer = getattr(client, method)(url + query)
                assert answer.status_code < 500, url
                opened += answer.status_code == 200
    assert changed(before) == []
    assert opened > 60  # else the walk met closed doors only


def test_a_walk_over_the_public_side_changes_nothing(world: World, visitor: Client) -> None:
    urls = addresses("deploy.urls_public", world.parts())
    before = digest()
    answers = [
        getattr(visitor, method)(url + query)
        for url in urls
        for query in ("", "?choice=no&email=x@example.org&List-Unsubscribe=One-Click")
        for method in ("get", "head")
    ]
    assert {answer.status_code for answer in answers} <= {200, 404, 405}
    assert sum(answer.status_code == 200 for answer in answers) > 20
    assert changed(before) == []


def test_the_digest_sees_a_row(world: World) -> None:
    """A digest that sees nothing would pass every walk."""
    before = digest()
    client = staff_client()
    client.post(f"/contacts/{world.contact}/status", {"status": "customer"})
    assert {"default.crm_contact", "default.crm_timelineentry"} <= set(changed(before))
