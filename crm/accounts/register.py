"""New accounts: created with a password for one day."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from crm.accounts import second_factor
from crm.accounts.events import note
from crm.accounts.officer_approval import spend_agreement
from crm.accounts.second_factor import Secret
from crm.models import Account, Role

_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"


class ActRefused(Exception):
    """Something on this account is refused; the message says why."""


class NotOneself(ActRefused):
    """Nobody does this to their own account."""


class UsernameTaken(Exception):
    """There is an account of that name."""


class NoSuchRole(Exception):
    """There is no such role."""


class NoSuchAccount(Exception):
    """There is no such account."""


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
    actor_id: UUID | None = None,
) -> NewAccount:
    """Create an account; without `password` a generated one, to be changed at the first sign-in.

    `with_authenticator` prepares the second factor here, for whoever hands it over at once (the
    demonstration does). Raises UsernameTaken, NoSuchRole, AgreementNeeded for the roles of
    officers, or Django's ValidationError for a weak password. Not safe to call twice: the second
    call raises UsernameTaken.
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
        agreed = spend_agreement("create", account, actor_id=actor_id, now=now)
        account.save(force_insert=True)
        note(account_id=account.id, what="created", actor_id=actor_id, now=now, role=role, **agreed)
        secret = _prepare_authenticator(account) if with_authenticator else None
        codes = second_factor.issue_recovery_codes(account=account, now=now) if secret else []
    return NewAccount(account, given, secret, codes)


def _prepare_authenticator(account: Account) -> Secret:
    secret = second_factor.new_secret()
    second_factor.keep_authenticator(account=account, secret=secret)
    return secret


def open_account_of(*, account_id: UUID) -> Account:
    """Return the account of that id that is not closed; raises NoSuchAccount."""
    found = Account.objects.filter(id=account_id, is_active=True).first()
    if found is None:
        raise NoSuchAccount(NoSuchAccount.__doc__)
    return found


def open_account(*, username: str) -> Account:
    """Return the account of that name that is not closed; raises NoSuchAccount."""
    try:
        found = Account.objects.get_by_natural_key(username)
    except Account.DoesNotExist:
        raise NoSuchAccount(NoSuchAccount.__doc__) from None
    if not found.is_active:
        raise NoSuchAccount(NoSuchAccount.__doc__)
    return found
