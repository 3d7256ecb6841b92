"""The page on which two contacts are said to be one person."""

import pytest
from django.test import Client
from django.urls import reverse

from crm import services
from crm.models import Contact, ContactMerge
from tests.conftest import NOW
from tests.consent.people import newsletter, submit
from tests.crm.pages.arrivals import arrive, soup, unlabelled, words
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]


def test_both_are_shown_with_what_will_hold_before_anything_happens(client: Client) -> None:
    alice, alix = arrive("Alice"), arrive("Alix")
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    services_no = client.post(
        reverse("contact-no", args=[alix]), {"purpose": "", "source": str(alix)}
    )
    assert services_no.status_code == 302
    url = reverse("contact-merge", args=[alice])
    assert unlabelled(soup(client.get(url))) == []
    page = soup(client.post(url, {"email": "Alix@example.org"}))
    shown = page.get_text(" ", strip=True)
    assert "Alice Martin" in shown and "Alix Martin" in shown
    (row,) = page.select("tbody tr")
    assert [cell.get_text(strip=True) for cell in row.select("td")] == [
        "Said yes",
        "nothing",
        "Consent ended by us",
    ]
    assert not ContactMerge.objects.exists()


def test_saying_so_merges_them_and_the_old_page_leads_to_the_new_one(client: Client) -> None:
    alice, alix = arrive("Alice"), arrive("Alix")
    url = reverse("contact-merge", args=[alice])
    client.post(url, {"absorbed": str(alix)})
    assert "A merge of this contact is under way" in words(client.get(f"/contacts/{alix}/"))
    services.settle_merges(now=NOW)
    assert Contact.objects.count() == 1
    assert client.get(f"/contacts/{alix}/").headers["Location"] == f"/contacts/{alice}/"
    page = words(client.get(f"/contacts/{alice}/"))
    assert "Also known by alix@example.org" in page and "Took in another contact" in page


@pytest.mark.parametrize(
    ("email", "why"),
    [
        ("alice@example.org", "the contact itself"),
        ("nobody@example.org", "No contact has this address"),
        ("nobody", "not an e-mail address"),
    ],
)
def test_what_cannot_be_found_says_why(client: Client, email: str, why: str) -> None:
    url = reverse("contact-merge", args=[arrive("Alice")])
    response = client.post(url, {"email": email})
    assert why in words(response)
    assert email not in response.request["QUERY_STRING"]


def test_the_officer_merges_nobody(vault: None) -> None:
    officer = staff_client("dpo", username="dominique")
    alice = arrive("Alice")
    assert officer.get(reverse("contact-merge", args=[alice])).status_code == 403
    assert "Merge with another contact" not in words(officer.get(f"/contacts/{alice}/"))
