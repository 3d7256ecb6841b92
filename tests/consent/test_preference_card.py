"""The preference page: what it tells a person, what it asks, and how little a no takes."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from bs4 import BeautifulSoup, Tag
from django.test import Client
from django.utils import timezone, translation
from django.utils.formats import date_format

from consent import form_titles, services
from consent.cards import card_hash
from consent.models import (
    MailingPreference,
    Notice,
    Permission,
    PreferenceCard,
    Purpose,
    SubjectCard,
)
from consent.services import Answer, Basis
from privacy.models import Envelope
from privacy.services import enrol
from tests.conftest import NOW
from tests.consent.people import ALICE, decide, later, newsletter, permitted, promotion, submit

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
MEASURED = Answer("email_measurement", "email", Basis.CONSENT, None, True, "Measure")


class Person:
    """Alice, her link, and what she sees behind it."""

    def __init__(self, browser: Client) -> None:
        self.browser = browser
        self.id = enrol(email=ALICE).subject_id

    def url(self) -> str:
        links = services.opt_out_links(
            subjects={self.id: ALICE}, purpose_code="newsletter", now=NOW
        )
        return links[self.id].preferences_url.removeprefix("http://127.0.0.1:8000") + "?lang=en"

    def page(self) -> BeautifulSoup:
        url = self.url()
        services.refresh_cards(now=NOW)
        return BeautifulSoup(self.browser.get(url).content, "html.parser")

    def send(self, **answers: str) -> BeautifulSoup:
        posted = {name.replace("__", ":"): value for name, value in answers.items()}
        return BeautifulSoup(self.browser.post(self.url(), posted).content, "html.parser")

    def document(self) -> dict[str, object]:
        services.refresh_cards(now=NOW)
        card = SubjectCard.objects.get(subject_id=self.id).card_id
        document: dict[str, object] = PreferenceCard.objects.get(card_hash=card_hash(card)).document
        return document


@pytest.fixture
def alice(public_side: Client) -> Person:
    services.seed_purposes(now=NOW)
    return Person(public_side)


def words(page: BeautifulSoup | Tag) -> str:
    return " ".join(page.get_text(" ").split())


def answer_to(page: BeautifulSoup, name: str) -> str | None:
    ticked = page.find("input", {"name": name, "checked": True})
    return str(ticked["value"]) if isinstance(ticked, Tag) else None


def apply() -> None:
    services.apply_waiting_decisions(now=timezone.now())


def test_it_tells_what_was_agreed_when_where_and_what_was_said(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def titles(*, versions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], dict[str, str]]:
        return {("contact", 1): {"fr": "Écrivez-nous", "en": "Write to us"}}

    monkeypatch.setattr(form_titles, "_TITLES", [titles])
    submit(alice.id, newsletter(is_ticked=True), needs_confirmation=False)
    page = alice.page()
    told = words(page)
    assert "You agreed to this on 23 November 2026." in told
    assert "It comes from the form “Write to us”." in told
    assert "notice 1 of 23 November 2026" in told
    notice = Notice.objects.get(code="people")
    unfolded = page.find("details", id=f"notice-{notice.id}")
    assert isinstance(unfolded, Tag)
    assert "Avis" in words(unfolded)
    assert unfolded.find(lang="fr")  # shown as it was: in its own language
    assert answer_to(page, "choice-newsletter:email") == "yes"


def test_a_form_whose_title_nobody_knows_is_called_by_its_code(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form_titles, "_TITLES", [])
    submit(alice.id, newsletter(is_ticked=True), needs_confirmation=False)
    assert "the form “contact”" in words(alice.page())


def test_legitimate_interest_is_worded_as_what_one_may_object_to(alice: Person) -> None:
    submit(alice.id, promotion(is_ticked=False))
    page = alice.page()
    assert "on the ground of our legitimate interest, and you did not object" in words(page)
    labels = [words(label) for label in page.select("label[for^=targeted_promotion-email]")]
    assert labels == ["I do not object", "I object"]
    saved = alice.send(**{"choice-targeted_promotion__email": "no"})
    assert "You objected to this on" in words(saved)
    apply()
    assert not permitted(alice.id, "targeted_promotion")
    assert Permission.objects.get().state == "LegitimateInterestObjected"


def test_what_waits_for_confirmation_is_shown_as_such_and_nothing_is_ticked(
    alice: Person,
) -> None:
    submit(alice.id, newsletter(is_ticked=True))
    page = alice.page()
    assert "have not confirmed it yet" in words(page)
    assert answer_to(page, "choice-newsletter:email") is None


def test_what_was_refused_names_no_form_as_its_source(alice: Person) -> None:
    submit(alice.id, promotion(is_ticked=True))
    page = alice.page()
    assert "You objected to this on" in words(page)
    assert "It comes from the form" not in words(page)
    assert answer_to(page, "choice-targeted_promotion:email") == "no"


def test_measurement_stands_apart_from_the_permissions_to_write(alice: Person) -> None:
    submit(alice.id, newsletter(is_ticked=True), MEASURED, needs_confirmation=False)
    page = alice.page()
    headings = [words(each) for each in page.find_all(["h2", "legend"])]
    measuring = headings.index("Measuring what you read")
    assert headings.index("Our newsletter by e-mail") < measuring
    assert headings.index("Measure whether you open our e-mails") > measuring
    assert "you receive the same ones whatever you answer" in words(page)


def test_how_often_and_a_pause_are_chosen_shown_at_once_and_ended(alice: Person) -> None:
    submit(alice.id, newsletter(is_ticked=True), needs_confirmation=False)
    page = alice.page()
    assert (answer_to(page, "frequency"), answer_to(page, "pause")) == ("0", "keep")
    saved = alice.send(frequency="30", pause="1")
    assert "At most one a month" in words(saved.find(role="status"))  # type: ignore[arg-type]
    assert "Paused until" in words(saved.find(role="status"))  # type: ignore[arg-type]
    assert answer_to(saved, "frequency") == "30"
    apply()
    kept = MailingPreference.objects.get(subject_id=alice.id)
    assert kept.every_days == 30 and kept.paused_until
    # The page promised the very day that is kept.
    with translation.override("en"):
        day = date_format(timezone.localtime(kept.paused_until), "DATE_FORMAT")
    assert f"Paused until {day}" in words(saved)
    again = alice.page()
    assert again.find("input", {"name": "pause", "value": "end"})
    alice.send(frequency="0", pause="end")
    apply()
    ended = MailingPreference.objects.get(subject_id=alice.id)
    assert (ended.every_days, ended.paused_until) == (None, None)
    assert not alice.page().find("input", {"name": "pause", "value": "end"})


def test_a_pause_that_is_over_is_not_shown(alice: Person) -> None:
    submit(alice.id, newsletter(is_ticked=True), needs_confirmation=False)
    alice.page()
    MailingPreference.objects.create(
        subject_id=alice.id,
        paused_until=timezone.now() - timedelta(days=1),
        changed_at=NOW,
        source_id=UUID(int=1),
    )
    SubjectCard.objects.update(stale_since=NOW)
    assert "Paused until" not in words(alice.page())


def _presses(page: BeautifulSoup, name: str, value: str) -> int:
    """What a person does for an answer: choose it and send, or press one button that says it."""
    form = page.find("form")
    assert isinstance(form, Tag)
    if form.find("button", {"name": name, "value": value}):
        return 1
    assert form.find("input", {"name": name, "value": value})
    assert form.find("button", {"name": False})
    return 2


def test_saying_no_takes_no_more_steps_than_saying_yes(alice: Person) -> None:
    submit(alice.id, newsletter(is_ticked=True), promotion(is_ticked=False), MEASURED)
    page = alice.page()
    for item in ("newsletter:email", "targeted_promotion:email", "email_measurement:email"):
        name = f"choice-{item}"
        assert _presses(page, name, "no") <= _presses(page, name, "yes")
    assert _presses(page, "everything", "no") == 1
    form = page.find("form")
    assert isinstance(form, Tag)
    save, everything = form.find_all("button")
    assert save.get("class") == everything.get("class")  # as prominent as saving


def test_no_to_everything_is_shown_at_once_and_can_be_undone(alice: Person) -> None:
    submit(alice.id, newsletter(is_ticked=True), needs_confirmation=False)
    alice.page()
    said = alice.send(everything="no")
    assert answer_to(said, "choice-newsletter:email") == "no"
    apply()
    assert not permitted(alice.id)
    button = said.find("button", {"name": "undo"})
    assert isinstance(button, Tag)
    alice.send(undo=str(button["value"]))
    apply()
    assert permitted(alice.id)


def test_a_page_that_was_open_before_purposes_had_channels_is_understood(alice: Person) -> None:
    submit(alice.id, newsletter(is_ticked=True), needs_confirmation=False)
    alice.page()
    saved = alice.send(**{"choice-newsletter": "no"})
    assert answer_to(saved, "choice-newsletter:email") == "no"
    apply()
    assert not permitted(alice.id)


def test_a_person_who_gave_nothing_finds_a_useful_page(alice: Person) -> None:
    page = alice.page()
    told = words(page)
    assert "We hold no permission of yours" in told
    assert page.find("button", {"name": "everything", "value": "no"})
    assert page.find("a", href="mailto:dpo@localhost.example")
    assert page.find("a", href="https://www.cnil.fr/fr/plaintes")


def test_the_page_needs_no_script_and_sets_no_cookie(alice: Person) -> None:
    submit(alice.id, newsletter(is_ticked=True), needs_confirmation=False)
    page = alice.page()
    assert page.find("script") is None
    assert not alice.browser.cookies
    assert Envelope.objects.count() == 0


def test_a_yes_carries_the_notice_that_the_page_showed(alice: Person) -> None:
    submit(alice.id, newsletter(is_ticked=True))
    page = alice.page()
    shown = page.find("input", {"name": "notice"})
    assert isinstance(shown, Tag)
    own = Notice.objects.get(code="preferences", language="en")
    assert shown["value"] == str(own.id)
    assert own.text in words(page)


def test_a_card_holds_no_words_of_a_person_and_no_notice(alice: Person) -> None:
    submit(alice.id, newsletter(is_ticked=True), needs_confirmation=False)
    document = alice.document() if alice.url() else {}
    assert document.keys() == {"items", "every_days", "paused_until"}
    assert "Avis" not in str(document) and "alice" not in str(document)
    assert len(str(document)) < 1500


def test_a_retired_purpose_is_not_offered(alice: Person) -> None:
    submit(alice.id, newsletter(is_ticked=True), needs_confirmation=False)
    Purpose.objects.filter(code="newsletter").update(retired_at=NOW)
    assert "Our newsletter" not in words(alice.page())


def test_one_purpose_is_asked_for_by_each_channel(alice: Person) -> None:
    Purpose.objects.filter(code="newsletter").update(channels=["email", "phone"])
    calls = Answer("newsletter", "phone", Basis.CONSENT, None, True, "Call me")
    submit(alice.id, newsletter(is_ticked=True), calls, needs_confirmation=False)
    page = alice.page()
    legends = [words(each) for each in page.find_all("legend")]
    assert legends[:2] == ["Our newsletter by e-mail", "Our newsletter by telephone"]
    decide("preferences", token="", at=later(hours=1))  # noise: what proves nothing does nothing
    alice.send(**{"choice-newsletter__email": "yes", "choice-newsletter__phone": "no"})
    apply()
    states = dict(Permission.objects.values_list("channel", "state"))
    assert states == {"email": "ConsentGiven", "phone": "ConsentWithdrawn"}
