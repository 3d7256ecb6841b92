"""A new key for the index: nobody is lost, nobody is two, and the old key ends."""

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from pytest_django import Settings

from privacy import index_rotation, services
from privacy.index_rotation import (
    KEY_OUTLIVES_ROWS,
    AddressesLacking,
    RotationUnderWay,
    finish_index_rotation,
    rotate_index,
    work_on_index_rotation,
)
from privacy.models import IndexEpoch, RetentionClass
from privacy.vault import tokens
from privacy.vault.index_keys import make_index_key
from privacy.vault.keyring import LocalKeyRing, key_ring
from privacy.vault.ring_files import KeysMissing
from privacy.vault.store import destroy_keys
from tests.conftest import NOW, Connect
from tests.privacy.rotating import (
    STAGES,
    addresses_of,
    arrive,
    begun,
    drive,
    emptied,
    filled,
    half_filled,
    key_dropped,
    living,
    own_ring,
    retired,
    rows,
    said_of,
)

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("ring"),
]
PEOPLE = [f"person{number}@example.org" for number in range(7)]


@pytest.fixture
def ring(vault: None, settings: Settings, tmp_path: Path) -> Iterator[None]:
    with own_ring(settings, tmp_path / "keys"):
        yield


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_at_every_stage_everybody_is_found_and_nobody_is_two(stage: Callable[[], None]) -> None:
    before = {email: arrive(email) for email in PEOPLE}
    stage()
    assert services.find_by_email(emails=PEOPLE) == before
    assert {email: services.enrol(email=email).subject_id for email in PEOPLE} == before
    new = arrive("new@example.org")
    assert set(said_of("new@example.org")) >= set(living())
    assert set(said_of("new@example.org").values()) == {new}
    destroy_keys(subject_id=before[PEOPLE[0]], retention_classes=list(RetentionClass))
    assert PEOPLE[0] not in services.find_by_email(emails=PEOPLE)
    assert said_of(PEOPLE[0]) == {}


def test_everybody_is_written_anew_in_bounded_batches_and_then_the_old_rows_go() -> None:
    before = {email: arrive(email, phone="+33199000000") for email in PEOPLE}
    assert rotate_index(now=NOW) == 2
    steps = [work_on_index_rotation(now=NOW, limit=3, batches=1).walked for _ in range(4)]
    assert steps == [3, 3, 1, 0]
    assert {len(tokens) for tokens in rows().values()} == {len(PEOPLE)}
    drive(lambda: IndexEpoch.objects.exclude(emptied_at=None).exists())
    assert living() == [2]
    assert rows().keys() == {2}
    assert set(rows()[2].values()) == set(before.values())
    with connections["vault"].cursor() as cursor:
        cursor.execute("SELECT epoch, count(*) FROM bidx WHERE kind = 2 GROUP BY epoch")
        assert cursor.fetchall() == [(2, len(PEOPLE))]
    assert work_on_index_rotation(now=NOW).is_idle


def test_the_old_and_the_new_tokens_have_nothing_in_common() -> None:
    arrive(PEOPLE[0])
    filled()
    held = rows()
    assert held.keys() == {1, 2}
    assert not held[1].keys() & held[2].keys()


def test_one_rotation_at_a_time() -> None:
    rotate_index(now=NOW)
    with pytest.raises(RotationUnderWay):
        rotate_index(now=NOW)
    drive(lambda: living() == [2])
    assert rotate_index(now=NOW) == 3


def test_three_rotations_one_after_the_other() -> None:
    before = {email: arrive(email) for email in PEOPLE}
    for epoch in (2, 3, 4):
        key_dropped()
        assert living() == [epoch]
        assert services.find_by_email(emails=PEOPLE) == before
    names = {path.name for path in key_ring().folder.glob("index*")}
    assert names == {
        "index.json",
        "index-000001.dropped",
        "index-000002.dropped",
        "index-000003.dropped",
        "index-000004.json",
    }


def test_a_key_outlives_its_rows_for_as_long_as_a_backup_may_need_it() -> None:
    arrive(PEOPLE[0])
    key_dropped()
    row = emptied()
    path = key_ring().folder / "index-000002.json"
    assert row.epoch == 2
    assert row.emptied_at is not None
    work_on_index_rotation(now=row.emptied_at + KEY_OUTLIVES_ROWS - timedelta(seconds=1))
    assert path.exists()
    work_on_index_rotation(now=row.emptied_at + KEY_OUTLIVES_ROWS)
    assert not path.exists()
    with pytest.raises(KeysMissing):
        LocalKeyRing(key_ring().folder).derived("bidx|email|2", index_epoch=2)


def test_after_the_restore_of_an_old_vault_the_number_is_not_used_again() -> None:
    """The backup knows nothing of the rotation: the first epoch lives, its key is there."""
    before = {email: arrive(email) for email in PEOPLE}
    held = [(1, number, subject) for number, subject in rows()[1].items()]
    emptied()
    with connections["vault"].cursor() as cursor:
        cursor.execute("DELETE FROM bidx")
        cursor.execute("DELETE FROM privacy_indexepoch")
        cursor.executemany("INSERT INTO bidx VALUES (1, %s, %s, %s)", held)
    assert services.find_by_email(emails=PEOPLE) == before
    assert rotate_index(now=NOW) == 3
    drive(lambda: living() == [3])
    assert services.find_by_email(emails=PEOPLE) == before


def test_the_addresses_of_a_merged_person_come_along() -> None:
    kept, absorbed = arrive(PEOPLE[0]), arrive(PEOPLE[1])
    services.join_subjects(kept_id=kept, absorbed_id=absorbed)
    services.write_document(
        subject_id=kept, retention_class=RetentionClass.PROFILE, document={"emails": PEOPLE[:2]}
    )
    emptied()
    assert services.find_by_email(emails=PEOPLE) == dict.fromkeys(PEOPLE[:2], kept)


@pytest.mark.parametrize("stage", [begun, half_filled, filled])
def test_a_merge_in_the_middle_leads_every_epoch_to_the_kept_one(
    stage: Callable[[], None],
) -> None:
    people = [arrive(email) for email in PEOPLE]
    stage()
    services.join_subjects(kept_id=people[0], absorbed_id=people[6])
    drive(lambda: living() == [2])
    assert services.find_by_email(emails=[PEOPLE[6]]) == {PEOPLE[6]: people[0]}


def test_somebody_who_was_erased_before_the_walk_came_is_not_written_anew() -> None:
    subject = arrive(PEOPLE[0])
    begun()
    with connections["vault"].cursor() as cursor:  # the document is there and opens, no token
        cursor.execute("DELETE FROM bidx WHERE subject_id = %s", [subject])
    drive(lambda: living() == [2])
    assert rows() == {}


def test_a_document_written_behind_the_walk_is_read_before_the_old_epoch_ends() -> None:
    subject = services.enrol(email=PEOPLE[0]).subject_id
    arrive(PEOPLE[1])
    filled()
    assert said_of(PEOPLE[0]).keys() == {1}
    services.write_document(
        subject_id=subject, retention_class=RetentionClass.PROFILE, document={"emails": PEOPLE[:1]}
    )
    drive(lambda: living() == [2])
    assert services.find_by_email(emails=PEOPLE[:1]) == {PEOPLE[0]: subject}


def test_who_has_no_document_keeps_the_old_epoch_alive_until_somebody_decides() -> None:
    subject = services.enrol(email=PEOPLE[0]).subject_id
    arrive(PEOPLE[1])
    filled()
    for hours in range(1, 5):
        work_on_index_rotation(now=NOW + timedelta(hours=hours))
    assert living() == [1, 2]
    assert IndexEpoch.objects.get(epoch=2).lacking == 1
    assert services.find_by_email(emails=PEOPLE[:1]) == {PEOPLE[0]: subject}
    out = StringIO()
    call_command("keys", "status", stdout=out)
    assert "index epoch 2: LACKS 1 addresses" in out.getvalue()
    with pytest.raises(AddressesLacking, match="1 addresses lack epoch 2, not 2"):
        finish_index_rotation(losing=2, now=NOW)
    call_command("keys", "finish-index", "--losing", "1", stdout=out)
    assert living() == [2]
    assert services.find_by_email(emails=PEOPLE[:1]) == {}


def test_finishing_what_has_not_begun_is_refused() -> None:
    with pytest.raises(AddressesLacking, match="No rotation"):
        finish_index_rotation(losing=0, now=NOW)
    begun()
    with pytest.raises(AddressesLacking, match="No rotation"):
        finish_index_rotation(losing=0, now=NOW)


def test_a_crash_in_a_batch_is_taken_up_again() -> None:
    before = {email: arrive(email) for email in PEOPLE}
    begun()
    seen: list[object] = []

    def failing(document: dict[str, object]) -> tuple[list[str], list[str]]:
        seen.append(document)
        if len(seen) == 5:
            raise KeyError("the process ends here")
        return addresses_of(document)

    services.register_address_reader(failing)
    work_on_index_rotation(now=NOW, limit=3, batches=1)
    with pytest.raises(KeyError):
        work_on_index_rotation(now=NOW, limit=3, batches=1)
    assert len(rows()[2]) == 3
    services.register_address_reader(addresses_of)
    drive(lambda: living() == [2])
    assert services.find_by_email(emails=PEOPLE) == before


def test_a_look_up_that_knows_of_no_rotation_asks_again() -> None:
    before = {email: arrive(email) for email in PEOPLE}
    emptied()
    tokens._KNOWN["living"] = [1]  # what a process knew before it slept for a week
    assert services.find_by_email(emails=PEOPLE) == before
    assert tokens._KNOWN["living"] == [2]


def test_a_look_up_that_knows_a_dropped_key_only_asks_again() -> None:
    before = {email: arrive(email) for email in PEOPLE}
    key_dropped()
    key_dropped()
    tokens._KNOWN["living"] = [2]
    key_ring.cache_clear()
    with pytest.raises(KeysMissing):
        key_ring().derived("bidx|email|2", index_epoch=2)
    assert services.find_by_email(emails=PEOPLE) == before


def test_without_the_new_key_nobody_is_enrolled_twice() -> None:
    """A host that the ring was not copied to: it refuses, rather than write half."""
    arrive(PEOPLE[0])
    begun()
    (key_ring().folder / "index-000002.json").rename(key_ring().folder / "away")
    key_ring.cache_clear()
    with pytest.raises(KeysMissing):
        services.enrol(email=PEOPLE[0])
    with pytest.raises(KeysMissing):
        services.enrol(email="new@example.org")
    assert len(rows()[1]) == 1


# --- at the same time ------------------------------------------------------------------------


def _in_threads(*works: Callable[[], object]) -> None:
    failed: list[BaseException] = []
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            gate.wait()
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_two_who_enrol_one_address_while_a_stage_is_reached_agree(
    stage: Callable[[], None],
) -> None:
    for email in PEOPLE:
        arrive(email)
    shared = [f"shared{number}@example.org" for number in range(20)]
    found: list[tuple[str, UUID]] = []

    def enrol() -> None:
        for email in random.sample(shared, len(shared)):
            found.append((email, arrive(email)))

    def enrol_many() -> None:
        for _ in range(4):
            known = services.enrol_many(emails=random.sample(shared, len(shared)))
            found.extend(known.items())

    _in_threads(stage, enrol, enrol, enrol_many, enrol_many)
    said: dict[str, set[UUID]] = {}
    for email, subject in found:
        said.setdefault(email, set()).add(subject)
    assert {len(subjects) for subjects in said.values()} == {1}
    for email in shared:
        assert set(said_of(email).values()) == said[email]
        assert set(said_of(email)) >= set(living())


def test_enrolling_erasing_and_merging_while_everybody_is_written_anew() -> None:
    people = {f"p{number}@example.org": arrive(f"p{number}@example.org") for number in range(60)}
    names = list(people)
    begun()

    def erase() -> None:
        for email in names[:20]:
            destroy_keys(subject_id=people[email], retention_classes=list(RetentionClass))

    def join() -> None:
        for kept, absorbed in zip(names[20:40:2], names[21:40:2], strict=True):
            services.join_subjects(kept_id=people[kept], absorbed_id=people[absorbed])

    def enrol() -> None:
        for email in names[40:]:
            assert services.enrol(email=email).subject_id == people[email]

    def walk() -> None:
        drive(lambda: not IndexEpoch.objects.filter(filled_at=None).exists(), limit=3)

    _in_threads(erase, join, enrol, walk, walk)
    drive(lambda: living() == [2])
    found = services.find_by_email(emails=names)
    assert not set(names[:20]) & found.keys()
    expected = {e: people[names[i - i % 2]] for i, e in enumerate(names) if 20 <= i < 40}
    assert found == expected | {email: people[email] for email in names[40:]}
    assert len(rows()[2]) == 40


_PROCESS = """
import json, random, sys
from uuid import UUID
import django
django.setup()
from privacy import index_rotation, services
from privacy.services import RetentionClass
emails, found = [f"e{n}@example.org" for n in range(30)], {}
print("ready", flush=True)
for line in sys.stdin:
    said = services.enrol_many(emails=random.sample(emails, 10))
    for email in random.sample(emails, 10):
        said[email] = services.enrol(email=email).subject_id
    profiles = {subject: {"emails": [email]} for email, subject in said.items()}
    services.write_documents(documents=profiles, retention_class=RetentionClass.PROFILE)
    for email, subject in said.items():
        found.setdefault(email, set()).add(str(subject))
    print(json.dumps({email: sorted(ids) for email, ids in found.items()}), flush=True)
"""


class _Enroller:
    """A process of the product that enrols the same thirty people again and again."""

    def __init__(self) -> None:
        settings = {"DJANGO_SETTINGS_MODULE": "deploy.settings"}
        settings["ACCORD_KEYS_DIR"] = str(key_ring().folder)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROCESS],
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said: dict[str, list[str]] = {}

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def enrol_until(self, is_over: threading.Event) -> None:
        assert self.process.stdin
        rounds = 0
        while not is_over.is_set() or rounds < 5:
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
            self.said, rounds = json.loads(self.line()), rounds + 1
        self.process.communicate()


def test_processes_agree_throughout_two_whole_rotations() -> None:
    for email in PEOPLE:
        arrive(email)
    running = [_Enroller() for _ in range(3)]
    is_over = threading.Event()

    def rotate() -> None:
        try:
            for _ in range(2):
                emptied()
        finally:
            is_over.set()

    try:
        assert [each.line() for each in running] == ["ready\n"] * 3
        _in_threads(rotate, *(lambda each=each: each.enrol_until(is_over) for each in running))
    finally:
        for each in running:
            each.process.kill()
            each.process.wait()
    assert living() == [3]
    said: dict[str, set[str]] = {}
    for each in running:
        for email, subjects in each.said.items():
            said.setdefault(email, set()).update(subjects)
    assert len(said) == 30
    assert {len(subjects) for subjects in said.values()} == {1}
    for email, agreed in said.items():
        assert {str(subject) for subject in said_of(email).values()} == agreed


def _retire() -> None:
    finish_index_rotation(losing=1, now=NOW)


def _erase() -> None:
    destroy_keys(subject_id=uuid4(), retention_classes=list(RetentionClass))


def _join() -> None:
    services.join_subjects(kept_id=uuid4(), absorbed_id=uuid4())


@pytest.mark.parametrize(
    ("before", "work"), [(None, begun), (filled, _retire), (None, _erase), (filled, _join)]
)
def test_what_changes_where_tokens_lead_waits_for_enrolments_under_way(
    before: Callable[[], None] | None, work: Callable[[], None]
) -> None:
    """Even of somebody else: between the writings under two epochs nothing may come."""
    services.enrol(email="without-a-document@example.org")
    if before is not None:
        before()
    order: list[str] = []
    entered, go_on = threading.Event(), threading.Event()

    def enrol() -> None:
        with transaction.atomic(using="vault"):
            services.enrol_many(emails=PEOPLE)
            entered.set()
            go_on.wait(10)
            order.append("enrolled")

    def change() -> None:
        entered.wait(10)
        threading.Timer(0.3, go_on.set).start()
        work()
        order.append("changed")

    _in_threads(enrol, change)
    assert order == ["enrolled", "changed"]


def test_enrolments_do_not_wait_for_the_making_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key server may take its seconds."""
    make, waited = make_index_key, []

    def slow(ring: LocalKeyRing, *, above: int, now: datetime) -> int:
        def enrol() -> None:
            services.enrol_many(emails=PEOPLE)
            connections.close_all()

        enrolling = threading.Thread(target=enrol)
        enrolling.start()
        enrolling.join(5)
        waited.append(enrolling.is_alive())
        return make(ring, above=above, now=now)

    monkeypatch.setattr(index_rotation, "make_index_key", slow)
    assert rotate_index(now=NOW) == 2
    assert waited == [False]
    assert len(services.find_by_email(emails=PEOPLE)) == len(PEOPLE)


@pytest.mark.parametrize("meanwhile", [begun, emptied])
def test_a_key_that_somebody_elses_rotation_overtook_is_not_used(
    meanwhile: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = make_index_key

    def overtaken(ring: LocalKeyRing, *, above: int, now: datetime) -> int:
        made = make(ring, above=above, now=now)
        monkeypatch.undo()
        meanwhile()
        return made

    monkeypatch.setattr(index_rotation, "make_index_key", overtaken)
    with pytest.raises(RotationUnderWay):
        rotate_index(now=NOW)
    assert 2 not in living()
    drive(lambda: living() == [3])
    assert rotate_index(now=NOW) == 4


def test_enrolments_go_side_by_side() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with transaction.atomic(using="vault"):
            services.enrol_many(emails=PEOPLE[:3])
            entered.set()
            assert go_on.wait(10), "the second enrolment waited for the first"

    def second() -> None:
        entered.wait(10)
        services.enrol_many(emails=PEOPLE[3:])
        go_on.set()

    _in_threads(first, second)
    assert len(services.find_by_email(emails=PEOPLE)) == len(PEOPLE)


# --- the roles and the commands --------------------------------------------------------------


def test_staff_may_read_how_far_it_is_and_only_the_worker_moves_it(connect: Connect) -> None:
    begun()
    with connect("staff", "vault") as connection:
        assert connection.execute("SELECT count(*) FROM privacy_indexepoch").fetchone() == (2,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE privacy_indexepoch SET walked = 1")
    with connect("worker", "vault") as connection:
        connection.execute("UPDATE privacy_indexepoch SET walked = 1")


def test_the_command_rotates_and_shows_every_epoch() -> None:
    for email in PEOPLE:
        arrive(email)
    out = StringIO()
    call_command("keys", "status", stdout=out)
    assert f"index epoch 1: alone, {len(PEOPLE)} rows" in out.getvalue()
    call_command("keys", "rotate-index", stdout=out)
    call_command("keys", "status", stdout=out)
    assert "index epoch 2: being filled, 0 people so far, 0 rows" in out.getvalue()
    with pytest.raises(CommandError, match="under way"):
        call_command("keys", "rotate-index", stdout=out)


def test_the_command_can_do_all_of_it_itself() -> None:
    for email in PEOPLE:
        arrive(email)
    out = StringIO()
    call_command("keys", "rotate-index", "--here", stdout=out)
    assert f"{len(PEOPLE)} people" in out.getvalue()
    assert "index epoch 1: retired, no row left, 0 rows" in out.getvalue()
    assert f"index epoch 2: written under and asked about, {len(PEOPLE)} rows" in out.getvalue()


def test_retired_rows_are_not_asked_for() -> None:
    arrive(PEOPLE[0])
    retired()
    stranger = uuid4()
    with connections["vault"].cursor() as cursor:
        cursor.execute("UPDATE bidx SET subject_id = %s WHERE epoch = 1", [stranger])
    assert stranger not in services.find_by_email(emails=PEOPLE).values()
    assert services.enrol(email=PEOPLE[0]).subject_id != stranger
