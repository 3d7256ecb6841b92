"""The pages of crm keep to the strict content policy and can be read by a machine."""

from collections import Counter

import pytest
from django.test import Client

from consent.services import history
from crm.services import create_segment
from tests.conftest import NOW
from tests.consent.people import newsletter, submit
from tests.crm.pages.arrivals import arrive, soup, unlabelled
from tests.crm.people import make_contact

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
RULES = {
    "match": "all",
    "rules": [
        {"fact": "language", "is": "one_of", "value": ["fr", "xx"]},
        {"fact": "source", "is": "one_of", "value": ["site"]},
        {
            "match": "any",
            "rules": [
                {"fact": "has_phone", "is": "equal", "value": True},
                {"fact": "created", "is": "before", "value": "2026-01-31"},
                {"fact": "created", "is": "in_last_days", "value": 3},
            ],
        },
    ],
}


@pytest.fixture
def pages(client: Client) -> dict[str, str]:
    contact_id = arrive(message="Hello")
    submit(contact_id, newsletter(is_ticked=True), needs_confirmation=False)
    record_id = history(subject_id=contact_id)[0].record_id
    make_contact(tags=["vip"])
    segment_id = create_segment(name="Mixed", rules=RULES, now=NOW)
    urls = [
        "/",
        "/contacts/",
        f"/contacts/{contact_id}/",
        f"/contacts/{contact_id}/no",
        f"/contacts/{contact_id}/no?purpose=newsletter",
        f"/contacts/{contact_id}/records/{record_id}",
        "/calls/",
        "/calls/?segment=all",
        "/leads/",
        "/leads/?state=all&mine=1",
        "/segments/",
        "/segments/new",
        f"/segments/{segment_id}/",
    ]
    return {url: client.get(url).content.decode() for url in urls}


def test_nothing_is_inline_nothing_is_twice_and_everything_has_a_name(
    pages: dict[str, str], client: Client
) -> None:
    for url in pages:
        page = soup(client.get(url))
        assert not page.select("[style], style, script:not([src])"), url
        assert not [t for t in page.find_all() for name in t.attrs if name.startswith("on")], url
        ids = Counter(str(tag["id"]) for tag in page.select("[id]"))
        assert [name for name, times in ids.items() if times > 1] == [], url
        assert len(page.select("h1")) == 1, url
        assert unlabelled(page) == [], url
        buttons = [b for b in page.select("button, main a") if not b.get_text(strip=True)]
        assert [b for b in buttons if not b.get("aria-label")] == [], url
        for label in page.select("label[for]"):
            assert page.select(f"#{label['for']}"), (url, label)


def test_no_address_of_a_page_names_a_person(pages: dict[str, str], client: Client) -> None:
    for url in pages:
        for tag in soup(client.get(url)).select("[href], [action], [hx-post], [src]"):
            for name in ("href", "action", "hx-post", "src"):
                assert "alice" not in str(tag.get(name, "")).lower()


def test_a_page_says_the_same_in_french(client: Client) -> None:
    """Until the catalogue is there the words are English; the page itself must not break."""
    client.cookies["accord_language"] = "fr"
    contact_id = arrive(message="Bonjour")
    for url in ("/contacts/", f"/contacts/{contact_id}/", "/leads/", "/segments/new"):
        response = client.get(url)
        assert response.status_code == 200
        html = soup(response).html
        assert html is not None
        assert html["lang"] == "fr"
