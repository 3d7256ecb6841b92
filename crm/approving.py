"""Deciding what another person asked for: by the pages, and by the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from axes.helpers import get_cool_off
from django.contrib.auth import authenticate
from django.http import HttpRequest

from crm.accounts import second_factor
from crm.accounts.known_browsers import is_held_back, note_lockout, note_wrong_password
from crm.accounts.second_factor import TooManyCodes, WrongCode
from crm.approval_kinds import (
    ApprovalKind,
    Facts,
    NotAskable,
    Reference,
    Words,
    approval_kind,
    kinds_decided_by,
    kinds_met_by,
)
from crm.models import Account
from privacy.services import (
    AskedApproval,
    NotPending,
    approval,
    approve,
    past_approvals,
    refuse,
    request_approval,
    waiting_approvals,
)

PAGE = 50
# A home page counts no further.
COUNTED = 100
# Wrong passwords are counted by name and address. The terminals of the machine have one of their
# own, from which no packet ever comes (RFC 6666): a proxy of the settings never has it, so that it
# is always somebody's address and never that of the machine's own proxy, who would name nobody.
TERMINAL = "100::1"


class ApprovalUnknown(Exception):
    """There is no such request, or it is not for this role."""


class NotForYou(Exception):
    """Somebody of another role decides this."""


class AboutYou(Exception):
    """This is for your own account: another person decides it."""


class NotProven(Exception):
    """Name, password or code is not right, or too many were wrong: wait, and try again."""


Place = tuple[datetime, UUID]


@dataclass(frozen=True)
class Shown:
    """A request in words. `may_decide` says whether this account is the second person."""

    asked: AskedApproval
    title: Words
    facts: Facts
    may_decide: bool
    is_about_reader: bool
    is_taken_back: bool


def waiting_for(
    *, account: Account, now: datetime, after: Place | None = None
) -> tuple[list[Shown], bool]:
    """Return a page of what waits and this account may see, oldest first, and if there is more."""
    kinds = kinds_met_by(account.role)
    found = waiting_approvals(kinds=kinds, now=now, after=after, limit=PAGE + 1)
    return _in_words(found[:PAGE], account), len(found) > PAGE


def how_many_wait_for(*, account: Account, now: datetime) -> int:
    """Return how many requests this account could decide now; at most a hundred are counted."""
    found = waiting_approvals(
        kinds=kinds_decided_by(account.role), now=now, not_asked_by=account.id, limit=COUNTED
    )
    return sum(1 for each in _in_words(found, account) if each.may_decide)


def decided_before(
    *, account: Account, after: Place | None, now: datetime
) -> tuple[list[AskedApproval], bool]:
    """Return a page of what is decided or over, newest first, and whether there is more."""
    kinds = kinds_met_by(account.role)
    found = past_approvals(kinds=kinds, now=now, after=after, limit=PAGE + 1)
    return found[:PAGE], len(found) > PAGE


def _in_words(asked: Sequence[AskedApproval], account: Account) -> list[Shown]:
    """Describe requests kind by kind: as many queries as kinds need, however many requests."""
    shown: dict[UUID, Shown] = {}
    for code in {each.kind for each in asked}:
        kind = approval_kind(code)
        some = [each for each in asked if each.kind == code]
        references = [each.reference for each in some]
        said = zip(some, kind.facts(references), kind.are_taken_back(references), strict=True)
        for each, facts, is_taken_back in said:
            shown[each.id] = _shown(each, facts, kind, account, is_taken_back)
    return [shown[each.id] for each in asked]


def _shown(
    asked: AskedApproval, facts: Facts, kind: ApprovalKind, account: Account, is_taken_back: bool
) -> Shown:
    is_about_reader = bool(kind.about) and asked.reference.get(kind.about) == str(account.id)
    is_another = asked.requested_by != account.id and not is_about_reader
    may_decide = account.role in kind.deciders and is_another and not is_taken_back
    return Shown(asked, kind.title, facts, may_decide, is_about_reader, is_taken_back)


def shown_to(*, account: Account, approval_id: UUID) -> Shown:
    """Return one request; raises ApprovalUnknown also for a role that has nothing to do with it."""
    asked = approval(approval_id=approval_id)
    if asked is None or asked.kind not in kinds_met_by(account.role):
        raise ApprovalUnknown(ApprovalUnknown.__doc__)
    return _in_words([asked], account)[0]


def decide(*, account: Account, approval_id: UUID, is_approved: bool, now: datetime) -> None:
    """Agree or refuse.

    Raises ApprovalUnknown, NotForYou, AboutYou, SamePerson and NotPending; the last one also
    when it was taken back, and when repeated.
    """
    shown = shown_to(account=account, approval_id=approval_id)
    if shown.asked.kind not in kinds_decided_by(account.role):
        raise NotForYou(NotForYou.__doc__)
    if shown.is_about_reader:
        raise AboutYou(AboutYou.__doc__)
    if shown.is_taken_back:
        raise NotPending(NotPending.__doc__)
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

    Nothing says which of the three was wrong; wrong ones are counted as those of the pages are,
    and the same locks hold.
    """
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = TERMINAL
    account = _with_password(request, username, password)
    if account is None or account.must_change_password:
        raise NotProven(NotProven.__doc__)
    try:
        second_factor.check_either(account=account, code=code, now=now)
    except (WrongCode, TooManyCodes):
        raise NotProven(NotProven.__doc__) from None
    return account


def _with_password(request: HttpRequest, username: str, password: str) -> Account | None:
    if is_held_back(request, username):
        return None
    account = authenticate(request, username=username, password=password)
    if isinstance(account, Account):
        return account
    if getattr(request, "axes_locked_out", False):
        # On the pages a middleware answers with the page that raises this alarm.
        note_lockout(request, username, within=get_cool_off(request))
    else:
        note_wrong_password(request, username)
    return None
