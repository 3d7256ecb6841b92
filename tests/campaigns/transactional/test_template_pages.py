"""The pages of transactional templates: marketing is refused, every language is looked at."""

import pytest
from django.test import Client

from campaigns.content.findings import BrokenTemplate
from campaigns.models import TransactionalTemplate
from campaigns.transactional.filling import Words, content_of
from campaigns.transactional.templates import preview
from campaigns.transactional.variables import (
    BadDeclaration,
    InvalidValues,
    checked,
    read_declaration,
)
from consent.services import seed_purposes
from tests.campaigns.transactional.asking import TEXT, VARIABLES, template
from tests.conftest import NOW
from tests.crm.pages.arrivals import soup, unlabelled, words
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"]),
    pytest.mark.usefixtures("english"),
]
MJML = (
    "<mjml><mj-body><mj-section><mj-column>"
    "<mj-text>Dear {{ first_name }}, {{ note }} of {{ due }}</mj-text>"
    '<mj-button href="{{ link }}">Pay</mj-button>'
    "</mj-column></mj-section></mj-body></mjml>"
)


def form(**changes: str) -> dict[str, str]:
    return {
        "name": "Invoice", "code": "invoice", "purpose": "service_information",
        "ground": "contract", "variables": VARIABLES, "subject_en": "Invoice {{ invoice }}",
        "text_en": TEXT, "do": "save", **changes,
    }  # fmt: skip


@pytest.fixture
def browser() -> Client:
    seed_purposes(now=NOW)
    return staff_client("communication")


def test_it_is_looked_at_saved_changed_archived_and_brought_back(browser: Client) -> None:
    assert "No transactional template yet" in words(browser.get("/transactional/"))
    looked = browser.post("/transactional/new", form(do="preview"))
    assert "Invoice (invoice)" in words(looked) and "1234.5 euros" in words(looked)
    assert unlabelled(soup(looked)) == [] and not TransactionalTemplate.objects.exists()
    assert browser.post("/transactional/new", form()).headers["Location"] == "/transactional/"
    row = TransactionalTemplate.objects.get()
    page = browser.get(f"/transactional/{row.id}/")
    assert "note text optional" in words(page)
    browser.post(f"/transactional/{row.id}/", form(name="Bill", subject_fr="F", text_fr="Voir"))
    row.refresh_from_db()
    assert (row.name, row.code) == ("Bill", "invoice")
    assert sorted(row.versions.values_list("language", flat=True)) == ["en", "fr"]
    assert "is archived" in words(browser.post(f"/transactional/{row.id}/archive", follow=True))
    assert browser.get(f"/transactional/{row.id}/").status_code == 404
    assert "Bill" in words(browser.post(f"/transactional/{row.id}/restore", follow=True))


def test_marketing_is_refused_and_the_page_says_why(browser: Client) -> None:
    answer = browser.post("/transactional/new", form(purpose="newsletter"))
    assert answer.status_code == 422
    assert "no way round an opt-out" in words(answer)
    assert not TransactionalTemplate.objects.exists()


REFUSED = {
    "ground": ({"ground": "contract", "purpose": "reply_to_request"}, "no such legal basis"),
    "required": ({"is_required": "on"}, "Only what the law makes us tell"),
    "declaration": ({"variables": "first_name text"}, "Line 1 cannot be read"),
    "field": ({"text_en": "{{ password }}"}, "is not a merge field"),
    "nothing": ({"text_en": "", "subject_en": ""}, "Write it in one language"),
    "half": ({"subject_fr": "Facture"}, "either a text or MJML"),
    "card": ({"text_en": "4111 1111 1111 1111"}, "card"),
    "code": ({"code": "with blank"}, "slug"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_sent_is_said(name: str, browser: Client) -> None:
    changes, said = REFUSED[name]
    answer = browser.post("/transactional/new", form(**changes))
    assert answer.status_code == 422 and said in words(answer)
    assert not TransactionalTemplate.objects.exists()


def test_a_code_is_taken_once(browser: Client) -> None:
    template()
    assert "has this code" in words(browser.post("/transactional/new", form()))


STYLE = "<mj-style>a{ {{ note }} }</mj-style>"
VARIABLES_OF_MJML = read_declaration("note text\ndue date\nlink link")


def test_mjml_holds_values_as_text_whatever_they_are() -> None:
    values = {
        "first_name": "</div><script>1</script>",
        "note": '{{ email }} " onload="x',
        "due": "1 May",
        "link": "https://pay.example.org/?a=1&b='2",
    }
    content = content_of(Words("en", "Pay", mjml=MJML), VARIABLES_OF_MJML, values)
    assert "<script" not in content.html and "&lt;script&gt;" in content.html
    assert 'href="https://pay.example.org/?a=1&amp;b=&#x27;2"' in content.html
    assert ".invalid" not in content.html + content.text and "{{ email }}" in content.text
    assert "https://pay.example.org/?a=1&b='2" in content.text and "1 May" in content.text


@pytest.mark.parametrize(
    "mjml",
    [
        MJML.replace("<mj-text>", '<mj-text color="{{ note }}">'),
        MJML.replace(
            "<mj-body>", "<mj-head><mj-style>a{ {{ note }} }</mj-style></mj-head><mj-body>"
        ),
        MJML.replace("<mj-text>", "<mj-text><script>{{ note }}</script>"),
        MJML.replace('href="{{ link }}"', 'href="{{ note }}"'),
    ],
)
def test_a_value_in_style_or_script_is_refused(mjml: str) -> None:
    with pytest.raises(BrokenTemplate):
        preview(Words("en", "Pay", mjml=mjml), VARIABLES_OF_MJML)


@pytest.mark.parametrize(
    "line",
    ["Name text", "name words", "name", "email text", "a text\na date", "a text often", "1a text"],
)
def test_a_declaration_is_closed(line: str) -> None:
    with pytest.raises(BadDeclaration):
        read_declaration(line)


def test_there_is_a_most_of_variables() -> None:
    with pytest.raises(BadDeclaration, match="31"):
        read_declaration("\n".join(f"v{number} text" for number in range(31)))


@pytest.mark.parametrize("value", [float("nan"), 10**15, "12", True, 1e300])
def test_numbers_are_numbers(value: object) -> None:
    with pytest.raises(InvalidValues):
        checked(read_declaration("n number"), {"n": value})
