"""No way back into an account drops a factor: a new password, a recovery code, a reset."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django_otp import devices_for_user
from django_otp.plugins.otp_totp.models import TOTPDevice

from crm.accounts import directory, recovery
from crm.accounts.directory import KeyIsOpen
from crm.accounts.recovery import PasswordIsKnown
from crm.accounts.register import NotOneself
from crm.accounts.second_factor import (
    Secret,
    issue_recovery_codes,
    keep_authenticator,
    new_secret,
)
from crm.models import Account, EnrolmentKey, RecoveryCode, SecurityEvent, StaffSession
from privacy.models import Approval
from privacy.services import NotApproved, SamePerson, approve
from tests.crm.access.test_passkeys import keep_passkey
from tests.crm.staff import (
    PASSWORD,
    close_account,
    code_now,
    give_new_password,
    make_account,
    reopen_account,
    signed_in,
)
from tests.crm.terminal import Person

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"])


@pytest.fixture
def account() -> Account:
    made = make_account()
    keep_authenticator(account=made, secret=new_secret())
    return made


def _with_password(password: str = PASSWORD) -> Client:
    client = Client()
    client.post(reverse("sign-in"), {"username": "camille"})
    client.post(reverse("sign-in-password"), {"password": password})
    return client


def _where(client: Client) -> str:
    """The step that is still asked for; empty for the home page."""
    answer = client.get(reverse("home"), follow=True)
    return answer.redirect_chain[-1][0] if answer.redirect_chain else ""


def _reset(account: Account) -> str:
    now = datetime.now(UTC)
    asked = recovery.ask_reset(account=account, requested_by=uuid4(), now=now)
    approve(approval_id=asked, decided_by=uuid4(), now=now)
    return recovery.reset_second_factor(account=account, approval_id=asked, now=now)


def _reset_with_a_password_of_ones_own(account: Account) -> str:
    Account.objects.update(must_change_password=False)
    return _reset(account)


def test_a_new_password_by_the_administrator_leaves_the_second_factor(account: Account) -> None:
    before = signed_in(account)
    password = give_new_password("camille")
    assert _where(before).startswith(reverse("sign-in"))
    client = _with_password(password)
    assert _where(client) == reverse("sign-in-code")
    assert list(devices_for_user(account))


def test_a_reopened_account_is_asked_for_its_second_factor(account: Account) -> None:
    close_account("camille")
    password = reopen_account("camille")
    assert _where(_with_password(password)) == reverse("sign-in-code")


def test_a_recovery_code_takes_the_place_of_the_factor_and_leaves_it(account: Account) -> None:
    code = issue_recovery_codes(account=account, now=datetime.now(UTC))[0]
    client = _with_password()
    answer = client.post(reverse("sign-in-recovery-code"), {"code": code})
    assert answer.headers["Location"] == reverse("account")
    assert TOTPDevice.objects.filter(user=account).count() == 1
    assert SecurityEvent.objects.get(kind="recovery_code_used").account_id == account.pk
    again = _with_password()
    again.post(reverse("sign-in-recovery-code"), {"code": code})
    assert _where(again) == reverse("sign-in-code")


def test_a_reset_needs_a_second_person_and_happens_once(account: Account) -> None:
    now, asking = datetime.now(UTC), uuid4()
    asked = recovery.ask_reset(account=account, requested_by=asking, now=now)
    with pytest.raises(NotApproved):
        recovery.reset_second_factor(account=account, approval_id=asked, now=now)
    with pytest.raises(SamePerson):
        approve(approval_id=asked, decided_by=asking, now=now)
    approve(approval_id=asked, decided_by=uuid4(), now=now)
    other = make_account("robin")
    with pytest.raises(NotApproved):  # it was for another account
        recovery.reset_second_factor(account=other, approval_id=asked, now=now)
    assert list(devices_for_user(account))
    recovery.reset_second_factor(account=account, approval_id=asked, now=now)
    with pytest.raises(NotApproved):
        recovery.reset_second_factor(account=account, approval_id=asked, now=now)


def test_an_agreement_is_over_after_two_days(account: Account) -> None:
    now = datetime.now(UTC)
    asked = recovery.ask_reset(account=account, requested_by=uuid4(), now=now)
    approve(approval_id=asked, decided_by=uuid4(), now=now)
    with pytest.raises(NotApproved):
        recovery.reset_second_factor(
            account=account, approval_id=asked, now=now + recovery.REQUEST_LIFE
        )


def test_a_reset_ends_every_session_and_takes_every_factor(account: Account) -> None:
    keep_passkey(account)
    issue_recovery_codes(account=account, now=datetime.now(UTC))
    client = signed_in(account)
    _reset(account)
    assert not list(devices_for_user(account, confirmed=None))
    assert not RecoveryCode.objects.filter(account=account).exists()
    assert not StaffSession.objects.filter(account=account).exists()
    assert _where(client).startswith(reverse("sign-in"))
    assert SecurityEvent.objects.filter(kind="factors_reset", account_id=account.pk).exists()


def test_after_a_reset_the_password_alone_enrols_nothing(account: Account) -> None:
    _reset(account)
    client = _with_password()
    assert _where(client) == reverse("sign-in-enrolment-key")
    for name in ("sign-in-authenticator", "sign-in-code", "sign-in-recovery-code", "home"):
        client.get(reverse(name))
        client.post(reverse(name), {"code": "000000"})
    assert "new_secret" not in client.session
    assert not list(devices_for_user(account))


def test_the_key_opens_the_enrolment_once_and_until_it_is_done(account: Account) -> None:
    key = _reset(account)
    client = _with_password()
    answer = client.post(reverse("sign-in-enrolment-key"), {"key": key.lower()})
    assert answer.headers["Location"] == reverse("sign-in-authenticator")
    # Left before the end: the password alone is no better off than before.
    other = _with_password()
    assert _where(other) == reverse("sign-in-enrolment-key")
    secret = Secret(client.session["new_secret"])
    client.post(reverse("sign-in-authenticator"), {"code": code_now(secret)})
    assert _where(client) == ""
    assert EnrolmentKey.objects.get().used_at is not None
    other.post(reverse("sign-in-enrolment-key"), {"key": key})
    assert _where(other) == reverse("sign-in-code")


def test_the_key_alone_opens_nothing(account: Account) -> None:
    key = _reset(account)
    answer = Client().post(reverse("sign-in-enrolment-key"), {"key": key})
    assert answer.headers["Location"] == reverse("home")
    assert _where(_with_password("wrong wrong wrong")) != ""


def test_whoever_holds_the_key_gives_no_password(account: Account) -> None:
    """A key and a password in one hand are an account in one hand."""
    now = datetime.now(UTC)
    admin: dict[str, Any] = {"account_id": account.pk, "actor_id": uuid4(), "now": now}
    _reset(account)
    with pytest.raises(KeyIsOpen):
        directory.give_new_password(**admin)
    directory.close_account(**admin)
    with pytest.raises(KeyIsOpen):
        directory.reopen_account(**admin)
    found = Account.objects.get()
    assert (found.check_password(PASSWORD), found.is_active) == (True, False)
    with pytest.raises(CommandError, match="second factor waits"):
        call_command("account", "new-password", "camille")
    recovery.close_key(account=account, now=now)
    assert directory.reopen_account(**admin)


def test_whoever_gave_the_password_gets_no_key(account: Account) -> None:
    now = datetime.now(UTC)
    asked = recovery.ask_reset(account=account, requested_by=uuid4(), now=now)
    approve(approval_id=asked, decided_by=uuid4(), now=now)
    give_new_password("camille")
    with pytest.raises(PasswordIsKnown):
        recovery.reset_second_factor(account=account, approval_id=asked, now=now)
    account.refresh_from_db()
    with pytest.raises(PasswordIsKnown):
        recovery.ask_reset(account=account, requested_by=uuid4(), now=now)
    assert list(devices_for_user(account))
    Account.objects.update(must_change_password=False)
    assert recovery.reset_second_factor(account=account, approval_id=asked, now=now)


def test_nobody_asks_for_their_own_reset(account: Account) -> None:
    now = datetime.now(UTC)
    with pytest.raises(NotOneself):
        recovery.ask_reset(account=account, requested_by=account.pk, now=now)
    with pytest.raises(NotOneself):
        recovery.renew_factor(account_id=account.pk, actor_id=account.pk, now=now)


def test_a_recovery_code_that_is_spent_inside_is_an_event_too(account: Account) -> None:
    code = issue_recovery_codes(account=account, now=datetime.now(UTC))[0]
    client = signed_in(account)
    client.post(reverse("confirm"), {"code": code})
    assert RecoveryCode.objects.filter(used_at__isnull=False).count() == 1
    assert SecurityEvent.objects.get(kind="recovery_code_used").account_id == account.pk
    client.post(reverse("confirm"), {"code": code})
    assert SecurityEvent.objects.filter(kind="recovery_code_used").count() == 1


def test_five_wrong_keys_or_a_day_close_it(account: Account) -> None:
    key, now = _reset(account), datetime.now(UTC)
    late = now + recovery.KEY_LIFE + timedelta(minutes=1)
    assert not recovery.is_right_key(account=account, key=key, now=late)
    for _attempt in range(5):
        assert not recovery.is_right_key(account=account, key="WRONG", now=now)
    assert not recovery.is_right_key(account=account, key=key, now=now)
    assert recovery.needs_key(account)
    assert SecurityEvent.objects.filter(kind="enrolment_key_refused").count() == 5


def test_the_command_asks_and_resets(account: Account) -> None:
    admin, officer = Person("ada", "administrator"), Person("dominique", "dpo")
    said = admin.types("ask-reset", "camille", command="account")
    asked = said.split()[1]
    reset = ("reset-factor", "camille", "--approval", asked)
    with pytest.raises(CommandError, match="Nobody has agreed"):
        admin.types(*reset, command="account")
    officer.types("approve", asked)
    with pytest.raises(CommandError, match="Only an administrator"):
        officer.types(*reset, command="account")
    key = admin.types(*reset, command="account").split()[1]
    assert recovery.is_right_key(account=account, key=key, now=datetime.now(UTC))


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"code": "000000"}])
def test_the_command_does_nothing_for_whoever_is_not_proven(
    account: Account, wrong: dict[str, str]
) -> None:
    admin = Person("ada", "administrator")
    now = datetime.now(UTC)
    asked = recovery.ask_reset(account=account, requested_by=admin.account.id, now=now)
    approve(approval_id=asked, decided_by=uuid4(), now=now)
    for words in (("ask-reset", "camille"), ("reset-factor", "camille", "--approval", str(asked))):
        with pytest.raises(CommandError, match="is not right"):
            admin.types(*words, command="account", **wrong)
    assert list(devices_for_user(account))
    assert Approval.objects.count() == 1


def test_the_name_of_an_administrator_is_no_proof(account: Account) -> None:
    make_account("ada", "administrator")
    with pytest.raises(CommandError, match="unrecognized arguments"):
        call_command("account", "ask-reset", "camille", "--by", "ada")
    assert not Approval.objects.exists()


def test_a_recovery_code_that_is_shown_inside_is_seen_too(account: Account) -> None:
    code = issue_recovery_codes(account=account, now=datetime.now(UTC))[0]
    client = signed_in(account)
    answer = client.post(reverse("confirm"), {"code": code})
    assert answer.status_code == 302
    assert SecurityEvent.objects.get(kind="recovery_code_used").account_id == account.pk


def test_no_verb_of_accounts_leaves_a_verified_session_without_a_factor(account: Account) -> None:
    """Whatever an administrator does, a session that was in is out."""
    for act in (
        lambda: give_new_password("camille"),
        lambda: close_account("camille"),
        lambda: reopen_account("camille"),
        lambda: _reset_with_a_password_of_ones_own(account),
    ):
        client = signed_in(Account.objects.get(pk=account.pk))
        act()
        assert _where(client).startswith(reverse("sign-in")), act
        assert not StaffSession.objects.filter(account=account).exists(), act
