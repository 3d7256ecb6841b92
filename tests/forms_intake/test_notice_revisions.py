"""A corrected wording holds at once; whoever was shown the earlier one was told the same."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from consent import services
from consent.models import LedgerEvent
from consent.services import Basis, PurposeUse
from forms_intake.models import Submission
from forms_intake.public import published
from forms_intake.services import NotPublishable, PurposeChoice, promote_waiting, publish_version
from forms_intake.versions import create_form
from privacy.services import drop_envelope
from tests.conftest import NOW
from tests.consent.notices import built, choices, company
from tests.forms_intake import cast
from tests.forms_intake.cast import CODE, body
from tests.forms_intake.page import filled

__all__ = ["company"]
pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
BETTER = {**cast.NOTICE, "en": "Your data serves to answer you, and for nothing else."}
PAGE = f"/f/{CODE}"


def _correct() -> dict[str, Any]:
    services.correct_notice(code="site", texts=BETTER, now=NOW)
    published._LAST_READ.clear()
    return cast.projected()


def _post(client: Client, content: dict[str, Any]) -> int:
    response = client.post(
        f"/api/v1/forms/{CODE}/submissions",
        content,
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid4())},
    )
    return response.status_code


def test_a_correction_reaches_every_form_without_publishing_it_again(visitor: Client) -> None:
    before = cast.published()
    after = _correct()
    assert after["version"] == before["version"] == 1
    shown = after["notices"]["en"]
    assert (shown["text"], shown["version"], shown["revision"]) == (BETTER["en"], 1, 1)
    old = before["notices"]["en"]
    parts = ("id", "version", "revision", "language", "sha256")
    assert shown["earlier"] == [{part: old[part] for part in parts}]
    assert after["notices"]["fr"]["earlier"] == []
    assert BETTER["en"] in visitor.get(PAGE).content.decode().replace("&#x27;", "'")


@pytest.mark.parametrize("way", ["page", "api"])
def test_what_was_shown_before_the_correction_is_accepted_and_recorded_as_shown(
    visitor: Client, way: str
) -> None:
    before = cast.published()
    page = visitor.get(PAGE).content
    _correct()
    if way == "api":
        assert _post(visitor, body(before)) == 202
    else:
        assert visitor.post(PAGE, filled(page)).status_code == 200
    assert promote_waiting(now=NOW + timedelta(days=400)).handled == 1
    assert Submission.objects.get().language == "en"
    shown = before["notices"]["en"]
    for record in LedgerEvent.objects.exclude(notice=None):
        assert str(record.notice_id) == shown["id"]
        assert bytes(record.notice_sha256 or b"").hex() == shown["sha256"]
        assert record.notice is not None
        assert record.notice.text == cast.NOTICE["en"]


def test_what_was_shown_after_the_correction_is_recorded_with_the_corrected_words(
    visitor: Client,
) -> None:
    cast.published()
    assert _post(visitor, body(_correct())) == 202
    promote_waiting(now=NOW + timedelta(days=400))
    notices = {event.notice.text for event in LedgerEvent.objects.all() if event.notice}
    assert notices == {BETTER["en"]}


def test_an_id_and_a_hash_of_two_wordings_are_neither(visitor: Client) -> None:
    before = cast.published()
    after = _correct()
    mixed = body(before)
    mixed["notice"]["sha256"] = after["notices"]["en"]["sha256"]
    assert _post(visitor, mixed) == 409


def test_the_wording_of_another_version_is_stale_once_the_form_moved_on(visitor: Client) -> None:
    before = cast.published()
    services.publish_notice(code="site", texts=BETTER, now=NOW)
    assert cast.projected() == before, "a new version changes no form"
    cast.next_version(notice_version=2)
    published._LAST_READ.clear()
    assert _post(visitor, body(before)) == 409
    again = body(before, form_version=2)
    assert _post(visitor, again) == 409


def test_the_worker_refuses_a_sealed_wording_that_the_form_never_had(vault: None) -> None:
    document = cast.published()
    services.publish_notice(code="other", texts={"en": "Other"}, now=NOW)
    other = services.notice(code="other", version=1, language="en")
    posted = body(document)
    sealed = {
        "schema": 1,
        "form": CODE,
        **{name: posted[name] for name in ("form_version", "language", "fields")},
        "notice": {
            "id": str(other.id), "version": 1, "language": "en", "sha256": other.sha256.hex(),
        },
        "consents": [],
        "objections": [],
        "email_as_typed": cast.ALICE,
        "via": "api",
        "evidence": {},
    }  # fmt: skip
    drop_envelope(kind="submission", context=CODE, envelope_id=uuid4(), document=sealed, now=NOW)
    assert promote_waiting(now=NOW).quarantined == 1


def test_developers_read_one_notice_and_not_its_past(visitor: Client) -> None:
    cast.published()
    _correct()
    shown = visitor.get(f"/api/v1/forms/{CODE}").json()["notices"]["en"]
    assert shown.keys() == {"id", "code", "version", "revision", "language", "text", "sha256"}


# --- a form and its built notice say the same ------------------------------------------------


def _reasons(*purposes: PurposeChoice, notice_code: str = "built") -> list[str]:
    draft = cast.draft(purposes=list(purposes), notice_code=notice_code)
    version_id = create_form(code=CODE, name="Contact", draft=draft, now=NOW)
    with pytest.raises(NotPublishable) as refusal:
        publish_version(version_id=version_id, now=NOW)
    return [reason.code for reason in refusal.value.reasons]


def test_a_form_goes_with_a_notice_that_speaks_of_all_its_purposes(company: None) -> None:
    built()
    assert cast.published(notice_code="built")["notices"]["fr"]["code"] == "built"


def test_a_purpose_that_the_notice_leaves_out_stops_the_form(company: None) -> None:
    built(choices(bases={"reply_to_request": Basis.PRE_CONTRACT.value}))
    assert _reasons(cast.REPLY, cast.NEWSLETTER) == ["notice_purpose"]


def test_another_basis_than_the_notice_states_stops_the_form(company: None) -> None:
    built(choices(bases={"targeted_promotion": Basis.CONSENT.value}))
    use = PurposeUse("targeted_promotion", Basis.CONSENT.value)
    assert services.notice_disagreements(code="built", version=1, uses=[use]) == []
    assert _reasons(cast.OFFERS) == ["notice_basis"]


def test_the_notice_of_the_page_of_choices_is_not_one_for_forms(company: None) -> None:
    assert _reasons(cast.REPLY, notice_code="preferences") == ["notice_kind"]
