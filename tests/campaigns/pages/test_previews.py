"""Previews: a document of its own that runs nothing, fetches nothing and leads nowhere."""

import re
from typing import Any

import pytest
from django.urls import reverse

from campaigns.models import Campaign
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.campaigns.pages.desk import browser, words

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


def _policy(response: Any) -> dict[str, str]:
    parts = response.headers["Content-Security-Policy"].split(";")
    return {name: value for name, _, value in (part.strip().partition(" ") for part in parts)}


def _assert_harmless(response: Any) -> None:
    policy = _policy(response)
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "'self' data:"
    assert policy["style-src"] == "'unsafe-inline'"
    assert policy["frame-ancestors"] == "'self'"
    assert policy["sandbox"] == ""
    assert "script-src" not in policy
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert response.headers["Cache-Control"] == "no-store"


def test_the_mail_of_a_draft_is_shown_for_somebody_who_does_not_exist() -> None:
    campaign = cast.draft()
    response = browser().get(reverse("campaign-preview", args=[campaign]))
    _assert_harmless(response)
    html = response.content.decode()
    assert "Hello Camille," in html
    assert "{{" not in html
    assert "<script" not in html
    assert not re.search(r"<link|@import|url\(\s*['\"]?https?:", html)


def test_the_plain_text_is_a_page_too() -> None:
    response = browser().get(reverse("campaign-preview", args=[cast.draft()]), {"view": "text"})
    _assert_harmless(response)
    html = response.content.decode()
    assert "Hello Camille," in html
    assert "<table" not in html


def test_words_that_nobody_saved_are_shown_and_kept_nowhere() -> None:
    changed = desk.good_mjml().replace("The monthly letter", "Something quite new")
    response = browser().post(reverse("mail-preview"), words(mjml=changed))
    _assert_harmless(response)
    assert "Something quite new" in response.content.decode()
    assert not Campaign.objects.exists()


def test_a_missing_subject_does_not_hide_the_mail() -> None:
    client = browser()
    for subject in ("", "{{ nonsense }}"):
        response = client.post(reverse("mail-preview"), words(subject=subject))
        assert "Hello Camille," in response.content.decode()


@pytest.mark.parametrize(
    "attack",
    ["<script>alert(1)</script>", "<mj-raw><script>1</script></mj-raw>", desk.BROKEN, "", "<mjml>"],
)
def test_a_broken_or_hostile_mail_shows_its_mistakes_instead(attack: str) -> None:
    response = browser().post(reverse("mail-preview"), words(mjml=attack))
    _assert_harmless(response)
    html = response.content.decode()
    assert "This mail cannot be shown yet" in html
    assert "<script" not in html


def test_the_mistakes_come_with_line_and_column() -> None:
    client = browser()
    html = client.post(reverse("mail-preview"), words(mjml=desk.BROKEN)).content.decode()
    assert "Line 3, column 2" in html
    fragment = client.post(reverse("mail-findings"), words(mjml=desk.BROKEN)).content.decode()
    assert 'data-campaigns-line="3" data-campaigns-column="2"' in fragment
    assert "Hello Camille" in fragment  # the line of the inbox, filled in
    fine = client.post(reverse("mail-findings"), words()).content.decode()
    assert "Nothing to put right" in fine


@pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
@pytest.mark.usefixtures("vault")
def test_the_preview_of_a_launched_campaign_is_the_mail_that_was_frozen() -> None:
    cast.subscribers(1)
    campaign = cast.launched()
    Campaign.objects.filter(id=campaign).update(mjml="<mjml>changed behind our back</mjml>")
    html = browser().get(reverse("campaign-preview", args=[campaign])).content.decode()
    assert "Hello Camille," in html
    assert "behind our back" not in html


def test_starters_are_shown_and_nothing_else_by_that_address() -> None:
    client = browser()
    shown = client.get(reverse("starter-preview", args=["event.fr"]))
    _assert_harmless(shown)
    for key in ("nothing.fr", "..", "newsletter.en.mjml", "%2e%2e"):
        assert client.get(reverse("starter-preview", args=[key])).status_code in {404, 301}


def test_every_other_page_keeps_the_policy_of_the_staff_side() -> None:
    campaign = cast.draft()
    response = browser().get(reverse("campaign-edit", args=[campaign]))
    policy = _policy(response)
    assert policy["style-src"] == "'self'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert re.search(r'<iframe name="mail-preview" sandbox ', response.content.decode())
