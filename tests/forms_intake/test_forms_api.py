"""The JSON API: strict about what comes in, the same to everybody, honest about what went wrong."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client

from forms_intake.models import Submission
from forms_intake.public import api
from forms_intake.public.body import MEMBERS
from forms_intake.services import promote_waiting
from privacy.models import Envelope
from privacy.services import IntakeClosed
from tests.forms_intake import cast
from tests.forms_intake.cast import CODE, body
from tests.forms_intake.page import LATER

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
FORM = f"/api/v1/forms/{CODE}"
URL = f"{FORM}/submissions"
SITE = "https://www.example.org"
GOOD = {"email": "a@example.org", "family_name": "b"}


def post(visitor: Client, content: Any, *, key: str | None = None, **headers: str) -> HttpResponse:
    data = content if isinstance(content, str | bytes) else json.dumps(content)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: Any = visitor.post(
        URL,
        data,
        content_type=named.pop("content-type", "application/json"),
        headers={"Idempotency-Key": key if key is not None else str(uuid4()), **named},
    )
    return response  # type: ignore[no-any-return]


def problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(response.content)
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"] == f"urn:accord:problem:{code}"
    assert document["title"]
    assert document["detail"]
    assert Envelope.objects.count() == 0
    return document


def field_errors(response: HttpResponse) -> dict[str, str]:
    document = problem(response, 422, "invalid")
    return {error["field"]: error["code"] for error in document["errors"]}


# --- what a developer reads ------------------------------------------------------------------


def test_the_form_says_what_it_asks_shows_and_needs(visitor: Client) -> None:
    document = cast.published()
    form = visitor.get(FORM).json()
    assert form["version"] == 1
    assert form["notices"]["en"]["sha256"] == document["notices"]["en"]["sha256"]
    assert [each["control"] for each in form["purposes"]] == [None, "consent", "objection"]
    assert form["links"]["submissions"].endswith(URL)
    assert "assessment" not in str(form)


def test_a_submission_made_from_that_document_is_accepted(visitor: Client) -> None:
    cast.published()
    form = visitor.get(FORM).json()
    response = post(visitor, body(form, consents=["newsletter:email"]))
    assert response.status_code == 202
    number = json.loads(response.content)["submission"]
    assert promote_waiting(now=LATER).handled == 1
    assert str(Submission.objects.get().id) == number


def test_openapi_describes_these_addresses_and_no_other(visitor: Client) -> None:
    schema = visitor.get("/api/v1/openapi.json").json()
    assert sorted(schema["paths"]) == [
        "/api/v1/forms/{code}",
        "/api/v1/forms/{code}/challenge",
        "/api/v1/forms/{code}/submissions",
    ]
    described = schema["components"]["schemas"]["Submission"]
    assert set(described["properties"]) == set(MEMBERS) - {"website"}
    operation = schema["paths"]["/api/v1/forms/{code}/submissions"]["post"]
    assert set(operation["responses"]) == {
        "202", "400", "403", "404", "409", "413", "415", "422", "429", "503"
    }  # fmt: skip


# --- trying again ----------------------------------------------------------------------------


def test_the_same_key_and_body_are_answered_alike_and_kept_once(visitor: Client) -> None:
    content, key = body(cast.published()), str(uuid4())
    first = post(visitor, content, key=key)
    again = post(visitor, json.dumps(content, indent=4), key=f'"{key}"')
    assert (again.status_code, again.content) == (202, first.content)
    api._RECEIVED.clear()  # another process of ours
    assert post(visitor, content, key=key).content == first.content
    assert Envelope.objects.count() == 1


def test_a_key_used_again_with_another_body_is_refused_where_it_is_known(visitor: Client) -> None:
    document, key = cast.published(), str(uuid4())
    post(visitor, body(document), key=key)
    other = body(document, fields={"email": "bob@example.org", "family_name": "Durand"})
    response = post(visitor, other, key=key)
    assert (response.status_code, json.loads(response.content)["code"]) == (
        422,
        "idempotency_key_reused",
    )
    api._RECEIVED.clear()  # another process: the first one counts
    assert post(visitor, other, key=key).status_code == 202
    assert Envelope.objects.count() == 1


def test_a_refused_submission_does_not_use_up_its_key(visitor: Client) -> None:
    document, key = cast.published(), str(uuid4())
    assert field_errors(post(visitor, body(document, fields={"email": "x"}), key=key))
    assert post(visitor, body(document), key=key).status_code == 202


@pytest.mark.parametrize("key", ["", "42", "not-a-uuid", "0" * 40])
def test_a_key_is_needed(visitor: Client, key: str) -> None:
    problem(post(visitor, body(cast.published()), key=key), 400, "idempotency_key_missing")


def test_the_answer_does_not_tell_a_known_address(visitor: Client) -> None:
    content, key = body(cast.published()), str(uuid4())
    unknown = post(visitor, content, key=key)
    promote_waiting(now=LATER)
    api._RECEIVED.clear()
    known = post(visitor, content, key=key)
    assert (known.status_code, known.content, sorted(known.headers.items())) == (
        unknown.status_code,
        unknown.content,
        sorted(unknown.headers.items()),
    )


# --- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        " ", "{", "[]", "null", '"text"', '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 8000,
        "{'a': 1}", '{"a": ' + "9" * 5000 + "}", b"\xff\xfe", b'{"language": "\xe9"}',
    ],
)  # fmt: skip
def test_malformed_json_is_said_to_be_malformed(visitor: Client, text: str | bytes) -> None:
    cast.published()
    problem(post(visitor, text), 400, "malformed")


def test_a_body_over_the_cap_is_refused_before_it_is_read(visitor: Client) -> None:
    cast.published()
    problem(post(visitor, "x" * 16_385), 413, "too_large")
    problem(post(visitor, b"x" * 10_000_000), 413, "too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_only_json_is_read(visitor: Client, kind: str) -> None:
    content = body(cast.published())
    problem(post(visitor, content, **{"content-type": kind}), 415, "unsupported_media_type")


def test_a_charset_beside_the_type_is_fine(visitor: Client) -> None:
    content = body(cast.published())
    kind = {"content-type": "application/json; charset=utf-8"}
    assert post(visitor, content, **kind).status_code == 202


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fields": {"email": "a", "family_name": "b"}}, {"email": "invalid_email"}),
        ({"fields": {"family_name": "b"}}, {"email": "required"}),
        ({"fields": {**GOOD, "email": 7}}, {"email": "not_text"}),
        ({"fields": {**GOOD, "family_name": ["b"]}}, {"family_name": "not_text"}),
        ({"fields": {**GOOD, "iban": "FR76"}}, {"iban": "unknown_field"}),
        ({"fields": {**GOOD, "company": "b\0"}}, {"company": "control_character"}),
        ({"fields": {**GOOD, "company": "\ud800"}}, {"company": "control_character"}),
        ({"fields": {**GOOD, "family_name": "b\r\nBcc: c"}}, {"family_name": "line_break"}),
        ({"fields": {**GOOD, "email": "a@example.org\r\nBcc: c"}}, {"email": "line_break"}),
        ({"fields": {**GOOD, "email": "a" * 250 + "@example.org"}}, {"email": "too_long"}),
        ({"fields": {**GOOD, "email": "a" * 65 + "@example.org"}}, {"email": "invalid_email"}),
        ({"fields": {**GOOD, "email": "a@exa_mple..org"}}, {"email": "invalid_email"}),
        ({"fields": {**GOOD, "family_name": "b" * 81}}, {"family_name": "too_long"}),
        ({"fields": {**GOOD, "given_name": "https://x.org"}}, {"given_name": "address_in_name"}),
        ({"fields": {**GOOD, "company": "4111-1111-1111-1111"}}, {"company": "card_number"}),
        ({"fields": {**GOOD, "phone": "4111 1111 1111 1111"}}, {"phone": "card_number"}),
        ({"fields": {**GOOD, "phone": "12"}}, {"phone": "invalid_phone"}),
        ({"fields": {**GOOD, "country": "ZZ"}}, {"country": "unknown_country"}),
        ({"consents": ["phone_prospecting:phone"]}, {"consents": "unknown_purpose"}),
        ({"consents": ["targeted_promotion:email"]}, {"consents": "unknown_purpose"}),
        ({"objections": [{}]}, {"objections": "unknown_purpose"}),
        ({"fields": []}, {"fields": "wrong_type"}),
        ({"form_version": True}, {"form_version": "wrong_type"}),
        ({"contact_id": "x"}, {"contact_id": "unknown_member"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_field(
    visitor: Client, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert field_errors(post(visitor, body(cast.published(), **changes))) == expected


def test_an_international_address_is_accepted(visitor: Client) -> None:
    fields = {"email": "Zoé@Bücher.example", "family_name": "Œuvrard"}
    assert post(visitor, body(cast.published(), fields=fields)).status_code == 202
    assert promote_waiting(now=LATER).handled == 1


def test_the_longest_answer_that_is_allowed_fits_into_an_envelope(visitor: Client) -> None:
    widest = "\U0001f600"
    fields = {
        "email": "a@example.org",
        "given_name": widest * 80,
        "family_name": widest * 80,
        "company": widest * 120,
        "message": widest * 3000,
    }
    content = json.dumps(body(cast.published(), fields=fields), ensure_ascii=False).encode()
    assert len(content) < 16_384
    assert post(visitor, content, **{"user-agent": "x" * 4000}).status_code == 202
    assert promote_waiting(now=LATER).handled == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"notice": {}},
        {"notice": {"id": "x"}},
        {"language": "de"},
        {"language": None},
        {"form_version": 2},
    ],
)
def test_a_stale_or_absent_notice_keeps_nothing(visitor: Client, changes: dict[str, Any]) -> None:
    content = {**body(cast.published()), **changes}
    if changes == {"language": None}:
        del content["language"]
    problem(post(visitor, content), 409, "stale_notice")


def test_a_notice_in_another_language_than_the_one_shown_is_stale(visitor: Client) -> None:
    document = cast.published()
    french = body(document, language="fr")["notice"]
    problem(post(visitor, body(document, notice=french)), 409, "stale_notice")


def test_a_form_that_is_not_public_is_not_found(visitor: Client) -> None:
    for url in ("/api/v1/forms/nowhere", "/api/v1/forms/nowhere/challenge"):
        problem(visitor.get(url), 404, "not_found")  # type: ignore[arg-type]
    response = visitor.post("/api/v1/forms/nowhere/submissions", {}, "application/json")
    problem(response, 404, "not_found")  # type: ignore[arg-type]


def test_another_method_is_not_allowed(visitor: Client) -> None:
    cast.published()
    response = visitor.put(URL)
    assert response.status_code == 405
    assert response["Content-Type"] == "application/problem+json"


def test_a_closed_intake_says_when_to_try_again(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, key = body(cast.published()), str(uuid4())

    def closed(**_content: object) -> None:
        raise IntakeClosed("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(api, "drop_envelope", closed)
        response = post(visitor, content, key=key)
        problem(response, 503, "intake_closed")
        assert response["Retry-After"] == "60"
    assert post(visitor, content, key=key).status_code == 202


def test_a_database_that_is_gone_says_when_to_try_again(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = body(cast.published())

    def gone(**_key: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("forms_intake.public.published.PublishedForm.objects.filter", gone)
    response = post(visitor, content)
    assert response.status_code == 503
    assert b"refused" not in response.content


def test_errors_come_in_the_reader_s_language(visitor: Client) -> None:
    content = body(cast.published(), fields={"email": "x", "family_name": "b"})
    assert "name@example.org" in str(field_message(post(visitor, content)))


def field_message(response: HttpResponse) -> str:
    return str(json.loads(response.content)["errors"][0]["message"])


# --- other sites -----------------------------------------------------------------------------


def test_an_allowed_site_may_read_and_post(visitor: Client) -> None:
    document = cast.published()
    preflight = visitor.options(
        URL, headers={"Origin": SITE, "Access-Control-Request-Method": "POST"}
    )
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight["Access-Control-Allow-Origin"] == SITE
    assert "Idempotency-Key" in preflight["Access-Control-Allow-Headers"]
    assert "POST" in preflight["Access-Control-Allow-Methods"]
    for response in (
        visitor.get(FORM, headers={"Origin": SITE}),
        post(visitor, body(document), origin=SITE),
        post(visitor, "{", origin=SITE),
    ):
        assert response["Access-Control-Allow-Origin"] == SITE
        assert "Origin" in response["Vary"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://www.example.org.evil"])
def test_another_site_may_not(visitor: Client, origin: str) -> None:
    document = cast.published()
    for response in (
        visitor.get(FORM, headers={"Origin": origin}),
        visitor.options(URL, headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in response
    refused = post(visitor, body(document), origin=origin)
    problem(refused, 403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in refused


def test_a_server_sends_no_origin_and_is_heard(visitor: Client) -> None:
    assert post(visitor, body(cast.published())).status_code == 202
