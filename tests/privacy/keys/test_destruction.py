"""The end of an epoch: two people, nothing that needs it, an attestation, and no way back."""

import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from privacy import envelopes, services
from privacy.approvals import NotApproved, SamePerson, approve, request_approval
from privacy.envelopes import SEALING_KEY_LIFE, refresh_sealing_key
from privacy.key_life import keep_keys
from privacy.models import Approval, KeyDestruction, KeyEpoch, RetentionClass, SealingKeyPair
from privacy.vault import destruction, keyring
from privacy.vault.destruction import (
    SCHEDULE,
    destroy_due_epochs,
    destroy_epoch,
    due_epochs,
    end_schedule,
    finish_destructions,
    schedule_reference,
)
from privacy.vault.epochs import (
    Reason,
    epochs_from_the_future,
    note_emptied,
    rotate_epoch,
    rotate_if_due,
    sync_epochs,
)
from privacy.vault.keyring import EpochInUse, KeysMissing, LocalKeyRing, key_ring
from privacy.vault.rewrapping import rewrap
from tests.conftest import NOW
from tests.privacy.keys.people import (
    ALICE,
    BOB,
    agreed_destruction,
    agreed_schedule,
    forget_epochs,
    sql,
)

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
PROFILE = RetentionClass.PROFILE
DAY = timedelta(days=1)
ROOT = Path(__file__).resolve().parents[3]


def _somebody() -> UUID:
    subject = uuid4()
    services.write_document(subject_id=subject, retention_class=PROFILE, document={"n": 1})
    return subject


def _retired() -> UUID:
    """Somebody's document, with its key moved from epoch 1 to 2."""
    subject = _somebody()
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    note_emptied(now=NOW)
    return subject


def test_a_year_under_a_schedule_destroys_each_epoch_on_its_day(ring: LocalKeyRing) -> None:
    agreed_schedule(now=NOW)
    subject = _somebody()
    for day in range(1, 366):
        if day == 360:
            agreed_schedule(now=NOW + day * DAY)
        keep_keys(now=NOW + day * DAY)
    rows = list(KeyEpoch.objects.order_by("number"))
    assert len(rows) == 53
    for row in rows[:-2]:
        assert row.retired_at == row.made_at + 7 * DAY
        assert row.destroyed_at == row.retired_at + 8 * DAY
    assert rows[-2].destroyed_at is None
    assert ring.epochs() == [52, 53]
    assert KeyDestruction.objects.filter(kind="epoch").count() == 51
    assert services.read_documents(subject_ids=[subject], retention_class=PROFILE)


def test_without_a_schedule_due_epochs_wait(ring: LocalKeyRing) -> None:
    _retired()
    done = destroy_due_epochs(now=NOW + 8 * DAY)
    assert (done.epochs, done.unapproved) == ((), (1,))
    assert ring.epochs() == [1, 2]
    agreed_schedule(now=NOW + 8 * DAY)
    assert destroy_due_epochs(now=NOW + 8 * DAY).epochs == (1,)


def test_a_schedule_ends_after_a_year(ring: LocalKeyRing) -> None:
    agreed_schedule(now=NOW)
    rotate_epoch(now=NOW + 360 * DAY, reason=Reason.EXERCISE)
    rewrap()
    assert destroy_due_epochs(now=NOW + 368 * DAY).unapproved == (1,)


def test_one_person_is_no_schedule(ring: LocalKeyRing) -> None:
    _retired()
    number = request_approval(
        kind=SCHEDULE,
        reference=schedule_reference(),
        requested_by=ALICE,
        now=NOW,
        expires_at=NOW + 365 * DAY,
    )
    with pytest.raises(SamePerson):
        approve(approval_id=number, decided_by=ALICE, now=NOW)
    assert destroy_due_epochs(now=NOW + 8 * DAY).unapproved == (1,)


def test_not_a_day_early_under_the_schedule(ring: LocalKeyRing) -> None:
    agreed_schedule(now=NOW)
    _retired()
    moment = NOW + 8 * DAY - timedelta(seconds=1)
    assert due_epochs(now=moment) == []
    assert destroy_due_epochs(now=moment).epochs == ()
    assert ring.epochs() == [1, 2]


def test_what_a_row_needs_is_not_destroyed(ring: LocalKeyRing) -> None:
    agreed_schedule(now=NOW)
    subject = _somebody()
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    done = destroy_due_epochs(now=NOW + 9 * DAY)
    assert (done.epochs, done.needed) == ((), (1,))
    approval = agreed_destruction(epoch=1, now=NOW)
    with pytest.raises(EpochInUse, match="rewrap"):
        destroy_epoch(epoch=1, approval_id=approval, now=NOW)
    assert Approval.objects.get(id=approval).used_at is None
    assert services.read_documents(subject_ids=[subject], retention_class=PROFILE)


# --- what one epoch may not do to the others, and what a clock may not do to any ---------------


def _two_due(ring: LocalKeyRing) -> Path:
    """Epochs 1 and 2 are due, nothing needs them; the path of the file of 1."""
    _retired()
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    note_emptied(now=NOW)
    agreed_schedule(now=NOW)
    return ring.folder / "kek-000001.json"


def test_a_file_that_is_gone_is_attested_as_found_gone_and_stops_no_other(
    ring: LocalKeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    path = _two_due(ring)
    path.rename(ring.folder / "away")
    done = keep_keys(now=NOW + 8 * DAY)
    assert (done.epochs, done.found_gone) == ((1, 2), (1,))
    assert "key epochs [1] had no file any more" in caplog.text
    first, second = KeyDestruction.objects.filter(kind="epoch").order_by("number")
    assert first.file_sha256 is None
    assert second.file_sha256 is not None
    note = json.loads((ring.folder / "kek-000001.destroyed").read_text())
    assert "was not deleted by the product" in note["statement"]
    assert ring.epochs() == [3, 4]  # the week of 3 is over too
    (ring.folder / "away").rename(path)
    assert finish_destructions(now=NOW + 9 * DAY) == [1]
    assert not path.exists()
    forget_epochs()
    sync_epochs(now=NOW + 9 * DAY)
    assert KeyEpoch.objects.get(number=1).file_sha256 is None


def test_a_file_that_cannot_be_read_stops_no_other(
    ring: LocalKeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    path = _two_due(ring)
    content = path.read_bytes()
    path.unlink()
    path.mkdir()
    done = keep_keys(now=NOW + 8 * DAY)
    assert (done.epochs, done.unreadable) == ((2,), (1,))
    assert "key epochs [1] are due to be destroyed, and their files cannot be read" in caplog.text
    assert KeyEpoch.objects.get(number=1).destroyed_at is None
    path.rmdir()
    path.write_bytes(content)
    assert destroy_due_epochs(now=NOW + 8 * DAY).epochs == (1,)


def test_a_file_that_is_gone_is_not_given_up_while_a_row_needs_it(ring: LocalKeyRing) -> None:
    agreed_schedule(now=NOW)
    _somebody()
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    (ring.folder / "kek-000001.json").rename(ring.folder / "away")
    assert destroy_due_epochs(now=NOW + 20 * DAY).needed == (1,)
    assert destroy_due_epochs(now=NOW + 30 * DAY).needed == (1,)
    assert KeyEpoch.objects.get(number=1).destroyed_at is None


def test_an_epoch_that_was_just_emptied_waits_for_a_dump(
    ring: LocalKeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    """Rotated, killed before the keys were moved, off for nine days, and all at once then."""
    agreed_schedule(now=NOW)
    subject = _somebody()
    rotate_epoch(now=NOW, reason=Reason.ERASURE)
    start = NOW + 9 * DAY
    done = keep_keys(now=start)
    assert (done.epochs, done.fresh) == ((), (1,))
    assert "wait a day for a dump" in caplog.text
    assert keep_keys(now=start + DAY - timedelta(seconds=1)).epochs == ()
    assert ring.epochs() == [1, 2, 3]
    assert keep_keys(now=start + DAY).epochs == (1,)
    assert services.read_documents(subject_ids=[subject], retention_class=PROFILE)


def test_an_epoch_that_something_came_back_to_is_emptied_anew(ring: LocalKeyRing) -> None:
    agreed_schedule(now=NOW)
    _retired()
    sql("vault", "UPDATE dek SET kek_epoch = 1")  # a slow process
    assert destroy_due_epochs(now=NOW + 8 * DAY).needed == (1,)
    assert KeyEpoch.objects.get(number=1).emptied_at is None
    sql("vault", "UPDATE dek SET kek_epoch = 2")
    assert destroy_due_epochs(now=NOW + 9 * DAY).fresh == (1,)
    assert destroy_due_epochs(now=NOW + 10 * DAY).epochs == (1,)


def test_one_officer_ends_the_schedule_and_two_begin_it_again(ring: LocalKeyRing) -> None:
    _retired()
    agreed_schedule(now=NOW)
    agreed_schedule(now=NOW)
    assert end_schedule(ended_by=BOB, now=NOW + DAY) == 2
    assert end_schedule(ended_by=BOB, now=NOW + DAY) == 0
    assert destroy_due_epochs(now=NOW + 8 * DAY).unapproved == (1,)
    agreed_schedule(now=NOW + 8 * DAY)
    assert destroy_due_epochs(now=NOW + 8 * DAY).epochs == (1,)


def test_a_clock_that_ran_ahead_ends_no_rotation_and_brings_no_end_forward(
    ring: LocalKeyRing,
) -> None:
    agreed_schedule(now=NOW)
    _somebody()
    ahead = NOW + 3650 * DAY
    assert keep_keys(now=ahead).epochs == ()
    due = NOW + 8 * DAY
    done = destroy_due_epochs(now=due)
    assert done.epochs == ()
    with pytest.raises(EpochInUse, match="from the future"):
        destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=due), now=due)
    keep_keys(now=due)
    rows = {row.number: row for row in KeyEpoch.objects.all()}
    assert (rows[3].made_at, rows[3].retired_at) == (due, None)
    assert epochs_from_the_future(now=due) == [1, 2]
    assert keep_keys(now=due + 6 * DAY).epochs == ()
    later = due + 7 * DAY
    keep_keys(now=later)
    assert ring.epochs() == [1, 2, 3, 4]
    for epoch in (1, 2):  # dated by nobody's clock: two people may, at any time
        approval = agreed_destruction(epoch=epoch, now=later)
        destroy_epoch(epoch=epoch, approval_id=approval, now=later)
    assert KeyDestruction.objects.filter(kind="epoch", destroyed_at=later).count() == 2
    assert epochs_from_the_future(now=later) == []


def test_nothing_is_destroyed_while_the_newest_epoch_is_from_the_future(
    ring: LocalKeyRing,
) -> None:
    _two_due(ring)
    rotate_epoch(now=NOW + 3650 * DAY, reason=Reason.EXERCISE)
    assert destroy_due_epochs(now=NOW + 8 * DAY).doubtful == (1, 2)
    assert ring.epochs() == [1, 2, 3, 4]
    rotate_if_due(now=NOW + 8 * DAY)
    assert destroy_due_epochs(now=NOW + 8 * DAY).epochs == (1, 2)


def test_a_clock_that_ran_behind_brings_no_end_forward(ring: LocalKeyRing) -> None:
    """It makes an epoch from the past, at whose date the one before seems to have retired."""
    agreed_schedule(now=NOW)
    _somebody()
    keep_keys(now=NOW - 3650 * DAY)
    fixed = NOW + 6 * DAY
    keep_keys(now=fixed)
    assert [row.made_at for row in KeyEpoch.objects.order_by("number")][2] == fixed
    assert KeyEpoch.objects.get(number=1).retired_at == NOW
    assert keep_keys(now=fixed + 8 * DAY - timedelta(seconds=1)).epochs == ()
    assert 1 in keep_keys(now=fixed + 8 * DAY).epochs


def test_a_sealing_key_alone_keeps_its_epoch(ring: LocalKeyRing) -> None:
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    with pytest.raises(EpochInUse):
        destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW)
    rewrap()
    destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW)


def test_the_current_epoch_cannot_be_destroyed(ring: LocalKeyRing) -> None:
    SealingKeyPair.objects.all().delete()
    with pytest.raises(EpochInUse, match="retired"):
        destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW)


def test_an_agreement_is_to_one_epoch_and_once(ring: LocalKeyRing) -> None:
    _retired()
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    approval = agreed_destruction(epoch=1, now=NOW)
    with pytest.raises(NotApproved):
        destroy_epoch(epoch=2, approval_id=approval, now=NOW)
    destroy_epoch(epoch=1, approval_id=approval, now=NOW)
    with pytest.raises(NotApproved):
        destroy_epoch(epoch=1, approval_id=approval, now=NOW)
    assert ring.epochs() == [2, 3]


def test_the_attestation_says_who_when_and_what(ring: LocalKeyRing) -> None:
    _retired()
    content = ring.epoch_file(1)
    approval = agreed_destruction(epoch=1, now=NOW)
    destroy_epoch(epoch=1, approval_id=approval, now=NOW + DAY)
    row = KeyDestruction.objects.get(kind="epoch")
    assert (row.number, row.made_at, row.retired_at) == (1, NOW, NOW)
    assert (row.destroyed_at, row.rows_left) == (NOW + DAY, 0)
    assert (row.requested_by, row.approved_by, row.approval_id) == (ALICE, BOB, approval)
    assert row.file_sha256 is not None
    assert bytes(row.file_sha256) == hashlib.sha256(content).digest()
    note = json.loads((ring.folder / "kek-000001.destroyed").read_text())
    assert note["file_sha256"] == hashlib.sha256(content).hexdigest()
    assert note["approved_by"] == str(BOB)
    assert "every copy of this file" in note["statement"]
    assert not (ring.folder / "kek-000001.json").exists()
    assert (ring.folder / "kek-000001.destroyed").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE privacy_keydestruction SET destroyed_at = now()",
        "DELETE FROM privacy_keydestruction",
        "TRUNCATE privacy_keydestruction",
    ],
)
def test_an_attestation_stays_as_it_is(ring: LocalKeyRing, statement: str) -> None:
    _retired()
    destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        sql("default", statement)


@pytest.mark.parametrize("missing", ["requested_by", "approved_by"])
def test_no_epoch_is_attested_without_two_people(missing: str) -> None:
    people = {"requested_by": ALICE, "approved_by": BOB, missing: None}
    with pytest.raises(IntegrityError), transaction.atomic():
        KeyDestruction.objects.create(
            kind="epoch", number=9, made_at=NOW, retired_at=NOW, destroyed_at=NOW, **people
        )


class _Died(Exception):
    pass


@pytest.mark.parametrize("step", ["decided", "note", "file deleted", "attested"])
def test_a_crash_at_any_step_is_finished_by_the_next_call(
    ring: LocalKeyRing, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _retired()
    approval = agreed_destruction(epoch=1, now=NOW)

    def die(done: str = "") -> None:
        if done in ("", step):
            raise _Died

    finish = destruction.finish_destructions
    if step == "decided":
        monkeypatch.setattr(destruction, "finish_destructions", lambda **_: die())
    elif step == "note":
        monkeypatch.setattr(Path, "unlink", lambda *_a, **_k: die())
    else:
        monkeypatch.setattr(
            destruction, "finish_destructions", lambda **more: finish(**more, between=die)
        )
    with pytest.raises(_Died):
        destroy_epoch(epoch=1, approval_id=approval, now=NOW)
    monkeypatch.undo()
    fresh = LocalKeyRing(ring.folder)
    if step != "decided":
        with pytest.raises(KeysMissing):
            fresh.kek(1)
    finish_destructions(now=NOW + DAY)
    assert finish_destructions(now=NOW + DAY) == []
    assert key_ring().epochs() == [2]
    assert not (ring.folder / "kek-000001.json").exists()
    row = KeyDestruction.objects.get(kind="epoch")
    assert (row.destroyed_at, row.approved_by) == (NOW, BOB)
    assert Approval.objects.get(id=approval).used_at == NOW


def test_what_is_under_a_destroyed_epoch_in_an_old_vault_stays_closed(ring: LocalKeyRing) -> None:
    """The one promise of all this: an old backup, and the ring of today."""
    subject = _somebody()
    wrapped = sql("vault", "SELECT wrapped FROM dek")[0][0]
    rotate_epoch(now=NOW, reason=Reason.ERASURE)
    rewrap()
    destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW)
    sql("vault", "ALTER TABLE dek DISABLE TRIGGER USER")
    sql("vault", "UPDATE dek SET wrapped = %s, kek_epoch = 1", wrapped)
    sql("vault", "ALTER TABLE dek ENABLE TRIGGER USER")
    assert services.read_documents(subject_ids=[subject], retention_class=PROFILE) == {}


_OTHER = """
import sys, time
from pathlib import Path
from privacy.vault import keyring
keyring.REMEMBERED_SECONDS = 1
ring = keyring.LocalKeyRing(Path(sys.argv[1]))
ring.kek(1)
print("has it", flush=True)
sys.stdin.readline()
ring.kek(1)
print("still has it", flush=True)
time.sleep(1.1)
try:
    ring.kek(1)
except keyring.KeysMissing:
    print("forgot it", flush=True)
"""


def test_another_process_forgets_a_destroyed_key_within_the_minute(ring: LocalKeyRing) -> None:
    assert keyring.REMEMBERED_SECONDS == 60
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "deploy.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", _OTHER, str(ring.folder)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "has it\n"
        _retired()
        destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW)
        other.stdin.write("\n")
        other.stdin.flush()
        said = other.stdout.read()
    assert said.endswith("forgot it\n")


def test_a_key_in_use_is_looked_for_once_a_minute(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ring.kek(1)
    (ring.folder / "kek-000001.json").rename(ring.folder / "away")
    assert ring.kek(1) == key
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with pytest.raises(KeysMissing):
        ring.kek(1)


def test_spent_sealing_keys_are_attested_with_their_dates(ring: LocalKeyRing) -> None:
    for day in range(20):
        refresh_sealing_key(now=NOW + day * DAY)
    attested = list(KeyDestruction.objects.filter(kind="sealing").order_by("number"))
    assert len(attested) == 11
    for row in attested:
        assert row.retired_at == row.made_at + DAY
        assert row.destroyed_at == row.retired_at + SEALING_KEY_LIFE
    left = set(SealingKeyPair.objects.values_list("id", flat=True))
    assert len(left) == 9
    assert not left & {row.number for row in attested}


def test_a_sealing_key_is_not_forgotten_by_a_crash_before_its_attestation(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh_sealing_key(now=NOW + DAY)

    def die(_spent: object) -> None:
        raise _Died

    monkeypatch.setattr(envelopes, "_attest_sealing_keys", die)
    with pytest.raises(_Died):
        refresh_sealing_key(now=NOW + 9 * DAY)
    monkeypatch.undo()
    emptied = SealingKeyPair.objects.exclude(retired_at=None).get()
    assert bytes(emptied.private_wrapped) == b""
    rotate_epoch(now=NOW + 9 * DAY, reason=Reason.EXERCISE)
    assert rewrap().unreadable == 0
    refresh_sealing_key(now=NOW + 10 * DAY)
    row = KeyDestruction.objects.get(kind="sealing", number=emptied.id)
    assert row.destroyed_at == NOW + 9 * DAY
    assert not SealingKeyPair.objects.filter(id=emptied.id).exists()
