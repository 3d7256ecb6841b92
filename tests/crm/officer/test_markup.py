"""The officer's pages keep to the strict content policy and can be read by a machine."""

from collections import Counter

import pytest
from django.test import Client

from consent import services as consent
from tests.conftest import NOW
from tests.consent.officer import BALANCE, begin, change
from tests.crm.pages.arrivals import soup, unlabelled

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
PAGES = [
    "/purposes/",
    "/purposes/new",
    "/purposes/events/",
    "/purposes/events/edit",
    "/purposes/events/publish",
    "/purposes/newsletter/",
    "/purposes/newsletter/publish",
    "/purposes/newsletter/retire",
    "/purposes/service_information/versions/2",
    "/purposes/events/assessment/",
    "/purposes/events/assessment/edit",
    "/purposes/targeted_promotion/assessment/",
    "/purposes/targeted_promotion/assessment/1",
    "/purposes/targeted_promotion/assessment/approve",
    "/purposes/rules/",
    "/purposes/rules/reask.months",
    "/purposes/rules/phone_prospecting.consumers",
]


@pytest.fixture
def everything() -> None:
    begin(bases=["A6-1-f-controller"], title_fr="")
    change("newsletter", title_en="News", channels=["email", "sms"])
    consent.retire_purpose(code="service_information", actor_id=None, now=NOW)
    for code, said in (("targeted_promotion", BALANCE), ("events", {"interest": "Fairs"})):
        consent.save_assessment_draft(purpose_code=code, document=said, actor_id=None, now=NOW)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("language", ["en", "fr"])
def test_nothing_is_inline_nothing_is_twice_and_everything_has_a_name(
    officer: Client, language: str
) -> None:
    officer.cookies["accord_language"] = language
    for url in PAGES:
        response = officer.get(url)
        assert response.status_code == 200, url
        page = soup(response)
        assert not page.select("[style], style, script:not([src])"), url
        assert not [t for t in page.find_all() for name in t.attrs if name.startswith("on")], url
        ids = Counter(str(tag["id"]) for tag in page.select("[id]"))
        assert [name for name, times in ids.items() if times > 1] == [], url
        assert len(page.select("h1")) == 1, url
        assert unlabelled(page) == [], url
        described = [str(t["aria-describedby"]).split() for t in page.select("[aria-describedby]")]
        assert [name for names in described for name in names if name not in ids] == [], url
        for label in page.select("label[for]"):
            assert page.select(f"#{label['for']}"), (url, label)
