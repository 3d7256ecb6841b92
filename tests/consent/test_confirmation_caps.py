"""List bombing: whatever is posted, and from wherever, few letters leave and honest people get
theirs."""

import logging
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from pytest_django import Settings

from consent import services
from consent.models import ConfirmationRequest, LedgerEvent, Notice, State
from consent.services import Answer, Basis
from privacy.services import domain_of
from tests.conftest import NOW
from tests.consent.letters import Letters
from tests.consent.people import ALICE, BOB, decide, later, notice_id, permitted, submit

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"]),
    pytest.mark.usefixtures("vault", "letters"),
]


@pytest.fixture(autouse=True)
def shown(vault: None) -> UUID:
    """The notice of the form, published once: five hundred posts meet the same."""
    return notice_id()


def _post(email: str, *, subject: UUID | None = None, at: datetime = NOW, code: str = "") -> None:
    services.record_answers(
        subject_id=subject or uuid4(),
        email=email,
        answers=[Answer(code or "newsletter", "email", Basis.CONSENT, None, True, "Yes")],
        notice_id=Notice.objects.get(code="people", language="fr").id,
        language="fr",
        form_code="contact",
        form_version=1,
        source_id=uuid4(),
        event_at=at,
        received_at=at,
        needs_confirmation=True,
        evidence={},
        now=at,
    )


def test_five_hundred_posts_for_one_address_are_three_letters_a_day(letters: Letters) -> None:
    codes = [purpose.code for purpose in services.purposes(language="fr")]
    for number in range(500):
        at = later(minutes=number * 2)
        _post(ALICE, subject=UUID(int=1), at=at, code=codes[number % len(codes)])
    assert len(letters.requests) == 3


def test_the_tags_of_one_mailbox_are_one_mailbox(letters: Letters) -> None:
    for number in range(50):
        _post(f"alice+{number}@example.org", at=later(minutes=number))
    assert len(letters.requests) == 3
    _post(ALICE, at=later(hours=2))
    assert len(letters.requests) == 3
    _post(ALICE, at=later(hours=25))
    assert len(letters.requests) == 4


def test_two_tags_of_one_person_have_a_letter_each(letters: Letters) -> None:
    _post("alice+shop@example.org")
    _post("alice+news@example.org", at=later(minutes=1))
    assert len(letters.requests) == 2


def test_five_hundred_addresses_of_one_domain_are_the_domains_cap(
    letters: Letters, settings: Settings
) -> None:
    settings.CONFIRMATIONS_PER_DOMAIN_HOUR, settings.CONFIRMATIONS_PER_DOMAIN_DAY = 10, 25
    for number in range(500):
        _post(f"person{number}@victim.example", at=later(seconds=number))
    assert len(letters.requests) == 10
    # The honest second person is of another company, and is served.
    _post("honest@neighbour.example", at=later(seconds=500))
    assert len(letters.requests) == 11
    for hour in (2, 4, 6):
        for number in range(20):
            _post(f"late{hour}-{number}@victim.example", at=later(hours=hour, seconds=number))
    assert len(letters.requests) == 26
    _post("tomorrow@victim.example", at=later(hours=31))
    assert len(letters.requests) == 27


def test_a_public_mailbox_provider_is_not_one_company(letters: Letters, settings: Settings) -> None:
    settings.CONFIRMATIONS_PER_DOMAIN_HOUR = 2
    for number in range(5):
        _post(f"person{number}@laposte.net", at=later(minutes=number))
    assert len(letters.requests) == 5


def test_a_minute_has_its_cap_whatever_the_domains(letters: Letters, settings: Settings) -> None:
    settings.CONFIRMATIONS_PER_MINUTE = 5
    for number in range(20):
        _post(f"person@domain{number}.example", at=later(seconds=number))
    assert len(letters.requests) == 5
    _post("person@later.example", at=later(seconds=90))
    assert len(letters.requests) == 6


def test_what_is_held_back_is_in_the_ledger_and_the_log_names_nobody(
    letters: Letters, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CONFIRMATIONS_PER_DOMAIN_HOUR = 1
    bob = uuid4()
    with caplog.at_level(logging.INFO, logger="consent.confirming"):
        _post("first@example.org")
        _post(BOB, subject=bob)
    assert [record.getMessage() for record in caplog.records] == [
        "confirmation letter held back: domain_hour"
    ]
    asked = LedgerEvent.objects.filter(subject_id=bob, event_state=State.CONSENT_REQUESTED)
    assert asked.count() == 1
    assert not permitted(bob)
    # Asking again later brings the letter, and the letter the permission.
    _post(BOB, subject=bob, at=later(hours=2))
    letter = services.write_letter(
        kind="confirmation", reference_id=letters.requests[-1], email=BOB, now=later(hours=2)
    )
    assert letter is not None
    token = letter.values["confirm_url"].rsplit("/", 1)[1]
    decide("confirm", token=token, at=later(hours=3))
    assert permitted(bob)


def test_a_letter_holds_nothing_that_was_typed_but_the_choice_of_purposes(
    letters: Letters,
) -> None:
    """Not even words beside the box: they come from whoever wrote the form."""
    hostile = "https://evil.example/<script>alert(1)</script>{{ name }}"
    answer = Answer("newsletter", "email", Basis.CONSENT, None, True, hostile)
    submit(uuid4(), answer)
    letter = services.write_letter(
        kind="confirmation", reference_id=letters.requests[-1], email=ALICE, now=NOW
    )
    assert letter is not None
    said = " ".join(letter.values.values())
    assert "evil" not in said
    assert "<" not in said
    assert ALICE not in said
    assert letter.values.keys() == {"purposes", "confirm_url", "preferences_url"}


def test_requests_keep_fingerprints_alone() -> None:
    _post("alice+shop@example.org")
    kept = ConfirmationRequest.objects.values().get()
    assert "alice" not in str(kept)
    assert domain_of("alice+shop@example.org") not in str(kept)
