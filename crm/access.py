"""The gate of the staff side: who is signed in, with both factors, and in which role."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib.auth import BACKEND_SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from crm.models import Account
from crm.step_up import is_confirmed

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def signed_in_account(request: HttpRequest) -> Account | None:
    """Return the account of this session, whatever its factors; None when there is none."""
    user = request.user
    return user if user.is_authenticated else None


def is_verified(request: HttpRequest) -> bool:
    """Say whether this session has shown a second factor that is still the account's own."""
    return getattr(request.user, "otp_device", None) is not None


def account_of(request: HttpRequest) -> Account:
    """Return the account behind a staff page; raises PermissionDenied outside of the gate."""
    account = signed_in_account(request)
    if account is None or not is_verified(request):
        raise PermissionDenied
    return account


def _missing_step(request: HttpRequest) -> str | None:
    """Return the name of the screen that comes before any staff page, or None."""
    account = signed_in_account(request)
    if account is None:
        return "sign-in"
    if not is_verified(request):
        return "sign-in-code"
    return "change-password" if account.must_change_password else None


def redirect_to(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to `url`, also when htmx asks: it would put the page into a fragment."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url)


def _send_to(request: HttpRequest, step: str) -> HttpResponse:
    url = reverse(step)
    if step == "sign-in" and BACKEND_SESSION_KEY in request.session:
        # The account was disabled or deleted, or its password changed: nothing of it stays.
        request.session.flush()
    # The path alone: a query string may hold the name that somebody searched for.
    is_worth_returning = request.method == "GET" and request.path != reverse("home")
    if step == "confirm" or (step == "sign-in" and is_worth_returning):
        url += "?" + urlencode({"next": request.path})
    return redirect_to(request, url)


def staff_page(
    *roles: str, is_password_page: bool = False, needs_step_up: bool = False
) -> Callable[[View[P]], View[P]]:
    """Let in a signed-in account with its second factor, in one of `roles` (none: every role).

    Anybody else is sent to the step that is missing; another role gets the 403 page. Only the
    page that changes the password opens while the password must be changed. With `needs_step_up`
    the second factor must have been shown within ten minutes; whoever comes later shows it and
    is brought back to the page.
    """

    def decorate(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            step = _missing_step(request)
            if step is not None and not (is_password_page and step == "change-password"):
                return _send_to(request, step)
            if roles and account_of(request).role not in roles:
                raise PermissionDenied
            if needs_step_up and not is_confirmed(request, now=timezone.now()):
                return _send_to(request, "confirm")
            return view(request, *args, **kwargs)

        # Read by the test that walks every address of the staff side.
        guarded.staff_roles = roles  # type: ignore[attr-defined]
        guarded.needs_step_up = needs_step_up  # type: ignore[attr-defined]
        return guarded

    return decorate
