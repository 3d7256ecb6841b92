"""When a consumer may be called to sell something: working days, in the hours that the law names.

C. conso. D. 223-9 (decret 2022-1313): Monday to Friday, 10 to 13 and 14 to 20 o'clock, never on a
public holiday, and at most four times in thirty days. Professionals are not meant by it.
"""

from datetime import date, datetime, time, timedelta

from django.utils.timezone import get_default_timezone

HOURS = ((time(10), time(13)), (time(14), time(20)))
CALLS_MOST, CALLS_WITHIN = 4, timedelta(days=30)
_FIXED = {(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)}
# Easter Monday, Ascension, Whit Monday (Code du travail L. 3133-1), in days after Easter.
_MOVING = (1, 39, 50)


def may_call_consumer(at: datetime) -> bool:
    """Say whether a consumer may be called at this moment, by the clock of the company."""
    here = at.astimezone(get_default_timezone())
    return is_calling_day(here.date()) and any(a <= here.time() < b for a, b in HOURS)


def next_calling_time(at: datetime) -> datetime:
    """Return the moment itself, or the next one at which a consumer may be called."""
    if may_call_consumer(at):
        return at
    here = at.astimezone(get_default_timezone())
    for ahead in range(15):  # no fortnight is without a working day
        day = here.date() + timedelta(days=ahead)
        starts = [datetime.combine(day, a, here.tzinfo) for a, _b in HOURS]
        later = [start for start in starts if start > here]
        if later and is_calling_day(day):
            return later[0]
    raise AssertionError(here)


def is_calling_day(day: date) -> bool:
    easter = _easter(day.year)
    is_holiday = (day.month, day.day) in _FIXED or (day - easter).days in _MOVING
    return day.weekday() < 5 and not is_holiday


def _easter(year: int) -> date:
    """The Gregorian computus: the Sunday after the first full moon of spring."""
    golden, century = year % 19, year // 100
    skipped = century - century // 4 - (8 * century + 13) // 25
    age = (19 * golden + skipped + 15) % 30
    age -= (age // 28) * (1 - (29 // (age + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + age + 2 - century + century // 4) % 7
    shift = age - weekday
    month = 3 + (shift + 40) // 44
    return date(year, month, shift + 28 - 31 * (month // 4))
