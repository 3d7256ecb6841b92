"""The proof of a permission, from the page of a contact."""

import io
import zipfile
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from consent.models import LedgerEvent
from crm.pages import PROVERS
from crm.services import Role
from tests.consent.people import newsletter, submit
from tests.crm.pages.arrivals import arrive, soup
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault", "anchor"),
]


@pytest.fixture
def alice(vault: None) -> UUID:
    contact_id = arrive()
    submit(contact_id, newsletter(is_ticked=True), needs_confirmation=False)
    return contact_id


def address(contact_id: UUID, purpose: str = "newsletter", channel: str = "email") -> str:
    return reverse("contact-proof", args=[contact_id, purpose, channel])


@pytest.mark.parametrize(
    ("role", "sees_evidence"), [("dpo", True), ("marketing", False), ("sales", False)]
)
def test_one_press_gives_the_pack_and_the_evidence_only_to_who_answers_for_it(
    alice: UUID, role: str, sees_evidence: bool
) -> None:
    browser = staff_client(role)
    page = soup(browser.get(f"/contacts/{alice}/"))
    links = [str(link["href"]) for link in page.select("#permissions ~ * a, a[download]")]
    assert address(alice) in links
    response = browser.get(address(alice))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/zip"
    assert f"proof-{alice}-newsletter-email.zip" in response.headers["Content-Disposition"]
    assert response.headers["Cache-Control"] == "no-store"
    names = zipfile.ZipFile(io.BytesIO(response.content)).namelist()
    assert ("evidence.json" in names) is sees_evidence


def test_a_role_that_may_not_prove_has_no_button_and_no_pack(alice: UUID) -> None:
    browser = staff_client("communication")
    page = soup(browser.get(f"/contacts/{alice}/"))
    assert page.select("a[download]") == []
    for role in (role.value for role in Role if role.value not in PROVERS):
        other = staff_client(role, username=f"other-{role}")
        assert other.get(address(alice)).status_code == 403, role


def test_what_the_ledger_does_not_know_has_no_proof(client: Client, alice: UUID) -> None:
    page = soup(client.get(f"/contacts/{alice}/"))
    assert [link["href"] for link in page.select("a[download]")] == [address(alice)]
    for unknown in (
        address(uuid4()),
        address(alice, purpose="phone_prospecting", channel="phone"),
        address(alice, channel="post"),
        address(alice, purpose="no-such-purpose"),
    ):
        assert client.get(unknown).status_code == 404, unknown


def test_fetching_a_proof_changes_nothing(client: Client, alice: UUID) -> None:
    before = LedgerEvent.objects.count()
    first, second = client.get(address(alice)), client.get(address(alice))
    assert first.status_code == second.status_code == 200
    assert client.post(address(alice)).status_code == 405
    assert LedgerEvent.objects.count() == before


def test_machines_are_told_the_same_by_the_api(alice: UUID) -> None:
    browser = staff_client("dpo")
    (said,) = [
        line
        for line in browser.get(reverse("contact-permissions", args=[alice])).json()["permissions"]
        if line["purpose"] == "newsletter"
    ]
    assert (said["permitted"], said["reason_code"]) == (True, "permitted_consent")
    records = browser.get(reverse("contact-records", args=[alice]))
    assert records.headers["Content-Type"] == "application/ld+json"
    found = [str(record["dct:identifier"]) for record in records.json()["@graph"]]
    assert any(said["record_id"] in identifier for identifier in found)
    pack = browser.get(reverse("api-contact-proof", args=[alice, "newsletter", "email"]))
    assert "accord_verify.py" in zipfile.ZipFile(io.BytesIO(pack.content)).namelist()
