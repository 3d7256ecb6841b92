"""From a box on a form to a permission and back: the acts of people, on the real databases."""

from uuid import uuid4

import pytest
from django.db import connections, transaction

from consent import services
from consent.cards import card_hash
from consent.entries import entry_hash
from consent.models import (
    ConfirmationRequest,
    LedgerEvent,
    PreferenceCard,
    SubjectCard,
    Suppression,
)
from consent.refusal import JOURNAL_KIND
from consent.services import Answer, Basis
from privacy.journal import journal
from privacy.models import Envelope, JournalApplied
from privacy.services import enrol, fingerprint_emails, is_journal_applied, journal_writer
from tests.conftest import NOW
from tests.consent.letters import (
    Letters,
    confirm,
    confirmation_letter,
    explained,
    links_of,
    token_of,
)
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
    pytest.mark.usefixtures("vault", "letters"),
]


def test_a_ticked_box_asks_and_only_the_letter_permits(letters: Letters) -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True))
    assert not permitted(alice)
    assert explained(alice).reason_code == "not_confirmed"
    assert confirmation_letter(letters).values["purposes"] == "Notre lettre d’information"
    confirm(letters, at=later(minutes=5))
    assert permitted(alice)
    assert explained(alice).since == later(minutes=5)


def test_an_unticked_box_is_no_answer(letters: Letters) -> None:
    charlie = uuid4()
    assert submit(charlie, newsletter(is_ticked=False)) == ["NoticeCommunicated"]
    assert not permitted(charlie)
    assert letters.requests == []


def test_a_confirmation_after_its_time_does_nothing(letters: Letters) -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True))
    token = token_of(confirmation_letter(letters).values["confirm_url"])
    decide("confirm", at=later(days=8), token=token)
    assert not permitted(alice)


def test_one_address_gets_one_letter_a_day_whatever_is_posted(letters: Letters) -> None:
    alice = uuid4()
    for minute in range(5):
        submit(alice, newsletter(is_ticked=True), at=later(minutes=minute))
    assert len(letters.requests) == 1
    submit(alice, newsletter(is_ticked=True), at=later(hours=25))
    assert len(letters.requests) == 2


def test_interest_permits_until_the_person_objects_on_the_form() -> None:
    alice, bob = uuid4(), uuid4()
    submit(alice, promotion(is_ticked=False))
    submit(bob, promotion(is_ticked=True), email="bob@example.org")
    assert permitted(alice, "targeted_promotion")
    assert not permitted(bob, "targeted_promotion")
    submit(bob, promotion(is_ticked=False), email="bob@example.org", at=later(days=1))
    assert not permitted(bob, "targeted_promotion")
    assert explained(bob, "targeted_promotion").reason_code == "objected"


def test_one_click_ends_the_permission_and_keeps_the_no(letters: Letters) -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    assert permitted(alice)
    decide("opt_out", token=token_of(links_of(alice).one_click_url))
    assert not permitted(alice)
    assert explained(alice).reason_code == "withdrawn"
    mark = fingerprint_emails(emails=[ALICE])[0].exact
    assert Suppression.objects.get(fingerprint=mark).purpose_code == "newsletter"


def test_after_a_no_the_form_alone_never_permits_but_a_confirmation_does(letters: Letters) -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    decide("opt_out", token=token_of(links_of(alice).one_click_url), at=later(hours=1))
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False, at=later(hours=2))
    assert not permitted(alice)
    confirm(letters, at=later(hours=3))
    assert permitted(alice)
    assert not Suppression.objects.exists()


def test_undo_within_a_day_brings_back_exactly_what_the_click_ended() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), promotion(is_ticked=True), needs_confirmation=False)
    token = token_of(links_of(alice).one_click_url)
    clicked = decide("opt_out", token=token, everything=True, at=later(hours=1))
    assert not permitted(alice)
    decide("undo", token=token, decision=str(clicked), at=later(hours=2))
    assert permitted(alice)
    assert not permitted(alice, "targeted_promotion")


def test_undo_after_a_day_does_nothing() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    token = token_of(links_of(alice).one_click_url)
    clicked = decide("opt_out", token=token)
    decide("undo", token=token, decision=str(clicked), at=later(hours=25))
    assert not permitted(alice)


def test_a_link_for_one_use_opens_no_other(letters: Letters) -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True))
    opt_out = token_of(links_of(alice).one_click_url)
    decide("preferences", token=opt_out, choices={"newsletter": "yes"})
    decide("confirm", token=opt_out)
    assert not permitted(alice)
    assert set(Envelope.objects.values_list("failure", flat=True)) == {"not_our_link"}


def test_preferences_say_yes_and_no_by_purpose() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    token = token_of(links_of(alice).preferences_url)
    decide(
        "preferences",
        token=token,
        choices={"newsletter": "no", "targeted_promotion": "yes", "reply_to_request": "no"},
        at=later(hours=1),
    )
    assert not permitted(alice)
    assert permitted(alice, "targeted_promotion")
    decide("preferences", token=token, everything="no", at=later(hours=2))
    assert not permitted(alice, "targeted_promotion")


def test_a_no_by_address_needs_no_link_and_covers_its_tags() -> None:
    decide("by_address", email="Alice@Example.org")
    tagged = fingerprint_emails(emails=["alice+shop@example.org"])[0]
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT consent_is_suppressed(%s, %s, 'newsletter')", [tagged.exact, tagged.wide]
        )
        assert cursor.fetchone() == (True,)


def test_a_decision_delivered_twice_counts_once() -> None:
    alice, number = uuid4(), uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    token = token_of(links_of(alice).one_click_url)
    decide("opt_out", number=number, token=token)
    events = LedgerEvent.objects.count()
    decide("opt_out", number=number, token=token)
    assert LedgerEvent.objects.count() == events


def test_a_no_survives_a_database_put_back_from_before_it() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    token = token_of(links_of(alice).one_click_url)
    mark = JournalApplied.objects.get()
    number = uuid4()
    with transaction.atomic():  # what a restore forgets
        decide("opt_out", number=number, token=token, at=later(hours=1))
        transaction.set_rollback(True)
    mark.save()
    assert permitted(alice)
    with journal_writer(now=later(hours=2)):
        pass
    assert not permitted(alice)


def test_staff_can_record_a_no_and_no_yes() -> None:
    alice, staff = uuid4(), uuid4()
    submit(alice, promotion(is_ticked=False))
    services.withdraw_on_behalf(
        subject_id=alice,
        email=ALICE,
        purpose_code="",
        source_id=uuid4(),
        actor_id=staff,
        now=later(days=1),
    )
    assert not permitted(alice, "targeted_promotion")
    assert services.history(subject_id=alice)[0].method == "staff_on_behalf"


def test_every_entry_hash_can_be_recomputed() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), promotion(is_ticked=False))
    rows = list(LedgerEvent.objects.all())
    assert rows
    assert all(bytes(row.entry_hash) == entry_hash(row) for row in rows)


def test_the_public_card_holds_states_and_nobodys_name() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    links_of(alice)
    assert services.refresh_cards(now=NOW) == 1
    assert services.refresh_cards(now=NOW) == 0
    card = SubjectCard.objects.get(subject_id=alice).card_id
    document = PreferenceCard.objects.get(card_hash=card_hash(card)).document
    assert [item["purpose"] for item in document["items"]] == ["newsletter"]
    assert "alice" not in str(document)


def test_seeds_and_notices_can_be_published_again() -> None:
    first = notice_id()
    assert notice_id() == first
    version = services.publish_notice(
        code="people", texts={"fr": "Avis nouveau"}, is_substantive=True, now=NOW
    )
    assert version == 2
    assert services.notice(code="people", version=1, language="fr").text == "Avis"
    with pytest.raises(services.NoticeUnknown):
        services.notice(code="people", version=3, language="fr")


def test_the_request_of_a_confirmed_letter_is_dated(letters: Letters) -> None:
    submit(uuid4(), newsletter(is_ticked=True))
    confirm(letters, at=later(minutes=1))
    assert ConfirmationRequest.objects.get().confirmed_at == later(minutes=1)


def test_a_yes_to_calls_is_a_yes_by_telephone() -> None:
    services.seed_purposes(now=NOW)
    subject = enrol(email=ALICE).subject_id
    assessment = services.current_assessment(purpose_code="phone_prospecting")
    calls = Answer(
        "phone_prospecting", "phone", Basis.LEGITIMATE_INTEREST, assessment, True, "No calls"
    )
    submit(subject, calls)
    link = links_of(subject).preferences_url
    decide(
        "preferences", token=token_of(link), choices={"phone_prospecting": "yes"}, at=later(days=1)
    )
    reached = {
        channel: services.permits(
            subject_ids=[subject], purpose_code="phone_prospecting", channel=channel
        )
        for channel in ("phone", "email")
    }
    assert reached == {"phone": {subject}, "email": set()}


def test_a_second_form_of_the_day_has_a_letter_for_what_the_first_did_not_ask(
    letters: Letters,
) -> None:
    subject = enrol(email=ALICE).subject_id
    measured = Answer("email_measurement", "email", Basis.CONSENT, None, True, "Measure")
    submit(subject, newsletter(is_ticked=True))
    submit(subject, newsletter(is_ticked=True), at=later(hours=1))
    assert len(letters.requests) == 1
    submit(subject, newsletter(is_ticked=True), measured, at=later(hours=2))
    assert len(letters.requests) == 2


def test_no_more_than_three_letters_a_day_whatever_is_posted(letters: Letters) -> None:
    subject = enrol(email=ALICE).subject_id
    services.seed_purposes(now=NOW)
    for hour, code in enumerate(p.code for p in services.purposes(language="fr")):
        answer = Answer(code, "email", Basis.CONSENT, None, True, "Yes")
        submit(subject, answer, at=later(hours=hour))
    assert len(letters.requests) == 3


def test_what_only_the_journal_knows_takes_effect_with_the_next_sweep() -> None:
    subject = enrol(email=ALICE).subject_id
    submit(subject, newsletter(is_ticked=True), needs_confirmation=False)
    assert permitted(subject)
    mark = fingerprint_emails(emails=[ALICE])[0]
    ours = journal()
    with ours.locked():  # the process died between the journal and the commit
        ours.append(
            JOURNAL_KIND,
            subject,
            {
                "exact": mark.exact.hex(),
                "wide": mark.wide.hex(),
                "purposes": "newsletter",
                "method": "one_click",
                "source": str(uuid4()),
                "at": later(days=1).isoformat(),
                "language": "fr",
                "indicated_by": "subject",
                "actor": "",
            },
            later(days=1),
        )
    assert not is_journal_applied()
    services.apply_waiting_decisions(now=later(days=1))
    assert is_journal_applied()
    assert not permitted(subject)
