"""Slow guessing: what holds it back without shutting the owner out.

A lock per address and name (five failures, a quarter of an hour) leaves a patient guesser five
tries in every quarter from every address. So failures are also counted by the name alone; past
the limit only a browser that has already been inside this account may try (OWASP, "Slow Down
Online Guessing Attacks with Device Cookies"). Its owner has one, and is never shut out.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from crm.accounts.circumstances import circumstances_of, name_print
from crm.accounts.security_events import Kind, happened, record_event
from crm.models import Account

# CNIL 2022-100, case 2, names 25 attempts in 24 hours as a limit.
FAILURES = 25
WITHIN = timedelta(hours=24)
_ALARM_EVERY = timedelta(hours=1)
_SALT = "accord.known-browser"
LIFE = timedelta(days=180)


def remember_browser(response: HttpResponse, account: Account) -> None:
    """Give the browser the sign that it was inside `account`: no factor, only a right to try."""
    value = signing.dumps(name_print(account.username), salt=_SALT)
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        value,
        max_age=LIFE,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _is_known(request: HttpRequest, tried: str) -> bool:
    value = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "")
    try:
        return bool(signing.loads(value, salt=_SALT, max_age=LIFE) == tried)
    except signing.BadSignature:
        return False


def is_held_back(request: HttpRequest, username: str) -> bool:
    """Say whether this browser may not try a password of `username` now; raises the alarm once."""
    tried, now = name_print(username), timezone.now()
    failures = happened(Kind.WRONG_PASSWORD, within=WITHIN, now=now, name_print=tried)
    if failures < FAILURES:
        return False
    if not happened(Kind.SLOW_GUESSING, within=_ALARM_EVERY, now=now, name_print=tried):
        _record(request, Kind.SLOW_GUESSING, username)
    return not _is_known(request, tried)


def note_wrong_password(request: HttpRequest, username: str) -> None:
    """Count a failure, whether the name exists or not: both are answered alike."""
    _record(request, Kind.WRONG_PASSWORD, username)


def note_lockout(request: HttpRequest, username: str, *, within: timedelta) -> None:
    """Raise the alarm once per lock: many wrong passwords in a row from one address."""
    prints = {
        "name_print": name_print(username),
        "network_print": circumstances_of(request).network_print,
    }
    if not happened(Kind.BRUTE_FORCE, within=within, now=timezone.now(), **prints):
        _record(request, Kind.BRUTE_FORCE, username)


def _record(request: HttpRequest, kind: Kind, username: str) -> None:
    record_event(
        kind,
        now=timezone.now(),
        account_id=_account_id(username),
        name_print=name_print(username),
        network_print=circumstances_of(request).network_print,
    )


def _account_id(username: str) -> UUID | None:
    try:
        return UUID(str(Account.objects.get_by_natural_key(username).pk))
    except Account.DoesNotExist:
        return None
