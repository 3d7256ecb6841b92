"""Every address of the staff side, found by walking the resolver, is behind the gate."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import (
    IntConverter,
    PathConverter,
    SlugConverter,
    StringConverter,
    UUIDConverter,
)

from tests.crm.staff import half_signed_in, make_account, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])

OPEN = {
    "health",
    "language",
    "sign-in",
    "sign-in-password",
    "sign-in-code",
    "sign-in-recovery-code",
    "sign-in-authenticator",
    # After the password alone: what they let through is in test_passkeys and test_lost_factors.
    "sign-in-enrolment-key",
    "sign-in-passkey-begin",
    "sign-in-passkey",
    "sign-out",
}
SAMPLES = {
    IntConverter: "7",
    PathConverter: "a/b",
    SlugConverter: "a-slug",
    StringConverter: "text",
    UUIDConverter: "0199c0de-0000-7000-8000-000000000000",
}


def _walk(resolver: URLResolver, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for part in resolver.url_patterns:
        route = prefix + str(part.pattern)
        if isinstance(part, URLResolver):
            yield from _walk(part, route)
            continue
        yield _filled(route, part, resolver), part


def _filled(route: str, pattern: URLPattern, resolver: URLResolver) -> str:
    converters = {**resolver.pattern.converters, **pattern.pattern.converters}
    for name, converter in converters.items():
        sample = SAMPLES[type(converter)]  # a new kind of address part needs a sample here
        route = re.sub(rf"<(?:\w+:)?{name}>", sample, route)
    assert "<" not in route, route
    return route


def _all() -> list[tuple[str, URLPattern]]:
    return list(_walk(get_resolver("deploy.urls_staff"), "/"))


BEHIND = [(url, pattern) for url, pattern in _all() if pattern.name not in OPEN]
MACHINES = [(url, pattern) for url, pattern in BEHIND if hasattr(pattern.callback, "api_scope")]
GUARDED = [each for each in BEHIND if each not in MACHINES]
METHODS = ["get", "post", "put", "patch", "delete", "head", "options"]


def test_the_walk_finds_the_pages_we_know() -> None:
    found = {pattern.name for _, pattern in _all()}
    assert found >= {"home", "account", "change-password", "health"}
    assert len(GUARDED) >= 5


@pytest.mark.parametrize("method", METHODS)
def test_a_browser_that_is_not_signed_in_only_ever_meets_the_sign_in(method: str) -> None:
    for url, pattern in GUARDED:
        response = getattr(Client(), method)(url)
        assert response.status_code in {302, 405}, (method, url)
        if response.status_code == 302:
            assert response.headers["Location"].startswith(reverse("sign-in")), (url, pattern)
        assert not response.content


@pytest.mark.parametrize("method", METHODS)
def test_one_factor_opens_nothing_but_the_screen_of_the_second(method: str) -> None:
    client = half_signed_in(make_account())
    for url, _pattern in GUARDED:
        response = getattr(client, method)(url)
        assert response.status_code in {302, 405}, (method, url)
        if response.status_code == 302:
            assert response.headers["Location"] == reverse("sign-in-code"), url
        assert not response.content


def _methods(pattern: URLPattern) -> set[str]:
    operation: dict[str, str] = getattr(pattern.callback, "api_operation", {})
    method = operation.get("method", "get")
    return {"post"} if method == "post" else {"get", "head"}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", ["none", "one"])
def test_a_machine_without_both_factors_or_a_token_is_told_so(factor: str, method: str) -> None:
    client = half_signed_in(make_account()) if factor == "one" else Client()
    assert len(MACHINES) >= 5
    for url, pattern in MACHINES:
        response = getattr(client, method)(url)
        if method not in _methods(pattern):
            assert response.status_code == 405, (method, url)
            continue
        assert response.status_code == 401, url
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_browser_at_an_address_for_machines_is_sent_to_the_missing_step() -> None:
    half = half_signed_in(make_account())
    for url, pattern in MACHINES:
        if "get" not in _methods(pattern):
            continue
        accept = {"Accept": "text/html,application/xhtml+xml"}
        assert Client().get(url, headers=accept).headers["Location"].startswith("/sign-in?"), url
        assert half.get(url, headers=accept).headers["Location"] == reverse("sign-in-code"), url


def test_no_address_lies_beside_the_ones_for_machines() -> None:
    """Whatever is under /api/ has the gate of machines, and nothing else has."""
    assert {url for url, _ in _all() if url.startswith("/api/")} == {url for url, _ in MACHINES}


def test_get_and_post_alone_reach_the_gate_of_each_page() -> None:
    """A page that answers 405 to both would be shown guarded by mistake."""
    for url, _pattern in GUARDED:
        assert 302 in {Client().get(url).status_code, Client().post(url).status_code}, url


@pytest.mark.parametrize("factor", ["none", "both"])
def test_a_foreign_network_gets_403_for_everything(factor: str) -> None:
    client = staff_client() if factor == "both" else Client()
    urls = [url for url, _ in _all()] + ["/static/crm/accord.css", "/nowhere", "/admin/"]
    for url in urls:
        for method in ("get", "post"):
            response = getattr(client, method)(url, REMOTE_ADDR="203.0.113.9")
            assert response.status_code == 403, url
            assert response.content == b"403 Forbidden\n"


def test_every_answer_but_static_files_says_that_it_must_not_be_kept() -> None:
    client = staff_client()
    for url in [*(url for url, _ in _all()), "/nowhere"]:
        for browser in (Client(), client):
            assert browser.get(url).headers["Cache-Control"] == "no-store", url


def test_an_htmx_request_is_sent_to_the_sign_in_as_a_whole_page() -> None:
    response = Client().get(reverse("account"), headers={"HX-Request": "true"})
    assert response.headers["HX-Redirect"] == "/sign-in?next=%2Faccount%2F"


def test_the_way_back_holds_no_query_string() -> None:
    """A search for a name must not become part of an address."""
    response = Client().get(reverse("account") + "?q=Dupont")
    assert response.headers["Location"] == "/sign-in?next=%2Faccount%2F"
