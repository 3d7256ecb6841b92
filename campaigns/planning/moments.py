"""The hour of a clock on the wall, and the moment it means: in the company's zone, and in others.

Shown and typed in the company's zone (TIME_ZONE), kept in UTC. An hour that a clock skips or shows
twice: docs/decisions/2026-11-24-one-time-zone-a-country.md.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from campaigns.planning.country_zones import COUNTRY_ZONES


class HourDoesNotExist(Exception):
    """The clocks of the company skip this hour that night."""


def company_zone() -> ZoneInfo:
    return ZoneInfo(settings.TIME_ZONE)


def moment_of(wall: datetime) -> datetime:
    """Return the moment (UTC) of an hour on the company's clocks.

    Raises HourDoesNotExist. Of an hour that exists twice it is the first.
    """
    moment = wall.replace(tzinfo=company_zone(), fold=0).astimezone(UTC)
    if moment.astimezone(company_zone()).replace(tzinfo=None, fold=0) != wall:
        raise HourDoesNotExist(HourDoesNotExist.__doc__)
    return moment


def local_moments(moment: datetime) -> Mapping[str, datetime]:
    """Return for each country the moment at which its clocks show the company's hour of `moment`.

    Where they skip that hour it is as much later as they were put forward; where they show it
    twice it is the first.
    """
    wall = moment.astimezone(company_zone()).replace(tzinfo=None, fold=0)
    by_zone = {
        name: wall.replace(tzinfo=ZoneInfo(name)).astimezone(UTC)
        for name in set(COUNTRY_ZONES.values())
    }
    # The company's own hour was chosen by somebody, also where it exists twice.
    by_zone[settings.TIME_ZONE] = moment.astimezone(UTC)
    return {country: by_zone[name] for country, name in COUNTRY_ZONES.items()}


def first_moment(moment: datetime) -> datetime:
    """Return when the first of all countries has the hour: the audience is frozen then."""
    return min(moment, *local_moments(moment).values())
