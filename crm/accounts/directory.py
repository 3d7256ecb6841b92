"""The accounts of staff, for whoever administers them: roles, last days, passwords, sessions.

An account is closed and never deleted: what its holder did must stay explicable. Every act leaves a
line (crm/accounts/events.py). That somebody always holds the roles of the data protection officer
and of the head of systems is kept by the database (migration 0005).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from crm.accounts import recovery, sign_ins, tokens
from crm.accounts.events import note
from crm.accounts.officer_approval import spend_agreement
from crm.accounts.register import ActRefused as ActRefused
from crm.accounts.register import NoSuchAccount as NoSuchAccount
from crm.accounts.register import NoSuchRole, NotOneself, new_password
from crm.models import Account, Role

LAST_OFFICER = "account_last_officer"


class LastOfficer(ActRefused):
    """Somebody must always hold this role, without a last day: name another one first."""


class NotClosed(ActRefused):
    """The account is open: it needs no opening."""


class KeyIsOpen(ActRefused):
    """A new second factor waits to be set up with the key; until then the password stays."""


def account_named(username: str) -> UUID:
    """Return the id of the account of that name; raises NoSuchAccount."""
    try:
        return UUID(str(Account.objects.get_by_natural_key(username).pk))
    except Account.DoesNotExist:
        raise NoSuchAccount(NoSuchAccount.__doc__) from None


@contextmanager
def _changing(account_id: UUID, actor_id: UUID | None, *, not_oneself: bool) -> Iterator[Account]:
    """Lock an account for one act; turns the database's refusal into LastOfficer."""
    if not_oneself and account_id == actor_id:
        raise NotOneself(NotOneself.__doc__)
    try:
        with transaction.atomic():
            account = Account.objects.select_for_update().filter(id=account_id).first()
            if account is None:
                raise NoSuchAccount(NoSuchAccount.__doc__)
            yield account
    except IntegrityError as error:
        if _constraint(error) == LAST_OFFICER:
            raise LastOfficer(LastOfficer.__doc__) from None
        raise


def _constraint(error: IntegrityError) -> str | None:
    diagnosis: Any = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None)


def change_role(*, account_id: UUID, role: str, actor_id: UUID | None, now: datetime) -> None:
    """Give an account another role, which ends its sessions; the same one again changes nothing.

    Raises NoSuchAccount, NoSuchRole, NotOneself, LastOfficer, AgreementNeeded.
    """
    if role not in Role.values:
        raise NoSuchRole(role)
    with _changing(account_id, actor_id, not_oneself=True) as account:
        before = account.role
        if before == role:
            return
        account.role = role
        agreed = spend_agreement("role", account, actor_id=actor_id, now=now)
        account.save(update_fields=["role"])
        note(
            account_id=account_id,
            what="role",
            actor_id=actor_id,
            now=now,
            before=before,
            after=role,
            **agreed,
        )
        _put_out(account, now)


def close_account(*, account_id: UUID, actor_id: UUID | None, now: datetime) -> None:
    """Close an account: its sessions are gone with the commit, its tokens revoked. Safe twice.

    Raises NoSuchAccount, NotOneself, LastOfficer.
    """
    with _changing(account_id, actor_id, not_oneself=True) as account:
        if not account.is_active:
            return
        account.is_active = False
        account.save(update_fields=["is_active"])
        note(account_id=account_id, what="closed", actor_id=actor_id, now=now)
        _put_out(account, now)


def reopen_account(*, account_id: UUID, actor_id: UUID | None, now: datetime) -> str:
    """Open a closed account with a new password, which it returns; the second factor stays.

    A last day that is over is taken away, one that is still to come stays. Raises NoSuchAccount,
    NotOneself, NotClosed (so also when repeated), KeyIsOpen, AgreementNeeded.
    """
    today = timezone.localdate(now)
    with _changing(account_id, actor_id, not_oneself=True) as account:
        if account.is_of_staff_on(today):
            raise NotClosed(NotClosed.__doc__)
        agreed = spend_agreement("reopen", account, actor_id=actor_id, now=now)
        account.is_active = True
        note(account_id=account_id, what="reopened", actor_id=actor_id, now=now, **agreed)
        if _is_over(account, today):
            account.ends_on = None
            note(account_id=account_id, what="ends_on", actor_id=actor_id, now=now, day="")
        account.save(update_fields=["is_active", "ends_on"])
        return _renew_password(account, now)


def _is_over(account: Account, today: date) -> bool:
    return account.ends_on is not None and account.ends_on < today


def end_account_on(
    *, account_id: UUID, day: date | None, actor_id: UUID | None, now: datetime
) -> None:
    """Say which day is an account's last one, or that there is none; safe twice.

    For an account that ended already a later day opens it again. Raises NoSuchAccount,
    NotOneself, LastOfficer, AgreementNeeded.
    """
    with _changing(account_id, actor_id, not_oneself=True) as account:
        if account.ends_on == day:
            return
        agreed = {}
        if _is_over(account, timezone.localdate(now)):
            agreed = spend_agreement("reopen", account, actor_id=actor_id, now=now)
        account.ends_on = day
        account.save(update_fields=["ends_on"])
        until = day.isoformat() if day else ""
        note(account_id=account_id, what="ends_on", actor_id=actor_id, now=now, day=until, **agreed)


def give_new_password(*, account_id: UUID, actor_id: UUID | None, now: datetime) -> str:
    """Return a new password for one day; every session ends, the second factor stays needed.

    Raises NoSuchAccount, KeyIsOpen, AgreementNeeded.
    """
    with _changing(account_id, actor_id, not_oneself=False) as account:
        agreed = spend_agreement("password", account, actor_id=actor_id, now=now)
        note(account_id=account_id, what="password", actor_id=actor_id, now=now, **agreed)
        return _renew_password(account, now)


def _renew_password(account: Account, now: datetime) -> str:
    """Raises KeyIsOpen: whoever was given the key would then hold the password as well."""
    if recovery.needs_key(account):
        raise KeyIsOpen(KeyIsOpen.__doc__)
    password = new_password()
    account.set_password(password)
    account.must_change_password = True
    account.save(update_fields=["password", "must_change_password"])
    _put_out(account, now)
    return password


def _put_out(account: Account, now: datetime) -> None:
    """End what is signed in as this account, people and programs."""
    sign_ins.end_sessions(account=account, now=now)
    tokens.revoke_all(account=account, now=now)


def revoke_tokens(*, account_id: UUID, actor_id: UUID | None, now: datetime) -> int:
    """Revoke every token of an account; return how many there were. Raises NoSuchAccount."""
    with _changing(account_id, actor_id, not_oneself=False) as account:
        revoked = tokens.revoke_all(account=account, now=now)
        note(account_id=account_id, what="tokens", actor_id=actor_id, now=now)
    return revoked


def end_sessions(*, account_id: UUID, actor_id: UUID | None, now: datetime) -> int:
    """End every session of an account; return how many there were. Raises NoSuchAccount."""
    with _changing(account_id, actor_id, not_oneself=False) as account:
        ended = sign_ins.end_sessions(account=account, now=now)
        note(account_id=account_id, what="sessions", actor_id=actor_id, now=now)
    return ended
