"""From a file to a permission: told first, time to say no, and only then written to."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connections, transaction
from django.test.utils import CaptureQueriesContext

from consent import services
from consent.entries import entry_hash
from consent.models import BalancingAssessment, LedgerEvent, LetterRequest, Permission, State
from consent.services import Basis, ConsentCannotBeImported, NotImportable
from privacy.services import enrol, enrol_many
from tests.conftest import NOW
from tests.consent.arrivals import SOURCE, bring, hand_over_letters, let_time_pass
from tests.consent.people import ALICE, BOB, decide, later, permitted, promotion, submit

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
PURPOSE = "targeted_promotion"


def _subject(email: str = ALICE) -> UUID:
    return enrol(email=email).subject_id


def _states(subject: UUID) -> list[str]:
    rows = LedgerEvent.objects.filter(subject_id=subject).order_by("seq")
    return list(rows.values_list("event_state", flat=True))


def _why(subject: UUID) -> str:
    return services.explain(subject_id=subject, purpose_code=PURPOSE, channel="email").reason_code


def test_nobody_is_written_to_before_they_were_told_and_had_time_to_object() -> None:
    alice = _subject()
    bring((alice, ALICE))
    assert (permitted(alice, PURPOSE), _why(alice)) == (False, "not_informed")
    hand_over_letters(at=later(hours=1))
    assert (permitted(alice, PURPOSE), _why(alice)) == (False, "just_informed")
    services.settle_informed(now=later(days=7))
    assert not permitted(alice, PURPOSE)
    let_time_pass(since=later(hours=1))
    assert (permitted(alice, PURPOSE), _why(alice)) == (True, "permitted_interest")


def test_a_letter_that_never_left_informs_nobody() -> None:
    alice = _subject()
    bring((alice, ALICE))
    let_time_pass(since=later(days=300))
    assert _states(alice) == [State.INTEREST_UNINFORMED]


def test_the_records_name_source_notice_and_assessment() -> None:
    alice, batch = _subject(), uuid4()
    bring((alice, ALICE), batch=batch, language="en")
    hand_over_letters(at=later(hours=1))
    let_time_pass(since=later(hours=1))
    arrived, told, settled = LedgerEvent.objects.filter(subject_id=alice).order_by("seq")
    assert [arrived.method, told.method, settled.method] == [
        "import",
        "information_letter",
        "information_letter",
    ]
    assert {row.source for row in (arrived, told, settled)} == {SOURCE}
    assert {row.import_batch for row in (arrived, told, settled)} == {batch}
    assert {row.indicated_by for row in (arrived, told, settled)} == {"controller"}
    assert arrived.assessment_id == told.assessment_id == settled.assessment_id is not None
    assert told.notice is not None and told.notice.language == "en"
    assert bytes(told.notice_sha256 or b"") == bytes(told.notice.sha256)
    assert settled.supersedes == told.record_id and told.supersedes == arrived.record_id
    assert all(bytes(row.entry_hash) == entry_hash(row) for row in (arrived, told, settled))


def test_whoever_answered_before_is_left_exactly_as_they_are() -> None:
    alice, bob = _subject(), _subject(BOB)
    submit(alice, promotion(is_ticked=False))
    submit(bob, promotion(is_ticked=True), email=BOB)
    before = list(Permission.objects.order_by("subject_id").values())
    assert bring((alice, ALICE), (bob, BOB)) == 0
    assert list(Permission.objects.order_by("subject_id").values()) == before
    assert not LetterRequest.objects.exists()


def test_an_address_that_said_no_is_not_noted_nor_are_its_tags() -> None:
    decide("by_address", email=ALICE)
    tagged = "alice+fair@example.org"
    assert bring((_subject(), ALICE), (_subject(tagged), tagged)) == 0
    assert not LedgerEvent.objects.exists()


@pytest.mark.parametrize("moment", ["before the letter", "after the letter", "after the days"])
def test_an_objection_wins_at_whatever_moment_it_comes(moment: str) -> None:
    alice = _subject()
    bring((alice, ALICE))
    links = services.opt_out_links(subjects={alice: ALICE}, purpose_code=PURPOSE, now=NOW)
    token = links[alice].one_click_url.rsplit("/", 1)[1]
    if moment == "before the letter":
        decide("opt_out", token=token, at=later(minutes=1))
    hand_over_letters(at=later(hours=1))
    if moment == "after the letter":
        decide("opt_out", token=token, at=later(hours=2))
    after = let_time_pass(since=later(hours=1))
    if moment == "after the days":
        decide("opt_out", token=token, at=after + timedelta(hours=1))
    let_time_pass(since=after + timedelta(days=30))
    assert not permitted(alice, PURPOSE)
    assert _why(alice) == "objected"


def test_a_no_of_the_bare_address_stops_what_waits_under_a_tag() -> None:
    tagged = "alice+fair@example.org"
    alice = _subject(tagged)
    bring((alice, tagged))
    hand_over_letters(at=later(hours=1))
    decide("by_address", email=ALICE, at=later(hours=2))
    let_time_pass(since=later(hours=1))
    assert not permitted(alice, PURPOSE)


def _balance(version: int, outcome: str) -> None:
    newest = BalancingAssessment.objects.filter(purpose=PURPOSE).latest("version")
    BalancingAssessment.objects.create(
        id=uuid4(),
        purpose=newest.purpose,
        version=version,
        outcome=outcome,
        approved_at=later(days=version),
    )


def test_an_assessment_that_turned_against_us_ends_the_waiting() -> None:
    alice = _subject()
    bring((alice, ALICE))
    hand_over_letters(at=later(hours=1))
    _balance(2, "does_not_prevail")
    let_time_pass(since=later(hours=1))
    assert not permitted(alice, PURPOSE)


def test_an_assessment_that_turned_against_us_ends_what_rests_on_the_interest() -> None:
    alice, agreed = _subject(), enrol(email="agreed@example.org").subject_id
    box = promotion(is_ticked=False)
    submit(alice, box)
    consent = replace(box, basis=Basis.CONSENT, assessment_id=None, is_ticked=True)
    submit(agreed, consent, email="agreed@example.org", needs_confirmation=False)
    _balance(2, "does_not_prevail")
    # A form that was published before is still filled in, and rests on the assessment of then.
    submit(alice, box, at=later(minutes=5))
    assert _why(alice) == "not_prevailing"
    assert permitted(agreed, PURPOSE)
    _balance(3, "prevails")
    assert permitted(alice, PURPOSE)


@pytest.mark.parametrize("why", ["purpose_retired", "not_prevailing"])
def test_no_letter_tells_of_what_we_do_not_mean_to_do_any_more(why: str) -> None:
    alice = _subject()
    bring((alice, ALICE))
    if why == "purpose_retired":
        services.retire_purpose(code=PURPOSE, actor_id=None, now=later(minutes=1))
    else:
        _balance(2, "does_not_prevail")
    request = LetterRequest.objects.get()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT consent_letter_refusal(%s, %s, '')", [request.id, alice])
        assert cursor.fetchone() == (why,)


def test_the_same_import_twice_is_once() -> None:
    alice, batch = _subject(), uuid4()
    assert [bring((alice, ALICE), batch=batch) for _ in range(2)] == [1, 0]
    hand_over_letters(at=later(hours=1))
    hand_over_letters(at=later(hours=2))
    assert bring((alice, ALICE), at=later(hours=3)) == 0
    assert LetterRequest.objects.count() == 1
    assert _states(alice) == [State.INTEREST_UNINFORMED, State.INTEREST_INFORMED]


def test_a_yes_that_comes_meanwhile_is_not_undone_by_the_letter() -> None:
    alice = _subject()
    bring((alice, ALICE))
    submit(alice, promotion(is_ticked=False), at=later(minutes=5))
    hand_over_letters(at=later(hours=1))
    assert permitted(alice, PURPOSE)
    assert State.INTEREST_INFORMED not in _states(alice)[3:]


def test_consent_cannot_be_imported_and_the_refusal_says_what_to_do() -> None:
    with pytest.raises(ConsentCannotBeImported, match=r"(?s)own act.*form"):
        bring((_subject(), ALICE), basis="A6-1-a")


@pytest.mark.parametrize("purpose", ["email_measurement", "newsletter", "reply_to_request"])
def test_no_import_without_legitimate_interest_and_its_assessment(purpose: str) -> None:
    with pytest.raises(NotImportable):
        bring((_subject(), ALICE), purpose=purpose)


def test_the_database_refuses_a_permission_made_by_an_import() -> None:
    alice = _subject()
    bring((alice, ALICE))
    held = Permission.objects.get(subject_id=alice)
    with pytest.raises(DatabaseError, match="says something else"), transaction.atomic():
        Permission.objects.filter(event=held.event_id).update(state=State.INTEREST_NOT_OBJECTED)


def test_a_thousand_people_cost_a_few_statements() -> None:
    emails = [f"person{number}@example.org" for number in range(1_000)]
    subjects = enrol_many(emails=emails)
    bring((_subject(), ALICE))
    with CaptureQueriesContext(connections["default"]) as asked:
        assert bring(*((subjects[email], email) for email in emails)) == 1_000
    assert len(asked) < 40
    hand_over_letters(at=later(hours=1))
    with CaptureQueriesContext(connections["default"]) as asked:
        let_time_pass(since=later(hours=1))
    assert len(asked) < 60
    assert permitted(subjects[emails[500]], PURPOSE)
    assert all(bytes(row.entry_hash) == entry_hash(row) for row in LedgerEvent.objects.all()[:50])
