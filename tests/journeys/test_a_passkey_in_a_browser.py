"""A passkey, made and shown in a real browser, under the strict CSP: beside the code, after the
password. The authenticator is Chromium's own virtual one."""

import re
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django_otp_webauthn.models import WebAuthnAttestation, WebAuthnCredential
from playwright.sync_api import CDPSession, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from crm.accounts.second_factor import Secret, keep_authenticator, new_secret
from crm.accounts.session_store import SessionStore
from crm.models import Account, SecurityEvent, SignIn
from crm.step_up import CONFIRMED
from tests.crm.staff import PASSWORD, code_now, make_account
from tests.journeys.browser import TAGS, Eyes, violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, databases=["default", "vault", "intake"]),
]


@pytest.fixture(autouse=True)
def at_a_host_name(settings: Settings, live_server: LiveServer) -> None:
    """As ACCORD_STAFF_URL would say: a name, since no browser has a passkey for an address."""
    settings.OTP_WEBAUTHN_RP_ID = "localhost"
    settings.OTP_WEBAUTHN_ALLOWED_ORIGINS = [live_server.url]


@pytest.fixture
def account() -> Account:
    made = make_account()
    Account.objects.filter(pk=made.pk).update(language="en")
    return made


@pytest.fixture
def secret(account: Account) -> Secret:
    made = new_secret()
    keep_authenticator(account=account, secret=made)
    return made


def with_authenticator(page: Page) -> tuple[CDPSession, str]:
    """Give the page a security key of its own; returns it, to look at and to turn."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def to_second_step(page: Page, url: str) -> None:
    page.goto(f"{url}/sign-in")
    page.locator("input[name=username]").fill("camille")
    page.keyboard.press("Enter")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code")


def with_code(page: Page, url: str, code: str) -> None:
    to_second_step(page, url)
    page.locator("input[name=code]").fill(code)
    page.keyboard.press("Enter")
    expect(page.locator(".accord-sidebar")).to_be_visible()


def add_passkey(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/account/passkeys/new")
    page.locator("input[name=name]").fill(name)
    page.locator("[data-accord-passkey] button").click()
    page.wait_for_url("**/account/")
    expect(page.get_by_text(name, exact=True).first).to_be_visible()


def sign_out(page: Page, url: str) -> None:
    page.goto(f"{url}/account/")
    page.locator("form[action='/sign-out'] button").first.click()
    page.wait_for_url("**/sign-in")


def session_of(page: Page) -> dict[str, Any]:
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return dict(SessionStore(cookies["accord_session"]).load())


def age_the_confirmation(page: Page) -> str:
    """Let the ten minutes of the sign-in be over; returns the session's key before the step-up."""
    key = next(c["value"] for c in page.context.cookies() if c["name"] == "accord_session")
    store = SessionStore(key)
    store[CONFIRMED] = 0.0
    store.save()
    return key


@pytest.mark.parametrize("language", ["fr-FR", "en-GB"])
def test_a_passkey_is_made_signs_in_confirms_and_is_removed(
    sight: Eyes, live_server: LiveServer, account: Account, secret: Secret, language: str
) -> None:
    url, page = live_server.url, sight.page(language=language)
    sight.watch.hosts.add("localhost")
    with_authenticator(page)
    Account.objects.update(language=language[:2])
    with_code(page, url, code_now(secret))
    page.goto(f"{url}/account/passkeys/new")
    sight.look(page, f"passkey-new-{language}")
    assert violations(page, TAGS) == []
    add_passkey(page, url, "Laptop")
    sight.look(page, f"account-with-passkey-{language}")
    assert violations(page, TAGS) == []
    assert WebAuthnAttestation.objects.get().fmt == "none"

    sign_out(page, url)
    to_second_step(page, url)
    assert session_of(page)[SESSION_KEY] == str(account.pk)
    page.goto(f"{url}/account/")
    page.wait_for_url("**/sign-in/code")  # the password alone opened nothing
    sight.look(page, f"second-step-{language}")
    assert violations(page, TAGS) == []
    page.locator("[data-accord-passkey] button").click()
    expect(page.locator(".accord-sidebar")).to_be_visible()
    assert SignIn.objects.order_by("-began_at").values_list("factor", flat=True)[0] == "passkey"

    before = age_the_confirmation(page)
    passkey = WebAuthnCredential.objects.get()
    page.goto(f"{url}/account/passkeys/{passkey.pk}/")
    page.wait_for_url(re.compile(r"/account/confirm\?next="))
    sight.look(page, f"confirm-{language}")
    assert violations(page, TAGS) == []
    page.locator("[data-accord-passkey] button").click()
    page.wait_for_url(f"**/account/passkeys/{passkey.pk}/")
    after = next(c["value"] for c in page.context.cookies() if c["name"] == "accord_session")
    assert after != before
    sight.look(page, f"passkey-remove-{language}")
    page.locator("main form button.btn-danger, .page-body form button.btn-danger").click()
    # This session rested on the passkey that is gone: the other factor is asked for.
    page.wait_for_url("**/sign-in/code")
    expect(page.locator("[data-accord-passkey]")).to_have_count(0)
    assert not WebAuthnCredential.objects.exists()
    assert sight.watch.complaints == []
    assert sight.watch.strangers == []


def _with_passkey(page: Page, url: str, secret: Secret) -> tuple[CDPSession, str]:
    """Make a passkey and sign out; returns the authenticator that has it."""
    made = with_authenticator(page)
    with_code(page, url, code_now(secret))
    add_passkey(page, url, "Key ring")
    sign_out(page, url)
    return made


def test_a_passkey_whose_counter_goes_back_is_refused_and_reported(
    sight: Eyes, live_server: LiveServer, account: Account, secret: Secret
) -> None:
    url, page = live_server.url, sight.page()
    _with_passkey(page, url, secret)
    WebAuthnCredential.objects.update(sign_count=1000)
    to_second_step(page, url)
    page.locator("[data-accord-passkey] button").click()
    expect(page.get_by_text("may have been copied")).to_be_visible()
    assert page.goto(f"{url}/account/").url.endswith("/sign-in/code")  # type: ignore[union-attr]
    event = SecurityEvent.objects.get(kind="passkey_copied")
    assert event.account_id == account.pk
    assert WebAuthnCredential.objects.get().sign_count == 1000


def test_a_key_that_did_not_see_its_owner_opens_nothing(
    sight: Eyes, live_server: LiveServer, secret: Secret
) -> None:
    url, page = live_server.url, sight.page()
    session, key = _with_passkey(page, url, secret)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    to_second_step(page, url)
    page.locator("[data-accord-passkey] button").click()
    expect(page.locator("[data-passkey-error]")).to_be_visible()
    assert page.goto(f"{url}/account/").url.endswith("/sign-in/code")  # type: ignore[union-attr]


def test_the_passkey_of_another_account_opens_nothing(
    sight: Eyes, live_server: LiveServer, secret: Secret
) -> None:
    """The answer is right and the key is in the browser: it is another account's."""
    url, page = live_server.url, sight.page()
    _with_passkey(page, url, secret)
    robin = make_account("robin", "sales")
    keep_authenticator(account=robin, secret=new_secret())
    mine = WebAuthnCredential.objects.get()
    WebAuthnCredential.objects.create(
        user=robin,
        name="Robin's",
        credential_id=b"another",
        public_key=mine.public_key,
        aaguid=mine.aaguid,
    )
    page.goto(f"{url}/sign-in")
    page.locator("input[name=username]").fill("robin")
    page.keyboard.press("Enter")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    # As a script of somebody else's would ask: for whatever passkey this browser has.
    page.route(
        "**/sign-in/passkey/begin",
        lambda route: route.fulfill(json={**route.fetch().json(), "allowCredentials": []}),
    )
    page.locator("[data-accord-passkey] button").click()
    expect(page.get_by_text("was not accepted")).to_be_visible()
    assert page.goto(f"{url}/account/").url.endswith("/sign-in/code")  # type: ignore[union-attr]
