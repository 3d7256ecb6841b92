"""A later "no" stands, whatever comes late, is taken back, or was said before it."""

from uuid import UUID

import pytest

from consent import services
from consent.models import ConfirmationRequest, Suppression
from privacy.services import Link, enrol, fingerprint_emails, make_link
from tests.conftest import NOW
from tests.consent.people import ALICE, decide, later, newsletter, permitted, submit

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


def _links(subject: UUID) -> tuple[str, str]:
    made = services.opt_out_links(subjects={subject: ALICE}, purpose_code="newsletter", now=NOW)
    links = made[subject]
    return links.one_click_url.rsplit("/", 1)[1], links.preferences_url.rsplit("/", 1)[1]


def _kept() -> set[str]:
    return set(Suppression.objects.values_list("purpose_code", flat=True))


@pytest.fixture
def alice() -> UUID:
    subject = enrol(email=ALICE).subject_id
    submit(subject, newsletter(is_ticked=True), needs_confirmation=False)
    return subject


def test_undoing_a_no_does_not_undo_the_same_no_said_again(alice: UUID) -> None:
    one_click, preferences = _links(alice)
    first = decide("opt_out", at=later(minutes=1), token=one_click, everything=True)
    decide("preferences", at=later(minutes=3), token=preferences, everything="no")
    # Whoever holds the page of the first one: the mail was forwarded, or the press came late.
    for minutes in (2, 4):
        decide(
            "undo", at=later(minutes=minutes), token=one_click, page="opt_out", decision=str(first)
        )
        assert not permitted(alice)
        assert _kept() == {""}


def test_a_confirmation_that_comes_late_lifts_no_later_no(alice: UUID) -> None:
    one_click, _preferences = _links(alice)
    decide("opt_out", at=later(minutes=1), token=one_click)
    submit(alice, newsletter(is_ticked=True), at=later(minutes=2))
    request = ConfirmationRequest.objects.get()
    mark = fingerprint_emails(emails=[ALICE])[0]
    token = make_link(scope="confirm", link=Link(request.id, 0, mark.exact, mark.epoch))
    decide("opt_out", at=later(minutes=4), token=one_click)
    decide("confirm", at=later(minutes=3), token=token)
    assert not permitted(alice)
    assert _kept() == {"newsletter"}


def test_a_yes_that_comes_late_lifts_no_later_no(alice: UUID) -> None:
    one_click, preferences = _links(alice)
    decide("opt_out", at=later(minutes=2), token=one_click, everything=True)
    choices = {"newsletter:email": "yes"}
    decide("preferences", at=later(minutes=1), token=preferences, choices=choices)
    assert not permitted(alice)
    assert _kept() == {""}


def test_a_choice_is_not_put_aside_because_two_clocks_differ(
    alice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_click, preferences = _links(alice)
    decide("opt_out", at=later(minutes=1), token=one_click)
    services.publish_notice(code="choices", texts={"fr": "Choix"}, now=later(hours=1))
    monkeypatch.setattr("consent.choosing.PREFERENCES_NOTICE", "choices")
    choices = {"newsletter:email": "yes"}
    decide("preferences", at=later(minutes=2), token=preferences, choices=choices)
    assert permitted(alice)
