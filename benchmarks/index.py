"""A rotation of the index key: everybody written anew, beside only reading the same documents."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from benchmarks.decrypt import _peak_mib
from benchmarks.ground import Ground, Line, table

PEOPLE, FILLING = 100_000, 5_000


def _fill() -> None:
    from privacy.services import RetentionClass, enrol_many, write_documents

    for start in range(0, PEOPLE, FILLING):
        subjects = enrol_many(
            emails=[f"person{n}@example.org" for n in range(start, start + FILLING)]
        )
        documents = {
            subject: {
                "email": email,
                "given_name": "Camille",
                "family_name": "Martin",
                "company": "Atelier Martin",
            }
            for email, subject in subjects.items()
        }
        write_documents(documents=documents, retention_class=RetentionClass.PROFILE)


def _read_everybody() -> float:
    """The floor: the same documents in the same batches, opened and put aside."""
    from privacy.index_rotation import BATCH
    from privacy.services import RetentionClass, read_documents, subjects_after

    profile, after, read = RetentionClass.PROFILE, None, 0
    started = time.perf_counter()
    while people := subjects_after(retention_class=profile, after=after, limit=BATCH):
        read += len(read_documents(subject_ids=people, retention_class=profile))
        after = people[-1]
    assert read == PEOPLE
    return time.perf_counter() - started


def _enrol(name: str) -> float:
    """Seconds of one enrolment of somebody new, one after the other."""
    from privacy.services import enrol

    count = 500
    started = time.perf_counter()
    for number in range(count):
        enrol(email=f"{name}{number}@example.org")
    return (time.perf_counter() - started) / count


def _write_anew(now: datetime) -> float:
    from privacy.index_rotation import _youngest, work_on_index_rotation

    started = time.perf_counter()
    while (young := _youngest()) is not None and young.filled_at is None:
        work_on_index_rotation(now=now, batches=1)
    return time.perf_counter() - started


def _end(now: datetime) -> float:
    """Count who lacks the new epoch, retire the old one, delete its rows."""
    from privacy.index_rotation import finish_index_rotation, work_on_index_rotation

    started = time.perf_counter()
    finish_index_rotation(losing=500, now=now)  # those who were enrolled before, and no more
    while not work_on_index_rotation(now=now + timedelta(hours=2)).is_idle:
        pass
    return time.perf_counter() - started


def run(_ground: Ground) -> None:
    from privacy.index_rotation import index_epochs, rotate_index
    from privacy.services import find_by_email

    now = datetime.now(UTC)
    _fill()
    _read_everybody()  # both are measured warm
    floor, alone, before = _read_everybody(), _enrol("before"), _peak_mib()
    rotate_index(now=now)
    written, beside = _write_anew(now), _enrol("after")
    peak, ended = _peak_mib(), _end(now)
    [_old, young] = index_epochs()
    assert young.rows == PEOPLE + 500
    known = find_by_email(emails=[f"person{n}@example.org" for n in range(0, PEOPLE, 100)])
    assert len(known) == PEOPLE // 100
    assert all(isinstance(each, UUID) for each in known.values())
    table(
        f"index: the key rotated over {PEOPLE:,} people, one process",
        [
            Line("their documents read in batches", PEOPLE / floor, "people/s", "the floor"),
            Line(
                "read and written under the new key", PEOPLE / written, "people/s",
                f"{written:.1f} s, {written / floor:.2f} x the time of the floor; peak memory"
                f" {peak} MiB, {peak - before} MiB more than before",
            ),
            Line("counted, retired, rows deleted", PEOPLE / ended, "people/s", f"{ended:.1f} s"),
            Line("enrolments with one epoch", 1 / alone, "people/s", "the floor"),
            Line(
                "enrolments while two live", 1 / beside, "people/s",
                f"{beside / alone:.2f} x the time of one epoch",
            ),
        ],
    )  # fmt: skip
