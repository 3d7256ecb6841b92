"""What the preference page asks: by channel, how often, and pauses."""

from datetime import datetime
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from consent import services
from consent.ledger import Event, append
from consent.models import (
    LedgerEvent,
    MailingPreference,
    Notice,
    Purpose,
    Suppression,
)
from consent.services import Answer, Basis, State
from privacy.models import JournalApplied
from privacy.services import journal_writer
from tests.conftest import NOW
from tests.consent.letters import (
    links_of,
    token_of,
)
from tests.consent.people import (
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
    token = token_of(links_of(subject).preferences_url)
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
    links = links_of(alice)
    mark = JournalApplied.objects.get()
    with transaction.atomic():
        decide(
            "preferences",
            token=token_of(links.preferences_url),
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
