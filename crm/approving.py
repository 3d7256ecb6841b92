"""Deciding what another person asked for: by the pages, and by the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import authenticate
from django.http import HttpRequest

from crm.accounts import second_factor
from crm.accounts.second_factor import TooManyCodes, WrongCode
from crm.approval_kinds import (
    NotAskable,
    Reference,
    approval_kind,
    kinds_decided_by,
    kinds_met_by,
)
from crm.models import Account
from privacy.services import (
    AskedApproval,
    approval,
    approve,
    past_approvals,
    refuse,
    request_approval,
    waiting_approvals,
)

PAGE = 50
# What throttles attempts counts by address too: the terminal of the machine is one of its own.
TERMINAL = "127.0.0.1"


class ApprovalUnknown(Exception):
    """There is no such request, or it is not for this role."""


class NotForYou(Exception):
    """Somebody of another role decides this."""


class NotProven(Exception):
    """Name, password or code is not right, or too many were wrong: wait, and try again."""


@dataclass(frozen=True)
class Waiting:
    """A request on a page; `may_decide` says whether this account is the second person."""

    asked: AskedApproval
    may_decide: bool


def waiting_for(*, account: Account, now: datetime) -> list[Waiting]:
    """Return what waits for a decision and this account may see, the oldest first."""
    found = waiting_approvals(kinds=kinds_met_by(account.role), now=now)
    return [Waiting(asked, _may_decide(account, asked)) for asked in found]


def how_many_wait_for(*, account: Account, now: datetime) -> int:
    """Return how many requests this account could decide now; at most a hundred are counted."""
    return sum(1 for each in waiting_for(account=account, now=now) if each.may_decide)


def decided_before(
    *, account: Account, after: tuple[datetime, UUID] | None, now: datetime
) -> tuple[list[AskedApproval], bool]:
    """Return a page of what is decided or over, newest first, and whether there is more."""
    kinds = kinds_met_by(account.role)
    found = past_approvals(kinds=kinds, now=now, after=after, limit=PAGE + 1)
    return found[:PAGE], len(found) > PAGE


def _may_decide(account: Account, asked: AskedApproval) -> bool:
    return asked.kind in kinds_decided_by(account.role) and asked.requested_by != account.id


def shown_to(*, account: Account, approval_id: UUID) -> Waiting:
    """Return one request; raises ApprovalUnknown also for a role that has nothing to do with it."""
    asked = approval(approval_id=approval_id)
    if asked is None or asked.kind not in kinds_met_by(account.role):
        raise ApprovalUnknown(ApprovalUnknown.__doc__)
    return Waiting(asked, _may_decide(account, asked))


def decide(*, account: Account, approval_id: UUID, is_approved: bool, now: datetime) -> None:
    """Agree or refuse; raises ApprovalUnknown, NotForYou, SamePerson and NotPending."""
    asked = shown_to(account=account, approval_id=approval_id).asked
    if asked.kind not in kinds_decided_by(account.role):
        raise NotForYou(NotForYou.__doc__)
    verb = approve if is_approved else refuse
    verb(approval_id=approval_id, decided_by=account.id, now=now)


def ask(
    *,
    account: Account,
    kind: str,
    reference: Reference,
    now: datetime,
    lives: timedelta | None = None,
) -> UUID:
    """Ask for a second person from the command line; raises KindUnknown, NotAskable, NotForYou."""
    known = approval_kind(kind)
    known.check(reference)
    if account.role not in known.askers:
        raise NotForYou(NotForYou.__doc__)
    return request_approval(
        kind=kind,
        reference=reference,
        requested_by=account.id,
        now=now,
        expires_at=now + min(lives or known.lives, known.lives),
    )


def read_reference(words: list[str], *, kind: str) -> dict[str, str | int]:
    """Return name=value pairs in the types of the kind; raises KindUnknown, NotAskable."""
    types: Mapping[str, type] = approval_kind(kind).asked_with
    found: dict[str, str | int] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            raise NotAskable(f"Write what is asked for as name=value, not {name}.")
        is_number = types.get(name) is int and value.isascii() and value.isdecimal()
        found[name] = int(value) if is_number else value
    return found


def prove_person(*, username: str, password: str, code: str, now: datetime) -> Account:
    """Return the account whose password and second factor were given; raises NotProven.

    Nothing says which of the three was wrong; wrong ones are counted as those of the pages are.
    """
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = TERMINAL
    account = authenticate(request, username=username, password=password)
    if not isinstance(account, Account) or account.must_change_password:
        raise NotProven(NotProven.__doc__)
    try:
        second_factor.check_either(account=account, code=code, now=now)
    except (WrongCode, TooManyCodes):
        raise NotProven(NotProven.__doc__) from None
    return account
