"""What it costs that every reading leaves a line: one person, a page of fifty, and to find one."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid_utils.compat

from benchmarks.ground import Ground, Line, table

PAGE, TIMES, KEPT = 50, 400, 200_000
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
READER = UUID(int=7)


def _people() -> list[UUID]:
    from privacy.services import RetentionClass, write_documents

    ids = [UUID(bytes=uuid_utils.compat.uuid7().bytes) for _ in range(PAGE)]
    documents = {one: {"email": "a@example.org", "given_name": "Camille"} for one in ids}
    write_documents(documents=documents, retention_class=RetentionClass.PROFILE)
    return ids


def _rate(act: Callable[[int], object]) -> float:
    started = time.perf_counter()
    for number in range(TIMES):
        act(number)
    return TIMES / (time.perf_counter() - started)


def _read(ids: list[UUID], *, is_named: bool) -> Callable[[int], object]:
    from privacy.services import RetentionClass, read_documents, reading_as

    def act(number: int) -> object:
        if not is_named:
            return read_documents(subject_ids=ids, retention_class=RetentionClass.PROFILE)
        # Another day for every ten, so that the meter counts and does not stop.
        at = NOW + timedelta(days=number // 10)
        with reading_as(reader_id=READER, why="contact", at=at):
            return read_documents(subject_ids=ids, retention_class=RetentionClass.PROFILE)

    return act


def _fill() -> None:
    from django.db import connections

    with connections["default"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO privacy_accessrecord (id, at, reader_id, why, reference, retention_class,"
            " subject_ids, is_refused) SELECT gen_random_uuid(), now() - n * interval '1 minute',"
            " %s, 'contact', '', 1, ARRAY[gen_random_uuid()], false"
            " FROM generate_series(1, %s) AS n",
            [READER, KEPT],
        )


def _find(subject_id: UUID) -> Callable[[int], object]:
    from crm.keyset import page_after
    from privacy.services import readings_of

    return lambda _number: page_after(
        readings_of(subject_ids=[subject_id]), moment="at", cursor=None
    )


def run(_ground: Ground) -> None:
    ids = _people()
    bare_one, bare_page = (_rate(_read(some, is_named=False)) for some in (ids[:1], ids))
    one, page = (_rate(_read(some, is_named=True)) for some in (ids[:1], ids))
    _fill()
    found = _rate(_find(ids[0]))
    table(
        f"readings: {TIMES} each, one process, commits reach the disk",
        [
            Line("one person, no reader", bare_one, "reads/s", "the floor"),
            Line(
                "one person, noted", one, "reads/s",
                f"{1000 / one - 1000 / bare_one:.2f} ms more",
            ),
            Line(f"a page of {PAGE}, no reader", bare_page, "reads/s", "the floor"),
            Line(
                f"a page of {PAGE}, noted", page, "reads/s",
                f"{1000 / page - 1000 / bare_page:.2f} ms more",
            ),
            Line(f"who read one person, among {KEPT:,} lines", found, "pages/s"),
        ],
    )  # fmt: skip
