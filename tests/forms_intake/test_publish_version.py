"""A form is published only when it says and asks what the law wants said and asked."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError

from consent.models import BalancingAssessment
from consent.services import Basis, current_assessment
from forms_intake.models import Form, FormPurpose, FormVersion, PublishedForm
from forms_intake.services import (
    AlreadyPublished,
    FormExists,
    NoSuchForm,
    NotPublishable,
    PurposeChoice,
    create_form,
    project_forms,
    publish_version,
    rename_form,
    retire_form,
    save_version,
)
from tests.conftest import NOW
from tests.forms_intake import cast
from tests.forms_intake.cast import CODE, draft

pytestmark = pytest.mark.django_db(databases=["default", "intake"])


def refused(**changes: Any) -> list[str]:
    cast.seed()
    version_id = create_form(code=CODE, name="Contact", draft=draft(**changes), now=NOW)
    with pytest.raises(NotPublishable) as refusal:
        publish_version(version_id=version_id, now=NOW)
    assert cast.version(version_id).published_at is None
    return [reason.code for reason in refusal.value.reasons]


def without(choice: PurposeChoice, **changes: Any) -> list[PurposeChoice]:
    values = {name: getattr(choice, name) for name in PurposeChoice.__dataclass_fields__}
    return [PurposeChoice(**{**values, **changes})]


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "no_text": lambda: {"texts": {}},
    "text_missing": lambda: {"texts": {"fr": {**cast.TEXTS["fr"], "submit": " "}}},
    "unknown_field": lambda: {"fields": [*cast.DRAFT.fields, {"name": "iban", "is_required": 0}]},
    "no_email": lambda: {"fields": [{"name": "email", "is_required": False}]},
    "notice_missing": lambda: {"notice_version": 7},
    "invalid_origin": lambda: {"allowed_origins": ["https://www.example.org/path"]},
    "invalid_redirect": lambda: {"redirect_url": "http://www.example.org/thanks"},
    "no_purpose": lambda: {"purposes": []},
    "unknown_basis": lambda: {"purposes": without(cast.REPLY, basis="because")},
    "unknown_channel": lambda: {"purposes": without(cast.NEWSLETTER, channel="phone")},
    "marketing_needs_choice": lambda: {"purposes": without(cast.NEWSLETTER, basis=Basis.CONTRACT)},
    "words_missing": lambda: {"purposes": without(cast.NEWSLETTER, control_texts={"fr": "Oui"})},
    "phone_not_asked": lambda: {
        "purposes": without(cast.REPLY, channel="phone"),
        "fields": [{"name": "email", "is_required": True}],
    },
}


@pytest.mark.parametrize("code", CASES)
def test_what_is_missing_is_named(code: str) -> None:
    assert code in refused(**CASES[code]())


def test_every_reason_comes_at_once() -> None:
    assert set(refused(texts={}, fields=[], purposes=[])) >= {"no_text", "no_email", "no_purpose"}


def test_legitimate_interest_without_its_assessment_cannot_even_be_kept() -> None:
    cast.seed()
    interest = PurposeChoice(
        "email_measurement", "email", Basis.LEGITIMATE_INTEREST, {"fr": "Non", "en": "No"}
    )
    with pytest.raises(NotPublishable) as refusal:
        create_form(code=CODE, name="Contact", draft=draft(purposes=[interest]), now=NOW)
    assert [reason.code for reason in refusal.value.reasons] == ["no_assessment"]
    assert not Form.objects.exists()


def test_a_published_version_rests_on_the_newest_assessment() -> None:
    cast.seed()
    version_id = create_form(code=CODE, name="Contact", draft=draft(), now=NOW)
    first = BalancingAssessment.objects.get(purpose="targeted_promotion")
    BalancingAssessment.objects.create(
        id=version_id, purpose=first.purpose, version=2, approved_at=NOW
    )
    publish_version(version_id=version_id, now=NOW)
    row = FormPurpose.objects.get(form_version=version_id, basis=Basis.LEGITIMATE_INTEREST)
    assert row.assessment_id == current_assessment(purpose_code="targeted_promotion") == version_id


def test_what_is_published_is_never_touched_again() -> None:
    cast.published()
    frozen = FormVersion.objects.get()
    with pytest.raises(AlreadyPublished):
        publish_version(version_id=frozen.id, now=NOW)
    next_id = save_version(
        code=CODE, draft=draft(purposes=[cast.REPLY], minimum_fill_seconds=9), now=NOW
    )
    assert next_id != frozen.id
    assert cast.version(frozen.id).minimum_fill_seconds == 3
    assert frozen.purposes.count() == 3
    assert cast.version(next_id).number == 2


def test_saving_again_replaces_the_draft() -> None:
    cast.seed()
    first = create_form(code=CODE, name="Contact", draft=draft(), now=NOW)
    again = save_version(code=CODE, draft=draft(purposes=[cast.NEWSLETTER]), now=NOW)
    assert again == first
    assert [row.purpose_id for row in FormPurpose.objects.all()] == ["newsletter"]


def test_the_next_version_retires_the_one_before() -> None:
    cast.published()
    document = cast.next_version(minimum_fill_seconds=8)
    assert (document["version"], document["minimum_fill_seconds"]) == (2, 8)
    assert FormVersion.objects.get(number=1).retired_at == NOW
    assert PublishedForm.objects.count() == 1


def test_two_versions_cannot_both_be_public() -> None:
    cast.published()
    second = save_version(code=CODE, draft=draft(), now=NOW)
    with pytest.raises(IntegrityError):
        FormVersion.objects.filter(id=second).update(published_at=NOW)


def test_a_retired_form_leaves_the_public_side_and_may_come_back() -> None:
    cast.published()
    retire_form(code=CODE, now=NOW)
    retire_form(code=CODE, now=NOW)
    assert project_forms(now=NOW) == 1
    assert not PublishedForm.objects.exists()
    assert cast.next_version()["version"] == 2
    assert Form.objects.get().archived_at is None


def test_projecting_twice_changes_nothing_more() -> None:
    cast.published()
    assert FormVersion.objects.get().projected_at == NOW
    assert project_forms(now=NOW) == 0


def test_the_public_document_is_complete() -> None:
    document = cast.published(redirect_url="https://www.example.org/thanks")
    assert document["languages"] == ["fr", "en"]
    assert document["texts"] == cast.TEXTS
    assert [each["control"] for each in document["purposes"]] == [None, "consent", "objection"]
    offers = document["purposes"][2]
    assert offers["name"] == "targeted_promotion:email"
    assert offers["number"] == 3
    assert offers["assessment"] == str(current_assessment(purpose_code="targeted_promotion"))
    assert offers["titles"]["fr"] == "Des offres choisies pour votre activité"
    assert document["notices"]["fr"]["text"] == cast.NOTICE["fr"]
    assert len(document["notices"]["fr"]["sha256"]) == 64
    assert document["fields"][0] == {
        "name": "email",
        "is_required": True,
        "kind": "email",
        "autocomplete": "email",
        "max_length": 254,
        "labels": {"fr": "Adresse e-mail", "en": "E-mail address"},
    }
    assert "Contact" not in str(document), "the name is for staff only"


def test_a_form_that_is_not_there_is_said_so() -> None:
    cast.seed()
    for attempt in (
        lambda: save_version(code="nowhere", draft=draft(), now=NOW),
        lambda: retire_form(code="nowhere", now=NOW),
        lambda: rename_form(code="nowhere", name="x"),
    ):
        with pytest.raises(NoSuchForm):
            attempt()
    create_form(code=CODE, name="Contact", draft=draft(), now=NOW)
    with pytest.raises(FormExists):
        create_form(code=CODE, name="Contact", draft=draft(), now=NOW)
