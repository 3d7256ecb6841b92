"""How long a session lives: a limit when idle, one in all, a short one before the second factor."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access import is_verified, signed_in_account

# NIST SP 800-63B-3 section 4.2.3 (AAL2): again after 30 minutes of inactivity, and after 12 hours
# in any case; the latter is ACCORD_SESSION_SECONDS.
IDLE_LIMIT = timedelta(minutes=30)
# A password alone is worth nothing here: the code must follow soon.
HALF_WAY_LIMIT = timedelta(minutes=10)
# The row is not rewritten by every request.
SEEN_STEP = timedelta(minutes=1)

STARTED = "started_at"
SEEN = "seen_at"


def start_session(request: HttpRequest) -> None:
    """Begin counting both limits; called when the password was right."""
    moment = timezone.now().timestamp()
    request.session[STARTED] = request.session[SEEN] = moment


def is_over(request: HttpRequest, *, moment: float) -> bool:
    """Say whether this signed-in session has outlived one of its limits."""
    age = moment - request.session.get(STARTED, 0.0)
    idle = moment - request.session.get(SEEN, 0.0)
    if age > settings.SESSION_COOKIE_AGE or idle > IDLE_LIMIT.total_seconds():
        return True
    return not is_verified(request) and age > HALF_WAY_LIMIT.total_seconds()


class SessionLimitsMiddleware:
    """Ends a session that has outlived its limits before any page sees it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Asked of the session first: a page without one costs no query and no cookie.
        if SESSION_KEY in request.session and signed_in_account(request) is not None:
            moment = timezone.now().timestamp()
            if is_over(request, moment=moment):
                logout(request)
                messages.info(request, _("Your session has ended. Please sign in again."))
            elif moment - request.session[SEEN] > SEEN_STEP.total_seconds():
                request.session[SEEN] = moment
        return self.get_response(request)
