"""Passkeys without a browser: who may begin, and that no answer serves twice or elsewhere."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential
from pytest_django import Settings

from crm.accounts import passkeys
from crm.accounts.ceremonies import LIFE_SECONDS
from crm.accounts.passkeys import LastFactor, TooManyPasskeys
from crm.accounts.second_factor import keep_authenticator, new_secret
from crm.models import Account, SecurityEvent
from crm.step_up import CONFIRMED
from tests.crm.staff import half_signed_in, make_account, set_session, signed_in

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_a_host_name(settings: Settings) -> None:
    settings.OTP_WEBAUTHN_RP_ID = "localhost"
    settings.OTP_WEBAUTHN_ALLOWED_ORIGINS = ["http://localhost:8001"]


@pytest.fixture
def account() -> Account:
    return make_account()


def keep_passkey(account: Account, name: str = "Laptop") -> WebAuthnCredential:
    """A passkey's row, for what is not about the ceremony itself."""
    return WebAuthnCredential.objects.create(
        user=account,
        name=name,
        credential_id=name.encode(),
        public_key=b"-",
        aaguid="00000000-0000-0000-0000-000000000000",
    )


def _post(client: Client, name: str, body: object = None) -> tuple[int, dict[str, object]]:
    answer = client.post(reverse(name), json.dumps(body or {}), content_type="application/json")
    return answer.status_code, answer.json() if answer.content else {}


def test_the_question_wants_the_person_and_no_attestation(account: Account) -> None:
    keep_passkey(account)
    _status, question = _post(signed_in(account), "passkey-begin")
    assert question["authenticatorSelection"]["userVerification"] == "required"  # type: ignore[index]
    assert question["attestation"] == "none"
    assert len(question["excludeCredentials"]) == 1  # type: ignore[arg-type]
    _status, question = _post(half_signed_in(account), "sign-in-passkey-begin")
    assert question["userVerification"] == "required"
    assert question["rpId"] == "localhost"
    assert len(question["allowCredentials"]) == 1  # type: ignore[arg-type]


def test_registration_is_for_a_verified_session_that_has_just_confirmed(account: Account) -> None:
    client = signed_in(account)
    set_session(client, **{CONFIRMED: 0.0})
    for name in ("passkey-new", "passkey-begin", "passkey-complete"):
        # An account without any factor as well: the library itself would let it register.
        for browser in (Client(), half_signed_in(make_account(f"new-{name}")), client):
            for method in (browser.get, browser.post):
                assert method(reverse(name)).status_code in {302, 405}, name
    assert not WebAuthnCredential.objects.exists()


def test_sign_in_with_a_passkey_begins_after_the_password_only(account: Account) -> None:
    keep_passkey(account)
    for name in ("sign-in-passkey-begin", "sign-in-passkey"):
        answer = Client().post(reverse(name))
        assert answer.headers["Location"] == reverse("sign-in")
        answer = signed_in(make_account(f"in-{name}")).post(reverse(name))
        assert answer.status_code == 302


def test_the_screens_before_the_password_say_nothing_of_passkeys(account: Account) -> None:
    keep_passkey(account)
    make_account("robin")
    seen = set()
    for username in ("camille", "robin", "nobody"):
        client = Client()
        client.post(reverse("sign-in"), {"username": username})
        page = client.get(reverse("sign-in-password")).content.decode()
        assert "passkey" not in page
        token = client.cookies["accord_csrf"].value
        seen.add(page.replace(username, "").split(token)[0][:500])
    assert len(seen) == 1


@pytest.mark.parametrize("kinds", [(False, True), (True, False), (True, True)])
def test_the_second_step_offers_what_the_account_has(
    account: Account, kinds: tuple[bool, bool]
) -> None:
    if kinds[0]:
        keep_passkey(account)
    if kinds[1]:
        keep_authenticator(account=account, secret=new_secret())
    page = half_signed_in(account).get(reverse("sign-in-code")).content.decode()
    assert ("data-accord-passkey" in page, 'name="code"' in page) == kinds


def test_a_password_never_replaces_a_passkey_by_a_new_authenticator(account: Account) -> None:
    keep_passkey(account)
    client = half_signed_in(account)
    set_session(client, new_secret=new_secret().hexadecimal)
    assert client.get(reverse("sign-in-authenticator")).headers["Location"] == reverse(
        "sign-in-code"
    )
    assert not TOTPDevice.objects.exists()


def test_an_answer_without_its_question_or_too_late_is_refused(account: Account) -> None:
    keep_passkey(account)
    client = half_signed_in(account)
    assert _post(client, "sign-in-passkey", {"id": "x"})[0] == 403
    _post(client, "sign-in-passkey-begin")
    session = client.session
    question = session["passkey_question"]
    question["asked_at"] -= LIFE_SECONDS + 1
    set_session(client, passkey_question=question)
    assert _post(client, "sign-in-passkey", {"id": "x"})[0] == 403
    assert "passkey_question" not in client.session  # and it is gone: no second try


def test_the_question_of_one_ceremony_does_not_serve_another(account: Account) -> None:
    keep_passkey(account)
    client = signed_in(account)
    _post(client, "confirm-passkey-begin")
    assert _post(client, "passkey-complete", {"id": "x", "name": "y"})[0] == 403
    assert WebAuthnCredential.objects.count() == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"id": 1}', b'{"rawId": {}}', b"\xff"])
def test_nonsense_is_refused_and_breaks_nothing(account: Account, body: bytes) -> None:
    keep_passkey(account)
    client = half_signed_in(account)
    for begin, complete in (("sign-in-passkey-begin", "sign-in-passkey"),):
        _post(client, begin)
        answer = client.post(reverse(complete), body, content_type="application/json")
        assert answer.status_code == 403
        assert client.get(reverse("home")).status_code == 302


def test_the_last_factor_stays(account: Account) -> None:
    only = keep_passkey(account)
    with pytest.raises(LastFactor):
        passkeys.remove_passkey(account=account, passkey_id=only.pk, now=NOW)
    second = keep_passkey(account, "Key ring")
    passkeys.remove_passkey(account=account, passkey_id=only.pk, now=NOW)
    with pytest.raises(LastFactor):
        passkeys.remove_passkey(account=account, passkey_id=second.pk, now=NOW)
    event = SecurityEvent.objects.get(kind="passkey_removed")
    assert event.reference == {"passkey": only.pk}


def test_nobody_removes_the_passkey_of_somebody_else(account: Account) -> None:
    theirs = keep_passkey(make_account("robin"))
    answer = signed_in(account).post(reverse("passkey-remove", args=[theirs.pk]))
    assert answer.status_code == 404
    assert WebAuthnCredential.objects.filter(pk=theirs.pk).exists()


def test_ten_passkeys_are_the_most(account: Account) -> None:
    for number in range(passkeys.PASSKEYS_MAX):
        keep_passkey(account, f"key {number}")
    with pytest.raises(TooManyPasskeys):
        passkeys.begin_registration(account=account)
    assert _post(signed_in(account), "passkey-begin")[0] == 409


@pytest.mark.parametrize(
    ("host", "is_https", "possible"),
    [
        ("127.0.0.1", False, False),
        ("127.0.0.1", True, False),
        ("::1", True, False),
        ("localhost", False, True),
        ("accord.example.org", True, True),
        ("accord.example.org", False, False),
        ("", True, False),
    ],
)
def test_where_there_can_be_passkeys(
    settings: Settings, account: Account, host: str, is_https: bool, possible: bool
) -> None:
    settings.OTP_WEBAUTHN_RP_ID, settings.IS_HTTPS = host, is_https
    keep_passkey(account)
    assert passkeys.are_possible() is possible
    assert passkeys.has_passkey(account) is possible


def test_a_passkey_session_dies_with_the_passkey(account: Account) -> None:
    device = keep_passkey(account)
    keep_authenticator(account=account, secret=new_secret())
    client = half_signed_in(account)
    set_session(client, otp_device_id=device.persistent_id)
    assert client.get(reverse("home")).status_code == 200
    passkeys.remove_passkey(account=account, passkey_id=device.pk, now=NOW + timedelta(hours=1))
    assert client.get(reverse("home")).headers["Location"] == reverse("sign-in-code")
