"""The pages of notices: the officer writes and publishes, others read."""

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from consent import services
from consent.models import Draft, Notice
from tests.consent.notices import built, choices, company, drafted, worded
from tests.crm.pages.arrivals import soup, unlabelled
from tests.crm.staff import staff_client

__all__ = ["company"]
pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"]),
    pytest.mark.usefixtures("company", "vault"),
]


@pytest.fixture(autouse=True)
def quick_and_english(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def officer() -> Client:
    return staff_client("dpo")


def _fields(html: bytes) -> dict[str, object]:
    """What the browser would post of the builder, untouched."""
    posted: dict[str, object] = {}
    form = soup_of(html).select_one("main form")
    assert form is not None
    for field in form.find_all(["input", "textarea", "select"]):
        name, kind = str(field.get("name")), field.get("type")
        if kind in {"checkbox", "radio"}:
            if field.has_attr("checked"):
                values = posted.setdefault(name, [])
                assert isinstance(values, list)
                values.append(str(field.get("value", "on")))
        elif field.name == "select":
            chosen = field.find("option", selected=True)
            posted[name] = str(chosen["value"]) if chosen else ""
        elif field.name == "textarea":
            posted[name] = field.text.removeprefix("\n")
        else:
            posted[name] = str(field.get("value", ""))
    return posted


def soup_of(html: bytes) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def test_the_first_notice_is_a_name_a_save_and_a_confirmation(officer: Client) -> None:
    page = officer.get(reverse("notice-list"))
    assert "No notice of your own yet" in page.content.decode()
    begun = officer.post(reverse("notice-new"), {"code": "site", "kind": "direct"})
    editor = officer.get(begun.headers["Location"])
    assert "Nothing is missing" in editor.content.decode()
    assert (
        officer.post(reverse("notice-edit", args=["site"]), _fields(editor.content)).status_code
        == 302
    )
    assert officer.post(reverse("notice-publish", args=["site"])).status_code == 302
    account = Notice.objects.filter(code="site").values_list("published_by", flat=True).distinct()
    assert len(account) == 1
    assert account[0] is not None
    assert {each.language for each in Notice.objects.filter(code="site")} == {"fr", "en"}
    assert not Draft.objects.filter(kind="notice").exists()


def test_what_is_missing_is_said_in_the_list_and_at_its_field(officer: Client) -> None:
    drafted(worded(choices(), "en", mandatory=""))
    page = soup(officer.get(reverse("notice-edit", args=["built"])))
    assert [each["data-missing"] for each in page.select("[data-missing]")] == ["mandatory-en"]
    beside = page.select_one("#id_mandatory_en ~ .accord-error")
    assert beside is not None
    assert "which fields must be filled in" in beside.text
    assert not page.select('a[href$="/publish"]')
    refused = officer.post(reverse("notice-publish", args=["built"]), follow=True)
    assert "see what is missing" in refused.content.decode()
    assert not Notice.objects.filter(code="built").exists()


def test_a_correction_shows_every_changed_word_and_asks_to_confirm(officer: Client) -> None:
    built()
    drafted(worded(choices(), "en", opening="Here is what matters to you."))
    url = reverse("notice-correct", args=["built"])
    page = soup(officer.get(url))
    assert page.select_one("ins") is not None
    assert page.select_one("del") is not None
    unconfirmed = officer.post(url)
    assert unconfirmed.status_code == 422
    assert "publish a new version instead" in unconfirmed.content.decode()
    assert officer.post(url, {"is_wording": "on"}).status_code == 302
    assert services.notice(code="built", version=1, language="en").revision == 1


def test_a_change_of_a_fact_is_offered_as_a_new_version_only(officer: Client) -> None:
    built()
    drafted(choices(recipients=["teams"]))
    url = reverse("notice-correct", args=["built"])
    page = soup(officer.get(url))
    assert "the recipients" in page.main.text  # type: ignore[union-attr]
    assert not page.select("main form")
    assert officer.post(url, {"is_wording": "on"}).status_code == 422
    assert Notice.objects.filter(code="built").count() == 2
    assert officer.post(reverse("notice-publish", args=["built"])).status_code == 302
    assert services.notice(code="built", version=2, language="fr").revision == 0


def test_an_old_wording_stays_readable_with_its_hash(officer: Client) -> None:
    built()
    first = services.notice(code="built", version=1, language="fr")
    built(choices(recipients=["teams"]))
    page = officer.get(reverse("notice-wording", args=[first.id])).content.decode()
    assert first.sha256.hex() in page
    assert str(first.id) in page
    assert "prestataires d’hébergement" in page
    history = officer.get(reverse("notice", args=["built"])).content.decode()
    assert reverse("notice-wording", args=[first.id]) in history


def test_text_too_long_is_said_at_its_field_and_nothing_is_saved(officer: Client) -> None:
    drafted(choices())
    url = reverse("notice-edit", args=["built"])
    posted = {**_fields(officer.get(url).content), "opening_fr": "x" * 1501}
    response = officer.post(url, posted)
    assert response.status_code == 422
    assert soup_of(response.content).select_one("#id_opening_fr ~ .accord-error") is not None
    assert "x" * 1501 not in str(Draft.objects.get(kind="notice").document)


@pytest.mark.parametrize("role", ["marketing", "sales", "communication", "dpo"])
def test_everybody_who_reads_contacts_reads_notices(role: str) -> None:
    built()
    client = staff_client(role)
    shown = services.notice(code="built", version=1, language="fr")
    for url in (
        reverse("notice-list"),
        reverse("notice", args=["built"]),
        reverse("notice-wording", args=[shown.id]),
    ):
        assert client.get(url).status_code == 200


def test_only_the_officer_writes() -> None:
    drafted(choices())
    client = staff_client("marketing")
    urls = [reverse(f"notice-{each}", args=["built"]) for each in ("edit", "publish", "correct")]
    for url in (*urls, reverse("notice-new")):
        assert client.get(url).status_code == client.post(url).status_code == 403
    assert client.post(reverse("notice-discard", args=["built"])).status_code == 403
    assert Draft.objects.filter(kind="notice").exists()


def test_looking_changes_nothing(officer: Client) -> None:
    built()
    for each in ("edit", "publish", "correct"):
        officer.get(reverse(f"notice-{each}", args=["built"]))
    assert not Draft.objects.filter(kind="notice").exists()
    assert officer.get(reverse("notice-edit", args=["nowhere"])).status_code == 404
    assert officer.get(reverse("notice-publish", args=["nowhere"])).status_code == 404
    assert officer.get(reverse("notice-edit", args=["preferences"])).status_code == 404


def test_the_pages_are_plain_and_labelled(officer: Client) -> None:
    built()
    drafted(worded(choices(), "en", opening="Other words."))
    shown = services.notice(code="built", version=1, language="fr")
    urls = [
        reverse("notice-list"),
        reverse("notice-new"),
        reverse("notice-wording", args=[shown.id]),
        *(reverse(name, args=["built"]) for name in
          ("notice", "notice-edit", "notice-publish", "notice-correct")),
    ]  # fmt: skip
    for url in urls:
        page = soup(officer.get(url))
        assert not page.select("[style], style, script:not([src])"), url
        assert unlabelled(page) == [], url
        ids = [each["id"] for each in page.select("[id]")]
        assert len(ids) == len(set(ids)), url
