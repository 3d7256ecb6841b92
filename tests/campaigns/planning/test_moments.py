"""Hours of clocks: typed in Paris, kept in UTC, the same hour elsewhere; and the two nights."""

import importlib.resources
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.planning.country_zones import COUNTRY_ZONES
from campaigns.planning.moments import HourDoesNotExist, first_moment, local_moments, moment_of


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def _wall(text: str) -> datetime:
    """What a clock on the wall shows: of no zone."""
    return datetime.fromisoformat(text)


def test_an_hour_of_paris_is_another_moment_in_winter_and_in_summer() -> None:
    assert moment_of(_wall("2026-12-01 10:00")) == _utc(2026, 12, 1, 9)
    assert moment_of(_wall("2026-07-01 10:00")) == _utc(2026, 7, 1, 8)


def test_the_hour_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(HourDoesNotExist):
        moment_of(_wall("2027-03-28 02:30"))
    assert moment_of(_wall("2027-03-28 03:00")) == _utc(2027, 3, 28, 1)


def test_of_the_hour_that_exists_twice_it_is_the_first() -> None:
    assert moment_of(_wall("2026-10-25 02:30")) == _utc(2026, 10, 25, 0, 30)


def test_ten_in_paris_is_ten_everywhere() -> None:
    moments = local_moments(moment_of(_wall("2026-12-01 10:00")))
    assert moments["FR"] == _utc(2026, 12, 1, 9)
    assert moments["JP"] == _utc(2026, 12, 1, 1)
    assert moments["US"] == _utc(2026, 12, 1, 15)
    assert moments["IN"] == _utc(2026, 12, 1, 4, 30)
    for country, moment in moments.items():
        there = moment.astimezone(ZoneInfo(COUNTRY_ZONES[country]))
        assert (there.hour, there.minute, there.day) == (10, 0, 1), country


def test_an_hour_that_another_country_skips_comes_as_much_later() -> None:
    """New York skips 02:00 to 03:00 on 14 March 2027, and Paris does not."""
    moments = local_moments(moment_of(_wall("2027-03-14 02:30")))
    there = moments["US"].astimezone(ZoneInfo("America/New_York"))
    assert (there.hour, there.minute) == (3, 30)


def test_an_hour_that_another_country_has_twice_comes_at_the_first() -> None:
    """New York has 01:30 twice on 1 November 2026."""
    moments = local_moments(moment_of(_wall("2026-11-01 01:30")))
    assert moments["US"] == _utc(2026, 11, 1, 5, 30)


def test_the_second_of_two_hours_in_paris_stays_the_one_that_was_meant() -> None:
    second = _utc(2026, 10, 25, 1, 30)
    moments = local_moments(second)
    assert moments["FR"] == second
    assert moments["DE"] == _utc(2026, 10, 25, 0, 30)


def test_the_first_country_is_hours_before_paris() -> None:
    moment = moment_of(_wall("2026-12-01 10:00"))
    ahead = moment - first_moment(moment)
    assert timedelta(hours=11) <= ahead <= timedelta(hours=13)
    assert first_moment(moment) == min(local_moments(moment).values())


def test_the_table_is_that_of_the_time_zone_database() -> None:
    table = importlib.resources.files("tzdata.zoneinfo")
    zones: dict[str, set[str]] = defaultdict(set)
    for line in (table / "zone.tab").read_text().splitlines():
        if line and not line.startswith("#"):
            country, _place, name = line.split("\t")[:3]
            zones[country].add(name)
    wrong = {each: name for each, name in COUNTRY_ZONES.items() if name not in zones[each]}
    assert wrong == {}
    codes = (table / "iso3166.tab").read_text().splitlines()
    countries = {line.split("\t")[0] for line in codes if line and not line.startswith("#")}
    # Two uninhabited islands have no zone.
    assert countries - COUNTRY_ZONES.keys() == {"BV", "HM"}
