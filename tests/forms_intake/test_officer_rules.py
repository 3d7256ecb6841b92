"""What the officer and the law decide about purposes holds for forms too."""

from dataclasses import replace

import pytest
from django.db import IntegrityError

from consent import services as consent
from consent.services import Basis
from forms_intake.models import FormPurpose
from forms_intake.services import NotPublishable, PurposeChoice, create_form, publish_version
from tests.conftest import NOW
from tests.forms_intake import cast
from tests.forms_intake.cast import CODE, draft

pytestmark = pytest.mark.django_db(databases=["default", "intake"])
CALLS = replace(cast.OFFERS, purpose_code="phone_prospecting", channel="phone")


def refused(**changes: object) -> list[str]:
    cast.seed()
    version_id = create_form(code=CODE, name="Contact", draft=draft(**changes), now=NOW)
    with pytest.raises(NotPublishable) as refusal:
        publish_version(version_id=version_id, now=NOW)
    return [reason.code for reason in refusal.value.reasons]


def test_a_form_for_professionals_may_sell_on_legitimate_interest() -> None:
    cast.published(purposes=[cast.REPLY, cast.OFFERS, CALLS])


@pytest.mark.parametrize(
    ("choice", "code"), [(cast.OFFERS, "email_needs_consent"), (CALLS, "phone_needs_consent")]
)
def test_a_form_for_anyone_may_not(choice: PurposeChoice, code: str) -> None:
    assert refused(audience="anyone", purposes=[choice]) == [code]


def test_a_form_for_anyone_may_ask_for_consent() -> None:
    asked = [replace(each, basis=Basis.CONSENT) for each in (cast.OFFERS, CALLS)]
    cast.published(audience="anyone", purposes=[cast.REPLY, *asked])


def test_the_rule_is_a_setting() -> None:
    consent.change_legal_rule(
        code="email_prospecting.consumers",
        value="opt_out",
        source="A reading of counsel, for this test",
        actor_id=None,
        now=NOW,
    )
    cast.published(audience="anyone", purposes=[cast.OFFERS])


def test_a_stricter_rule_holds_for_professionals_too() -> None:
    consent.change_legal_rule(
        code="phone_prospecting.professionals",
        value="opt_in",
        source="A reading of counsel, for this test",
        actor_id=None,
        now=NOW,
    )
    assert refused(purposes=[CALLS]) == ["phone_needs_consent"]


def test_whom_it_speaks_to_is_one_of_two() -> None:
    assert "unknown_audience" in refused(audience="dogs")


def test_a_basis_that_the_purpose_may_not_have_is_refused() -> None:
    reply = replace(cast.REPLY, basis=Basis.CONTRACT)
    assert refused(purposes=[reply]) == ["basis_not_allowed"]


def test_a_retired_purpose_is_taken_out_before_publishing() -> None:
    cast.seed()
    version_id = create_form(code=CODE, name="Contact", draft=draft(), now=NOW)
    consent.retire_purpose(code="newsletter", actor_id=None, now=NOW)
    with pytest.raises(NotPublishable) as refusal:
        publish_version(version_id=version_id, now=NOW)
    assert [reason.code for reason in refusal.value.reasons] == ["purpose_retired"]


def test_a_public_form_still_says_the_name_of_a_purpose_that_was_retired() -> None:
    cast.published()
    consent.retire_purpose(code="newsletter", actor_id=None, now=NOW)
    document = cast.projected()
    assert "Our newsletter" in [each["titles"]["en"] for each in document["purposes"]]


@pytest.mark.parametrize("change", ["basis", "purpose", "words", "new row", "gone"])
def test_a_published_basis_cannot_be_swapped_by_any_hand(change: str) -> None:
    cast.published()
    rows = FormPurpose.objects.filter(purpose="newsletter")
    row = rows.get()
    offers = FormPurpose.objects.get(purpose="targeted_promotion")
    with pytest.raises(IntegrityError, match="published version"):
        match change:
            case "basis":
                rows.update(basis=Basis.LEGITIMATE_INTEREST, assessment=offers.assessment)
            case "purpose":
                rows.update(purpose="email_measurement")
            case "words":
                rows.update(control_texts={"fr": "Oui"})
            case "new row":
                row.pk, row.channel = None, "sms"
                row.save(force_insert=True)
            case "gone":
                rows.delete()
