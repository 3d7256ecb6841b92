"""Ledger rows per second with 16 writers beside the sealer, and rows verified per second."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier, Event
from typing import Any
from uuid import UUID, uuid4

from benchmarks.ground import Ground, Line, table

WRITERS, ROUNDS, SECONDS = 16, 3, 5.0
PURPOSES = ("newsletter", "targeted_promotion", "phone_prospecting")
# A form with three boxes writes six rows at once: what was shown, and what was answered.
ANSWERS = len(PURPOSES)
ROWS_VERIFIED, SEAL_EVERY_SECONDS = 300_000, 1.0
# What a writer does in one transaction, and how many rows that is.
KINDS = {
    "plain_1": 1,
    "plain_6": 2 * ANSWERS,
    "rows_6": 2 * ANSWERS,
    "append_1": 1,
    "append_6": 2 * ANSWERS,
}


def _events(subject_id: UUID, purposes: tuple[str, ...], *, is_shown: bool) -> list[Any]:
    from django.utils import timezone

    from consent.ledger import Event
    from consent.models import Basis, Notice, State

    global _notice
    _notice = _notice or Notice.objects.values_list("id", "sha256").first()
    now, source = timezone.now(), uuid4()

    def event(purpose: str, state: State) -> Event:
        return Event(
            subject_id=subject_id,
            purpose_code=purpose,
            channel="email",
            basis=Basis.CONSENT,
            state=state,
            event_type="ExpressedConsent",
            event_at=now,
            received_at=now,
            method="double_opt_in",
            source_id=source,
            language="fr",
            notice_id=_notice[0],
            notice_sha256=bytes(_notice[1]),
            control_text="Je souhaite recevoir la lettre d'information.",
            form_code="contact",
            form_version=3,
            evidence={"network": "192.0.2.0/24", "browser": "Firefox 142", "way_in": "form"},
        )

    shown = [event(purpose, State.NOTICE_SHOWN) for purpose in purposes] if is_shown else []
    return shown + [event(purpose, State.CONSENT_GIVEN) for purpose in purposes]


_notice: Any = None


def _plain(columns: list[str], values: list[Any]) -> Callable[[int], None]:
    """The floor: rows of the same columns and bytes into a table with a primary key, no more."""
    from django.db import connection, transaction

    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    own = [columns.index("record_id"), columns.index("source_id")]

    def insert(rows: int) -> None:
        parameters: list[Any] = []
        for _ in range(rows):
            row = list(values)
            for place in own:
                row[place] = uuid4()
            parameters += row
        statement = f"INSERT INTO bare_ledger ({names}) VALUES {', '.join([f'({marks})'] * rows)}"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    return insert


def _template() -> tuple[list[str], list[Any]]:
    from consent.models import LedgerEvent

    fields = [field for field in LedgerEvent._meta.concrete_fields if field.name != "seq"]
    names = [field.attname for field in fields]
    row = LedgerEvent.objects.values_list(*names).first()
    assert row is not None
    return names, list(row)


def _append(people: Iterator[UUID], purposes: tuple[str, ...], *, is_shown: bool) -> None:
    from django.db import transaction

    from consent.ledger import append

    with transaction.atomic():
        append(_events(next(people), purposes, is_shown=is_shown))


def _bare_rows(people: Iterator[UUID]) -> None:
    """The rows alone, into the real table: its indexes, checks and lock, no fold."""
    from django.db import transaction

    from consent.ledger import _rows
    from consent.models import LedgerEvent

    with transaction.atomic():
        LedgerEvent.objects.bulk_create(_rows(_events(next(people), PURPOSES, is_shown=True)))


def _people() -> Iterator[UUID]:
    """Known people, their `proof` keys made before: making keys is another database's work."""
    from privacy.services import seal_evidence

    known = [uuid4() for _ in range(200)]
    for subject_id in known:
        seal_evidence(subject_id=subject_id, records={uuid4(): {"network": "192.0.2.0/24"}})
    while True:
        yield from known


def _write(order: list[str], start: Barrier, end: Barrier, rows: Any) -> None:
    import django

    django.setup()
    people = _people()
    next(people)
    plain = _plain(*_template())
    acts: dict[str, Callable[[], None]] = {
        "plain_1": lambda: plain(1),
        "plain_6": lambda: plain(2 * ANSWERS),
        "rows_6": lambda: _bare_rows(people),
        "append_1": lambda: _append(people, PURPOSES[:1], is_shown=False),
        "append_6": lambda: _append(people, PURPOSES, is_shown=True),
    }
    for kind in order:
        acts[kind]()  # connections and plans are there
        start.wait()
        until, done = time.monotonic() + SECONDS, 0
        while time.monotonic() < until:
            acts[kind]()
            done += KINDS[kind]
        with rows.get_lock():
            rows.value += done
        end.wait()


def _seal(stop: Event) -> None:
    import django

    django.setup()
    from django.utils import timezone

    from consent.sealing import seal_ledger

    while not stop.wait(SEAL_EVERY_SECONDS):
        seal_ledger(now=timezone.now())


def _prepare(owner: str) -> None:
    import psycopg
    from django.db import transaction
    from django.utils import timezone

    from consent import services
    from consent.ledger import append

    now = timezone.now()
    services.seed_purposes(now=now)
    services.publish_notice(code="bench", texts={"fr": "Avis"}, is_substantive=True, now=now)
    with transaction.atomic():
        append(_events(uuid4(), PURPOSES, is_shown=True))
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE bare_ledger (LIKE consent_ledgerevent INCLUDING DEFAULTS"
            " INCLUDING IDENTITY, PRIMARY KEY (seq))"
        )
        connection.execute("GRANT INSERT ON bare_ledger TO accord_worker")


def _measure() -> dict[str, float]:
    """Run every kind in turns, so that all meet the same machine; return the best rows a second."""
    context = multiprocessing.get_context("spawn")
    start, end = context.Barrier(WRITERS + 1), context.Barrier(WRITERS + 1)
    rows, stop = context.Value("q", 0), context.Event()
    order = [kind for _ in range(ROUNDS) for kind in KINDS]
    writers = [
        context.Process(target=_write, args=(order, start, end, rows), daemon=True)
        for _ in range(WRITERS)
    ]
    sealer = context.Process(target=_seal, args=(stop,), daemon=True)
    for process in (*writers, sealer):
        process.start()
    best = dict.fromkeys(KINDS, 0.0)
    for kind in order:
        start.wait(300)
        started = time.perf_counter()
        end.wait(300)
        best[kind] = max(best[kind], rows.value / (time.perf_counter() - started))
        rows.value = 0
    stop.set()
    for process in (*writers, sealer):
        process.join(60)
    return best


def _fill() -> int:
    """Make the ledger long enough; what follows reads rows and no permissions."""
    from consent.ledger import _rows
    from consent.models import LedgerEvent

    people = _people()
    count = LedgerEvent.objects.count()
    while count < ROWS_VERIFIED:
        subject_id = next(people)
        forms = [_events(subject_id, PURPOSES, is_shown=True) for _ in range(200)]
        made = LedgerEvent.objects.bulk_create(_rows([event for form in forms for event in form]))
        count += len(made)
    return count


def _verify() -> tuple[int, int, float, float]:
    from django.utils import timezone

    from consent.sealing import ledger_signer, seal_ledger
    from consent.verifying import verify_ledger

    rows = _fill()
    started = time.perf_counter()
    sealed = 0
    while made := seal_ledger(now=timezone.now()):
        sealed += made
    sealing = sealed / (time.perf_counter() - started)
    started = time.perf_counter()
    found = verify_ledger(verifier=ledger_signer().verifier)
    verifying = found.rows / (time.perf_counter() - started)
    if not found.holds or (found.rows, found.sealed) != (rows, rows):
        raise RuntimeError(f"{found.count} findings, {found.sealed} of {rows} rows sealed.")
    return rows, found.heads, sealing, verifying


def run(ground: Ground) -> None:
    _prepare(ground.environment("owner")["ACCORD_CRM_DSN"])
    best = _measure()
    rows, heads, sealing, verifying = _verify()
    one, six = best["plain_1"], best["plain_6"]

    def ratio(kind: str) -> str:
        return f"{best[kind] / one:.2f} x the floor"

    table(
        f"ledger: {WRITERS} writers beside the sealer, best of {ROUNDS} rounds",
        [
            Line("plain INSERT, a row a transaction", one, "rows/s", "the floor"),
            Line("a form: six rows, appended and folded", best["append_6"], "rows/s",
                 f"{ratio('append_6')}, {best['append_6'] / six:.2f} x six plain rows at once"),
            Line("one answer: a row, appended and folded", best["append_1"], "rows/s",
                 ratio("append_1")),
            Line("a form's rows alone, not folded", best["rows_6"], "rows/s", ratio("rows_6")),
            Line("plain INSERT of six rows at once", six, "rows/s"),
            Line("sealed, tiles and head on disk", sealing, "rows/s"),
            Line(f"verified: {rows:,} rows, {heads:,} heads", verifying, "rows/s"),
        ],
    )  # fmt: skip
