"""Keys move to the current epoch while everybody reads and writes, whatever dies in between."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections

from privacy import services
from privacy.models import DataKey, RetentionClass, SealingKeyPair
from privacy.vault import rewrapping
from privacy.vault.epochs import Reason, epochs_in_use, rotate_epoch
from privacy.vault.keyring import KeysMissing, LocalKeyRing
from privacy.vault.rewrapping import rewrap
from privacy.vault.store import read_keys
from tests.conftest import NOW
from tests.privacy.keys.people import sql

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
PROFILE = RetentionClass.PROFILE
ROOT = Path(__file__).resolve().parents[3]


def _people(count: int) -> dict[UUID, dict[str, Any]]:
    documents: dict[UUID, dict[str, Any]] = {uuid4(): {"n": number} for number in range(count)}
    services.write_documents(documents=documents, retention_class=PROFILE)
    return documents


def _epochs() -> dict[int, int]:
    return dict(sql("vault", "SELECT kek_epoch, count(*) FROM dek GROUP BY 1"))


def test_everything_moves_and_opens_and_no_document_is_touched(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrapping, "BATCH", 100)
    documents = _people(450)
    bodies = sql("default", "SELECT subject_id, rev, body FROM blob ORDER BY 1")
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    seen: list[int] = []
    assert rewrap(report=lambda so_far: seen.append(so_far.moved)).moved == 451  # a sealing key too
    assert seen == [100, 200, 300, 400, 450]
    assert _epochs() == {2: 450}
    assert SealingKeyPair.objects.get().kek_epoch == 2
    assert services.read_documents(subject_ids=documents, retention_class=PROFILE) == documents
    assert sql("default", "SELECT subject_id, rev, body FROM blob ORDER BY 1") == bodies
    assert rewrap().moved == 0


def test_keys_of_several_epochs_move_at_once(ring: LocalKeyRing) -> None:
    documents = _people(10)
    for _ in range(3):
        rotate_epoch(now=NOW, reason=Reason.EXERCISE)
        documents |= _people(10)
    assert epochs_in_use() == [1, 2, 3, 4]
    assert rewrap().moved == 31
    assert epochs_in_use() == [4]
    assert services.read_documents(subject_ids=documents, retention_class=PROFILE) == documents


def test_what_does_not_open_is_left_and_counted(ring: LocalKeyRing) -> None:
    documents = _people(10)
    first, second, *_ = sorted(documents)
    swapped = dict(sql("vault", "SELECT subject_id, wrapped FROM dek"))
    sql("vault", "UPDATE dek SET wrapped = %s WHERE subject_id = %s", swapped[second], first)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    done = rewrap()
    assert (done.moved, done.unreadable) == (10, 1)
    assert _epochs() == {1: 1, 2: 9}


def test_keys_under_an_epoch_whose_file_is_gone_wait_for_it(ring: LocalKeyRing) -> None:
    _people(3)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    path = ring.folder / "kek-000001.json"
    content = path.read_bytes()
    path.unlink()
    ring._epochs.clear()
    assert rewrap().gone == (1,)
    path.write_bytes(content)
    assert rewrap().moved == 4


def test_a_ring_that_does_not_open_at_all_is_not_called_gone_epochs(ring: LocalKeyRing) -> None:
    """The repair is another: the root, or the key server, not the files of epochs."""
    _people(3)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    (ring.folder / "root.key").rename(ring.folder / "away")
    ring._epochs.clear()
    with pytest.raises(KeysMissing):
        rewrap()
    (ring.folder / "away").rename(ring.folder / "root.key")
    assert rewrap().moved == 4


def test_a_row_that_somebody_holds_is_met_by_the_next_sweep(ring: LocalKeyRing) -> None:
    documents = _people(10)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    held = next(iter(documents))
    with connections["vault"].copy().cursor() as other:
        other.execute("BEGIN")
        other.execute("SELECT FROM dek WHERE subject_id = %s FOR UPDATE", [held])
        assert rewrap().moved == 10
        assert _epochs() == {1: 1, 2: 9}
        other.execute("ROLLBACK")
        other.connection.close()
    assert rewrap().moved == 1


def test_a_key_made_under_the_old_epoch_after_the_sweep_is_met_by_the_next(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    monkeypatch.setattr(ring, "current_epoch", lambda: 1)  # a process that looked before
    late = _people(1)
    monkeypatch.undo()
    assert _epochs() == {1: 1}
    assert rewrap().moved == 1
    assert services.read_documents(subject_ids=late, retention_class=PROFILE) == late


def test_a_key_that_was_destroyed_and_made_anew_is_not_overwritten(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is the same, its key is another: what was read must still be there."""
    subject = uuid4()
    services.seal_evidence(subject_id=subject, records={uuid4(): {}})
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    anew = os.urandom(60)
    wrap = rewrapping._wrapped_anew

    def meanwhile(*args: Any) -> Any:
        fresh = wrap(*args)
        sql("vault", "UPDATE dek SET wrapped = %s WHERE subject_id = %s", anew, subject)
        return fresh

    monkeypatch.setattr(rewrapping, "_wrapped_anew", meanwhile)
    assert rewrap().moved == 1  # the sealing key
    assert bytes(sql("vault", "SELECT wrapped FROM dek")[0][0]) == anew


def test_four_workers_and_four_writers_at_once(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrapping, "BATCH", 50)
    documents = _people(600)
    subjects = list(documents)
    changed: dict[UUID, int] = {}
    failed: list[BaseException] = []
    is_over = threading.Event()

    def write(number: int) -> None:
        for turn, subject in enumerate(subjects[number::4]):
            if is_over.is_set():
                return
            change = {"n": turn}
            services.write_document(subject_id=subject, retention_class=PROFILE, document=change)
            assert services.read_documents(subject_ids=[subject], retention_class=PROFILE)
            changed[subject] = turn
            if turn % 10 == 0:
                fresh = uuid4()
                services.write_document(subject_id=fresh, retention_class=PROFILE, document=change)
                changed[fresh] = turn

    def sweep(_number: int) -> None:
        for _ in range(3):
            rewrap()

    def run(work: Any, number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    threads = [
        threading.Thread(target=run, args=(work, number))
        for work in (write, sweep)
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.2)
        rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    for thread in threads[4:]:
        thread.join()
    is_over.set()
    for thread in threads[:4]:
        thread.join()
    assert not failed
    rewrap()
    assert epochs_in_use() == [5]
    expected = {
        subject: {"n": changed.get(subject, document["n"])}
        for subject, document in {**documents, **{one: {"n": 0} for one in changed}}.items()
    }
    everyone = services.read_documents(subject_ids=expected, retention_class=PROFILE)
    assert everyone == expected


_KILLED = """
import os, signal, sys
import django
django.setup()
from django.conf import settings
from pathlib import Path
settings.KEYS_DIR = Path(sys.argv[1])
from privacy.vault import rewrapping
rewrapping.BATCH = 40
def report(so_far):
    if so_far.moved >= 80:
        os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "within":
    write = rewrapping._wrapped_anew
    def die(*args):
        fresh = write(*args)
        if args[3].moved >= 80:
            os.kill(os.getpid(), signal.SIGKILL)
        return fresh
    rewrapping._wrapped_anew = die
    report = lambda so_far: None
rewrapping.rewrap(report=report)
"""


@pytest.mark.parametrize("where", ["between", "within"])
def test_a_killed_worker_leaves_whole_batches(ring: LocalKeyRing, where: str) -> None:
    documents = _people(200)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(ring.folder), where],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "deploy.settings"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert _epochs() == {1: 120, 2: 80}
    assert len(read_keys(list(documents), PROFILE)) == 200
    assert rewrap().moved == 121
    assert services.read_documents(subject_ids=documents, retention_class=PROFILE) == documents


def test_the_worker_never_holds_more_than_a_batch(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrapping, "BATCH", 64)
    _people(300)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    sizes: list[int] = []
    wrap = rewrapping._wrapped_anew

    def counted(rows: Any, *rest: Any) -> Any:
        sizes.append(len(rows))
        return wrap(rows, *rest)

    monkeypatch.setattr(rewrapping, "_wrapped_anew", counted)
    rewrap()
    assert max(sizes) == 64
    assert sum(sizes) == 300
    assert DataKey.objects.filter(kek_epoch=1).count() == 0
