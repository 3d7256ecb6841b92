"""What looks like a template is text: in what staff write and in what people type (ASVS 1.3.7)."""

from html import escape

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.urls import reverse

from crm.services import Facets, Person, receive_many
from tests.attacks.mailing import delivered, with_more
from tests.campaigns import cast
from tests.campaigns.pages import desk
from tests.conftest import NOW
from tests.consent import people
from tests.crm.pages.arrivals import soup
from tests.crm.staff import staff_client

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
CORPUS = [
    "{{7*9973}}",
    "{{ settings.SECRET_KEY }}",
    "{% load static %}{% static 'x' %}",
    "{% include '/etc/passwd' %}",
    "{# gone? #}",
    "${7*9973}",
    "#{7*9973}",
    "<%= 7*9973 %>",
    "{{=[[ ]]=}}",
    "{{{first_name}}}",
    "{{ first_name.__class__.__mro__ }}",
    "{{ unsubscribe_url }}",
    "{{ last_name|safe }}",
    "%(password)s %s {0} {0.__init__}",
    "[[7*9973]] ~7*9973~ @{7*9973}",
]
_EVALUATED = (str(7 * 9973), "root:", "__mro__ (", "&lt;class")


def _is_calm(text: str) -> bool:
    return settings.SECRET_KEY not in text and not any(sign in text for sign in _EVALUATED)


def _arrive_all() -> None:
    typed = [
        Person(f"n{number}@example.org", given_name=text, family_name=text, company=text)
        for number, text in enumerate(CORPUS)
    ]
    facets: Facets = {"language": "en", "source": "t"}
    rows = [(person, facets) for person in typed]
    for contact, person in zip(receive_many(people=rows, now=NOW), typed, strict=True):
        people.submit(
            contact, people.newsletter(is_ticked=True), email=person.email, needs_confirmation=False
        )


def test_what_people_typed_is_mailed_and_shown_as_they_typed_it() -> None:
    _arrive_all()
    mjml = desk.good_mjml().replace("{{ salutation", "{{ last_name }} | {{ salutation", 1)
    messages = delivered(cast.draft(subject="Dear {{ first_name }}", mjml=mjml))
    assert sorted(str(each["Subject"]) for each in messages) == sorted(f"Dear {t}" for t in CORPUS)
    for message in messages:
        text = str(message["Subject"]).removeprefix("Dear ")
        plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
        assert plain is not None and html is not None
        assert f"{text} |" in plain.get_content()
        assert f"{text} |" in BeautifulSoup(html.get_content(), "html.parser").get_text()
        assert _is_calm(plain.get_content()) and _is_calm(html.get_content())
    page = staff_client().get("/contacts/")
    shown = soup(page).get_text()
    assert _is_calm(page.content.decode())
    assert [text for text in CORPUS if text not in shown] == []


def test_what_staff_write_is_refused_or_stays_as_it_was_written() -> None:
    client = desk.browser()
    for text in CORPUS:
        mjml = with_more(f"<mj-text>{escape(text)}</mj-text>")
        words = desk.words(subject=f"A {text}", preheader=text, mjml=mjml)
        page = client.post(reverse("mail-preview"), words).content.decode()
        assert _is_calm(page), text
        is_field = text.startswith("{{") and "{{=" not in text
        assert escape(text, quote=False) in page or is_field or "cannot be shown" in page, text
