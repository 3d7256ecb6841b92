"""How many people an account may read, and what lifts the limit."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connections, transaction
from pytest_django import Settings

from privacy.meter import count_reading
from privacy.models import AccessRecord, ReadMeter
from privacy.services import (
    READ_MORE,
    ReadingRefused,
    Readings,
    RetentionClass,
    TooManyReads,
    approve,
    read_documents,
    read_more_reference,
    reading_as,
    reading_unmetered,
    readings,
    readings_by,
    request_approval,
    stopped_today,
)
from tests.conftest import NOW
from tests.privacy.test_reading import BOTH, PROFILE, READER, people

pytestmark = pytest.mark.django_db(databases=BOTH)


@pytest.fixture(autouse=True)
def few(settings: Settings) -> None:
    settings.READS_OPENED_HOUR, settings.READS_OPENED_DAY = 2, 3
    settings.READS_LISTED_HOUR, settings.READS_LISTED_DAY = 10, 15
    settings.READS_GRANTED_FACTOR = 2


def read(some: list[UUID], *, at: datetime = NOW, retention_class: RetentionClass = PROFILE) -> int:
    with reading_as(reader_id=READER, why="contact", at=at):
        return len(read_documents(subject_ids=some, retention_class=retention_class))


def test_people_opened_one_by_one_end_with_the_hour_and_go_on_with_the_next(vault: None) -> None:
    for one in people(2):
        assert read([one]) == 1
    with pytest.raises(TooManyReads) as refusal:
        read(people())
    assert (refusal.value.kind, refusal.value.window) == ("opened", "hour")
    assert refusal.value.until == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert read(people(), at=refusal.value.until) == 1


def test_the_day_ends_at_midnight_by_the_clock_on_the_wall(vault: None) -> None:
    for hour in range(3):
        read(people(), at=NOW + timedelta(hours=hour))
    with pytest.raises(TooManyReads) as refusal:
        read(people(), at=NOW + timedelta(hours=3))
    assert refusal.value.window == "day"
    midnight = datetime(2026, 11, 23, 23, tzinfo=UTC)  # in Paris
    assert refusal.value.until == midnight
    assert read(people(), at=midnight) == 1


def test_the_day_on_which_the_clocks_change_is_one_day(settings: Settings, vault: None) -> None:
    settings.READS_OPENED_DAY = 1
    evening = datetime(2026, 10, 25, 20, tzinfo=UTC)
    read(people(), at=evening - timedelta(hours=21, minutes=30))  # half past midnight, in summer
    with pytest.raises(TooManyReads) as refusal:
        read(people(), at=evening)
    assert refusal.value.until == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_who_stands_on_a_list_is_counted_apart_and_up_to_more(vault: None) -> None:
    assert read(people(6)) == 6
    with pytest.raises(TooManyReads) as refusal:
        read(people(5))
    assert refusal.value.kind == "listed"
    assert read(people(4)) == 4
    assert readings(reader_id=READER, now=NOW) == Readings(0, 0, 10, 10)


def test_what_is_refused_is_neither_opened_nor_counted_nor_noted_as_read(vault: None) -> None:
    for one in people(2):
        read([one])
    for _again in range(2):
        with pytest.raises(TooManyReads):
            read(people())
    assert AccessRecord.objects.count() == 2
    assert readings(reader_id=READER, now=NOW).opened_hour == 2
    assert stopped_today(now=NOW) == {READER: 2}
    assert stopped_today(now=NOW + timedelta(days=1)) == {}


def test_the_same_person_twice_in_one_request_is_one(vault: None) -> None:
    [alice] = people()
    with reading_as(reader_id=READER, why="contact", at=NOW):
        for _again in range(5):
            read_documents(subject_ids=[alice], retention_class=PROFILE)
    assert readings(reader_id=READER, now=NOW).opened_hour == 1
    assert AccessRecord.objects.count() == 5


def test_each_account_has_its_own_numbers(vault: None) -> None:
    for one in people(2):
        read([one])
    with reading_as(reader_id=UUID(int=8), why="contact", at=NOW):
        assert read_documents(subject_ids=people(), retention_class=PROFILE)


def test_what_is_no_person_is_not_counted(vault: None) -> None:
    """The lines of a waiting file are kept as documents of the class `activity`."""
    for one in people(5):
        read([one], retention_class=RetentionClass.ACTIVITY)
    assert not ReadMeter.objects.exists()


def test_companies_are_not_counted_and_leave_their_line(vault: None) -> None:
    ids = people(3)
    with reading_as(reader_id=READER, why="organisation", at=NOW):
        with reading_unmetered():
            read_documents(subject_ids=ids[:2], retention_class=RetentionClass.PROFILE)
        assert readings(reader_id=READER, now=NOW).opened_day == 0
        assert readings_by(reader_id=READER).count() == 1
        read_documents(subject_ids=ids[2:], retention_class=RetentionClass.PROFILE)
    assert readings(reader_id=READER, now=NOW).opened_day == 1
    with (
        reading_as(reader_id=READER, why="organisation", at=NOW, may_read=False),
        reading_unmetered(),
        pytest.raises(ReadingRefused),
    ):
        read_documents(subject_ids=ids[:1], retention_class=RetentionClass.PROFILE)


def test_two_people_lift_the_limit_for_one_account_and_one_day(vault: None) -> None:
    for one in people(2):
        read([one])
    asked = request_approval(
        kind=READ_MORE,
        reference=read_more_reference(reader_id=READER, now=NOW),
        requested_by=UUID(int=1),
        now=NOW,
        expires_at=NOW + timedelta(hours=12),
    )
    with pytest.raises(TooManyReads):
        read(people())
    approve(approval_id=asked, decided_by=UUID(int=2), now=NOW)
    for one in people(2):
        assert read([one]) == 1
    with pytest.raises(TooManyReads):
        read(people())
    another = UUID(int=8)
    tomorrow = NOW + timedelta(days=1)
    for reader, at in ((another, NOW), (READER, tomorrow)):
        for one in people(2):
            with reading_as(reader_id=reader, why="contact", at=at):
                read_documents(subject_ids=[one], retention_class=PROFILE)
        with (
            pytest.raises(TooManyReads),
            reading_as(reader_id=reader, why="contact", at=at),
        ):
            read_documents(subject_ids=people(), retention_class=PROFILE)


@pytest.mark.django_db(databases=BOTH, transaction=True)
def test_two_tabs_at_once_do_not_get_past_the_limit() -> None:
    refused = []
    ready = threading.Barrier(8)

    def tab() -> None:
        try:
            ready.wait()
            with transaction.atomic():
                count_reading(reader_id=READER, people=1, now=NOW)
        except TooManyReads:
            refused.append(1)
        finally:
            connections.close_all()

    tabs = [threading.Thread(target=tab) for _ in range(8)]
    for one in tabs:
        one.start()
    for one in tabs:
        one.join()
    assert len(refused) == 6
    assert readings(reader_id=READER, now=NOW).opened_hour == 2
