"""An id that belongs to something else opens and changes nothing (ASVS 8.2.2)."""

from uuid import uuid4

import pytest
from django.test import Client

from campaigns import services as campaigns
from campaigns.models import Campaign
from forms_intake.services import save_version
from tests.attacks.world import ALICE, BOB, World, changed, digest, filled, names_of_parts, patterns
from tests.campaigns import cast
from tests.conftest import NOW
from tests.crm.staff import staff_client
from tests.forms_intake import cast as forms

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
_REFUSED = {302, 400, 403, 404, 405, 422}
_FIELDS = {"status": "customer", "state": "closed", "source": str(uuid4()), "segment": "all",
           "title": "x", "purpose": "newsletter", "email": "1"}  # fmt: skip


def _with_ids() -> list[str]:
    return [route for route, _pattern in patterns("deploy.urls_staff") if "uuid:" in route]


def _wrong(world: World, name: str) -> list[str]:
    """An id that exists and is of another kind, and one that exists nowhere."""
    other = world.lead if name == "contact_id" else world.contact
    return [str(other), str(uuid4())]


@pytest.mark.parametrize("role", ["marketing", "dpo", "support"])
def test_an_id_of_another_kind_or_of_nothing_opens_nothing(world: World, role: str) -> None:
    client = staff_client(role)
    routes = _with_ids()
    assert len(routes) > 30
    before = digest()
    for route in routes:
        for name in (each for each in names_of_parts(route) if each.endswith("_id")):
            for value in _wrong(world, name):
                url = filled(route, world.parts(), {name: value})
                for answer in (client.get(url), client.post(url, _FIELDS)):
                    assert answer.status_code in _REFUSED, (url, name)
                    text = getattr(answer, "content", b"").decode(errors="replace")
                    assert ALICE not in text and BOB not in text, (url, name)
    assert changed(before) == []


def test_two_ids_that_do_not_belong_together_open_nothing(world: World) -> None:
    """Each exists, and the one is not the other's."""
    marketing, officer = staff_client(), staff_client("dpo", username="dominique")
    forms.published(code="another")
    other_form = save_version(code="another", draft=forms.draft(), now=NOW)
    before = digest()
    pairs = [
        (officer, "get", f"/contacts/{world.other_contact}/records/{world.record}"),
        (officer, "get", f"/campaigns/{world.draft}/proof/{world.contact}"),
        (officer, "get", f"/api/v1/campaigns/{world.draft}/messages/{world.contact}/proof"),
        (marketing, "post", f"/forms/contact/{other_form}/publish"),
        (marketing, "get", f"/forms/contact/{other_form}/preview"),
    ]
    for client, method, url in pairs:
        assert getattr(client, method)(url).status_code in {403, 404}, url
    assert changed(before) == []


def test_what_is_over_cannot_be_changed_by_its_id(world: World) -> None:
    """A launched campaign is no draft any more, whoever knows its address."""
    client = staff_client()
    campaigns.deliver(campaign_id=world.campaign, clock=cast.clock)
    before = Campaign.objects.filter(id=world.campaign).values().get()
    for what in ("edit", "launch", "test"):
        client.post(
            f"/campaigns/{world.campaign}/{what}", {"subject": "Other", "to": "x@y.example"}
        )
    assert Campaign.objects.filter(id=world.campaign).values().get() == before


@pytest.mark.parametrize("scope", ["u", "p", "c", "undo"])
def test_a_link_of_one_kind_opens_no_page_of_another(
    world: World, visitor: Client, scope: str
) -> None:
    """Any bytes in the place of a token are answered alike, and change nothing."""
    before = digest()
    for token in ("A" * 60, "..%2f..%2fetc%2fpasswd", "%00", "é" * 30, "A" * 5000):
        assert visitor.get(f"/{scope}/{token}").status_code in {200, 404}
    assert changed(before) == []
