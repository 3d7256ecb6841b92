"""A post that the person did not mean: no address of the staff side takes it (ASVS 3.5.1, 3.5.2).

The public side has nobody's session to abuse: it sets no cookie and looks at none.
"""

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.attacks.world import World, addresses, changed, digest
from tests.crm.staff import make_account, signed_in

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
_FIELDS = {"status": "customer", "state": "closed", "do": "save", "name": "x", "is_checked": "on"}


@pytest.fixture
def guarded() -> Client:
    """A signed-in member of staff whose browser is held to the token, as browsers are."""
    client = signed_in(make_account())
    client.handler.enforce_csrf_checks = True
    return client


def _refusal(url: str, answered: int) -> int:
    """403 everywhere but where a token of machines counts alone: a session is nobody there."""
    if url != "/api/v1/messages":
        return 403
    return 405 if answered == 405 else 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_without_the_token_of_a_page_nothing_is_taken(
    world: World, guarded: Client, method: str
) -> None:
    before = digest()
    for url in addresses("deploy.urls_staff", world.parts()):
        answer = getattr(guarded, method)(url, _FIELDS)
        assert answer.status_code == _refusal(url, answer.status_code), url
    assert changed(before) == []


def _token(client: Client) -> str:
    page = client.get(reverse("change-password")).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"]
)
def test_a_foreign_origin_is_refused_even_with_the_token(
    world: World, guarded: Client, origin: str
) -> None:
    token = _token(guarded)
    before = digest()
    for url in addresses("deploy.urls_staff", world.parts()):
        answer = guarded.post(
            url, {**_FIELDS, "csrfmiddlewaretoken": token}, headers={"Origin": origin}
        )
        assert answer.status_code == _refusal(url, answer.status_code), url
    assert changed(before) == []


def test_the_same_post_with_token_and_origin_is_taken(world: World, guarded: Client) -> None:
    """Else the two tests above would pass against a wall."""
    url = f"/contacts/{world.contact}/status"
    fields = {"status": "customer", "csrfmiddlewaretoken": _token(guarded)}
    answer = guarded.post(url, fields, headers={"Origin": "http://testserver"})
    assert answer.status_code == 302


def test_the_public_side_sets_no_cookie_and_minds_none(world: World, visitor: Client) -> None:
    for url in addresses("deploy.urls_public", world.parts()):
        plain = visitor.get(url)
        assert not plain.cookies, url
        visitor.cookies.load({"accord_session": "x" * 32, "accord_csrf": "y" * 32})
        again = visitor.get(url)
        visitor.cookies.clear()
        assert not again.cookies and again.status_code == plain.status_code, url
        assert "Cookie" not in again.get("Vary", ""), url
