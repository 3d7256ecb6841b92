"""What machines meet: rates, a trap, a minimum of time, and a proof of work."""

import base64
import ipaddress
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from altcha import v1 as altcha
from django.test import Client, RequestFactory
from pytest_django import Settings

from forms_intake.abuse import TRAP, Pace, Remembered, Started
from forms_intake.client import evidence_of
from forms_intake.proof_of_work import CHALLENGE_LIFE, InvalidProof, check_proof, make_challenge
from privacy.models import Envelope
from privacy.services import SlidingWindow, TooMany, network_of
from tests.conftest import NOW
from tests.forms_intake import cast
from tests.forms_intake.cast import CODE, body
from tests.forms_intake.page import fields_of, filled, form_of, one

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
URL, API = f"/f/{CODE}", f"/api/v1/forms/{CODE}"


def solve(challenge: dict[str, Any], /, **changes: Any) -> str:
    """What the widget of a browser does."""
    solution = altcha.solve_challenge(
        challenge["challenge"], challenge["salt"], challenge["algorithm"], challenge["maxnumber"]
    )
    assert solution is not None
    names = ("algorithm", "challenge", "salt", "signature")
    payload = {name: challenge[name] for name in names} | {"number": solution.number} | changes
    return base64.b64encode(json.dumps(payload).encode()).decode()


def post_json(visitor: Client, content: dict[str, Any], **extra: Any) -> Any:
    return visitor.post(
        f"{API}/submissions",
        json.dumps(content),
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid4())},
        **extra,
    )


# --- rates -----------------------------------------------------------------------------------


def test_a_window_slides() -> None:
    window = SlidingWindow()
    for second in (0, 10, 20):
        window.hit("a", limit=3, now=NOW + timedelta(seconds=second))
    with pytest.raises(TooMany) as refusal:
        window.hit("a", limit=3, now=NOW + timedelta(seconds=30))
    assert refusal.value.retry_after == 31
    window.hit("b", limit=3, now=NOW + timedelta(seconds=30))
    window.hit("a", limit=3, now=NOW + timedelta(seconds=61))
    with pytest.raises(TooMany):
        window.hit("a", limit=3, now=NOW + timedelta(seconds=62))


def test_memory_is_bounded() -> None:
    window, seen = SlidingWindow(keys=100), Remembered[bool](keys=100)
    for number in range(1_000):
        window.hit(str(number), limit=1, now=NOW)
        seen.remember(str(number), True)
    assert len(window._hits) == len(seen) == 100
    assert (seen.recall("999"), seen.recall("1")) == (True, None)


def test_too_many_from_one_network_wait_and_the_others_do_not(
    visitor: Client, settings: Settings
) -> None:
    settings.FORMS_PER_NETWORK = 2
    page = filled((cast.published(), visitor.get(URL).content)[1])
    for _attempt in range(2):
        assert visitor.post(URL, page, REMOTE_ADDR="192.0.2.1").status_code == 200
    response = visitor.post(URL, {**page, "message": "kept"}, REMOTE_ADDR="192.0.2.200")
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 61
    assert fields_of(response.content)["message"] == "kept"
    answer = post_json(visitor, {}, REMOTE_ADDR="192.0.2.3")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many")
    assert answer["Retry-After"]
    assert visitor.post(URL, page, REMOTE_ADDR="192.0.3.1").status_code == 200


def test_too_many_for_one_form_wait(visitor: Client, settings: Settings) -> None:
    settings.FORMS_PER_FORM = 3
    document = cast.published()
    other = cast.published(code="other")
    for number in range(3):
        answer = post_json(visitor, body(document), REMOTE_ADDR=f"198.51.{number}.1")
        assert answer.status_code == 202
    assert post_json(visitor, body(document), REMOTE_ADDR="203.0.113.1").status_code == 429
    url = "/api/v1/forms/other/submissions"
    headers = {"Idempotency-Key": str(uuid4())}
    kind = "application/json"
    answer = visitor.post(url, json.dumps(body(other)), content_type=kind, headers=headers)
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("socket", "forwarded", "network"),
    [
        ("192.0.2.77", "", "192.0.2.0/24"),
        ("192.0.2.77", "203.0.113.9", "192.0.2.0/24"),
        ("2001:db8:1:2::9", "", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "", "192.0.2.0/24"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.0/24"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.0/24"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.0/24"),
        ("10.0.0.1", "nonsense", "unknown"),
        ("10.0.0.1", "", "10.0.0.0/24"),
        ("", "203.0.113.9", "unknown"),
    ],
)
def test_the_client_is_the_socket_or_what_our_proxy_says(
    settings: Settings, socket: str, forwarded: str, network: str
) -> None:
    settings.PUBLIC_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]
    request = RequestFactory().get("/", REMOTE_ADDR=socket, HTTP_X_FORWARDED_FOR=forwarded)
    assert network_of(request) == network


def test_evidence_is_cut_short_and_one_line() -> None:
    request = RequestFactory().get("/", HTTP_USER_AGENT="Fire\r\nfox " + "x" * 500)
    evidence = evidence_of(request)
    assert evidence["user_agent"].startswith("Firefox xxx")
    assert len(evidence["user_agent"]) < 200


# --- trap and time ---------------------------------------------------------------------------


def test_whoever_fills_in_the_trap_is_thanked_and_not_kept(visitor: Client) -> None:
    document = cast.published()
    page = filled(visitor.get(URL).content)
    person = visitor.post(URL, page)
    assert Envelope.objects.count() == 1
    machine = visitor.post(URL, {**page, TRAP: "https://spam.example"})
    assert (machine.status_code, machine.content) == (person.status_code, person.content)
    answer = post_json(visitor, {**body(document), TRAP: "https://spam.example"})
    assert (answer.status_code, answer.json()["status"]) == (202, "received")
    assert Envelope.objects.count() == 1


def test_a_form_that_is_sent_at_once_is_asked_to_be_sent_again(visitor: Client) -> None:
    cast.published(minimum_fill_seconds=30)
    page = visitor.get(URL).content
    quick = filled(page, message="kept", started=fields_of(page)["started"])
    response = visitor.post(URL, quick)
    assert response.status_code == 422
    again = fields_of(response.content)
    assert (again["message"], again["started"]) == ("kept", quick["started"])
    assert Envelope.objects.count() == 0
    assert visitor.post(URL, filled(response.content)).status_code == 200


@pytest.mark.parametrize("started", ["", "soon", "-1", "9" * 40, "99999999999", "²"])
def test_a_page_that_does_not_say_when_it_was_shown_is_shown_again(
    visitor: Client, started: str
) -> None:
    cast.published()
    response = visitor.post(URL, filled(visitor.get(URL).content, started=started))
    assert response.status_code == 422
    assert Envelope.objects.count() == 0


def test_pace() -> None:
    started = Started.at(NOW)
    assert started.pace(seconds=3, now=NOW + timedelta(seconds=2)) is Pace.TOO_QUICK
    assert started.pace(seconds=3, now=NOW + timedelta(seconds=3)) is Pace.HUMAN
    assert started.pace(seconds=3, now=NOW + timedelta(days=30)) is Pace.HUMAN
    assert started.pace(seconds=3, now=NOW - timedelta(minutes=5)) is Pace.UNKNOWN


# --- proof of work ---------------------------------------------------------------------------


def test_a_proof_is_accepted_once() -> None:
    proof = solve(make_challenge(form=CODE, now=NOW))
    check_proof(proof=proof, form=CODE, now=NOW)
    with pytest.raises(InvalidProof):
        check_proof(proof=proof, form=CODE, now=NOW)


def test_a_proof_is_for_one_form_and_for_an_hour() -> None:
    proof = solve(make_challenge(form="other", now=NOW))
    with pytest.raises(InvalidProof):
        check_proof(proof=proof, form=CODE, now=NOW)
    late = solve(make_challenge(form=CODE, now=NOW))
    with pytest.raises(InvalidProof):
        check_proof(proof=late, form=CODE, now=NOW + CHALLENGE_LIFE + timedelta(seconds=1))


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 0},
        {"number": "7"},
        {"signature": "0" * 64},
        {"salt": "00?expires=99999999999&form=contact&"},
        {"algorithm": "SHA-1"},
        {"salt": None},
        {"challenge": 7},
    ],
)
def test_a_proof_that_was_tampered_with_is_refused(changes: dict[str, Any]) -> None:
    proof = solve(make_challenge(form=CODE, now=NOW), **changes)
    with pytest.raises(InvalidProof):
        check_proof(proof=proof, form=CODE, now=NOW)


@pytest.mark.parametrize("proof", [None, 7, "", "é", "W10=", "MQ==", "bm90IGpzb24=", "W1tb" * 9000])
def test_what_is_no_proof_is_refused(proof: object) -> None:
    with pytest.raises(InvalidProof):
        check_proof(proof=proof, form=CODE, now=NOW)


def test_the_page_carries_its_challenge_and_needs_the_proof(visitor: Client) -> None:
    cast.published(has_proof_of_work=True)
    page = visitor.get(URL).content
    response = visitor.post(URL, filled(page, message="kept"))
    assert response.status_code == 422
    assert Envelope.objects.count() == 0
    challenge = json.loads(str(form_of(response.content)["data-altcha"]))
    assert challenge != json.loads(str(form_of(page)["data-altcha"]))
    done = visitor.post(URL, filled(response.content, altcha=solve(challenge)))
    assert done.status_code == 200
    assert Envelope.objects.count() == 1
    assert str(one(form_of(page).parent or form_of(page), "script")["src"]).startswith("/static/")


def test_a_mistake_in_a_field_does_not_use_up_the_proof(visitor: Client) -> None:
    cast.published(has_proof_of_work=True)
    page = visitor.get(URL).content
    proof = solve(json.loads(str(form_of(page)["data-altcha"])))
    assert visitor.post(URL, filled(page, email="x", altcha=proof)).status_code == 422
    assert visitor.post(URL, filled(page, altcha=proof)).status_code == 200


def test_the_api_gives_a_challenge_and_needs_the_proof(visitor: Client) -> None:
    document = cast.published(has_proof_of_work=True)
    assert post_json(visitor, body(document)).json()["code"] == "proof_of_work"
    challenge = visitor.get(f"{API}/challenge").json()
    assert post_json(visitor, body(document, altcha=solve(challenge))).status_code == 202
    assert Envelope.objects.count() == 1


def test_challenges_are_counted_and_only_for_forms_that_need_them(
    visitor: Client, settings: Settings
) -> None:
    settings.FORMS_PER_NETWORK = 2
    cast.published(has_proof_of_work=True)
    cast.published(code="plain")
    answers = [visitor.get(f"{API}/challenge").status_code for _attempt in range(3)]
    assert answers == [200, 200, 429]
    assert visitor.get("/api/v1/forms/plain/challenge").status_code == 404
