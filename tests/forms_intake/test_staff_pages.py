"""The staff pages of forms: write, look, publish, retire; and who may."""

from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from consent.models import BalancingAssessment
from forms_intake.models import Form, FormPurpose, FormVersion, Submission
from forms_intake.pages.editor import EditorForm, written
from forms_intake.services import create_form, project_forms, save_version
from tests.conftest import NOW
from tests.crm.staff import staff_client
from tests.forms_intake import cast
from tests.forms_intake.cast import CODE
from tests.forms_intake.page import one, parse

pytestmark = pytest.mark.django_db(databases=["default", "intake"])
EDITORS = ["marketing", "communication", "dpo"]
READERS = ["sales", "support", "dsi", "administrator"]


@pytest.fixture
def staff() -> Client:
    cast.seed()
    client = staff_client()
    client.cookies["accord_language"] = "en"
    return client


def typed(**changes: Any) -> dict[str, Any]:
    """What a person types for the form of these tests."""
    cast.seed()
    version = cast.version(create_form(code="model", name="Model", draft=cast.DRAFT, now=NOW))
    values = {name: value for name, value in written(version).items() if value not in {False, ""}}
    FormVersion.objects.all().delete()
    Form.objects.all().delete()
    return {**values, "name": "Contact", "code": CODE, **changes}


def page(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def test_a_form_is_written_looked_at_and_published(staff: Client) -> None:
    response = staff.post(reverse("form-new"), typed())
    assert response.headers["Location"] == reverse("form", args=[CODE])
    version = FormVersion.objects.get()
    assert version.texts == cast.TEXTS
    assert version.fields == cast.DRAFT.fields
    assert version.allowed_origins == ["https://www.example.org"]
    assert version.has_double_opt_in
    rows = FormPurpose.objects.order_by("position")
    assert [(row.purpose_id, row.basis) for row in rows] == [
        (choice.purpose_code, choice.basis) for choice in cast.DRAFT.purposes
    ]
    assert rows[1].control_texts == cast.NEWSLETTER.control_texts
    detail = page(staff.get(reverse("form", args=[CODE])))
    assert "Publish version 1" in detail
    staff.post(reverse("form-publish", args=[CODE, version.id]))
    assert project_forms(now=NOW) == 1
    detail = page(staff.get(reverse("form", args=[CODE])))
    assert f"http://127.0.0.1:8000/f/{CODE}" in detail
    assert "Publish version" not in detail
    assert f"/api/v1/forms/{CODE}" in detail
    snippet = one(parse(detail), "#snippet-fr").text
    assert snippet.strip().startswith("<form action=")


def test_what_a_person_wrote_comes_back_into_the_editor(staff: Client) -> None:
    staff.post(reverse("form-new"), typed())
    version = FormVersion.objects.get()
    editor = EditorForm(dict(written(version), name="Contact"))
    assert editor.is_valid(), editor.errors
    again = editor.draft()
    assert (again.texts, again.fields) == (cast.TEXTS, cast.DRAFT.fields)
    assert [choice.purpose_code for choice in again.purposes] == [
        choice.purpose_code for choice in cast.DRAFT.purposes
    ]
    html = parse(page(staff.get(reverse("form-edit", args=[CODE]))))
    assert one(html, "#id_title_fr")["value"] == "Écrivez-nous"
    chosen = one(html, "#id_basis_newsletter-email option[selected]")
    assert chosen["value"] == "A6-1-a"


def test_what_is_missing_is_said_before_publishing(staff: Client) -> None:
    words = {"words_en_newsletter-email": "", "ask_phone": ""}
    basis = {"basis_phone_prospecting-phone": "A6-1-f-controller"}
    staff.post(reverse("form-new"), typed(**words, **basis))
    version = FormVersion.objects.get()
    html = parse(page(staff.get(reverse("form", args=[CODE]))))
    reasons = {str(item["data-reason"]) for item in html.select("[data-reason]")}
    assert reasons == {"words_missing", "phone_not_asked"}
    assert not html.select(f'form[action="{reverse("form-publish", args=[CODE, version.id])}"]')
    staff.post(reverse("form-publish", args=[CODE, version.id]))
    assert FormVersion.objects.get().published_at is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code", "Not a slug"),
        ("code", "new"),
        ("name", ""),
        ("allowed_origins", "www.example.org"),
        ("allowed_origins", "https://www.example.org/page"),
        ("redirect_url", "not a url"),
        ("notice_code", "nowhere"),
        ("notice_version", "9"),
        ("minimum_fill_seconds", "999"),
        ("basis_newsletter-email", "A6-1-b-contract-performance"),
        ("ask_phone", "perhaps"),
    ],
)
def test_a_mistake_is_shown_at_its_question_and_nothing_is_saved(
    staff: Client, name: str, value: str
) -> None:
    response: HttpResponse = staff.post(reverse("form-new"), typed(**{name: value}))  # type: ignore[assignment]
    assert response.status_code == 422
    html = parse(response.content)
    assert html.select(".accord-error")
    assert one(html, "#id_title_fr")["value"] == "Écrivez-nous"
    assert not Form.objects.exists()


def test_a_basis_that_the_purpose_may_not_have_is_not_offered(staff: Client) -> None:
    interest = {"basis_email_measurement-email": "A6-1-f-controller"}
    response = staff.post(reverse("form-new"), typed(**interest))
    assert response.status_code == 422
    offered = parse(response.content.decode()).select(
        'select[name="basis_email_measurement-email"] option'
    )
    assert [option["value"] for option in offered] == ["", "A6-1-a"]
    assert not Form.objects.exists()


def test_an_interest_without_its_assessment_is_refused_with_the_reason(staff: Client) -> None:
    said = typed()
    first = BalancingAssessment.objects.get(purpose="targeted_promotion")
    BalancingAssessment.objects.create(
        id=uuid4(),
        purpose=first.purpose,
        version=2,
        outcome="does_not_prevail",
        approved_at=NOW,
    )
    response = staff.post(reverse("form-new"), said)
    assert response.status_code == 422
    assert "balancing assessment" in response.content.decode()
    assert not Form.objects.exists()


def test_an_address_is_taken_once(staff: Client) -> None:
    staff.post(reverse("form-new"), typed())
    values = dict(written(FormVersion.objects.get()), name="Again", code=CODE)
    response = staff.post(reverse("form-new"), {k: v for k, v in values.items() if v})
    assert response.status_code == 422
    assert Form.objects.get().name == "Contact"


def test_editing_a_public_form_begins_its_next_version(staff: Client) -> None:
    cast.published()
    values = {
        name: value
        for name, value in written(FormVersion.objects.get()).items()
        if value not in {False, ""}
    }
    changed = {**values, "name": "Renamed", "title_en": "New title"}
    staff.post(reverse("form-edit", args=[CODE]), changed)
    assert Form.objects.get().name == "Renamed"
    first, second = FormVersion.objects.order_by("number")
    assert (first.texts["en"]["title"], second.texts["en"]["title"]) == (
        "Write to us",
        "New title",
    )
    assert second.published_at is None
    assert "A newer draft waits" in page(staff.get(reverse("form-list")))


def test_retiring_asks_first(staff: Client) -> None:
    cast.published()
    url = reverse("form-retire", args=[CODE])
    assert "Nothing is deleted" in page(staff.get(url))
    assert FormVersion.objects.get().retired_at is None
    staff.post(url)
    assert FormVersion.objects.get().retired_at is not None
    assert "Retired" in page(staff.get(reverse("form-list")))


def test_the_list_counts_what_was_received(staff: Client) -> None:
    cast.published()
    version = FormVersion.objects.get()
    for number, at in enumerate([NOW, NOW, NOW.replace(year=2020)]):
        Submission.objects.create(
            id=f"0199c0de-0000-7000-8000-00000000000{number}",
            form_version=version,
            contact_id=version.id,
            language="fr",
            received_at=at,
            promoted_at=at,
        )
    html = parse(page(staff.get(reverse("form-list"))))
    assert [cell.text for cell in html.select("td.forms-number")][1] == "3"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_preview_shows_the_page_and_sends_nothing(staff: Client, language: str) -> None:
    cast.seed()
    version_id = create_form(code=CODE, name="Contact", draft=cast.DRAFT, now=NOW)
    url = reverse("form-preview", args=[CODE, version_id])
    html = parse(page(staff.get(f"{url}?lang={language}")))
    assert one(html, "form button").has_attr("disabled")
    assert cast.TEXTS[language]["title"] in html.text
    assert cast.NOTICE[language] in html.text
    assert staff.post(url).status_code == 405


def test_a_draft_without_its_notice_has_no_preview_yet(staff: Client) -> None:
    version_id = create_form(code=CODE, name="Contact", draft=cast.draft(notice_version=9), now=NOW)
    response = staff.get(reverse("form-preview", args=[CODE, version_id]))
    assert response.headers["Location"] == reverse("form", args=[CODE])
    assert page(staff.get(reverse("form", args=[CODE])))


def _edits(version_id: object) -> list[tuple[str, str]]:
    return [
        ("get", reverse("form-new")),
        ("post", reverse("form-new")),
        ("get", reverse("form-edit", args=[CODE])),
        ("post", reverse("form-edit", args=[CODE])),
        ("get", reverse("form-retire", args=[CODE])),
        ("post", reverse("form-retire", args=[CODE])),
        ("post", reverse("form-publish", args=[CODE, version_id])),
    ]


@pytest.mark.parametrize("role", READERS)
def test_others_read_and_change_nothing(role: str) -> None:
    cast.published()
    draft = save_version(code=CODE, draft=cast.DRAFT, now=NOW)
    reader = staff_client(role)
    for url in (
        reverse("form-list"),
        reverse("form", args=[CODE]),
        reverse("form-preview", args=[CODE, draft]),
    ):
        assert page(reader.get(url))
    for method, url in _edits(draft):
        assert getattr(reader, method)(url).status_code == 403, url
        assert url not in page(reader.get(reverse("form", args=[CODE])))
    assert cast.version(draft).published_at is None


@pytest.mark.parametrize("role", EDITORS)
def test_editors_reach_every_page(role: str) -> None:
    cast.published()
    editor = staff_client(role)
    for method, url in _edits(FormVersion.objects.get().id)[::2]:
        assert getattr(editor, method)(url).status_code in {200, 302, 422}, url


def test_a_version_is_published_under_its_own_form_only(staff: Client) -> None:
    version_id = create_form(code=CODE, name="Contact", draft=cast.DRAFT, now=NOW)
    create_form(code="other", name="Other", draft=cast.DRAFT, now=NOW)
    assert staff.post(reverse("form-publish", args=["other", version_id])).status_code == 404
    assert cast.version(version_id).published_at is None


def test_the_menu_leads_to_the_forms(staff: Client) -> None:
    home = parse(page(staff.get(reverse("home"))))
    assert one(home, f'nav a[href="{reverse("form-list")}"]').text.strip() == "Forms"
    assert "No form yet" in page(staff.get(reverse("form-list")))


def test_whom_a_form_speaks_to_is_asked_kept_and_shown(staff: Client) -> None:
    values = typed(**{"audience": "anyone", "basis_targeted_promotion-email": "A6-1-a"})
    staff.post(reverse("form-new"), values)
    version = FormVersion.objects.get()
    assert version.audience == "anyone"
    assert written(version)["audience"] == "anyone"
    staff.post(reverse("form-publish", args=[CODE, version.id]))
    assert "Speaks to anyone, consumers among them" in page(staff.get(reverse("form", args=[CODE])))


def test_a_form_for_anyone_that_sells_without_consent_says_what_to_change(staff: Client) -> None:
    staff.post(reverse("form-new"), typed(audience="anyone"))
    detail = parse(page(staff.get(reverse("form", args=[CODE]))))
    assert one(detail, '[data-reason="email_needs_consent"]')
    assert "Publish version" not in detail.get_text()
