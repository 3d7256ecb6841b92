"""The page of a form: honest before, forgiving during, silent about what it knows after."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from consent.services import publish_notice
from forms_intake.models import PublishedForm
from forms_intake.services import project_forms, promote_waiting, retire_form
from privacy.models import Envelope
from privacy.services import IntakeClosed
from tests.conftest import NOW
from tests.forms_intake import cast
from tests.forms_intake.cast import ALICE, CODE
from tests.forms_intake.page import LATER, fields_of, filled, form_of, one, parse

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
URL = f"/f/{CODE}"


def shown(visitor: Client, **changes: Any) -> bytes:
    cast.published(**changes)
    response = visitor.get(URL)
    assert response.status_code == 200
    return response.content


def waiting() -> int:
    return Envelope.objects.count()


# --- before ----------------------------------------------------------------------------------


def test_the_notice_stands_before_the_button_and_the_boxes_are_unticked(visitor: Client) -> None:
    page = shown(visitor)
    text = page.decode()
    assert text.index(cast.NOTICE["en"]) < text.index("<button>")
    boxes = form_of(page).find_all("input", type="checkbox")
    assert [(box["name"], box["value"]) for box in boxes] == [
        ("consents", "newsletter:email"),
        ("objections", "targeted_promotion:email"),
    ]
    assert not any(box.has_attr("checked") for box in boxes)
    assert "Send me the newsletter." in text
    assert "No offers, please." in text


def test_every_control_has_its_label_and_the_browser_knows_what_to_fill_in(
    visitor: Client,
) -> None:
    page = shown(visitor)
    form = form_of(page)
    for control in form.find_all(["input", "select", "textarea"]):
        if control.get("type") != "hidden":
            assert form.find("label", attrs={"for": control["id"]}), control
    email = one(form, "input[name=email]")
    assert (email["type"], email["autocomplete"]) == ("email", "email")
    assert email.has_attr("required")
    assert one(parse(page), "html")["lang"] == "en"


def test_the_trap_is_out_of_reach_of_people(visitor: Client) -> None:
    trap = one(form_of(shown(visitor)), "div.trap")
    assert trap["aria-hidden"] == "true"
    control = one(trap, "input")
    assert (control["tabindex"], control["autocomplete"]) == ("-1", "off")


def test_the_page_asks_nothing_of_anybody_else(visitor: Client) -> None:
    page = parse(shown(visitor))
    for element in page.find_all(["script", "img", "iframe", "link", "form"]):
        for name in ("src", "href", "action"):
            assert not str(element.get(name, "/")).startswith(("http", "//")), element
    assert not page.find_all("script")
    assert not page.find_all(style=True)


def test_nothing_here_sets_a_cookie_or_is_kept(visitor: Client) -> None:
    page = shown(visitor)
    for response in (
        visitor.get(URL),
        visitor.post(URL, filled(page)),
        visitor.post(URL, filled(page, email="")),
        visitor.get(f"{URL}/embed"),
        visitor.get(f"{URL}/embed.html"),
        visitor.get("/f/nowhere"),
        visitor.get(f"/api/v1/forms/{CODE}"),
    ):
        assert not response.cookies
        assert response["Cache-Control"] == "no-store"
    assert not visitor.cookies


def test_a_form_speaks_its_own_languages_only(visitor: Client) -> None:
    cast.published(texts={"fr": cast.TEXTS["fr"]})
    page = visitor.get(URL).content
    assert "Écrivez-nous" in page.decode()
    assert fields_of(page)["language"] == "fr"


@pytest.mark.parametrize(("language", "title"), [("fr", "Écrivez-nous"), ("en", "Write to us")])
def test_the_reader_chooses_the_language(visitor: Client, language: str, title: str) -> None:
    cast.published()
    response = visitor.get(f"{URL}?lang={language}")
    assert title in response.content.decode()
    assert response["Content-Language"] == language
    assert fields_of(response.content)["notice"] != ""


def test_what_staff_wrote_is_text_and_not_html(visitor: Client) -> None:
    texts = {"en": {**cast.TEXTS["en"], "intro": "<script>alert(1)</script>"}}
    page = shown(visitor, texts=texts)
    assert b"<script>alert" not in page
    assert b"&lt;script&gt;alert" in page


# --- sent ------------------------------------------------------------------------------------


def test_an_answer_is_sealed_and_thanked_for(visitor: Client) -> None:
    page = shown(visitor)
    response = visitor.post(
        URL, filled(page, message="Bonjour\r\nAlice", consents=["newsletter:email"])
    )
    assert response.status_code == 200
    assert "Thank you, your message has arrived." in response.content.decode()
    assert "confirm your address" in response.content.decode()
    envelope = Envelope.objects.get()
    assert (envelope.kind, envelope.context) == ("submission", CODE)
    assert b"alice" not in bytes(envelope.sealed).lower()
    assert promote_waiting(now=LATER).handled == 1


def test_afterwards_the_form_may_lead_to_another_page(visitor: Client) -> None:
    cast.published(redirect_url="https://www.example.org/thanks")
    response = visitor.get(URL)
    assert "form-action 'self' https://www.example.org" in response["Content-Security-Policy"]
    done = visitor.post(URL, filled(response.content))
    assert (done.status_code, done["Location"]) == (303, "https://www.example.org/thanks")
    assert waiting() == 1


def test_a_double_click_is_one_lead_and_a_correction_is_another(visitor: Client) -> None:
    page = shown(visitor)
    first = visitor.post(URL, filled(page)).content
    assert visitor.post(URL, filled(page)).content == first
    assert waiting() == 1
    visitor.post(URL, filled(page, family_name="Martinez"))
    assert waiting() == 2


def test_a_known_and_an_unknown_address_are_answered_with_the_same_bytes(visitor: Client) -> None:
    page = shown(visitor)
    visitor.post(URL, filled(page, consents=["newsletter:email"]))
    promote_waiting(now=LATER)
    known = visitor.post(URL, filled(page, consents=["newsletter:email"], message="again"))
    unknown = visitor.post(URL, filled(page, email="x@example.net", consents=["newsletter:email"]))
    assert (known.content, sorted(known.headers.items())) == (
        unknown.content,
        sorted(unknown.headers.items()),
    )


# --- turned away -----------------------------------------------------------------------------


def test_what_was_typed_stays_and_each_error_is_said_at_its_field(visitor: Client) -> None:
    page = shown(visitor)
    response = visitor.post(
        URL,
        filled(
            page,
            email="not an address",
            family_name="",
            message="Long <b>text</b>",
            country="FR",
            consents=["newsletter:email"],
        ),
    )
    assert response.status_code == 422
    again = fields_of(response.content)
    assert again["email"] == "not an address"
    assert again["message"] == "Long <b>text</b>"
    assert again["country"] == "FR"
    assert again["consents"] == ["newsletter:email"]
    form = form_of(response.content)
    for name in ("email", "family_name"):
        control = one(form, f"[name={name}]")
        assert control["aria-invalid"] == "true"
        assert one(form, f"#{control['aria-describedby']}").text
    summary = one(parse(response.content), "#errors")
    links = [link["href"] for link in summary.find_all("a")]
    assert links == ["#field-email", "#field-family_name"]
    assert summary["role"] == "alert"
    assert waiting() == 0


def test_a_notice_that_changed_is_shown_again_and_nothing_is_kept(visitor: Client) -> None:
    page = shown(visitor)
    newer = {"fr": "Neuf", "en": "New"}
    publish_notice(code="site", texts=newer, is_substantive=True, now=NOW)
    cast.next_version(notice_version=2)
    response = visitor.post(URL, filled(page, message="kept", consents=["newsletter:email"]))
    assert response.status_code == 409
    assert waiting() == 0
    again = fields_of(response.content)
    assert (again["message"], again["notice_version"]) == ("kept", "2")
    assert "consents" not in again, "a tick beside yesterday's words agrees to nothing"
    assert visitor.post(URL, filled(response.content)).status_code == 200


@pytest.mark.parametrize("name", ["notice", "notice_version", "notice_sha256", "language"])
def test_without_its_notice_nothing_is_kept(visitor: Client, name: str) -> None:
    page = shown(visitor)
    for wrong in ("", "0" * 64):
        assert visitor.post(URL, filled(page, **{name: wrong})).status_code == 409
    assert waiting() == 0


def test_new_words_beside_a_box_make_the_page_stale_too(visitor: Client) -> None:
    page = shown(visitor)
    cast.next_version()
    assert visitor.post(URL, filled(page)).status_code == 409


def test_a_box_that_the_form_does_not_have_is_refused(visitor: Client) -> None:
    page = shown(visitor)
    for name, value in (
        ("consents", "phone_prospecting:phone"),
        ("consents", "targeted_promotion:email"),
        ("objections", "newsletter:email"),
    ):
        assert visitor.post(URL, filled(page, **{name: [value]})).status_code == 422
    assert waiting() == 0


def test_a_form_that_was_retired_says_so(visitor: Client) -> None:
    page = shown(visitor)
    retire_form(code=CODE, now=NOW)
    project_forms(now=NOW)
    response = visitor.post(URL, filled(page))
    assert response.status_code == 404
    assert "This form is not open" in response.content.decode()
    assert waiting() == 0


def test_only_a_form_is_read_and_only_so_much_of_it(visitor: Client) -> None:
    cast.published()
    assert visitor.post(URL, "x", content_type="text/plain").status_code == 415
    assert visitor.post(URL, {"message": "x" * 60_000}).status_code == 413
    long = filled(visitor.get(URL).content, message="é" * 3001)
    assert visitor.post(URL, long).status_code == 422
    assert visitor.delete(URL).status_code == 405
    assert waiting() == 0


@pytest.mark.parametrize("value", ["Mar\0tin", "Martin\r\nBcc: x@example.org", "Mar\u2028tin"])
def test_what_no_keyboard_types_is_refused(visitor: Client, value: str) -> None:
    page = shown(visitor)
    assert visitor.post(URL, filled(page, family_name=value)).status_code == 422
    assert waiting() == 0


def test_the_number_of_a_payment_card_is_refused_and_nothing_is_kept(visitor: Client) -> None:
    page = shown(visitor)
    sent = filled(page, message="Please charge 4111 1111 1111 1111, thank you")
    response = visitor.post(URL, sent)
    assert response.status_code == 422
    control = one(form_of(response.content), "[name=message]")
    described = str(control["aria-describedby"]).split()
    form = form_of(response.content)
    assert "payment card" in " ".join(one(form, f"#{each}").text for each in described)
    assert waiting() == 0
    filled_in = {**sent, "message": "Our IBAN is FR76 3000 6000 0112 3456 7890 189"}
    assert visitor.post(URL, filled_in).status_code == 200
    assert waiting() == 1


# --- closed ----------------------------------------------------------------------------------


def _unreachable(*_args: object, **_kwargs: object) -> None:
    raise OperationalError("connection refused")


def test_a_closed_intake_keeps_what_was_typed_on_the_page(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shown(visitor)
    posted = filled(page, message="a long message", consents=["newsletter:email"])

    def drop(**_content: object) -> None:
        raise IntakeClosed("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr("forms_intake.public.pages.drop_envelope", drop)
        response = visitor.post(URL, posted)
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    again = fields_of(response.content)
    assert again == {**again, "message": "a long message", "email": ALICE}
    assert again["consents"] == ["newsletter:email"]
    assert visitor.post(URL, again).status_code == 200
    assert waiting() == 1


def test_a_database_that_is_gone_is_answered_on_the_form_that_was_last_read(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shown(visitor)
    monkeypatch.setattr(PublishedForm.objects, "filter", _unreachable)
    monkeypatch.setattr("privacy.envelopes.SealingPublicKey.objects.order_by", _unreachable)
    response = visitor.post(URL, filled(page, message="a long message"))
    assert response.status_code == 503
    assert fields_of(response.content)["message"] == "a long message"


def test_even_a_process_that_knows_no_form_gives_back_what_was_typed(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PublishedForm.objects, "filter", _unreachable)
    response = visitor.post(URL, {"message": "a long message"})
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "a long message" in response.content.decode()
    assert visitor.get(URL).status_code == 503


def test_the_notice_is_shown_word_by_word_as_it_was_hashed(visitor: Client) -> None:
    text = "Écrivez à dpo@example.org (voir www.cnil.fr). « Merci » & à bientôt <3."
    publish_notice(code="exact", texts={"en": text, "fr": text}, is_substantive=True, now=NOW)
    cast.published(notice_code="exact")
    shown = parse(visitor.get(f"/f/{cast.CODE}").content).select_one("section.notice")
    assert shown is not None
    assert text in shown.text
