"""Whether a session has shown the second factor a moment ago."""

from datetime import datetime, timedelta

from django.http import HttpRequest

CONFIRMED = "confirmed_at"
# Long enough to read what one is about to do and to fill in why; a sign-in counts as well.
STEP_UP_LIFE = timedelta(minutes=10)


def confirm_session(request: HttpRequest, *, now: datetime) -> None:
    """Note that the second factor was shown just now."""
    request.session[CONFIRMED] = now.timestamp()


def is_confirmed(request: HttpRequest, *, now: datetime) -> bool:
    """Say whether the second factor was shown within STEP_UP_LIFE."""
    age = now.timestamp() - float(request.session.get(CONFIRMED, 0.0))
    return 0 <= age <= STEP_UP_LIFE.total_seconds()
