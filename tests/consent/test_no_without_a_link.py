"""A "no" by a damaged link or by address alone, its letter, and undoing."""

from datetime import datetime
from uuid import UUID, uuid4

import pytest

from consent import services
from consent.models import (
    AppliedDecision,
    LetterRequest,
    MailingPreference,
    SubjectCard,
    Suppression,
)
from privacy.models import Envelope, JournalApplied
from privacy.services import fingerprint_emails
from tests.conftest import NOW
from tests.consent.letters import (
    Letters,
    explained,
    links_of,
    token_of,
)
from tests.consent.people import (
    ALICE,
    decide,
    later,
    newsletter,
    permitted,
    promotion,
    submit,
)

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault", "letters"),
]


def _damaged(url: str) -> str:
    token = token_of(url)
    return token[:-2] + ("AA" if token[-2:] != "AA" else "QQ")


def test_a_no_by_a_damaged_link_counts_and_covers_the_tags(known: UUID) -> None:
    submit(known, newsletter(is_ticked=True), promotion(is_ticked=False), needs_confirmation=False)
    number = decide("opt_out", token=_damaged(links_of(known).one_click_url))
    assert not permitted(known)
    assert permitted(known, "targeted_promotion")
    assert AppliedDecision.objects.get(id=number).outcome == "no_by_damaged_link"
    mark = fingerprint_emails(emails=[ALICE])[0]
    assert bytes(Suppression.objects.get(is_wide=False).fingerprint) == mark.exact
    decide("preferences", token=_damaged(links_of(known).preferences_url), everything="no")
    assert not permitted(known, "targeted_promotion")


def test_a_no_by_a_damaged_link_needs_no_address() -> None:
    alice = uuid4()
    submit(alice, newsletter(is_ticked=True), needs_confirmation=False)
    mark = JournalApplied.objects.get()
    decide("opt_out", token=_damaged(links_of(alice).one_click_url), at=later(hours=1))
    assert not permitted(alice)
    assert not Suppression.objects.exists()
    assert JournalApplied.objects.get().applied_seq == mark.applied_seq + 1


def test_a_damaged_link_never_says_yes_and_undoes_nothing(known: UUID) -> None:
    submit(known, newsletter(is_ticked=True), promotion(is_ticked=True), needs_confirmation=False)
    links = links_of(known)
    chosen = {"newsletter:email": "no", "targeted_promotion:email": "yes"}
    said = decide(
        "preferences", token=_damaged(links.preferences_url), choices=chosen, frequency="7"
    )
    assert not permitted(known)
    assert not permitted(known, "targeted_promotion")
    assert not MailingPreference.objects.exists()
    clicked = decide("opt_out", token=token_of(links.one_click_url), at=later(minutes=1))
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
    url = links_of(alice).one_click_url
    SubjectCard.objects.all().delete()
    decide("opt_out", token=_damaged(url))
    assert Envelope.objects.get().failure == "not_our_link"


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
    decide("undo", token=token_of(letter.values["undo_url"]), at=later(days=29))
    assert permitted(known)
    assert not permitted(known, "targeted_promotion")  # that no was there before
    after = list(Suppression.objects.order_by("fingerprint").values_list("purpose_code"))
    assert after == before


def test_the_letters_link_ends_after_thirty_days(known: UUID, letters: Letters) -> None:
    submit(known, newsletter(is_ticked=True), needs_confirmation=False)
    decide("by_address", email=ALICE)
    letter = _opted_out_letter(letters)
    assert letter is not None
    number = decide("undo", token=token_of(letter.values["undo_url"]), at=later(days=31))
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
    token = token_of(links_of(known).preferences_url)
    for hour in (1, 2):  # a yes in between: something to end, and still one letter a day
        decide("preferences", token=token, choices={"newsletter": "yes"}, at=later(hours=hour))
        decide("by_address", email=ALICE, at=later(hours=hour, minutes=1))
    assert LetterRequest.objects.count() == 1


def test_undoing_leaves_what_was_decided_meanwhile(known: UUID, letters: Letters) -> None:
    submit(known, newsletter(is_ticked=True), needs_confirmation=False)
    token = token_of(links_of(known).preferences_url)
    clicked = decide("opt_out", token=token_of(links_of(known).one_click_url))
    decide("preferences", token=token, choices={"newsletter": "yes"}, at=later(hours=1))
    decide("preferences", token=token, choices={"newsletter": "no"}, at=later(hours=2))
    decide(
        "undo",
        token=token_of(links_of(known).one_click_url),
        decision=str(clicked),
        at=later(hours=3),
    )
    assert not permitted(known)
    assert Suppression.objects.exists()


def test_no_to_everything_on_the_preference_page_is_undone_for_a_day(known: UUID) -> None:
    submit(known, newsletter(is_ticked=True), promotion(is_ticked=True), needs_confirmation=False)
    kept = set(Suppression.objects.values_list("purpose_code", "created_at"))
    token = token_of(links_of(known).preferences_url)
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
    assert explained(known).since == later(hours=2)


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
        token=token_of(links_of(known).one_click_url),
        decision=str(number),
        at=later(hours=2),
    )
    assert not permitted(known)
