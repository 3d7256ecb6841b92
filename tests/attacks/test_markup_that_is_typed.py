"""What people type never becomes an element or an attribute of a page (ASVS 1.2.1, stored XSS).

The pages are compared with those of people who typed harmless words: same elements, same
attributes, in the same order.
"""

from uuid import UUID, uuid4

import pytest
from bs4 import BeautifulSoup
from django.db import transaction
from django.test import Client

from crm.services import Person, receive_lead
from tests.attacks.world import World
from tests.conftest import NOW
from tests.consent.people import newsletter, submit
from tests.crm.imports.files import upload
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
CORPUS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus=alert(1) autofocus x='",
    "<svg/onload=alert(1)>",
    "</textarea><iframe srcdoc='<script>alert(1)</script>'>",
    "javascript:alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "<math><mi//xlink:href='data:x,<script>alert(4)</script>'>",
    "--><style>@import'//evil.example/x'</style>",
    "&lt;b&gt;twice&lt;/b&gt;",
    "<base href=//evil.example>",
    "\u003cimg src\u003dx\u003e",
]
_HARMLESS = "quiet words"
_NAMES = ("given_name", "family_name", "company", "job_title")


def _arrive(text: str, number: int) -> UUID:
    person = Person(f"typed{number}@example.org", **dict.fromkeys(_NAMES, text), country="FR")
    with transaction.atomic():
        contact = receive_lead(
            lead_id=uuid4(), person=person, message=text, language="fr", form_code="contact",
            form_version=1, source="site", received_at=NOW, now=NOW,
        )  # fmt: skip
    submit(contact, newsletter(is_ticked=True), email=person.email, needs_confirmation=False)
    return contact


def _bones(client: Client, url: str) -> list[tuple[str, tuple[str, ...]]]:
    answer = client.get(url)
    assert answer.status_code == 200, url
    page = BeautifulSoup(answer.content, "html.parser")
    return [(tag.name, tuple(sorted(tag.attrs))) for tag in page.find_all()]


def test_each_staff_page_of_a_person_has_the_bones_of_a_harmless_one(world: World) -> None:
    client, officer = staff_client(), staff_client("dpo", username="dominique")
    harmless = _arrive(_HARMLESS, 0)
    pages = ("/contacts/{}/", "/contacts/{}/merge", "/contacts/{}/no")
    expected = [_bones(client, page.format(harmless)) for page in pages]
    for number, text in enumerate(CORPUS, 1):
        contact = _arrive(text, number)
        assert [_bones(client, page.format(contact)) for page in pages] == expected, text
        page = client.get(f"/contacts/{contact}/").content.decode()
        assert text in BeautifulSoup(page, "html.parser").get_text(), text
        assert officer.get(f"/contacts/{contact}/").status_code == 200


def test_lists_and_searches_show_it_as_words(world: World) -> None:
    for number, text in enumerate(CORPUS, 1):
        _arrive(text, number)
    client = staff_client()
    for url in ("/contacts/", "/leads/", "/"):
        page = BeautifulSoup(client.get(url).content, "html.parser")
        assert not page.select("script:not([src]), iframe, svg[onload], math, base, [onerror]"), url
        assert not [t for t in page.find_all() for name in t.attrs if name.startswith("on")], url
        assert not page.select('img[src="x"], [href^="javascript:"], [autofocus][x]'), url
    for text in CORPUS:
        for url, name in (("/contacts/find", "email"), ("/officer/address", "address")):
            asker = client if name == "email" else staff_client("dpo", username=uuid4().hex[:8])
            page = BeautifulSoup(asker.post(url, {name: text}).content, "html.parser")
            assert not page.select("script:not([src]), iframe, math, base, [onerror], [onload]"), (
                text
            )


def test_a_file_of_it_is_shown_as_words(world: World) -> None:
    header = ";".join(
        ["email", *(f'"{text.replace(chr(34), chr(34) * 2)}"' for text in CORPUS[:5])]
    )
    batch = upload(f"{header}\ntyped@example.org;{CORPUS[3]};b;c;d;e\n".encode())
    page = BeautifulSoup(staff_client().get(f"/imports/{batch}/").content, "html.parser")
    assert not page.select("script:not([src]), iframe, math, base, [onerror], [onload], [onfocus]")
    assert CORPUS[0] in page.get_text()


def test_the_public_page_gives_it_back_as_words(world: World, visitor: Client) -> None:
    for text in CORPUS:
        fields = {"email": text, "family_name": text, "message": text, "company": text}
        page = BeautifulSoup(visitor.post("/f/contact", fields).content, "html.parser")
        assert not page.select("script:not([src]), iframe, math, base, [onerror], [onload]"), text
        assert page.select_one("textarea").get_text().strip() == text  # type: ignore[union-attr]
        answer = visitor.post("/no", {"email": text})
        page = BeautifulSoup(answer.content, "html.parser")
        assert not page.select("script, iframe, math, base, [onerror], [onload], [onfocus]"), text
