"""The gate of the staff side: who is signed in, with both factors, and in which role.

Pages are for browsers (`staff_page`); addresses for machines take a token as well (`api_page`),
and from there on both go the same way.
"""

import functools
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib.auth import BACKEND_SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from crm.accounts import tokens
from crm.accounts.circumstances import circumstances_of
from crm.models import Account, ApiToken, Role
from crm.networks import request_address
from crm.pages.errors import too_many_reads
from crm.problems import problem
from crm.step_up import is_confirmed
from privacy.services import ReadingRefused, TooManyReads, reading_as

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

# Whose pages may open a document. Customer service is not here: an open ticket names it as a
# reader (crm/support/tickets.py). Operations, systems and the administrator never are.
READING_ROLES = (Role.MARKETING, Role.SALES, Role.COMMUNICATION, Role.DPO)


def signed_in_account(request: HttpRequest) -> Account | None:
    """Return the account of this session, whatever its factors; None when there is none."""
    user = request.user
    return user if user.is_authenticated else None


def is_verified(request: HttpRequest) -> bool:
    """Say whether this session has shown a second factor that is still the account's own."""
    return getattr(request.user, "otp_device", None) is not None


def token_of(request: HttpRequest) -> ApiToken | None:
    """Return the token that opened this request; None for a session."""
    return getattr(request, "api_token", None)


def account_of(request: HttpRequest) -> Account:
    """Return the account behind a staff page; raises PermissionDenied outside of the gate."""
    token = token_of(request)
    if token is not None:
        return token.account
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


def _enter(
    view: View[P], request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
) -> HttpResponseBase:
    """The last step, the same for a session and a token: the account is named as the reader.

    Raises ReadingRefused and TooManyReads.
    """
    account, match = account_of(request), request.resolver_match
    with reading_as(
        reader_id=account.id,
        why=(match and match.url_name) or "page",
        scope=account.role,
        may_read=account.role in READING_ROLES,
        at=timezone.now(),
    ):
        return view(request, *args, **kwargs)


def _enter_page(
    view: View[P], request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
) -> HttpResponseBase:
    """Let a browser in; too many people are a page of their own."""
    try:
        return _enter(view, request, *args, **kwargs)
    except ReadingRefused:
        raise PermissionDenied from None
    except TooManyReads as refusal:
        return too_many_reads(request, refusal)


def staff_page(
    *roles: str, is_password_page: bool = False, needs_step_up: bool = False
) -> Callable[[View[P]], View[P]]:
    """Let in a signed-in account with its second factor, in one of `roles` (none: every role).

    Anybody else is sent to the step that is missing; another role gets the 403 page. Only the
    page that changes the password opens while the password must be changed. With `needs_step_up`
    the second factor must have been shown within ten minutes; whoever comes later shows it and
    is brought back to the page. While the page works, the account is named as the reader of
    whatever it opens, and the page's name as the reason.
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
            if step is not None:
                return view(request, *args, **kwargs)
            return _enter_page(view, request, *args, **kwargs)

        # Read by the test that walks every address of the staff side.
        guarded.staff_roles = roles  # type: ignore[attr-defined]
        guarded.needs_step_up = needs_step_up  # type: ignore[attr-defined]
        return guarded

    return decorate


def api_page(
    scope: str,
    *roles: str,
    answer: str = "application/json",
    operation: Mapping[str, object] = MappingProxyType({}),
) -> Callable[[View[P]], View[P]]:
    """Let in a token with `scope` (empty: any token), or a session with both factors.

    Either way the account must be in one of `roles`: a token never opens more than its owner may.
    Machines are refused with 401, 403 or 429 as application/problem+json; a browser is sent to
    the step that is missing, as by `staff_page`. `answer` is the media type,
    and `operation` what more there is to say (its `method`, if it is not get), for the document
    that describes the API.
    """

    def decorate(view: View[P]) -> View[P]:
        for_browsers = staff_page(*roles)(view)

        @functools.wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            shown = request.headers.get("Authorization")
            if shown is None and "text/html" in request.headers.get("Accept", ""):
                return for_browsers(request, *args, **kwargs)
            refusal = _let_in(request, shown, scope, kwargs)
            if refusal is not None:
                return refusal
            if roles and account_of(request).role not in roles:
                return problem(HTTPStatus.FORBIDDEN, "role_not_allowed")
            try:
                return _enter(view, request, *args, **kwargs)
            except Http404:
                return problem(HTTPStatus.NOT_FOUND, "not_found")
            except ReadingRefused:
                return problem(HTTPStatus.FORBIDDEN, "role_not_allowed")
            except TooManyReads as much:
                wait = max(1, round((much.until - timezone.now()).total_seconds()))
                return problem(
                    HTTPStatus.TOO_MANY_REQUESTS, "too_many_reads", Retry_After=str(wait)
                )

        guarded.staff_roles = roles  # type: ignore[attr-defined]
        guarded.needs_step_up = False  # type: ignore[attr-defined]
        # Read by the page that describes the API.
        guarded.api_scope = scope  # type: ignore[attr-defined]
        guarded.api_answer = answer  # type: ignore[attr-defined]
        guarded.api_operation = operation  # type: ignore[attr-defined]
        return guarded

    return decorate


def _unauthorized(code: str) -> HttpResponse:
    return problem(HTTPStatus.UNAUTHORIZED, code, WWW_Authenticate='Bearer realm="Accord"')


def _let_in(
    request: HttpRequest, shown: str | None, scope: str, ids: Mapping[str, object]
) -> HttpResponse | None:
    """Find the session, or note the token in the request; return the refusal if there is one.

    Where a token is shown, a session beside it counts for nothing.
    """
    if shown is None:
        return _unauthorized("not_signed_in") if _missing_step(request) is not None else None
    scheme, _space, text = shown.partition(" ")
    asked = tokens.Request(
        scope=scope,
        address=request_address(request),
        network_print=circumstances_of(request).network_print,
        reference={name: str(value) for name, value in ids.items()},
    )
    text = text.strip() if scheme.lower() == "bearer" else ""
    try:
        token = tokens.use_token(text, asked, now=timezone.now())
    except tokens.TokenUnknown:
        return _unauthorized("token_not_accepted")
    except tokens.TokenForeign:
        return problem(HTTPStatus.FORBIDDEN, "network_not_allowed")
    except tokens.TokenOutOfScope:
        return problem(HTTPStatus.FORBIDDEN, "scope_not_allowed")
    except tokens.TooManyRefusals:
        wait = str(int(tokens.REFUSALS_WITHIN.total_seconds()))
        return problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_refusals", Retry_After=wait)
    request.api_token = token  # type: ignore[attr-defined]
    return None
