"""A form inside the company's own site: plain HTML, and nothing is lost when it is out of date."""

import pytest
from django.test import Client

from forms_intake.abuse import TRAP
from forms_intake.services import promote_waiting
from privacy.models import Envelope
from tests.forms_intake import cast
from tests.forms_intake.cast import ALICE, CODE
from tests.forms_intake.page import LATER, fields_of, filled, form_of, one, parse

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
URL = f"/f/{CODE}"
SITE = {"Origin": "https://www.example.org"}


def test_the_snippet_is_plain_html_with_the_full_address(visitor: Client) -> None:
    cast.published()
    response = visitor.get(f"{URL}/embed")
    form = form_of(response.content)
    assert (form["action"], form["method"]) == (f"http://127.0.0.1:8000{URL}", "post")
    assert not form.find_all(["script", "style", "img", "iframe", "link"])
    assert not [element for element in form.find_all(True) if element.has_attr("style")]
    text = response.content.decode()
    assert text.index(cast.NOTICE["en"]) < text.index("<button")
    assert not [box for box in form.select("input[type=checkbox]") if box.has_attr("checked")]
    assert one(form, f"[name={TRAP}]").find_parent(hidden=True)


def test_the_snippet_belongs_to_no_visitor(visitor: Client) -> None:
    """A site keeps it in a cache: an id or a moment in it would be everybody's."""
    cast.published()
    first = visitor.get(f"{URL}/embed").content
    assert visitor.get(f"{URL}/embed").content == first
    assert not {"started", "submission"} & fields_of(first).keys()


def test_developers_find_the_code_to_copy_in_each_language(visitor: Client) -> None:
    cast.published()
    page = parse(visitor.get(f"{URL}/embed.html").content)
    copied = {str(area["id"]): area.text.strip() for area in page.select("textarea")}
    assert copied["code-en"] == visitor.get(f"{URL}/embed").content.decode().strip()
    assert cast.NOTICE["fr"] in copied["code-fr"]


def test_an_answer_from_an_allowed_site_arrives(visitor: Client) -> None:
    cast.published()
    snippet = visitor.get(f"{URL}/embed").content
    response = visitor.post(URL, filled(snippet), headers=SITE)
    assert response.status_code == 200
    visitor.post(URL, filled(snippet), headers=SITE)
    assert Envelope.objects.count() == 1, "a double click is one lead"
    visitor.post(URL, filled(snippet, message="Something else"), headers=SITE)
    assert promote_waiting(now=LATER).handled == 2


def test_an_outdated_snippet_leads_to_the_form_of_today_with_what_was_typed(
    visitor: Client,
) -> None:
    cast.published()
    snippet = visitor.get(f"{URL}/embed").content
    cast.next_version()
    posted = filled(snippet, message="kept", consents=["newsletter:email"])
    response = visitor.post(URL, posted, headers=SITE)
    assert response.status_code == 409
    again = fields_of(response.content)
    assert (again["email"], again["message"], again["form_version"]) == (ALICE, "kept", "2")
    assert Envelope.objects.count() == 0
    assert visitor.post(URL, filled(response.content)).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"), [("https://evil.example", 403), ("null", 422), ("", 403)]
)
def test_from_a_site_that_is_not_known_the_person_sends_it_again_from_here(
    visitor: Client, origin: str, status: int
) -> None:
    cast.published()
    snippet = visitor.get(f"{URL}/embed").content
    response = visitor.post(URL, filled(snippet, message="kept"), headers={"Origin": origin})
    assert response.status_code == status
    assert fields_of(response.content)["message"] == "kept"
    assert Envelope.objects.count() == 0


def test_a_form_with_proof_of_work_is_finished_on_our_page(visitor: Client) -> None:
    cast.published(has_proof_of_work=True)
    snippet = visitor.get(f"{URL}/embed").content
    response = visitor.post(URL, filled(snippet, message="kept"), headers=SITE)
    assert response.status_code == 422
    assert fields_of(response.content)["message"] == "kept"
    assert form_of(response.content)["data-altcha"]
