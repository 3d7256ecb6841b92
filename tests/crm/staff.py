"""A member of staff at a browser, for the tests of staff pages of every app."""

import time
from datetime import UTC, datetime
from typing import Any

from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from crm.accounts import directory
from crm.accounts.second_factor import Secret, keep_authenticator, new_secret
from crm.accounts.sessions import SEEN, STARTED
from crm.models import Account
from crm.step_up import CONFIRMED

PASSWORD = "correct horse battery staple"


def make_account(username: str = "camille", role: str = "marketing") -> Account:
    return Account.objects.create_account(username=username, password=PASSWORD, role=role)


def half_signed_in(account: Account) -> Client:
    """A browser that has shown the password only."""
    client = Client()
    client.force_login(account, backend="crm.accounts.backend.StaffBackend")
    moment = datetime.now(UTC).timestamp()
    set_session(client, **{STARTED: moment, SEEN: moment})
    return client


def signed_in(account: Account) -> Client:
    """A browser that has shown both factors."""
    client = half_signed_in(account)
    device = TOTPDevice.objects.filter(user=account).first()
    device = device or keep_authenticator(account=account, secret=new_secret())
    moment = datetime.now(UTC).timestamp()
    set_session(client, **{DEVICE_ID_SESSION_KEY: device.persistent_id, CONFIRMED: moment})
    return client


def staff_client(role: str = "marketing", *, username: str = "camille") -> Client:
    """A browser of a new account of that role, signed in with both factors."""
    return signed_in(make_account(username=username, role=role))


def close_account(username: str) -> None:
    """What an administrator of accounts does when somebody leaves."""
    directory.close_account(**_act_on(username))


def reopen_account(username: str) -> str:
    return directory.reopen_account(**_act_on(username))


def give_new_password(username: str) -> str:
    return directory.give_new_password(**_act_on(username))


def _act_on(username: str) -> dict[str, Any]:
    account_id = directory.account_named(username)
    return {"account_id": account_id, "actor_id": None, "now": datetime.now(UTC)}


def set_session(client: Client, **values: object) -> None:
    session = client.session
    session.update(values)
    session.save()


def code_now(secret: Secret, *, steps: int = 0) -> str:
    """The code that the telephone shows now, or some steps of 30 seconds from now."""
    totp = TOTP(bytes.fromhex(secret.hexadecimal))
    totp.time = time.time() + 30 * steps
    return f"{totp.token():06d}"
