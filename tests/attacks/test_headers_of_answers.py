"""Every answer of both sides says what a browser may not do with it, and echoes nothing typed."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from deploy.apps import DeployConfig
from deploy.web_server import STATUSES, _answer
from tests.attacks.world import World, addresses
from tests.crm.staff import make_account, signed_in

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
]
MARK = "zqtypedmark"


def _policy(answer: HttpResponse) -> dict[str, list[str]]:
    parts = [part.split() for part in answer.headers["Content-Security-Policy"].split(";")]
    return {part[0]: part[1:] for part in parts if part}


def _check(answer: Any, url: str, referrer: set[str]) -> None:
    policy = _policy(answer)
    assert policy["default-src"] == ["'none'"], url
    assert policy.get("frame-ancestors") or "sandbox" in policy, url
    sources = [source for values in policy.values() for source in values]
    assert not {"'unsafe-eval'", "*", "http:", "https:"} & set(sources), url
    assert "'unsafe-inline'" not in policy.get("script-src", []), url
    assert answer.headers["X-Content-Type-Options"] == "nosniff", url
    assert answer.headers["Referrer-Policy"] in referrer, url
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", url
    assert "camera=()" in answer.headers["Permissions-Policy"], url
    assert answer.headers.get("Server", "") == "", url


def test_each_answer_of_the_staff_side(world: World) -> None:
    clients = [Client(), signed_in(make_account())]
    for url in [*addresses("deploy.urls_staff", world.parts()), "/nowhere", "/static/nowhere.css"]:
        for client in clients:
            for answer in (client.get(url), client.post(url), client.head(url)):
                _check(answer, url, {"same-origin", "no-referrer"})
                assert answer.headers["Cache-Control"] == "no-store", url


def test_each_answer_of_the_public_side(world: World, visitor: Client) -> None:
    for url in [*addresses("deploy.urls_public", world.parts()), "/nowhere", "/admin/"]:
        for answer in (visitor.get(url), visitor.post(url), visitor.head(url)):
            _check(answer, url, {"no-referrer"})


def test_behind_https_a_browser_never_comes_back_without_it(
    world: World, settings: Settings
) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    answer = Client().get("/sign-in", secure=True)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize("status", [400, 414, 431, 500, 501])
def test_what_is_no_http_is_answered_with_the_same_care(status: int) -> None:
    head, _end, body = _answer(status).decode().partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ") and "nosniff" in head
    assert "default-src 'none'" in head and "no-store" in head
    assert f"Content-Length: {len(body)}" in head
    assert set(STATUSES.values()) <= {417, 431, 414, 501}


def test_an_error_repeats_nothing_that_was_typed(world: World, visitor: Client) -> None:
    typed = ("token", "key", "purpose", "channel", "sequences/ key", "media/ name",
             "returns/ service", "relays/services/ service", "relays/ code")  # fmt: skip
    parts = world.parts() | dict.fromkeys(typed, MARK)
    for url in addresses("deploy.urls_public", parts):
        for answer in (
            visitor.get(f"{url}?q={MARK}"),
            visitor.post(url, f"{MARK}={MARK}", content_type=f"text/{MARK}"),
            visitor.post(f"{url}/{MARK}", {MARK: MARK}),
        ):
            is_for_its_writer = answer.status_code < 400
            assert is_for_its_writer or MARK not in answer.content.decode(), url
    staff = signed_in(make_account())
    for url in addresses("deploy.urls_staff", parts):
        for answer in (staff.get(f"{url}?x={MARK}"), staff.post(f"{url}{MARK}/", {MARK: MARK})):
            if answer.status_code >= 400:
                assert MARK not in answer.content.decode(), url


def test_debug_refuses_to_start(settings: Settings) -> None:
    from django.apps import apps

    config = apps.get_app_config("deploy")
    assert isinstance(config, DeployConfig)
    settings.DEBUG = True
    with pytest.raises(ImproperlyConfigured):
        config.ready()
