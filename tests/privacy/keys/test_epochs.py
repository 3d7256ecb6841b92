"""Epochs are made each week, retired by their successor, and never come back."""

import json
import shutil
import threading
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction

from privacy import services
from privacy.models import DataKey, KeyEpoch, RetentionClass, SealingKeyPair
from privacy.vault.destruction import destroy_epoch, finish_destructions
from privacy.vault.epochs import Reason, rotate_epoch, rotate_if_due, sync_epochs
from privacy.vault.keyring import EpochInUse, KeysMissing, LocalKeyRing
from privacy.vault.rewrapping import rewrap
from tests.conftest import NOW, Connect
from tests.privacy.keys.people import agreed_destruction, forget_epochs, sql

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
PROFILE = RetentionClass.PROFILE
DAY = timedelta(days=1)


def _somebody() -> UUID:
    subject = uuid4()
    services.write_document(subject_id=subject, retention_class=PROFILE, document={"n": 1})
    return subject


def test_a_years_rotations_follow_the_clock(ring: LocalKeyRing) -> None:
    made = [rotate_if_due(now=NOW + day * DAY) for day in range(365)]
    assert [number for number in made if number] == list(range(2, 54))
    rows = list(KeyEpoch.objects.order_by("number"))
    assert [row.number for row in rows] == ring.epochs() == list(range(1, 54))
    for row, successor in pairwise(rows):
        assert row.retired_at == successor.made_at == row.made_at + 7 * DAY
    assert rows[-1].retired_at is None


def test_an_urgent_rotation_is_at_once_and_says_why(ring: LocalKeyRing) -> None:
    assert rotate_epoch(now=NOW, reason=Reason.ERASURE) == 2
    assert rotate_if_due(now=NOW + 6 * DAY) is None
    _somebody()
    assert DataKey.objects.get().kek_epoch == 2
    assert KeyEpoch.objects.get(number=2).reason == "erasure"


def test_a_crash_between_file_and_row_is_made_good(ring: LocalKeyRing) -> None:
    ring.add_epoch(now=NOW + DAY)
    assert KeyEpoch.objects.count() == 1
    sync_epochs(now=NOW + 2 * DAY)
    sync_epochs(now=NOW + 3 * DAY)
    assert list(KeyEpoch.objects.order_by("number").values_list("made_at", "retired_at")) == [
        (NOW, NOW + DAY),
        (NOW + DAY, None),
    ]


def test_a_rotation_that_is_rolled_back_does_not_use_its_number_twice(ring: LocalKeyRing) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic(using="vault"):
        rotate_epoch(now=NOW + DAY, reason=Reason.EXERCISE)
        raise ZeroDivisionError
    assert rotate_epoch(now=NOW + 2 * DAY, reason=Reason.EXERCISE) == 3
    assert KeyEpoch.objects.count() == 3


def test_nothing_is_wrapped_under_a_destroyed_epoch(ring: LocalKeyRing) -> None:
    subject = _somebody()
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    approval = agreed_destruction(epoch=1, now=NOW)
    destroy_epoch(epoch=1, approval_id=approval, now=NOW)
    for work in (
        lambda: DataKey.objects.filter(subject_id=subject).update(kek_epoch=1),
        lambda: SealingKeyPair.objects.update(kek_epoch=1),
        lambda: sql(
            "vault",
            "INSERT INTO dek (subject_id, retention_class, generation, kek_epoch, rev_floor,"
            " wrapped) VALUES (%s, 1, 1, 1, 0, '')",
            uuid4(),
        ),
        lambda: SealingKeyPair.objects.create(
            id=1, public=b"", private_wrapped=b"", kek_epoch=1, created_at=NOW
        ),
    ):
        with pytest.raises(IntegrityError), transaction.atomic(using="vault"):
            work()
    assert services.read_documents(subject_ids=[subject], retention_class=PROFILE)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO privacy_keyepoch (number, reason, made_at) VALUES (1, 'weekly', now())",
        "DELETE FROM privacy_keyepoch",
        "TRUNCATE privacy_keyepoch",
        "UPDATE privacy_keyepoch SET made_at = now() WHERE number = 1",
        "UPDATE privacy_keyepoch SET retired_at = NULL WHERE number = 1",
        "UPDATE privacy_keyepoch SET destroyed_at = NULL WHERE number = 1",
        "UPDATE privacy_keyepoch SET destroyed_at = now() WHERE number = 2",
    ],
)
def test_the_table_refuses_what_undoes_a_life(ring: LocalKeyRing, statement: str) -> None:
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic(using="vault"):
        sql("vault", statement)


def test_an_older_copy_of_the_ring_brings_no_epoch_back(ring: LocalKeyRing, tmp_path: Path) -> None:
    shutil.copytree(ring.folder, tmp_path / "copy")
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW)
    second = (ring.folder / "kek-000002.json").read_bytes()
    shutil.rmtree(ring.folder)
    shutil.copytree(tmp_path / "copy", ring.folder)
    (ring.folder / "kek-000002.json").write_bytes(second)
    assert finish_destructions(now=NOW) == [1]
    assert ring.epochs() == [2]
    with pytest.raises(KeysMissing):
        LocalKeyRing(ring.folder).kek(1)
    assert rotate_epoch(now=NOW, reason=Reason.EXERCISE) == 3


def test_an_older_vault_learns_from_the_ring_what_was_destroyed(ring: LocalKeyRing) -> None:
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW + DAY)
    forget_epochs()
    sync_epochs(now=NOW + 2 * DAY)
    first = KeyEpoch.objects.get(number=1)
    assert first.destroyed_at == NOW + DAY
    assert first.file_sha256 is not None
    note = json.loads((ring.folder / "kek-000001.destroyed").read_text())
    assert bytes(first.file_sha256).hex() == note["file_sha256"]


def test_a_ring_that_is_not_there_is_not_synchronised(ring: LocalKeyRing) -> None:
    for path in ring.folder.glob("kek-*"):
        path.unlink()
    with pytest.raises(KeysMissing):
        sync_epochs(now=NOW)
    assert KeyEpoch.objects.count() == 1


def test_four_workers_at_once_make_one_epoch(ring: LocalKeyRing) -> None:
    made: list[int | None] = []

    def rotate() -> None:
        try:
            made.append(rotate_if_due(now=NOW + 7 * DAY))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=rotate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made, key=bool) == [None, None, None, 2]
    assert ring.epochs() == [1, 2]


_INSERT = (
    "INSERT INTO dek (subject_id, retention_class, generation, kek_epoch, rev_floor, wrapped)"
    " VALUES (%s, 1, 1, %s, 0, '')"
)


@pytest.mark.parametrize("process", ["staff", "worker"])
def test_the_roles_write_under_living_epochs_only(
    ring: LocalKeyRing, connect: Connect, process: str
) -> None:
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW)
    with connect(process, "vault") as connection:
        connection.execute(_INSERT, [uuid4(), 2])
        connection.execute("UPDATE dek SET rev_floor = 1")
        connection.execute("DELETE FROM privacy_orphankey")
        connection.execute("SELECT FROM privacy_lostkey")
        connection.execute("SAVEPOINT before")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(_INSERT, [uuid4(), 1])
        for forbidden in (
            "DELETE FROM privacy_keyepoch",
            "UPDATE privacy_keyepoch SET destroyed_at = NULL WHERE number = 1",
        ):
            connection.execute("ROLLBACK TO before")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)


def test_a_writer_under_way_is_waited_for_by_a_destruction(
    ring: LocalKeyRing, connect: Connect
) -> None:
    """A process that looked at the ring before the rotation commits after the last sweep."""
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    approval = agreed_destruction(epoch=1, now=NOW)
    refused: list[str] = []

    def destroy() -> None:
        try:
            destroy_epoch(epoch=1, approval_id=approval, now=NOW)
        except EpochInUse as error:
            refused.append(str(error))
        finally:
            connections.close_all()

    with connect("worker", "vault") as connection:
        connection.execute(_INSERT, [uuid4(), 1])
        thread = threading.Thread(target=destroy)
        thread.start()
        thread.join(timeout=1)
        assert thread.is_alive()
        connection.commit()
        thread.join()
    assert refused == ["Keys are wrapped under epoch 1: `keys rewrap` first."]
    assert ring.epochs() == [1, 2]
