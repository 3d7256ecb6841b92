"""The search process on many contacts: reading them, what they weigh, and how long an answer takes.

ACCORD_BENCH_CONTACTS gives another number than a million.
"""

import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import uuid_utils.compat

from benchmarks.decrypt import BATCH
from benchmarks.ground import ROOT, Ground, Line, table

TIMES = 200
# Seldom enough that asking does not slow the reading that is measured.
POLL_SECONDS = 0.5
SYLLABLES = "mar tin du pont le roy ca mil jean an to ine ber nard so phie gar mé".split()  # noqa: SIM905
QUERIES = {
    "a common beginning": "mar",
    "part of a word": "arti",
    "a whole address": "",  # of somebody in the middle
    "two words": "martin gar",
    "nobody": "zqxjkvw",
}


def _name(dice: random.Random, parts: int) -> str:
    return "".join(dice.choice(SYLLABLES) for _ in range(parts)).capitalize()


def _documents(count: int) -> Iterator[dict[UUID, dict[str, str]]]:
    dice = random.Random(1)
    for start in range(0, count, BATCH):
        yield {
            UUID(bytes=uuid_utils.compat.uuid7().bytes): _person(dice, number)
            for number in range(start, min(start + BATCH, count))
        }


def _person(dice: random.Random, number: int) -> dict[str, str]:
    given, family, company = _name(dice, 2), _name(dice, 3), _name(dice, 3)
    return {
        "email": f"{given}.{family}{number}@{company}.example".lower(),
        "given_name": given,
        "family_name": family,
        "company": f"{company} SAS",
        "job_title": "Directrice",
        "phone": f"+336{number:08d}",
    }


def _fill(count: int) -> tuple[list[str], list[str]]:
    """Write the contacts; return their lines of plain text, and their addresses."""
    from django.db import connections

    from crm.search.folding import record_of
    from privacy.services import RetentionClass, write_documents

    lines, addresses = [], []
    for documents in _documents(count):
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "INSERT INTO crm_contact (id, created_at, updated_at, language, country, status,"
                " source, is_professional, has_email, has_phone, last_act_at)"
                " SELECT unnest(%s::uuid[]), now(), now(), 'fr', 'FR', 'new', 'bench', true,"
                " true, true, now()",
                [list(documents)],
            )
        write_documents(documents=documents, retention_class=RetentionClass.PROFILE)
        lines += [record_of(each).decode() for each in documents.values()]
        addresses += [each["email"] for each in documents.values()]
    return lines, addresses


@contextmanager
def _process(ground: Ground) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "search"], cwd=ROOT, env=ground.environment("search")
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _until_loaded() -> tuple[float, list[float]]:
    """Return how long the reading took, and how long searches took meanwhile."""
    from crm.search.asking import SearchDown, find_contacts

    began, waited = time.perf_counter(), []
    while True:
        asked = time.perf_counter()
        try:
            status = find_contacts(text=QUERIES["nobody"]).status
        except SearchDown:
            began = time.perf_counter()
            time.sleep(0.01)
            continue
        waited.append(time.perf_counter() - asked)
        if status.is_loaded:
            return time.perf_counter() - began, waited
        time.sleep(POLL_SECONDS)


def _only_opened() -> float:
    from privacy.services import RetentionClass, stream_documents

    started = time.perf_counter()
    for _ in stream_documents(retention_class=RetentionClass.PROFILE):
        pass
    return time.perf_counter() - started


def _times(ask: Callable[[], object], times: int = TIMES) -> tuple[float, float]:
    """Return the median and the 99th percentile, in seconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken), sorted(taken)[int(times * 0.99) - 1]


def _scan(lines: list[str], words: list[str]) -> list[int]:
    return [at for at, line in enumerate(lines) if all(word in line for word in words)][-50:]


def _ask_all(lines: list[str], addresses: list[str]) -> list[Line]:
    from crm.search.asking import find_contacts
    from crm.search.folding import words_of

    rows = []
    for name, text in QUERIES.items():
        sought = text or addresses[len(addresses) // 2]
        middle, late = _times(lambda sought=sought: find_contacts(text=sought))  # type: ignore[misc]
        words = words_of(sought)
        plain, _ = _times(lambda words=words: _scan(lines, words), 10)  # type: ignore[misc]
        note = f"p50 {middle * 1e3:.2f} ms, p99 {late * 1e3:.1f} ms; a list {plain * 1e3:.0f} ms,"
        rows.append(Line(name, 1 / middle, "answers/s", f"{note} {plain / middle:.1f} x slower"))
    return rows


def _while_many_change(ground: Ground) -> Line:
    """How long a search for nobody takes while ten thousand contacts come in."""
    from crm.search.asking import find_contacts, search_status

    before = search_status().loaded
    writing = threading.Thread(target=_fill, args=(10_000,))
    waited, began = [], time.perf_counter()
    writing.start()
    while writing.is_alive() or search_status().loaded < before + 10_000:
        asked = time.perf_counter()
        find_contacts(text=QUERIES["nobody"])
        waited.append(time.perf_counter() - asked)
    seconds = time.perf_counter() - began
    note = f"nobody meanwhile: p50 {statistics.median(waited) * 1e3:.0f} ms,"
    return Line(
        "10,000 written and heard of", 10_000 / seconds, "contacts/s",
        f"{note} worst {max(waited) * 1e3:.0f} ms",
    )  # fmt: skip


def run(ground: Ground) -> None:
    from crm.search.asking import search_status

    count = int(os.environ.get("ACCORD_BENCH_CONTACTS", "1000000"))
    lines, addresses = _fill(count)
    opened = _only_opened()
    with _process(ground):
        built, meanwhile = _until_loaded()
        status = search_status()
        if status.loaded != count:
            raise RuntimeError(f"{status.loaded} of {count} contacts are held.")
        answers = _ask_all(lines, addresses)
        coming = _while_many_change(ground)
    note = f"{built / opened:.2f} x only opening; {built:.1f} s;"
    note += f" nobody meanwhile: p50 {statistics.median(meanwhile) * 1e3:.0f} ms,"
    table(
        f"search: {count:,} contacts, one process",
        [
            Line("opened only, by one process", count / opened, "contacts/s", "the floor"),
            Line(
                "opened, folded and held", count / built, "contacts/s",
                f"{note} worst {max(meanwhile) * 1e3:.0f} ms",
            ),
            Line(
                "held", status.held / count, "bytes each",
                f"{status.held >> 20} MiB, the process {status.resident >> 20} MiB,"
                f" locked: {status.is_locked}",
            ),
            *answers,
            coming,
        ],
    )  # fmt: skip
