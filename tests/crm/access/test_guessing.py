"""Whoever guesses passwords is stopped and seen; the owner is never shut out for good."""

import logging
from datetime import timedelta

import pytest
from axes.utils import reset
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from crm.accounts.known_browsers import FAILURES
from crm.accounts.second_factor import Secret, keep_authenticator, new_secret
from crm.models import Account, SecurityEvent
from tests.crm.staff import PASSWORD, code_now, make_account, staff_client

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def secret(account: Account) -> Secret:
    made = new_secret()
    keep_authenticator(account=account, secret=made)
    return made


def _try(client: Client, password: str, username: str = "camille", network: str = "") -> int:
    place = {"REMOTE_ADDR": network} if network else {}
    client.post(reverse("sign-in"), {"username": username}, **place)  # type: ignore[arg-type]
    answer = client.post(reverse("sign-in-password"), {"password": password}, **place)  # type: ignore[arg-type]
    return int(answer.status_code)


def _guess_slowly(username: str = "camille") -> None:
    """So slowly that no lock of an address ever falls: it is lifted between the tries."""
    for _attempt in range(FAILURES):
        assert _try(Client(), "wrong wrong wrong", username) == 200
        reset()


def test_quick_guessing_is_locked_and_raises_one_alarm(
    secret: Secret, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "accord.security")
    client = Client()
    answers = [_try(client, "wrong wrong wrong") for _attempt in range(8)]
    assert answers[-1] == 429
    assert _try(client, PASSWORD) == 429
    event = SecurityEvent.objects.get(kind="brute_force")
    assert event.account_id == Account.objects.get().pk
    lines = [line for line in caplog.messages if "brute_force" in line]
    assert len(lines) == 1
    assert str(event.id) in lines[0]
    for line in caplog.messages:
        assert "camille" not in line
        assert "127.0.0.1" not in line


def test_slow_guessing_is_held_back_for_every_unknown_browser(secret: Secret) -> None:
    _guess_slowly()
    assert _try(Client(), PASSWORD) == 429
    event = SecurityEvent.objects.get(kind="slow_guessing")
    assert event.account_id is not None


def test_the_owner_gets_in_from_a_browser_that_knows_the_account(secret: Secret) -> None:
    owner = Client()
    _try(owner, PASSWORD)
    owner.post(reverse("sign-in-code"), {"code": code_now(secret)})
    assert django_settings.KNOWN_BROWSER_COOKIE_NAME in owner.cookies
    owner.post(reverse("sign-out"))
    _guess_slowly()
    assert _try(Client(), PASSWORD) == 429
    assert _try(owner, PASSWORD) == 302
    # It is a right to try and no factor: the code is asked for, and a wrong password is wrong.
    assert owner.get(reverse("home")).headers["Location"] == reverse("sign-in-code")


def test_the_sign_of_a_known_browser_is_of_one_account_and_cannot_be_made_up(
    secret: Secret,
) -> None:
    owner = Client()
    _try(owner, PASSWORD)
    owner.post(reverse("sign-in-code"), {"code": code_now(secret)})
    name = django_settings.KNOWN_BROWSER_COOKIE_NAME
    sign = owner.cookies[name].value
    assert "camille" not in sign
    make_account("robin")
    _guess_slowly("robin")
    for value in (sign, sign[:-2] + "xx", "robin", ""):
        client = Client()
        client.cookies[name] = value
        assert _try(client, PASSWORD, "robin") == 429


def test_a_password_alone_does_not_make_a_browser_known(secret: Secret) -> None:
    client = Client()
    _try(client, PASSWORD)
    assert django_settings.KNOWN_BROWSER_COOKIE_NAME not in client.cookies


def test_it_is_over_a_day_after(secret: Secret) -> None:
    _guess_slowly()
    first = SecurityEvent.objects.earliest("at")
    SecurityEvent.objects.filter(pk=first.pk).update(at=first.at - timedelta(hours=25))
    assert _try(Client(), PASSWORD) == 302


def test_a_name_that_does_not_exist_is_treated_alike(secret: Secret) -> None:
    _guess_slowly("nobody")
    assert _try(Client(), PASSWORD, "nobody") == 429
    assert _try(Client(), PASSWORD) == 302
    kinds = set(SecurityEvent.objects.values_list("kind", "account_id"))
    assert kinds == {("wrong_password", None), ("slow_guessing", None)}


def test_no_event_holds_a_name_or_an_address(secret: Secret) -> None:
    client = Client()
    for _attempt in range(7):
        _try(client, "wrong wrong wrong", "someone@example.org")
    text = str(list(SecurityEvent.objects.values()))
    assert "someone" not in text
    assert "127.0.0" not in text


def test_those_who_watch_see_the_events_and_nobody_else_does(secret: Secret) -> None:
    _guess_slowly()
    _try(Client(), PASSWORD)
    for role in ("dsi", "administrator", "dpo"):
        page = staff_client(role, username=role).get(reverse("security-events")).content.decode()
        assert page.count("camille") == FAILURES + 1
    for role in ("marketing", "sales", "communication", "support", "operations"):
        client = staff_client(role, username=role)
        assert client.get(reverse("security-events")).status_code == 403
        assert client.get(reverse("shared-accounts")).status_code == 403


def test_the_list_is_filtered_and_paged(secret: Secret) -> None:
    _guess_slowly()
    _guess_slowly("nobody")
    _guess_slowly("nobody2")
    client = staff_client("dsi", username="watcher")
    page = client.get(reverse("security-events"), {"kind": "wrong_password"})
    assert page.context["has_more"]
    following = client.get(reverse("security-events") + page.context["next_url"])
    shown = {row.pk for row, _words, _name in page.context["lines"]}
    more = {row.pk for row, _words, _name in following.context["lines"]}
    assert not shown & more
    assert len(shown | more) == 3 * FAILURES
    other = client.get(reverse("security-events"), {"kind": "passkey_copied"})
    assert other.context["lines"] == []
