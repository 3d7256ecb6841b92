"""Too many wrong passwords: what counts as one client, and the page that says until when."""

from datetime import datetime

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from crm.accounts.circumstances import name_print
from crm.accounts.known_browsers import is_held_back, note_lockout, note_wrong_password
from crm.models import Account
from crm.networks import request_address


def address_of(request: HttpRequest) -> str:
    """Return whose attempt it is; a header counts only where the network gate believes it too."""
    return str(request_address(request) or "")


def name_of_attempt(request: HttpRequest, credentials: dict[str, str] | None = None) -> str:
    """Return what an attempt is counted under: a keyed digest of whatever was typed as a name."""
    typed = (credentials or {}).get("username", "")
    return name_print(typed)


def _open_again_at(request: HttpRequest, name: str) -> datetime | None:
    attempts = AccessAttempt.objects.filter(username=name, ip_address=address_of(request))
    latest: datetime | None = (
        attempts.order_by("-attempt_time").values_list("attempt_time", flat=True).first()
    )
    return latest + get_cool_off(request) if latest else None


def locked_out(
    request: HttpRequest,
    response: HttpResponse | None = None,
    credentials: dict[str, str] | None = None,
) -> HttpResponse:
    """The page instead of a sign-in; the same for an account that does not exist."""
    username = (credentials or {}).get("username", "")
    note_lockout(request, username, within=get_cool_off(request))
    context = {"retry_at": _open_again_at(request, name_of_attempt(request, credentials))}
    return render(request, "crm/sign_in/locked.html", context, status=429)


def checked_password(request: HttpRequest, account: Account, password: str) -> bool:
    """Say whether it is the account's password, counting a wrong one like at the sign-in."""
    if is_held_back(request, account.username):
        return False
    found = authenticate(request, username=account.username, password=password)
    if found is None:
        note_wrong_password(request, account.username)
    return found is not None and found.pk == account.pk
