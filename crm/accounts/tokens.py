"""Tokens of the staff API: `accord_`, 256 random bits, a checksum.

A token stands for its account, in fewer things: its scopes, its networks, a year at most. It is
made in a session with both factors, shown once, and only its digest is kept. The prefix lets
scanners of code find a lost one, the checksum lets a mistyped one be refused unread.
"""

import hashlib
import ipaddress
import math
import re
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from crm.accounts.security_events import Kind, happened, record_event
from crm.models import TOKEN_LIFE_MAX, Account, ApiToken, ApiTokenUse
from crm.networks import Address, Network

PREFIX = "accord_"
_BODY, _CHECK = 43, 6  # 62^43 > 2^256; 62^6 > 2^32
_SHAPE = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_BODY}}})([0-9A-Za-z]{{{_CHECK}}})")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKENS_MAX = 20
REFUSALS_WITHIN = timedelta(minutes=15)


class TokenUnknown(Exception):
    """There is no such token, or it is over, revoked, or of a closed account."""


class TokenForeign(Exception):
    """The token is not for this network."""


class TokenOutOfScope(Exception):
    """The token is not for this."""


class TooManyRefusals(Exception):
    """Too many refused tokens from this network."""


class NotGivable(Exception):
    """Scopes, networks or time of the token are not what an account may give."""


class TooManyTokens(Exception):
    """An account has twenty living tokens at most."""


@dataclass(frozen=True)
class Request:
    """Where a token is shown, and what for."""

    scope: str
    address: Address | None
    network_print: str
    reference: Mapping[str, str]


def _base62(number: int, length: int) -> str:
    signs = ""
    for _position in range(length):
        number, rest = divmod(number, 62)
        signs = _DIGITS[rest] + signs
    return signs


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK)


def new_token() -> str:
    body = _base62(secrets.randbits(256), _BODY)
    return f"{PREFIX}{body}{_checksum(body)}"


def is_well_formed(text: str) -> bool:
    """Say whether the text can be a token, by its shape and checksum alone."""
    found = _SHAPE.fullmatch(text)
    return found is not None and _checksum(found[1]) == found[2]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_networks(lines: str) -> list[str]:
    """Return the networks of a text, one a line, each inside the staff's own; raises NotGivable."""
    found = [_network(line) for line in lines.split()]
    if not found:
        raise NotGivable("A token is bound to at least one network.")
    return [str(network) for network in found]


def _network(line: str) -> Network:
    try:
        network = ipaddress.ip_network(line)
    except ValueError:
        raise NotGivable(f"{line} is no network, such as 192.0.2.0/24.") from None
    if not any(_is_within(network, allowed) for allowed in settings.STAFF_NETWORKS):
        raise NotGivable(f"{line} is outside of the networks of the staff side.")
    return network


def _is_within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def living_tokens(*, account: Account, now: datetime) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(account=account, revoked_at=None, expires_at__gt=now)


def make_token(
    *,
    account: Account,
    name: str,
    scopes: Sequence[str],
    networks: Sequence[str],
    expires_at: datetime,
    now: datetime,
) -> str:
    """Make a token and return it, for this one time; not safe twice: it makes another.

    Which scopes there are is for the caller. Raises NotGivable and TooManyTokens.
    """
    read_networks("\n".join(networks))
    if not scopes or not now < expires_at <= now + TOKEN_LIFE_MAX:
        raise NotGivable(NotGivable.__doc__)
    if living_tokens(account=account, now=now).count() >= TOKENS_MAX:
        raise TooManyTokens(TooManyTokens.__doc__)
    text = new_token()
    row = ApiToken.objects.create(
        id=uuid_utils.compat.uuid7(),
        account=account,
        name=name,
        sha256=_digest(text),
        scopes=sorted(scopes),
        networks=list(networks),
        created_at=now,
        expires_at=expires_at,
    )
    _note(Kind.TOKEN_MADE, row, now)
    return text


def revoke_token(*, account: Account, token_id: UUID, now: datetime) -> None:
    """Revoke a token of the account: the next request is refused. Safe twice.

    Raises TokenUnknown for another account's.
    """
    row = ApiToken.objects.filter(account=account, id=token_id).first()
    if row is None:
        raise TokenUnknown(TokenUnknown.__doc__)
    if ApiToken.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=now):
        _note(Kind.TOKEN_REVOKED, row, now)


def revoke_all(*, account: Account, now: datetime) -> int:
    """Revoke every living token of the account; return how many there were. Safe twice.

    What ends the sessions of an account for its sake ends these as well: a token would outlive
    the reason.
    """
    revoked = living_tokens(account=account, now=now).update(revoked_at=now)
    if revoked:
        event = {"tokens": revoked}
        record_event(Kind.TOKEN_REVOKED, now=now, account_id=account.pk, reference=event)
    return revoked


def _note(kind: Kind, row: ApiToken, now: datetime) -> None:
    record_event(kind, now=now, account_id=row.account_id, reference={"token": str(row.id)})


def seconds_to_wait(
    *, token: ApiToken, scope: str, at_most: int, within: timedelta, now: datetime
) -> int:
    """Return how long a token that was just used has to wait; 0: it is within its limit.

    Uses that name nothing count, those that were refused too: whoever goes on asking goes on
    waiting. Reads one row more than the limit.
    """
    uses = ApiTokenUse.objects.filter(token=token, scope=scope, reference={}, at__gt=now - within)
    times = list(uses.order_by("-at").values_list("at", flat=True)[: at_most + 1])
    if len(times) <= at_most:
        return 0
    return max(1, math.ceil((times[at_most - 1] + within - now).total_seconds()))


def use_token(text: str, request: Request, *, now: datetime) -> ApiToken:
    """Return the living token that may do what is asked, and keep that it was used.

    Raises TokenUnknown, TokenForeign and TokenOutOfScope, each kept as an event; and
    TooManyRefusals in their place, after thirty from one network within a quarter of an hour,
    which keeps nothing more. A right token is not held back by the wrong ones of others.
    """
    row = _living(text, now)
    try:
        _check(row, request)
    except (TokenUnknown, TokenForeign, TokenOutOfScope) as refusal:
        _count_refusal(row, request, type(refusal).__name__, now)
        raise
    assert row is not None  # noqa: S101  (checked above)
    _keep_use(row, request, now)
    return row


def _living(text: str, now: datetime) -> ApiToken | None:
    if not is_well_formed(text):
        return None
    rows = ApiToken.objects.filter(sha256=_digest(text), revoked_at=None, expires_at__gt=now)
    # A password of one day is to be changed before anything else, by machines too.
    rows = rows.filter(account__must_change_password=False)
    row = rows.select_related("account").first()
    is_open = row is not None and row.account.is_of_staff_on(timezone.localdate(now))
    return row if is_open else None


def _check(row: ApiToken | None, request: Request) -> None:
    if row is None:
        raise TokenUnknown(TokenUnknown.__doc__)
    networks = [ipaddress.ip_network(network) for network in row.networks]
    if request.address is None or not any(request.address in network for network in networks):
        raise TokenForeign(TokenForeign.__doc__)
    if request.scope and request.scope not in row.scopes:
        raise TokenOutOfScope(TokenOutOfScope.__doc__)


def _count_refusal(row: ApiToken | None, request: Request, why: str, now: datetime) -> None:
    kind, print_ = Kind.TOKEN_REFUSED, request.network_print
    if (
        happened(kind, within=REFUSALS_WITHIN, now=now, network_print=print_)
        >= settings.TOKEN_REFUSALS
    ):
        raise TooManyRefusals(TooManyRefusals.__doc__)
    reference = {"why": why, **({"token": str(row.id)} if row else {})}
    account_id = row.account_id if row else None
    record_event(kind, now=now, account_id=account_id, network_print=print_, reference=reference)


def _keep_use(row: ApiToken, request: Request, now: datetime) -> None:
    ApiTokenUse.objects.create(
        id=uuid_utils.compat.uuid7(),
        token=row,
        at=now,
        scope=request.scope,
        reference=dict(request.reference),
    )
    # The day alone, and written once a day.
    ApiToken.objects.filter(pk=row.pk).exclude(last_used_date=now.date()).update(
        last_used_date=now.date()
    )
