"""Whoever reads a person leaves a line before, that nobody can take back."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
import uuid_utils.compat
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from privacy import reading
from privacy.models import AccessRecord
from privacy.reading import KEPT_FOR
from privacy.services import (
    NoReader,
    ReadingRefused,
    RetentionClass,
    change_document,
    forget_old_readings,
    open_evidence,
    read_documents,
    reading_as,
    reading_because,
    readings_by,
    readings_for,
    readings_of,
    seal_evidence,
    stream_documents,
    write_documents,
)
from privacy.vault import stream
from tests.conftest import NOW, Connect

BOTH = ["default", "vault", "intake"]
pytestmark = pytest.mark.django_db(databases=BOTH)
PROFILE = RetentionClass.PROFILE
READER = UUID(int=7)


def people(number: int = 1) -> list[UUID]:
    ids = [uuid_utils.compat.uuid7() for _ in range(number)]
    write_documents(
        documents={one: {"email": "a@x.example"} for one in ids}, retention_class=PROFILE
    )
    return ids


@pytest.fixture
def staff_process(vault: None, settings: Settings) -> None:
    settings.PROCESS = "staff"


@pytest.fixture
def camille() -> Iterator[None]:
    with reading_as(reader_id=READER, why="contact", scope="marketing", at=NOW):
        yield


def test_in_the_staff_process_nothing_is_opened_for_nobody(staff_process: None) -> None:
    [alice] = people()
    [sealed] = seal_evidence(subject_id=alice, records={alice: {"ip": "192.0.2.1"}}).values()
    with pytest.raises(NoReader):
        read_documents(subject_ids=[alice], retention_class=PROFILE)
    with pytest.raises(NoReader):
        open_evidence(subject_id=alice, record_id=alice, sealed=sealed)
    with pytest.raises(NoReader):
        change_document(subject_id=alice, retention_class=PROFILE, change=lambda before: before)


def test_the_worker_reads_without_a_line(vault: None) -> None:
    assert read_documents(subject_ids=people(), retention_class=PROFILE)
    assert not AccessRecord.objects.exists()


def test_a_line_says_who_whom_why_when_and_which_class(staff_process: None, camille: None) -> None:
    [alice] = people()
    assert read_documents(subject_ids=[alice], retention_class=PROFILE)
    line = AccessRecord.objects.get()
    assert (line.reader_id, line.subject_ids, line.why) == (READER, [alice], "contact")
    assert (line.at, line.retention_class, line.is_refused) == (NOW, PROFILE, False)
    columns = {field.name for field in AccessRecord._meta.fields}
    assert columns == {
        *("id", "at", "reader_id", "why", "reference", "retention_class"),
        *("subject_ids", "is_refused"),
    }


def test_many_at_once_are_one_line_and_each_is_found(staff_process: None, camille: None) -> None:
    some = people(60)
    read_documents(subject_ids=[*some, some[0]], retention_class=PROFILE)
    line = AccessRecord.objects.get()
    assert line.subject_ids == some
    assert list(readings_of(subject_ids=[some[59]])) == [line]
    assert list(readings_by(reader_id=READER)) == [line]
    assert not readings_of(subject_ids=people())
    assert not readings_by(reader_id=UUID(int=8))


def test_evidence_and_what_is_changed_leave_lines_too(staff_process: None, camille: None) -> None:
    [alice] = people()
    [sealed] = seal_evidence(subject_id=alice, records={alice: {"ip": "192.0.2.1"}}).values()
    open_evidence(subject_id=alice, record_id=alice, sealed=sealed)
    change_document(subject_id=alice, retention_class=PROFILE, change=lambda before: before)
    found = AccessRecord.objects.order_by("id").values_list("retention_class", "subject_ids")
    assert list(found) == [(RetentionClass.PROOF, [alice]), (PROFILE, [alice])]


def test_a_better_reason_holds_inside_its_block_and_gives_no_right(vault: None) -> None:
    [alice] = people()
    with reading_as(reader_id=READER, why="contact", at=NOW):
        with reading_because(why="request", reference="R-1"):
            read_documents(subject_ids=[alice], retention_class=PROFILE)
        read_documents(subject_ids=[alice], retention_class=PROFILE)
    found = AccessRecord.objects.order_by("id").values_list("why", "reference")
    assert list(found) == [("request", "R-1"), ("contact", "")]
    assert [line.why for line in readings_for(reference="R-1")] == ["request"]
    with (
        reading_as(reader_id=READER, why="system", at=NOW, may_read=False),
        reading_because(why="request"),
        pytest.raises(ReadingRefused),
    ):
        read_documents(subject_ids=[alice], retention_class=PROFILE)


def test_who_may_not_read_is_refused_and_the_attempt_stays(
    staff_process: None, caplog: pytest.LogCaptureFixture
) -> None:
    [alice] = people()
    with reading_as(reader_id=READER, why="system", at=NOW, may_read=False):
        for _again in range(2):
            with pytest.raises(ReadingRefused):
                read_documents(subject_ids=[alice], retention_class=PROFILE)
    assert [line.is_refused for line in readings_of(subject_ids=[alice])] == [True, True]
    assert f"security: account {READER} may not read" in caplog.text


def test_a_reader_ends_with_the_block(staff_process: None) -> None:
    [alice] = people()
    with reading_as(reader_id=READER, why="contact", at=NOW):
        pass
    with pytest.raises(NoReader):
        read_documents(subject_ids=[alice], retention_class=PROFILE)


def test_nobody_is_read_inside_of_a_transaction(staff_process: None, camille: None) -> None:
    """Its end could take the line back."""
    [alice] = people()
    with pytest.raises(RuntimeError), transaction.atomic():
        read_documents(subject_ids=[alice], retention_class=PROFILE)


@pytest.mark.django_db(databases=BOTH, transaction=True)
def test_the_line_is_there_for_others_before_the_document_is(
    staff_process: None, camille: None, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another connection sees it while the document is being opened, and after a failure."""
    [alice] = people()
    seen: list[int] = []

    def opened(*_place: object, **_key: object) -> bytes:
        with connect("staff", "crm") as other:
            row = other.execute("SELECT count(*) FROM privacy_accessrecord").fetchone()
            seen.append(row[0] if row else 0)
        raise OSError

    monkeypatch.setattr("privacy.vault.store.open_blob", opened)
    with pytest.raises(OSError):
        read_documents(subject_ids=[alice], retention_class=PROFILE)
    assert seen == [1]
    assert AccessRecord.objects.count() == 1


@pytest.mark.django_db(databases=BOTH, transaction=True)
def test_a_stream_gives_nobody_anything(staff_process: None) -> None:
    people()
    with pytest.raises(NoReader):
        next(iter(stream_documents(retention_class=PROFILE)))


@pytest.mark.django_db(databases=BOTH, transaction=True)
def test_everybody_one_after_the_other_is_noted_before_they_are_given_out(
    staff_process: None, camille: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "NOTED_AT_ONCE", 2)
    some = people(5)
    documents = stream_documents(retention_class=PROFILE)
    assert next(iter(documents))[0] == some[0]
    assert AccessRecord.objects.get().subject_ids == some[:2]
    assert len(list(documents)) == 4
    sizes = [len(line.subject_ids) for line in AccessRecord.objects.order_by("id")]
    assert sizes == [2, 2, 1]


def _line(**changes: object) -> AccessRecord:
    values = {"at": NOW, "reader_id": READER, "why": "contact", "retention_class": 1}
    number = uuid_utils.compat.uuid7()
    return AccessRecord.objects.create(
        **{**values, "id": number, "subject_ids": [number], **changes}
    )


@pytest.mark.django_db(databases=BOTH, transaction=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE privacy_accessrecord SET why = 'home'",
        "DELETE FROM privacy_accessrecord",
        "TRUNCATE privacy_accessrecord",
    ],
)
def test_no_role_of_a_process_takes_a_line_back(connect: Connect, statement: str) -> None:
    _line()
    for role in ("staff", "worker", "owner"):
        with connect(role, "crm") as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(statement)
    assert AccessRecord.objects.count() == 1


def test_the_lines_of_more_than_a_year_ago_go(vault: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [now] = cursor.fetchone() or [NOW]
    old = _line(at=now - KEPT_FOR - timedelta(days=1, seconds=1))
    kept = _line(at=now - KEPT_FOR - timedelta(hours=23))
    assert forget_old_readings(now=now) == 1
    assert forget_old_readings(now=now) == 0
    assert not AccessRecord.objects.filter(id=old.id).exists()
    assert AccessRecord.objects.filter(id=kept.id).exists()


def test_old_lines_go_in_batches_and_whatever_the_clock_of_the_database(
    vault: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database lets go of what is a year old by its clock; ours may be some hours ahead."""
    monkeypatch.setattr(reading, "_FORGOTTEN_AT_ONCE", 3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [theirs] = cursor.fetchone() or [NOW]
    for _ in range(8):
        _line(at=theirs - KEPT_FOR - timedelta(days=2))
    for hours in (-1, 1):
        _line(at=theirs - KEPT_FOR + timedelta(hours=hours))
    with CaptureQueriesContext(connection) as queries:
        assert forget_old_readings(now=theirs + timedelta(hours=6)) == 8
    assert sum('DELETE FROM "privacy_accessrecord"' in each["sql"] for each in queries) == 3
    assert AccessRecord.objects.count() == 2


def test_who_read_a_person_is_found_by_an_index_among_many_lines(vault: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO privacy_accessrecord (id, at, reader_id, why, reference,"
            " retention_class, subject_ids, is_refused)"
            " SELECT gen_random_uuid(), now(), gen_random_uuid(), 'contact', '', 1,"
            " ARRAY[gen_random_uuid()], false FROM generate_series(1, 20000)"
        )
        cursor.execute("ANALYZE privacy_accessrecord")
    rows = readings_of(subject_ids=[READER]).order_by("-at", "-id")[:51]
    assert "accessrecord_of_subject" in rows.explain()
    mine = readings_by(reader_id=READER).order_by("-at", "-id")[:51]
    assert "accessrecord_of_reader" in mine.explain()
