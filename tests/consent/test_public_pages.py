"""The pages behind the links in mail: reading them changes nothing, one press says no."""

import re
from collections.abc import Iterator

import psycopg
import pytest
from bs4 import BeautifulSoup
from django.db import OperationalError
from django.http import HttpResponseBase
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from consent import public_views, services
from consent.models import LetterRequest, PreferenceCard, Suppression
from privacy.models import Envelope
from privacy.services import IntakeClosed, enrol
from tests.conftest import NOW, Connect
from tests.consent import people
from tests.consent.people import ALICE, permitted

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture(autouse=True)
def nobody_typed_anything() -> Iterator[None]:
    yield
    public_views._TYPED_ADDRESSES.clear()


def one_page(response: HttpResponseBase) -> BeautifulSoup:
    return BeautifulSoup(getattr(response, "content", b""), "html.parser")


@pytest.fixture
def links() -> services.OptOutLinks:
    """Alice said yes to the newsletter; these are the links at the foot of her mails."""
    subject = enrol(email=ALICE).subject_id
    people.submit(subject, people.newsletter(is_ticked=True), needs_confirmation=False)
    made = services.opt_out_links(subjects={subject: ALICE}, purpose_code="newsletter", now=NOW)
    services.refresh_cards(now=NOW)
    return made[subject]


def path(url: str) -> str:
    return url.removeprefix("http://127.0.0.1:8000")


def alice_is_permitted() -> bool:
    return permitted(enrol(email=ALICE).subject_id)


def apply() -> None:
    services.apply_waiting_decisions(now=timezone.now())


@pytest.mark.parametrize("method", ["get", "head"])
def test_following_a_link_changes_nothing(
    public_side: Client, links: services.OptOutLinks, method: str
) -> None:
    for url in (links.one_click_url, links.preferences_url):
        response = getattr(public_side, method)(path(url))
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert not response.cookies
    assert Envelope.objects.count() == 0
    apply()
    assert alice_is_permitted()


def test_a_one_click_post_ends_it_without_redirect_or_cookie(
    public_side: Client, links: services.OptOutLinks
) -> None:
    body = "List-Unsubscribe=One-Click"
    response = public_side.post(
        path(links.one_click_url), body, content_type="application/x-www-form-urlencoded"
    )
    assert (response.status_code, len(response.cookies)) == (200, 0)
    apply()
    assert not alice_is_permitted()
    assert Suppression.objects.filter(purpose_code="newsletter").exists()


def test_a_one_click_can_be_undone_for_a_day(
    public_side: Client, links: services.OptOutLinks
) -> None:
    done = public_side.post(path(links.one_click_url))
    apply()
    assert not alice_is_permitted()
    number = str(done.context["decision"])
    public_side.post(path(links.one_click_url), {"undo": number})
    apply()
    assert alice_is_permitted()


def test_the_preference_page_shows_what_is_held_and_takes_a_no(
    public_side: Client, links: services.OptOutLinks
) -> None:
    page = public_side.get(path(links.preferences_url) + "?lang=en").content.decode()
    assert "Our newsletter" in page and "You agreed to this on" in page
    saved = public_side.post(
        path(links.preferences_url) + "?lang=en", {"choice-newsletter:email": "no"}
    ).content.decode()
    assert "Your choices are recorded." in saved
    assert "Our newsletter by e-mail: No" in " ".join(saved.split())
    assert 'value="no" checked' in saved  # what was chosen, at once
    apply()
    assert not alice_is_permitted()


def test_no_to_everything_on_the_preference_page(
    public_side: Client, links: services.OptOutLinks
) -> None:
    public_side.post(path(links.preferences_url), {"everything": "no"})
    apply()
    assert not alice_is_permitted()
    assert Suppression.objects.filter(purpose_code="").exists()


def test_a_cut_link_still_lets_the_person_say_no_by_address(
    public_side: Client, links: services.OptOutLinks
) -> None:
    broken = path(links.one_click_url)[:-5]
    page = public_side.get(broken + "?lang=en")
    assert page.status_code == 404 and b"Your e-mail address" in page.content
    refused = public_side.post(broken + "?lang=fr", {"email": "not an address"})
    assert "Saisissez une adresse e-mail" in refused.content.decode()
    assert refused.status_code == 422 and b"not an address" in refused.content
    assert public_side.post(broken, {"email": ALICE}).status_code == 200
    apply()
    assert not alice_is_permitted()


def test_an_altered_link_of_a_known_person_still_says_no(
    public_side: Client, links: services.OptOutLinks
) -> None:
    url = path(links.one_click_url)
    altered = url[:-1] + ("A" if url[-1] != "A" else "Q")
    assert public_side.post(altered).status_code == 200
    apply()
    assert not alice_is_permitted()


@pytest.mark.parametrize("which", ["one_click_url", "preferences_url"])
def test_a_link_without_a_card_says_so_and_offers_the_address(
    public_side: Client, links: services.OptOutLinks, which: str
) -> None:
    PreferenceCard.objects.all().delete()
    url = path(getattr(links, which)) + "?lang=en"
    page = one_page(public_side.get(url))
    assert page.find("form", action="/no?lang=en")
    assert page.find("button", string=re.compile("(Stop|No to) everything"))
    answer = one_page(public_side.post(url, {"scope": "everything", "everything": "no"}))
    assert "old or damaged" in answer.get_text()
    assert answer.find("input", {"name": "email"})


def test_the_answer_by_address_is_the_same_for_everybody(
    public_side: Client, links: services.OptOutLinks
) -> None:
    known = public_side.post("/no?lang=en", {"email": ALICE})
    unknown = public_side.post("/no?lang=en", {"email": "nobody@example.org"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert known.status_code == 200
    assert public_side.get("/no").status_code == 200


def test_one_network_does_not_type_addresses_without_end(
    public_side: Client, settings: Settings
) -> None:
    settings.FORMS_PER_NETWORK = 2
    for number in range(2):
        assert public_side.post("/no", {"email": f"a{number}@example.org"}).status_code == 200
    refused = public_side.post("/no?lang=en", {"email": "a3@example.org"})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 61
    assert b"Nothing was recorded" in refused.content
    elsewhere = public_side.post("/no", {"email": "a4@example.org"}, REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 200


def test_a_one_click_is_never_limited(
    public_side: Client, links: services.OptOutLinks, settings: Settings
) -> None:
    settings.FORMS_PER_NETWORK = 1
    for _time in range(5):
        assert public_side.post(path(links.one_click_url)).status_code == 200


def test_the_letters_link_asks_and_its_press_undoes(public_side: Client) -> None:
    subject = enrol(email=ALICE).subject_id
    people.submit(subject, people.newsletter(is_ticked=True), needs_confirmation=False)
    public_side.post("/no", {"email": ALICE})
    apply()
    assert not alice_is_permitted()
    request = LetterRequest.objects.get()
    letter = services.write_letter(
        kind="opted_out", reference_id=request.id, email=ALICE, now=timezone.now()
    )
    assert letter is not None
    url = path(letter.values["undo_url"])
    assert public_side.get(url).status_code == 200
    apply()
    assert not alice_is_permitted()
    assert public_side.post(url).status_code == 200
    apply()
    assert alice_is_permitted()


def test_a_choice_that_cannot_be_kept_says_so(
    public_side: Client, links: services.OptOutLinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(**_anything: object) -> None:
        raise IntakeClosed

    monkeypatch.setattr(public_views, "drop_envelope", closed)
    response = public_side.post(path(links.one_click_url) + "?lang=en")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert b"Nothing was changed" in response.content


def test_a_database_that_is_away_says_so(
    public_side: Client, links: services.OptOutLinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_anything: object, **_more: object) -> None:
        raise OperationalError

    monkeypatch.setattr(PreferenceCard.objects, "filter", away)
    response = public_side.get(path(links.preferences_url))
    assert response.status_code == 503


def test_the_language_is_the_browsers_or_the_one_asked_for(
    public_side: Client, links: services.OptOutLinks
) -> None:
    url = path(links.one_click_url)
    english = public_side.get(url, headers={"Accept-Language": "en"})
    assert english.headers["Content-Language"] == "en"
    french = public_side.get(url + "?lang=fr", headers={"Accept-Language": "en"})
    assert french.headers["Content-Language"] == "fr"


def test_the_public_role_reads_cards_and_nothing_that_was_decided(connect: Connect) -> None:
    with connect("public", "intake") as connection:
        connection.execute("SELECT count(*) FROM consent_preferencecard")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT count(*) FROM privacy_envelope")


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "Cette page n’existe pas"), ("en", "There is no such page")]
)
def test_whoever_is_lost_is_told_so_in_their_language(
    language: str, words: str, public_side: Client
) -> None:
    answer = public_side.get("/nowhere", headers={"accept-language": language})
    assert answer.status_code == 404
    assert words in answer.content.decode()
    assert f'lang="{language}"' in answer.content.decode()


@pytest.mark.parametrize("name", ["400.html", "500.html"])
def test_a_failure_is_told_in_both_languages_without_asking_anything(name: str) -> None:
    page = render_to_string(name)
    assert 'lang="fr"' in page and 'lang="en"' in page
    assert "Django" not in page
