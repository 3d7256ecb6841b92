"""When a person who said no may be asked again: by a form, and never by a message of ours."""

import calendar
from datetime import datetime


def ask_again_at(said_no_at: datetime, *, months: int) -> datetime:
    """Return the same day so many months later, or the last day of that month.

    How many is a rule of law (legal_rules, reask.months). Nothing is sent when they are over: a
    form that a person fills in may ask, and only a letter that they confirm brings it back.
    """
    years, month = divmod(said_no_at.month - 1 + months, 12)
    year = said_no_at.year + years
    day = min(said_no_at.day, calendar.monthrange(year, month + 1)[1])
    return said_no_at.replace(year=year, month=month + 1, day=day)
