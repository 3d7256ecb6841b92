"""How long a session lives: a limit when idle, one in all, a short one before the second factor."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access import is_verified, signed_in_account
from crm.accounts.circumstances import circumstances_of
from crm.accounts.security_events import Kind, record_event
from crm.accounts.session_store import BROWSER, NETWORK, SEEN, SIGN_IN, STARTED, row_key
from crm.accounts.sign_ins import end_sign_in, note_seen
from crm.models import StaffSession

# NIST SP 800-63B-3 section 4.2.3 (AAL2): again after 30 minutes of inactivity, and after 12 hours
# in any case; the latter is ACCORD_SESSION_SECONDS.
IDLE_LIMIT = timedelta(minutes=30)
# A password alone is worth nothing here: the code must follow soon.
HALF_WAY_LIMIT = timedelta(minutes=10)
# The row is not rewritten by every request.
SEEN_STEP = timedelta(minutes=1)
# While an answer is on its way, this often it is asked whether it still may be.
STREAM_STEP = timedelta(milliseconds=500)

__all__ = ["SEEN", "STARTED", "SessionLimitsMiddleware", "start_session"]


def start_session(request: HttpRequest) -> None:
    """Begin counting both limits; called when the password was right."""
    moment = timezone.now().timestamp()
    request.session[STARTED] = request.session[SEEN] = moment
    seen = circumstances_of(request)
    request.session[NETWORK], request.session[BROWSER] = seen.network, seen.browser


def is_over(request: HttpRequest, *, moment: float) -> bool:
    """Say whether this signed-in session has outlived one of its limits."""
    age = moment - request.session.get(STARTED, 0.0)
    idle = moment - request.session.get(SEEN, 0.0)
    if age > settings.SESSION_COOKIE_AGE or idle > IDLE_LIMIT.total_seconds():
        return True
    return not is_verified(request) and age > HALF_WAY_LIMIT.total_seconds()


def end_session(request: HttpRequest) -> None:
    """Forget the session, and note when its sign-in ended."""
    if sign_in_id := request.session.get(SIGN_IN):
        end_sign_in(sign_in_id=UUID(sign_in_id), now=timezone.now())
    logout(request)


def _note_seen(request: HttpRequest, *, moment: float) -> None:
    request.session[SEEN] = moment
    if sign_in_id := request.session.get(SIGN_IN):
        note_seen(sign_in_id=UUID(sign_in_id), now=datetime.fromtimestamp(moment, UTC))


def _note_network(request: HttpRequest) -> None:
    """A session that goes on from another network: a laptop that moved, or a stolen cookie."""
    seen = circumstances_of(request)
    if request.session.get(NETWORK, seen.network) == seen.network:
        return
    request.session[NETWORK] = seen.network
    account = signed_in_account(request)
    record_event(
        Kind.NETWORK_CHANGED,
        now=timezone.now(),
        account_id=account.pk if account else None,
        network_print=seen.network_print,
        reference={"sign_in": request.session.get(SIGN_IN, "")},
    )


class SessionLimitsMiddleware:
    """Ends a session that has outlived its limits before any page sees it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Asked of the session first: a page without one costs no query and no cookie.
        if SESSION_KEY in request.session and signed_in_account(request) is not None:
            moment = timezone.now().timestamp()
            if is_over(request, moment=moment):
                end_session(request)
                messages.info(request, _("Your session has ended. Please sign in again."))
            else:
                _note_network(request)
                if moment - request.session[SEEN] > SEEN_STEP.total_seconds():
                    _note_seen(request, moment=moment)
        return self.get_response(request)


def while_open(
    request: HttpRequest, parts: Iterable[bytes], *, roles: Collection[str]
) -> Iterator[bytes]:
    """Yield the parts of a long answer, and stop within STREAM_STEP of the session's end.

    The session's row is what counts: it is gone when the account is closed, when its owner ends
    it, or signs out. So are the account's last day and its role, which must stay one of `roles`.
    An answer that is cut short is not complete for its reader: the chunked body ends without its
    last chunk. Raises SessionEnded.
    """
    named, asked_at = _rows_of(request.session), timezone.now()
    for part in parts:
        if timezone.now() - asked_at >= STREAM_STEP:
            if not _is_open(named, roles):
                raise SessionEnded(SessionEnded.__doc__)
            asked_at = timezone.now()
        yield part


def _rows_of(session: SessionBase) -> Q:
    """Say which row is the session's: its key changes when another tab shows the second factor."""
    if sign_in_id := session.get(SIGN_IN):
        return Q(sign_in=sign_in_id)
    return Q(session_key=row_key(session.session_key or ""))


def _is_open(named: Q, roles: Collection[str]) -> bool:
    rows = StaffSession.objects.filter(named, expire_date__gt=timezone.now())
    row = rows.select_related("account").defer("session_data").first()
    if row is None or row.account is None or row.account.role not in roles:
        return False
    return row.account.is_of_staff_on(timezone.localdate())


class SessionEnded(Exception):
    """The session ended while its answer was on the way: nothing more is sent."""
