"""When every second factor is lost: two people renew it, and a key is handed over in person.

The password alone never opens an enrolment again, and whoever hands over the key does not know
the password: neither of them gets in alone.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F
from django_otp import devices_for_user

from crm.accounts import tokens
from crm.accounts.events import note
from crm.accounts.register import ActRefused, NotOneself, open_account_of
from crm.accounts.security_events import Kind, record_event
from crm.accounts.sign_ins import end_sessions
from crm.models import Account, EnrolmentKey, RecoveryCode
from privacy.services import (
    AskedApproval,
    approval,
    request_approval,
    standing_approval,
    use_approval,
    waiting_approvals,
)

FACTOR_RESET = "factor_reset"
REQUEST_LIFE = timedelta(days=2)
KEY_LIFE = timedelta(hours=24)
_WRONG_KEYS = 5
_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


class PasswordIsKnown(ActRefused):
    """The password was given by another person and not changed yet: a key would let them in."""


class NobodyAgreed(ActRefused):
    """Nobody has agreed to renew this second factor, or the agreement is over."""


class AskedAlready(ActRefused):
    """It was asked for already."""


def ask_reset(*, account: Account, requested_by: UUID, now: datetime) -> UUID:
    """Ask a second person to agree that the account's second factor is renewed; returns the id.

    Not safe twice: it asks again. Raises NotOneself, PasswordIsKnown.
    """
    if account.pk == requested_by:
        raise NotOneself(NotOneself.__doc__)
    _refuse_known_password(account)
    note(account_id=account.pk, what="factor_asked", actor_id=requested_by, now=now)
    return request_approval(
        kind=FACTOR_RESET,
        reference=_reference(account),
        requested_by=requested_by,
        now=now,
        expires_at=now + REQUEST_LIFE,
    )


def _reference(account: Account) -> dict[str, str | int]:
    return {"account": str(account.pk)}


def _refuse_known_password(account: Account) -> None:
    if account.must_change_password:
        raise PasswordIsKnown(PasswordIsKnown.__doc__)


def agreement(*, account: Account, now: datetime) -> AskedApproval | None:
    """Return the living agreement to renew the account's second factor, if there is one."""
    found = standing_approval(kind=FACTOR_RESET, reference=_reference(account), now=now)
    return approval(approval_id=found) if found else None


def ask_new_factor(*, account_id: UUID, actor_id: UUID, now: datetime) -> None:
    """Ask as `ask_reset` does, once: raises AskedAlready while a request waits or stands.

    Also raises NoSuchAccount, NotOneself, PasswordIsKnown.
    """
    account = open_account_of(account_id=account_id)
    waiting = waiting_approvals(kinds=[FACTOR_RESET], now=now)
    is_asked = any(each.reference == _reference(account) for each in waiting)
    if is_asked or agreement(account=account, now=now):
        raise AskedAlready(AskedAlready.__doc__)
    ask_reset(account=account, requested_by=actor_id, now=now)


def renew_factor(*, account_id: UUID, actor_id: UUID, now: datetime) -> str:
    """Do what a second person agreed to, and return the key, as `reset_second_factor` does.

    Raises NoSuchAccount, NotOneself, NobodyAgreed, PasswordIsKnown.
    """
    account = open_account_of(account_id=account_id)
    if account_id == actor_id:
        raise NotOneself(NotOneself.__doc__)
    agreed = agreement(account=account, now=now)
    if agreed is None:
        raise NobodyAgreed(NobodyAgreed.__doc__)
    return reset_second_factor(account=account, approval_id=agreed.id, now=now, actor_id=actor_id)


@transaction.atomic
def reset_second_factor(
    *, account: Account, approval_id: UUID, now: datetime, actor_id: UUID | None = None
) -> str:
    """Remove every second factor, recovery code and token, end all sessions, return the key.

    The key is shown once, handed over in person, and opens the enrolment of a new factor within
    24 hours, after the password, which stays as it is. Raises privacy's NotApproved unless a
    second person has agreed to exactly this; so also when repeated. Raises PasswordIsKnown.
    """
    account = Account.objects.select_for_update().get(pk=account.pk)
    _refuse_known_password(account)
    reference = _reference(account)
    use_approval(approval_id=approval_id, kind=FACTOR_RESET, reference=reference, now=now)
    for device in devices_for_user(account, confirmed=None):
        device.delete()
    RecoveryCode.objects.filter(account=account).delete()
    key = _new_key(account, now)
    end_sessions(account=account, now=now)
    tokens.revoke_all(account=account, now=now)
    event = {"approval": str(approval_id)}
    note(account_id=account.pk, what="factor", actor_id=actor_id, now=now, **event)
    record_event(Kind.FACTORS_RESET, now=now, account_id=account.pk, reference=event)
    return key


def _new_key(account: Account, now: datetime) -> str:
    key = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(6))
    EnrolmentKey.objects.update_or_create(
        account=account,
        defaults={
            "key_hash": make_password(_letters(key)),
            "created_at": now,
            "expires_at": now + KEY_LIFE,
            "failures": 0,
            "used_at": None,
        },
    )
    return key


def _letters(key: str) -> str:
    return "".join(sign for sign in key.upper() if sign in _ALPHABET)


def needs_key(account: Account) -> bool:
    """Say whether a new factor is enrolled only with a key: after a reset, until it was used."""
    return EnrolmentKey.objects.filter(account=account, used_at=None).exists()


def is_right_key(*, account: Account, key: str, now: datetime) -> bool:
    """Say whether the key opens the enrolment; after five wrong ones it opens nothing more.

    It is spent by `close_key` alone: an enrolment that was begun and left needs it again.
    """
    with transaction.atomic():
        row = EnrolmentKey.objects.select_for_update().filter(account=account, used_at=None).first()
        if row is None or row.expires_at <= now or row.failures >= _WRONG_KEYS:
            return False
        if check_password(_letters(key), row.key_hash):
            return True
        EnrolmentKey.objects.filter(pk=row.pk).update(failures=F("failures") + 1)
    record_event(Kind.ENROLMENT_KEY_REFUSED, now=now, account_id=account.pk)
    return False


def close_key(*, account: Account, now: datetime) -> None:
    """Spend the key: a new factor is enrolled. Safe twice."""
    EnrolmentKey.objects.filter(account=account, used_at=None).update(used_at=now)
