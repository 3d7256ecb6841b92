"""Purposes are the officer's to write; what was published is nobody's to change."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from psycopg import errors

from consent import services
from consent.models import Draft, LedgerEvent, Purpose, PurposeVersion, SubjectCard
from consent.purpose_drafts import NUMBER_MOST
from consent.purposes import PURPOSES
from consent.services import Answer, Basis, CannotPublish, CodeTaken, NoDraft, PurposeUnknown
from consent.vocabulary import DATA_TERMS, DPV, PD, PURPOSE_TERMS
from tests.conftest import NOW, Connect
from tests.consent.officer import DOMINIQUE, EVENTS, assess, begin, change, findings, publish
from tests.consent.officer import purpose as row
from tests.consent.people import (
    ALICE,
    decide,
    later,
    newsletter,
    notice_id,
    permitted,
    promotion,
    submit,
)

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def codes(**options: Any) -> list[str]:
    return [each.code for each in services.purposes(language="en", **options)]


# --- drafts ----------------------------------------------------------------------------------


def test_a_draft_is_offered_to_nobody_until_it_is_published() -> None:
    begin()
    assert "events" not in codes(with_retired=True)
    entry = services.purpose_entry(code="events")
    assert (entry.state, entry.facts["title_en"]) == ("draft", "Our events")
    assert publish() == 1
    assert "events" in codes()
    assert services.purpose_entry(code="events").draft is None
    (version,) = services.published_purposes(code="events")
    assert version.document["title_en"] == "Our events"
    assert (version.published_by, version.published_at) == (DOMINIQUE, NOW)


def test_a_code_is_given_once_and_a_number_never_again() -> None:
    begin()
    assert row().number == len(PURPOSES) + 1
    with pytest.raises(CodeTaken):
        services.begin_purpose(code="events", document=EVENTS, actor_id=None, now=NOW)
    publish()
    services.retire_purpose(code="events", actor_id=DOMINIQUE, now=NOW)
    services.begin_purpose(code="fairs", document=EVENTS, actor_id=None, now=NOW)
    assert row("fairs").number == row("events").number + 1


def test_the_last_number_is_the_last() -> None:
    begin()
    Purpose.objects.filter(code="events").update(number=NUMBER_MOST)
    with pytest.raises(services.NoNumberLeft):
        services.begin_purpose(code="fairs", document=EVENTS, actor_id=None, now=NOW)


def test_a_draft_changes_nothing_and_may_be_discarded() -> None:
    services.seed_purposes(now=NOW)
    change("newsletter", title_en="News")
    change("newsletter", description_en="Only news.")
    entry = services.purpose_entry(code="newsletter")
    assert entry.facts["title_en"] == "Our newsletter"
    assert sorted(entry.changes) == ["description_en", "title_en"]
    services.discard_purpose_draft(code="newsletter")
    services.discard_purpose_draft(code="newsletter")
    assert services.purpose_entry(code="newsletter").draft is None


def test_a_new_purpose_goes_with_its_draft_unless_an_assessment_is_kept() -> None:
    begin()
    services.discard_purpose_draft(code="events")
    assert not Purpose.objects.filter(code="events").exists()
    begin()
    assess()
    services.discard_purpose_draft(code="events")
    assert Purpose.objects.filter(code="events").exists()
    assert not Draft.objects.exists()


@pytest.mark.parametrize("verb", ["save", "discard", "publish", "retire", "bring back", "find"])
def test_a_purpose_that_is_not_there_is_named_as_such(verb: str) -> None:
    who: dict[str, Any] = {"actor_id": None, "now": NOW}
    verbs: dict[str, Callable[[], object]] = {
        "save": lambda: services.save_purpose_draft(code="none", document={}, **who),
        "discard": lambda: services.discard_purpose_draft(code="none"),
        "publish": lambda: services.publish_purpose(code="none", **who),
        "retire": lambda: services.retire_purpose(code="none", **who),
        "bring back": lambda: services.bring_purpose_back(code="none", **who),
        "find": lambda: services.purpose_findings(code="none", now=NOW),
    }
    with pytest.raises(PurposeUnknown):
        verbs[verb]()


# --- what a purpose needs --------------------------------------------------------------------

REFUSED: dict[str, dict[str, Any]] = {
    "title_missing": {"title_fr": " "},
    "title_too_long": {"title_en": "x" * 121},
    "description_missing": {"description_en": ""},
    "recipients_missing": {"recipients_fr": "Notre routeur"},
    "no_channels": {"channels": []},
    "unknown_channels": {"channels": ["pigeon"]},
    "no_bases": {"bases": []},
    "unknown_bases": {"bases": ["A6-1-c"]},
    "no_data_categories": {"data_categories": []},
    "unknown_data_categories": {"data_categories": [f"{PD}Religion", f"{PD}EmailAddress"]},
    "unknown_iri": {"iri": f"{DPV}CreditChecking"},
    "unknown_more_iris": {"more_iris": ["https://example.org/#Purpose"]},
    "channel_without_data": {"channels": ["email", "post"]},
    "no_retention": {"retention_days": 0},
    "retention_too_long": {"retention_days": 1096},
    "bad_position": {"position": 1000},
    "marketing_needs_choice": {"bases": ["A6-1-a", "A6-1-b-contract-performance"]},
    "no_assessment": {"bases": ["A6-1-f-controller"]},
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_is_missing_is_named_and_nothing_is_published(code: str) -> None:
    begin(**REFUSED[code])
    with pytest.raises(CannotPublish) as refusal:
        publish()
    assert [finding.code for finding in refusal.value.findings] == [code]
    assert row().published_at is None
    assert not PurposeVersion.objects.filter(purpose="events").exists()


def test_every_reason_comes_at_once() -> None:
    begin(title_fr="", channels=[], bases=[], iri="", retention_days=0)
    assert set(findings()) == {
        *("title_missing", "no_channels", "no_bases", "unknown_iri", "no_retention")
    }


def test_measurement_rests_on_consent_and_on_nothing_else() -> None:
    services.seed_purposes(now=NOW)
    assess("email_measurement")
    change("email_measurement", bases=["A6-1-a", "A6-1-f-controller"])
    assert findings("email_measurement") == ["measurement_needs_consent"]


def test_marketing_stays_marketing_once_people_were_told() -> None:
    services.seed_purposes(now=NOW)
    change("newsletter", is_marketing=False)
    assert findings("newsletter") == ["marketing_is_fixed"]


def test_what_comes_with_the_product_could_be_published_as_it_is() -> None:
    services.seed_purposes(now=NOW)
    for each in PURPOSES:
        change(each.code)
        assert findings(each.code) == [], each.code


def test_every_term_of_the_lists_is_of_the_vocabulary() -> None:
    assert all(iri.startswith(DPV) for iri in PURPOSE_TERMS)
    assert all(iri.startswith(PD) for iri in DATA_TERMS)


# --- legitimate interest ---------------------------------------------------------------------

INTEREST: dict[str, Any] = {"bases": ["A6-1-a", "A6-1-f-controller"]}


def test_legitimate_interest_is_published_only_after_its_assessment() -> None:
    begin(**INTEREST)
    assert findings() == ["no_assessment"]
    assess()
    assert publish() == 1


def test_an_assessment_that_says_no_is_no_basis() -> None:
    begin(**INTEREST)
    assess(outcome="does_not_prevail", safeguards="")
    assert findings() == ["does_not_prevail"]
    assess()
    assert findings() == []


def test_selling_to_consumers_by_mail_rests_on_consent_where_the_rule_says_so() -> None:
    begin(**INTEREST)
    assess(audience="anyone")
    assert findings() == ["consumers_need_consent"]
    services.change_legal_rule(
        code="email_prospecting.consumers",
        value="opt_out",
        source="A reading of counsel, for this test",
        actor_id=None,
        now=NOW,
    )
    assert findings() == []


def test_the_prospects_rule_bounds_how_long_marketing_keeps_data() -> None:
    begin()
    services.change_legal_rule(
        code="retention.prospect_days",
        value="365",
        source="A reading of counsel, for this test",
        actor_id=None,
        now=NOW,
    )
    assert findings() == ["retention_too_long"]
    change("events", is_marketing=False)
    assert findings() == []


# --- versions --------------------------------------------------------------------------------


def test_publishing_keeps_what_was_published_before_word_for_word() -> None:
    services.seed_purposes(now=NOW)
    before = services.published_purposes(code="newsletter")[0]
    change("newsletter", title_en="News")
    assert publish("newsletter", later(days=1)) == 2
    newest, oldest = services.published_purposes(code="newsletter")
    assert (newest.version, newest.document["title_en"]) == (2, "News")
    assert oldest == before
    assert newest.sha256 != oldest.sha256
    with pytest.raises(NoDraft):
        publish("newsletter")


def test_a_record_points_at_the_words_of_its_day() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    change("newsletter", title_fr="Autre chose", description_fr="Autre chose encore.")
    publish("newsletter", later(days=1))
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False, at=later(days=2))
    events = LedgerEvent.objects.filter(event_state="ConsentGiven").order_by("seq")
    told = [
        PurposeVersion.objects.get(purpose=each.purpose_id, version=each.purpose_version or 0)
        for each in events
    ]
    assert [each.document["title_fr"] for each in told] == [
        "Notre lettre d’information",
        "Autre chose",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_purposeversion SET document = '{}'",
        "DELETE FROM consent_purposeversion",
        "UPDATE consent_balancingassessment SET outcome = 'prevails'",
        "DELETE FROM consent_balancingassessment",
    ],
)
def test_the_owner_cannot_change_what_was_published(connect: Connect, statement: str) -> None:
    services.seed_purposes(now=NOW)
    with connect("owner", "crm") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


def test_publishing_renews_the_public_cards_of_those_who_were_asked() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    SubjectCard.objects.create(card_id=uuid4(), subject_id=alice, created_at=NOW)
    change("newsletter", title_fr="Autre chose")
    publish("newsletter", later(days=1))
    assert SubjectCard.objects.get(subject_id=alice).stale_since == later(days=1)


# --- retired and brought back ----------------------------------------------------------------


def test_a_retired_purpose_is_refused_at_the_gate_and_offered_no_more() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    assert permitted(alice)
    for _ in range(2):
        services.retire_purpose(code="newsletter", actor_id=DOMINIQUE, now=later(hours=1))
    assert not permitted(alice)
    answer = services.explain(subject_id=alice, purpose_code="newsletter", channel="email")
    assert answer.reason_code == "purpose_retired"
    assert "newsletter" not in codes()
    assert "newsletter" in codes(with_retired=True)
    newest = services.published_purposes(code="newsletter")[0]
    assert (newest.version, newest.is_retirement) == (2, True)
    assert newest.published_by == DOMINIQUE


def test_an_interest_that_does_not_prevail_reaches_nobody_and_a_consent_still_does() -> None:
    alice, bob = uuid4(), uuid4()
    submit(alice, promotion(is_ticked=False))
    submit(bob, agreed_promotion(), email="bob@example.org", needs_confirmation=False)
    assert permitted(alice, "targeted_promotion") and permitted(bob, "targeted_promotion")
    assess("targeted_promotion", outcome="does_not_prevail")
    answer = services.explain(subject_id=alice, purpose_code="targeted_promotion", channel="email")
    assert (answer.is_permitted, answer.reason_code) == (False, "not_prevailing")
    assert permitted(bob, "targeted_promotion")
    assess("targeted_promotion")
    assert permitted(alice, "targeted_promotion")


def agreed_promotion() -> Answer:
    return Answer("targeted_promotion", "email", Basis.CONSENT, None, True, "Offers, please")


def test_a_purpose_that_is_brought_back_reaches_those_who_said_yes_and_nobody_else() -> None:
    alice, bob = uuid4(), uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    submit(bob, newsletter(is_ticked=True), needs_confirmation=False, email="bob@example.org")
    services.retire_purpose(code="newsletter", actor_id=None, now=later(hours=1))
    services.withdraw_on_behalf(
        subject_id=bob,
        email="bob@example.org",
        purpose_code="newsletter",
        source_id=uuid4(),
        actor_id=DOMINIQUE,
        now=later(hours=2),
    )
    for _ in range(2):
        services.bring_purpose_back(code="newsletter", actor_id=None, now=later(hours=3))
    assert permitted(alice)
    assert not permitted(bob)
    assert row("newsletter").version == 3


def test_a_purpose_that_lost_its_ground_does_not_come_back() -> None:
    services.seed_purposes(now=NOW)
    services.retire_purpose(code="targeted_promotion", actor_id=None, now=NOW)
    assess("targeted_promotion", outcome="does_not_prevail")
    with pytest.raises(CannotPublish):
        services.bring_purpose_back(code="targeted_promotion", actor_id=None, now=NOW)


def test_what_was_never_published_cannot_be_retired_nor_agreed_to() -> None:
    begin()
    with pytest.raises(PurposeUnknown):
        services.retire_purpose(code="events", actor_id=None, now=NOW)


def _preferences_link(subject: Any) -> str:
    links = services.opt_out_links(subjects={subject: ALICE}, purpose_code="newsletter", now=NOW)
    return links[subject].preferences_url.rpartition("/")[2]


@pytest.mark.parametrize("state", ["draft", "retired"])
def test_an_old_page_cannot_agree_to_what_is_not_in_use(state: str) -> None:
    alice = uuid4()
    begin()
    if state == "retired":
        publish()
        services.retire_purpose(code="events", actor_id=None, now=NOW)
    decide("preferences", token=_preferences_link(alice), choices={"events": "yes"})
    assert not LedgerEvent.objects.exists()


# --- a basis is never swapped ----------------------------------------------------------------


def test_a_later_form_on_legitimate_interest_does_not_undo_a_withdrawal() -> None:
    alice = uuid4()
    consent = promotion(is_ticked=True)
    asked = type(consent)("targeted_promotion", "email", "A6-1-a", None, True, "Offers, please")
    submit(alice, asked, needs_confirmation=False)
    assert permitted(alice, "targeted_promotion")
    services.withdraw_on_behalf(
        subject_id=alice,
        email=ALICE,
        purpose_code="targeted_promotion",
        source_id=uuid4(),
        actor_id=DOMINIQUE,
        now=later(hours=1),
    )
    submit(alice, promotion(is_ticked=False), at=later(hours=2))
    assert not permitted(alice, "targeted_promotion")
    answer = services.explain(subject_id=alice, purpose_code="targeted_promotion", channel="email")
    assert answer.reason_code == "withdrawn"
    assert notice_id()
