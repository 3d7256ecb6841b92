"""The sign-in screens: two factors, one question each, no hint about who exists."""

import ipaddress
import re

import pytest
from django.contrib.auth import SESSION_KEY
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from crm.accounts.second_factor import (
    Secret,
    issue_recovery_codes,
    keep_authenticator,
    new_secret,
)
from crm.models import Account, RecoveryCode
from tests.crm.staff import PASSWORD, code_now, make_account, set_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def secret(account: Account) -> Secret:
    made = new_secret()
    keep_authenticator(account=account, secret=made)
    return made


def _post(client: Client, name: str, **fields: str) -> HttpResponse:
    response: HttpResponse = client.post(reverse(name), fields)  # type: ignore[assignment]
    return response


def _to_code_screen(username: str = "camille", *, next_url: str = "") -> Client:
    client = Client()
    _post(client, "sign-in", username=username, next=next_url)
    _post(client, "sign-in-password", password=PASSWORD)
    return client


def _is_in(client: Client) -> bool:
    return bool(client.get(reverse("home")).status_code == 200)


def test_password_and_code_open_the_home_page(secret: Secret) -> None:
    client = _to_code_screen()
    assert not _is_in(client)
    response = _post(client, "sign-in-code", code=code_now(secret))
    assert response.headers["Location"] == reverse("home")
    assert _is_in(client)


def test_a_code_with_a_space_is_understood(secret: Secret) -> None:
    client = _to_code_screen()
    code = code_now(secret)
    _post(client, "sign-in-code", code=f"{code[:3]} {code[3:]}")
    assert _is_in(client)


def test_a_code_is_accepted_once(secret: Secret) -> None:
    code = code_now(secret)
    first, second = _to_code_screen(), _to_code_screen()
    _post(first, "sign-in-code", code=code)
    _post(second, "sign-in-code", code=code)
    assert _is_in(first)
    assert not _is_in(second)


def test_a_code_of_long_ago_is_refused(secret: Secret) -> None:
    client = _to_code_screen()
    _post(client, "sign-in-code", code=code_now(secret, steps=-3))
    assert not _is_in(client)


def test_wrong_codes_hold_back_the_right_one_for_a_while(secret: Secret) -> None:
    client = _to_code_screen()
    wrong = f"{(int(code_now(secret)) + 500_000) % 1_000_000:06d}"
    _post(client, "sign-in-code", code=wrong)
    response = _post(client, "sign-in-code", code=code_now(secret))
    assert not _is_in(client)
    assert re.search(r"\d\d:\d\d:\d\d", response.content.decode())


def test_the_code_of_another_account_opens_nothing(secret: Secret) -> None:
    other = make_account("robin", "sales")
    keep_authenticator(account=other, secret=new_secret())
    client = _to_code_screen("robin")
    _post(client, "sign-in-code", code=code_now(secret))
    assert not _is_in(client)


def test_a_session_cannot_carry_the_device_of_another_account(secret: Secret) -> None:
    make_account("robin", "sales")
    device = TOTPDevice.objects.get()
    client = _to_code_screen("robin")
    set_session(client, **{DEVICE_ID_SESSION_KEY: device.persistent_id})
    assert not _is_in(client)


def test_every_step_changes_the_session_key(secret: Secret) -> None:
    client = Client()
    set_session(client, planted="by somebody else")
    keys = [client.session.session_key]
    _post(client, "sign-in", username="camille")
    keys.append(client.session.session_key)
    _post(client, "sign-in-password", password=PASSWORD)
    keys.append(client.session.session_key)
    _post(client, "sign-in-code", code=code_now(secret))
    keys.append(client.session.session_key)
    assert len(set(keys)) == 4
    assert "planted" not in client.session


def test_an_unknown_account_and_a_wrong_password_read_the_same(account: Account) -> None:
    pages = []
    for username in ("camille", "nobody1"):
        client = Client()
        first = _post(client, "sign-in", username=username)
        assert first.headers["Location"] == reverse("sign-in-password")
        text = _post(client, "sign-in-password", password="wrong wrong wrong").content.decode()
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
        pages.append(text.replace(username, "NAME"))
    assert pages[0] == pages[1]


def test_a_closed_account_reads_like_a_wrong_password(account: Account) -> None:
    Account.objects.update(is_active=False)
    client = _to_code_screen()
    assert SESSION_KEY not in client.session


@pytest.mark.parametrize("username", ["camille", "nobody"])
def test_five_wrong_passwords_close_the_door_and_say_until_when(
    account: Account, username: str
) -> None:
    client = Client()
    _post(client, "sign-in", username=username)
    for _ in range(5):
        response = _post(client, "sign-in-password", password="wrong wrong wrong")
    assert response.status_code == 429
    assert re.search(r"\d\d:\d\d", response.content.decode())
    assert _post(client, "sign-in-password", password=PASSWORD).status_code == 429
    assert SESSION_KEY not in client.session


def test_a_forged_header_does_not_open_a_closed_door(account: Account, settings: Settings) -> None:
    settings.STAFF_NETWORKS += [ipaddress.ip_network("198.51.100.0/24")]
    client = Client()
    _post(client, "sign-in", username="camille")
    url = reverse("sign-in-password")
    for number in range(6):
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        response = client.post(
            url, {"password": "wrong wrong wrong"}, headers=headers, REMOTE_ADDR="198.51.100.7"
        )
    assert response.status_code == 429


@pytest.mark.parametrize(
    "evil", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_way_back_never_leaves_the_house(secret: Secret, evil: str) -> None:
    client = _to_code_screen(next_url=evil)
    response = _post(client, "sign-in-code", code=code_now(secret))
    assert response.headers["Location"] == reverse("home")
    assert "evil" not in Client().get(reverse("sign-in"), {"next": evil}).content.decode()


def test_the_way_back_leads_to_the_page_that_was_asked_for(secret: Secret) -> None:
    client = _to_code_screen(next_url="/account/")
    response = _post(client, "sign-in-code", code=code_now(secret))
    assert response.headers["Location"] == "/account/"


def test_a_recovery_code_opens_the_door_once(account: Account, secret: Secret) -> None:
    code = issue_recovery_codes(account=account, now=timezone.now())[3]
    client = _to_code_screen()
    _post(client, "sign-in-recovery-code", code=code.lower().replace("-", " "))
    assert _is_in(client)
    assert RecoveryCode.objects.filter(used_at__isnull=False).count() == 1
    again = _to_code_screen()
    _post(again, "sign-in-recovery-code", code=code)
    assert not _is_in(again)


def test_a_recovery_code_of_another_account_opens_nothing(secret: Secret) -> None:
    other = make_account("robin", "sales")
    code = issue_recovery_codes(account=other, now=timezone.now())[0]
    client = _to_code_screen()
    _post(client, "sign-in-recovery-code", code=code)
    assert not _is_in(client)


def test_wrong_recovery_codes_are_held_back_like_wrong_codes(
    account: Account, secret: Secret
) -> None:
    code = issue_recovery_codes(account=account, now=timezone.now())[0]
    client = _to_code_screen()
    _post(client, "sign-in-recovery-code", code="AAAA-AAAA-AAAA")
    _post(client, "sign-in-recovery-code", code=code)
    assert not _is_in(client)
    assert not RecoveryCode.objects.filter(used_at__isnull=False).exists()


def test_recovery_codes_are_not_kept_readable(account: Account) -> None:
    codes = issue_recovery_codes(account=account, now=timezone.now())
    kept = "".join(RecoveryCode.objects.values_list("code_hash", flat=True))
    assert len(codes) == 10
    assert not [c for c in codes if c in kept or c.replace("-", "") in kept]


def test_the_first_sign_in_sets_the_authenticator_up_and_shows_ten_codes(account: Account) -> None:
    client = _to_code_screen()
    assert not _is_in(client)
    page = client.get(reverse("sign-in-authenticator")).content.decode()
    secret = Secret(client.session["new_secret"])
    assert secret.grouped in page
    assert "style=" not in page
    response = _post(client, "sign-in-authenticator", code=code_now(secret))
    shown = re.findall(r"<li>([A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4})</li>", response.content.decode())
    assert len(set(shown)) == 10
    assert _is_in(client)
    again = _to_code_screen()
    _post(again, "sign-in-recovery-code", code=shown[0])
    assert _is_in(again)


def test_a_wrong_code_sets_nothing_up(account: Account) -> None:
    client = _to_code_screen()
    _post(client, "sign-in-authenticator", code="000000")
    assert not TOTPDevice.objects.exists()
    assert not _is_in(client)


def test_a_password_alone_never_replaces_the_second_factor(
    account: Account, secret: Secret
) -> None:
    client = _to_code_screen()
    theirs = new_secret()
    set_session(client, new_secret=theirs.hexadecimal)
    _post(client, "sign-in-authenticator", code=code_now(theirs))
    assert not _is_in(client)
    assert TOTPDevice.objects.get().key == secret.hexadecimal


def test_signing_out_is_a_post_and_ends_the_session(secret: Secret) -> None:
    client = _to_code_screen()
    _post(client, "sign-in-code", code=code_now(secret))
    assert client.get(reverse("sign-out")).status_code == 405
    old_cookie = client.cookies["accord_session"].value
    _post(client, "sign-out")
    replayed = Client()
    replayed.cookies["accord_session"] = old_cookie
    assert not _is_in(replayed)


def test_a_post_without_the_token_of_the_page_is_refused(secret: Secret) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(reverse("sign-in"), {"username": "camille"})
    assert response.status_code == 403
    assert "camille" not in response.content.decode()
