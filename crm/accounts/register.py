"""Accounts come and go: created with a password for one day, closed without being erased."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from crm.accounts import second_factor
from crm.accounts.second_factor import Secret
from crm.models import Account, Role

_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"


class UsernameTaken(Exception):
    """There is an account of that name."""


class NoSuchRole(Exception):
    """The role is none of the seven."""


class NoSuchAccount(Exception):
    """There is no account of that name."""


@dataclass(frozen=True)
class NewAccount:
    """What is shown once to whoever creates the account."""

    account: Account
    password: str
    secret: Secret | None
    recovery_codes: list[str]


def new_password() -> str:
    """Return twenty letters in five groups, 98 bits, easy to read over the telephone."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(5))


def create_account(
    *,
    username: str,
    role: str,
    now: datetime,
    password: str = "",
    with_authenticator: bool = False,
    language: str = "fr",
) -> NewAccount:
    """Create an account; without `password` a generated one, to be changed at the first sign-in.

    `with_authenticator` prepares the second factor here, for whoever hands it over at once (the
    demonstration does). Raises UsernameTaken, NoSuchRole, or Django's ValidationError for a weak
    password. Not safe to call twice: the second call raises UsernameTaken.
    """
    if role not in Role.values:
        raise NoSuchRole(role)
    given = password or new_password()
    account = Account(username=username, role=role, language=language, created_at=now)
    account.must_change_password = not password
    account.full_clean(exclude=["password"], validate_unique=False)
    validate_password(given, account)
    account.set_password(given)
    with transaction.atomic():
        if Account.objects.filter(username=username).exists():
            raise UsernameTaken(username)
        account.save(force_insert=True)
        secret = _prepare_authenticator(account) if with_authenticator else None
        codes = second_factor.issue_recovery_codes(account=account, now=now) if secret else []
    return NewAccount(account, given, secret, codes)


def _prepare_authenticator(account: Account) -> Secret:
    secret = second_factor.new_secret()
    second_factor.keep_authenticator(account=account, secret=secret)
    return secret


def _by_name(username: str) -> Account:
    try:
        number = Account.objects.get_by_natural_key(username).pk
        return Account.objects.select_for_update().get(pk=number)
    except Account.DoesNotExist:
        raise NoSuchAccount(username) from None


@transaction.atomic
def close_account(*, username: str) -> None:
    """Close an account: its sessions end with their next request. Safe twice."""
    account = _by_name(username)
    account.is_active = False
    account.save(update_fields=["is_active"])


@transaction.atomic
def reopen_account(*, username: str) -> str:
    """Open a closed account with a new password, which it returns; the second factor stays."""
    account = _by_name(username)
    account.is_active = True
    account.save(update_fields=["is_active"])
    return give_new_password(username=username)


@transaction.atomic
def give_new_password(*, username: str) -> str:
    """Return a new password for one day; every session ends, the second factor stays needed."""
    account = _by_name(username)
    password = new_password()
    account.set_password(password)
    account.must_change_password = True
    account.save(update_fields=["password", "must_change_password"])
    return password
