"""From a box on a form to a permission and back: the acts of people, on the real databases."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction

from consent import addresses as consent_addresses
from consent import letters as consent_letters
from consent import services
from consent.cards import card_hash
from consent.entries import entry_hash
from consent.ledger import Event, append
from consent.models import (
    AppliedDecision,
    ConfirmationRequest,
    LedgerEvent,
    LetterRequest,
    MailingPreference,
    Notice,
    PreferenceCard,
    Purpose,
    SubjectCard,
    Suppression,
)
from consent.refusal import JOURNAL_KIND
from consent.services import Answer, Basis, Explanation, State
from privacy.journal import journal
from privacy.models import Envelope, JournalApplied
from privacy.services import enrol, fingerprint_emails, is_journal_applied, journal_writer
from tests.conftest import NOW
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


class Letters:
    """A courier that keeps what it was asked to send."""

    def __init__(self) -> None:
        self.requests: list[UUID] = []

    def plan_letters(self, *, kind: str, letters: Mapping[UUID, UUID], now: datetime) -> None:
        self.requests += letters

    def plan_letter(
        self, *, kind: str, reference_id: UUID, subject_id: UUID, now: datetime
    ) -> None:
        self.requests.append(reference_id)


@pytest.fixture(autouse=True)
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    courier = Letters()
    monkeypatch.setattr(consent_letters, "_COURIERS", [])
    services.register_courier(courier)
    return courier


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> UUID:
    """Alice, a contact whose address crm knows; the id of her person."""
    subject = enrol(email=ALICE).subject_id

    def addresses(subject_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
        return {number: (ALICE, "") for number in subject_ids if number == subject}

    monkeypatch.setattr(consent_addresses, "_PROVIDERS", [addresses])
    return subject


def _token(url: str) -> str:
    return url.rsplit("/", 1)[1]


def _links(subject: UUID, purpose: str = "newsletter") -> services.OptOutLinks:
    return services.opt_out_links(subjects={subject: ALICE}, purpose_code=purpose, now=NOW)[subject]


def _letter(letters: Letters, *, at: datetime = NOW) -> services.Letter:
    letter = services.write_letter(
        kind="confirmation", reference_id=letters.requests[-1], email=ALICE, now=at
    )
    assert letter is not None
    return letter


def _confirm(letters: Letters, *, at: datetime = NOW) -> UUID:
    return decide("confirm", at=at, token=_token(_letter(letters, at=at).values["confirm_url"]))


def _explain(subject: UUID, purpose: str = "newsletter") -> Explanation:
    return services.explain(subject_id=subject, purpose_code=purpose, channel="email")


def test_a_ticked_box_asks_and_only_the_letter_permits(letters: Letters) -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True))
    assert not permitted(alice)
    assert _explain(alice).reason_code == "not_confirmed"
    assert _letter(letters).values["purposes"] == "Notre lettre d’information"
    _confirm(letters, at=later(minutes=5))
    assert permitted(alice)
    assert _explain(alice).since == later(minutes=5)


def test_an_unticked_box_is_no_answer(letters: Letters) -> None:
    charlie = uuid4()
    assert submit(charlie, newsletter(is_ticked=False)) == ["NoticeCommunicated"]
    assert not permitted(charlie)
    assert letters.requests == []


def test_a_confirmation_after_its_time_does_nothing(letters: Letters) -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True))
    token = _token(_letter(letters).values["confirm_url"])
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
    assert _explain(bob, "targeted_promotion").reason_code == "objected"


def test_one_click_ends_the_permission_and_keeps_the_no(letters: Letters) -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    assert permitted(alice)
    decide("opt_out", token=_token(_links(alice).one_click_url))
    assert not permitted(alice)
    assert _explain(alice).reason_code == "withdrawn"
    mark = fingerprint_emails(emails=[ALICE])[0].exact
    assert Suppression.objects.get(fingerprint=mark).purpose_code == "newsletter"


def test_after_a_no_the_form_alone_never_permits_but_a_confirmation_does(letters: Letters) -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    decide("opt_out", token=_token(_links(alice).one_click_url), at=later(hours=1))
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False, at=later(hours=2))
    assert not permitted(alice)
    _confirm(letters, at=later(hours=3))
    assert permitted(alice)
    assert not Suppression.objects.exists()


def test_undo_within_a_day_brings_back_exactly_what_the_click_ended() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), promotion(is_ticked=True), needs_confirmation=False)
    token = _token(_links(alice).one_click_url)
    clicked = decide("opt_out", token=token, everything=True, at=later(hours=1))
    assert not permitted(alice)
    decide("undo", token=token, decision=str(clicked), at=later(hours=2))
    assert permitted(alice)
    assert not permitted(alice, "targeted_promotion")


def test_undo_after_a_day_does_nothing() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    token = _token(_links(alice).one_click_url)
    clicked = decide("opt_out", token=token)
    decide("undo", token=token, decision=str(clicked), at=later(hours=25))
    assert not permitted(alice)


def test_a_link_for_one_use_opens_no_other(letters: Letters) -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True))
    opt_out = _token(_links(alice).one_click_url)
    decide("preferences", token=opt_out, choices={"newsletter": "yes"})
    decide("confirm", token=opt_out)
    assert not permitted(alice)
    assert set(Envelope.objects.values_list("failure", flat=True)) == {"not_our_link"}


def test_preferences_say_yes_and_no_by_purpose() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    token = _token(_links(alice).preferences_url)
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
    token = _token(_links(alice).one_click_url)
    decide("opt_out", number=number, token=token)
    events = LedgerEvent.objects.count()
    decide("opt_out", number=number, token=token)
    assert LedgerEvent.objects.count() == events


def test_a_no_survives_a_database_put_back_from_before_it() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    token = _token(_links(alice).one_click_url)
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
    _links(alice)
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
    _confirm(letters, at=later(minutes=1))
    assert ConfirmationRequest.objects.get().confirmed_at == later(minutes=1)


def test_a_yes_to_calls_is_a_yes_by_telephone() -> None:
    services.seed_purposes(now=NOW)
    subject = enrol(email=ALICE).subject_id
    assessment = services.current_assessment(purpose_code="phone_prospecting")
    calls = Answer(
        "phone_prospecting", "phone", Basis.LEGITIMATE_INTEREST, assessment, True, "No calls"
    )
    submit(subject, calls)
    link = _links(subject).preferences_url
    decide(
        "preferences", token=_token(link), choices={"phone_prospecting": "yes"}, at=later(days=1)
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


# --- by channel, how often, and pauses ---------------------------------------------------------


def _with_two_channels(purpose: str = "newsletter") -> None:
    services.seed_purposes(now=NOW)
    Purpose.objects.filter(code=purpose).update(channels=["email", "phone"])


def _held(subject: UUID, purpose: str = "newsletter") -> set[str]:
    return {
        channel
        for channel in ("email", "phone")
        if services.permits(subject_ids=[subject], purpose_code=purpose, channel=channel)
    }


def _choose(subject: UUID, at: datetime, **document: object) -> UUID:
    token = _token(_links(subject).preferences_url)
    return decide("preferences", at=at, number=None, token=token, **document)


def test_a_choice_is_by_channel_and_ends_no_other() -> None:
    alice = uuid4()
    _with_two_channels()
    calls = Answer("newsletter", "phone", Basis.CONSENT, None, True, "Call me")
    submit(alice, newsletter(is_ticked=True), calls, needs_confirmation=False)
    assert _held(alice) == {"email", "phone"}
    _choose(alice, later(hours=1), choices={"newsletter:phone": "no"})
    assert _held(alice) == {"email"}
    assert not Suppression.objects.exists()  # the address itself is not refused
    _choose(alice, later(hours=2), choices={"newsletter:email": "no", "newsletter:phone": "yes"})
    assert _held(alice) == {"phone"}
    assert Suppression.objects.get().purpose_code == "newsletter"
    _choose(alice, later(hours=3), choices={"newsletter:email": "yes"})
    assert _held(alice) == {"email", "phone"}
    assert not Suppression.objects.exists()


def test_a_no_to_one_channel_survives_a_database_put_back_from_before_it() -> None:
    alice = uuid4()
    _with_two_channels()
    calls = Answer("newsletter", "phone", Basis.CONSENT, None, True, "Call me")
    submit(alice, newsletter(is_ticked=True), calls, needs_confirmation=False)
    links = _links(alice)
    mark = JournalApplied.objects.get()
    with transaction.atomic():
        decide(
            "preferences",
            token=_token(links.preferences_url),
            choices={"newsletter:phone": "no"},
            at=later(hours=1),
        )
        transaction.set_rollback(True)
    mark.save()
    with journal_writer(now=later(hours=2)):
        pass
    assert _held(alice) == {"email"}


def test_who_was_only_told_and_does_not_object_agrees_to_nothing() -> None:
    alice, bob = uuid4(), uuid4()
    submit(alice, promotion(is_ticked=False))
    told = LedgerEvent.objects.get(event_state="LegitimateInterestInformed")
    with transaction.atomic():
        append(
            [
                Event(
                    subject_id=bob,
                    purpose_code="targeted_promotion",
                    channel="email",
                    basis=Basis.LEGITIMATE_INTEREST,
                    state=State.INTEREST_INFORMED,
                    event_type="NoticeCommunicated",
                    event_at=NOW,
                    received_at=NOW,
                    method="information_letter",
                    source_id=uuid4(),
                    language="fr",
                    assessment_id=told.assessment_id,
                    notice_id=told.notice_id,
                    notice_sha256=bytes(told.notice_sha256 or b""),
                )
            ]
        )
    _choose(bob, later(hours=1), choices={"targeted_promotion:email": "yes"})
    answer = LedgerEvent.objects.filter(subject_id=bob).latest("seq")
    assert answer.event_state == "LegitimateInterestNotObjected"
    assert answer.assessment_id == told.assessment_id
    assert permitted(bob, "targeted_promotion")


def test_an_objection_ends_by_agreement_alone() -> None:
    alice = uuid4()
    submit(alice, promotion(is_ticked=True))
    _choose(alice, later(hours=2), choices={"targeted_promotion:email": "yes"})
    newest = LedgerEvent.objects.latest("seq")
    assert (newest.event_state, newest.basis) == ("ConsentGiven", Basis.CONSENT)


def test_a_yes_names_the_notice_that_stood_on_the_page() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=False))
    shown = Notice.objects.get(code="preferences", language="en")
    services.publish_notice(
        code="preferences", texts={"fr": "Nouveau", "en": "New"}, is_substantive=True, now=NOW
    )
    _choose(alice, later(hours=1), choices={"newsletter:email": "yes"}, notice=str(shown.id))
    assert LedgerEvent.objects.latest("seq").notice_id == shown.id
    _choose(alice, later(hours=2), choices={"targeted_promotion": "yes"}, notice="made up")
    newest = LedgerEvent.objects.select_related("notice").latest("seq").notice
    assert newest is not None and newest.version == 2


def test_frequency_and_pause_are_kept_and_an_older_page_changes_nothing() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    _choose(alice, later(hours=2), choices={}, frequency="7", pause="3")
    kept = MailingPreference.objects.get(subject_id=alice)
    assert kept.every_days == 7
    assert kept.paused_until == later(hours=2).replace(month=2, year=2027)
    _choose(alice, later(hours=1), choices={}, frequency="0", pause="end")
    assert MailingPreference.objects.get(subject_id=alice).every_days == 7
    _choose(alice, later(hours=3), choices={}, frequency="0", pause="keep")
    kept = MailingPreference.objects.get(subject_id=alice)
    assert (kept.every_days, kept.paused_until is None) == (None, False)
    _choose(alice, later(hours=4), choices={}, frequency="365", pause="end")
    assert MailingPreference.objects.get(subject_id=alice).paused_until is None
    assert permitted(alice)


# --- a no by a damaged link --------------------------------------------------------------------


def _damaged(url: str) -> str:
    token = _token(url)
    return token[:-2] + ("AA" if token[-2:] != "AA" else "QQ")


def test_a_no_by_a_damaged_link_counts_and_covers_the_tags(known: UUID) -> None:
    submit(known, newsletter(is_ticked=True), promotion(is_ticked=False), needs_confirmation=False)
    number = decide("opt_out", token=_damaged(_links(known).one_click_url))
    assert not permitted(known)
    assert permitted(known, "targeted_promotion")
    assert AppliedDecision.objects.get(id=number).outcome == "no_by_damaged_link"
    mark = fingerprint_emails(emails=[ALICE])[0]
    assert bytes(Suppression.objects.get(is_wide=False).fingerprint) == mark.exact
    decide("preferences", token=_damaged(_links(known).preferences_url), everything="no")
    assert not permitted(known, "targeted_promotion")


def test_a_no_by_a_damaged_link_needs_no_address() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    mark = JournalApplied.objects.get()
    decide("opt_out", token=_damaged(_links(alice).one_click_url), at=later(hours=1))
    assert not permitted(alice)
    assert not Suppression.objects.exists()
    assert JournalApplied.objects.get().applied_seq == mark.applied_seq + 1


def test_a_damaged_link_never_says_yes_and_undoes_nothing(known: UUID) -> None:
    submit(known, newsletter(is_ticked=True), promotion(is_ticked=True), needs_confirmation=False)
    links = _links(known)
    chosen = {"newsletter:email": "no", "targeted_promotion:email": "yes"}
    said = decide(
        "preferences", token=_damaged(links.preferences_url), choices=chosen, frequency="7"
    )
    assert not permitted(known)
    assert not permitted(known, "targeted_promotion")
    assert not MailingPreference.objects.exists()
    clicked = decide("opt_out", token=_token(links.one_click_url), at=later(minutes=1))
    for number in (said, clicked):
        decide(
            "undo",
            token=_damaged(links.one_click_url),
            decision=str(number),
            at=later(minutes=2),
        )
    decide(
        "preferences", token=_damaged(links.preferences_url), choices={"newsletter:email": "yes"}
    )
    assert not permitted(known)
    assert set(Envelope.objects.values_list("failure", flat=True)) == {"not_our_link"}


def test_a_link_of_nobodys_card_is_put_aside() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    url = _links(alice).one_click_url
    SubjectCard.objects.all().delete()
    decide("opt_out", token=_damaged(url))
    assert Envelope.objects.get().failure == "not_our_link"


# --- by address, its letter, and undoing -------------------------------------------------------


def _opted_out_letter(letters: Letters, at: datetime = NOW) -> services.Letter | None:
    return services.write_letter(
        kind="opted_out", reference_id=letters.requests[-1], email=ALICE, now=at
    )


def test_a_no_by_address_is_told_by_letter_and_undone_by_its_link(
    known: UUID, letters: Letters
) -> None:
    submit(known, newsletter(is_ticked=True), promotion(is_ticked=True), needs_confirmation=False)
    before = list(Suppression.objects.order_by("fingerprint").values_list("purpose_code"))
    decide("by_address", email=ALICE, at=later(hours=1))
    assert not permitted(known)
    letter = _opted_out_letter(letters, later(hours=1))
    assert letter is not None
    assert letter.expires_at == later(hours=1, days=30)
    assert letter.values.keys() == {"undo_url", "preferences_url"}
    decide("undo", token=_token(letter.values["undo_url"]), at=later(days=29))
    assert permitted(known)
    assert not permitted(known, "targeted_promotion")  # that no was there before
    after = list(Suppression.objects.order_by("fingerprint").values_list("purpose_code"))
    assert after == before


def test_the_letters_link_ends_after_thirty_days(known: UUID, letters: Letters) -> None:
    submit(known, newsletter(is_ticked=True), needs_confirmation=False)
    decide("by_address", email=ALICE)
    letter = _opted_out_letter(letters)
    assert letter is not None
    number = decide("undo", token=_token(letter.values["undo_url"]), at=later(days=31))
    assert AppliedDecision.objects.get(id=number).outcome == "nothing_to_undo"
    assert not permitted(known)
    assert _opted_out_letter(letters, later(days=31)) is None


def test_the_letter_goes_to_the_address_that_was_typed_and_to_no_other(
    known: UUID, letters: Letters
) -> None:
    submit(known, newsletter(is_ticked=True), needs_confirmation=False)
    decide("by_address", email=ALICE)
    written = services.write_letter(
        kind="opted_out", reference_id=letters.requests[-1], email="other@example.org", now=NOW
    )
    assert written is None


def test_one_letter_a_day_to_an_address_and_none_when_nothing_ended(
    known: UUID, letters: Letters
) -> None:
    submit(known, newsletter(is_ticked=True), needs_confirmation=False)
    decide("by_address", email="nobody@example.org")
    assert letters.requests == []
    decide("by_address", email=ALICE)
    decide("by_address", email=ALICE, at=later(days=2))  # everything was a no already
    assert LetterRequest.objects.count() == 1
    token = _token(_links(known).preferences_url)
    for hour in (1, 2):  # a yes in between: something to end, and still one letter a day
        decide("preferences", token=token, choices={"newsletter": "yes"}, at=later(hours=hour))
        decide("by_address", email=ALICE, at=later(hours=hour, minutes=1))
    assert LetterRequest.objects.count() == 1


def test_undoing_leaves_what_was_decided_meanwhile(known: UUID, letters: Letters) -> None:
    submit(known, newsletter(is_ticked=True), needs_confirmation=False)
    token = _token(_links(known).preferences_url)
    clicked = decide("opt_out", token=_token(_links(known).one_click_url))
    decide("preferences", token=token, choices={"newsletter": "yes"}, at=later(hours=1))
    decide("preferences", token=token, choices={"newsletter": "no"}, at=later(hours=2))
    decide(
        "undo",
        token=_token(_links(known).one_click_url),
        decision=str(clicked),
        at=later(hours=3),
    )
    assert not permitted(known)
    assert Suppression.objects.exists()


def test_no_to_everything_on_the_preference_page_is_undone_for_a_day(known: UUID) -> None:
    submit(known, newsletter(is_ticked=True), promotion(is_ticked=True), needs_confirmation=False)
    kept = set(Suppression.objects.values_list("purpose_code", "created_at"))
    token = _token(_links(known).preferences_url)
    said = decide("preferences", token=token, everything="no", at=later(hours=1))

    def undo(**after: float) -> None:
        at = later(**after)
        decide("undo", at=at, token=token, page="preferences", decision=str(said))

    undo(hours=26)
    assert not permitted(known)
    undo(hours=2)
    assert permitted(known)
    assert not permitted(known, "targeted_promotion")
    assert set(Suppression.objects.values_list("purpose_code", "created_at")) == kept
    assert _explain(known).since == later(hours=2)


def test_what_staff_recorded_is_undone_by_nobodys_link(known: UUID) -> None:
    submit(known, newsletter(is_ticked=True), needs_confirmation=False)
    number = uuid4()
    services.withdraw_on_behalf(
        subject_id=known,
        email=ALICE,
        purpose_code="",
        source_id=number,
        actor_id=uuid4(),
        now=later(hours=1),
    )
    decide(
        "undo",
        token=_token(_links(known).one_click_url),
        decision=str(number),
        at=later(hours=2),
    )
    assert not permitted(known)
