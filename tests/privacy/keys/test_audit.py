"""A lost key stops all writing; an erased one does not; an orphan is swept, but never in haste."""

import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import uuid_utils.compat
from django.db import connections, transaction
from django.test import RequestFactory
from django.utils.translation import override

from crm.pages.errors import failed
from privacy import erasures, services
from privacy.approvals import NotApproved
from privacy.journal import JournalEvent, journal_writer
from privacy.models import DataKey, LostKey, OrphanKey, RemovedKey, RetentionClass
from privacy.services import KeysLost
from privacy.services import RetentionClass as Class
from privacy.vault import audit, interlock, removal, sweeping
from privacy.vault.audit import KIND, AuditRunning, accept_losses, audit_keys, loss_reference
from privacy.vault.epochs import Reason, rotate_epoch
from privacy.vault.keyring import KeysMissing, LocalKeyRing
from privacy.vault.one_audit import alone
from privacy.vault.removal import delete_documents, destroy_documents
from privacy.vault.rewrapping import rewrap
from privacy.vault.store import destroy_keys
from privacy.vault.sweeping import SWEEP, sweep_orphans, sweep_reference
from tests.conftest import NOW
from tests.privacy.keys.people import agreed, sql

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
PROFILE = RetentionClass.PROFILE
SOME_LEDGER = [interlock._Evidence("some_ledger", "evidence")]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def _people(count: int, retention_class: Class = PROFILE) -> list[UUID]:
    documents = {uuid4(): {"n": number} for number in range(count)}
    services.write_documents(documents=documents, retention_class=retention_class)
    return sorted(documents)


def _lose(*subjects: UUID) -> list[tuple[object, ...]]:
    """A row that nobody deleted on purpose; returned, so that it can be put back."""
    return sql("vault", "DELETE FROM dek WHERE subject_id = ANY(%s) RETURNING *", list(subjects))


def _put_back(rows: list[tuple[object, ...]]) -> None:
    names = "subject_id, retention_class, generation, kek_epoch, rev_floor, wrapped"
    assert [field.column for field in DataKey._meta.concrete_fields] == names.split(", ")
    for row in rows:
        sql("vault", f"INSERT INTO dek ({names}) VALUES (%s, %s, %s, %s, %s, %s)", *row)


def _write(subject: UUID) -> None:
    services.write_document(subject_id=subject, retention_class=PROFILE, document={"n": 9})


def _is_writing() -> bool:
    try:
        _write(uuid4())
    except KeysLost:
        return False
    return True


@pytest.fixture
def erased() -> Iterator[Callable[[UUID], None]]:
    """The journal's event of an erasure, as a floor above would register one."""

    def read(event: JournalEvent) -> list[tuple[UUID, Class]]:
        assert event.subject_id is not None
        return [(event.subject_id, Class(int(c))) for c in event.fields["classes"].split(",")]

    def record(subject: UUID) -> None:
        with journal_writer(now=NOW) as writer:
            writer.record(kind="test.erasure", subject_id=subject, fields={"classes": "1"})

    services.register_erasure("test.erasure", read)
    services.register_replay("test.erasure", lambda _event: None)
    yield record
    erasures._READERS.pop("test.erasure")


def test_when_all_is_well_nothing_happens(ring: LocalKeyRing) -> None:
    for retention_class in Class:
        _people(30, retention_class)
    found = audit_keys(now=NOW)
    assert (found.documents, found.keys) == (90, 90)
    assert (found.lost, found.orphans, found.erased, found.swept) == (0, 0, 0, 0)
    assert _is_writing()


def test_a_lost_key_stops_every_writing_but_no_reading(ring: LocalKeyRing) -> None:
    known = services.enrol(email="dana@example.org").subject_id
    _write(known)
    first, second, *_ = _people(5)
    _lose(first)
    assert audit_keys(now=NOW).lost == 1
    for work in (
        lambda: services.change_document(
            subject_id=second, retention_class=PROFILE, change=lambda before: before
        ),
        lambda: _write(second),
        lambda: services.write_documents(documents={uuid4(): {}}, retention_class=PROFILE),
        lambda: services.enrol(email="new@example.org"),
        lambda: services.enrol_many(emails=["new@example.org"]),
    ):
        with pytest.raises(KeysLost):
            work()
    assert services.find_by_email(emails=["new@example.org"]) == {}
    assert services.enrol(email="dana@example.org").subject_id == known
    assert len(services.read_documents(subject_ids=[first, second], retention_class=PROFILE)) == 1
    assert len(dict(services.stream_documents(retention_class=PROFILE))) == 5


def test_forms_are_taken_and_wait_while_keys_are_lost(ring: LocalKeyRing) -> None:
    _lose(_people(1)[0])
    audit_keys(now=NOW)
    services.drop_envelope(
        kind="submission", context="demo", envelope_id=uuid4(), document={"n": 1}, now=NOW
    )

    def handle(_opened: object) -> None:
        _write(uuid4())

    done = services.drain_envelopes(kind="submission", handle=handle, limit=9, now=NOW)
    assert (done.handled, done.quarantined, done.left) == (0, 0, 1)


def test_a_no_is_recorded_even_then(ring: LocalKeyRing) -> None:
    _lose(_people(1)[0])
    audit_keys(now=NOW)
    record = uuid4()
    assert record in services.seal_evidence(subject_id=uuid4(), records={record: {"ip": "::1"}})


def test_the_alarm_ends_when_the_keys_are_back(ring: LocalKeyRing) -> None:
    subjects = _people(5)
    rows = _lose(*subjects[:2])
    assert audit_keys(now=NOW).lost == 2
    _put_back(rows[:1])
    assert audit_keys(now=NOW + HOUR).lost == 1
    assert not _is_writing()
    _put_back(rows[1:])
    assert audit_keys(now=NOW + DAY).lost == 0
    assert _is_writing()
    assert len(services.read_documents(subject_ids=subjects, retention_class=PROFILE)) == 5


def test_no_fresh_key_stands_in_the_way_of_the_right_one(ring: LocalKeyRing) -> None:
    """Before any audit: a write to the bereft document must not make a key for it."""
    subject, *_ = _people(1)
    rows = _lose(subject)
    with pytest.raises(KeysLost):
        _write(subject)
    with pytest.raises(KeysLost):
        services.write_documents(documents={subject: {}}, retention_class=PROFILE)
    assert not DataKey.objects.filter(subject_id=subject).exists()
    _put_back(rows)
    assert services.read_documents(subject_ids=[subject], retention_class=PROFILE)


def test_no_fresh_proof_key_while_the_ledger_holds_evidence(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = uuid4()
    monkeypatch.setattr(interlock, "_EVIDENCE", [interlock._Evidence("blob", "body")])
    sql("default", "INSERT INTO blob VALUES (%s, 1, 1, %s)", subject, b"as a row of the ledger")
    assert services.seal_evidence(subject_id=subject, records={uuid4(): {}}) == {}
    assert not DataKey.objects.filter(subject_id=subject).exists()
    assert audit_keys(now=NOW).lost == 2  # the blob itself, and what it stands for


def test_a_key_that_does_not_open_is_not_made_anew(ring: LocalKeyRing) -> None:
    subject, other = _people(2)
    wrapped = dict(sql("vault", "SELECT subject_id, wrapped FROM dek"))
    sql("vault", "UPDATE dek SET wrapped = %s WHERE subject_id = %s", wrapped[other], subject)
    with pytest.raises(KeysLost):
        _write(subject)
    delete_documents(subject_ids=[subject], retention_class=PROFILE)
    with pytest.raises(services.Unreadable):
        _write(subject)


def test_what_the_journal_says_was_erased_is_no_loss(
    ring: LocalKeyRing, erased: Callable[[UUID], None]
) -> None:
    first, second, *_ = _people(4)
    _lose(first)
    erased(first)
    found = audit_keys(now=NOW)
    assert (found.lost, found.erased) == (0, 1)
    assert _is_writing()
    _lose(second)
    found = audit_keys(now=NOW + HOUR)
    assert (found.lost, found.erased) == (1, 1)
    erased(second)  # the newest journal was put back only then
    assert audit_keys(now=NOW + 2 * HOUR).lost == 0


def test_an_erasure_of_one_class_excuses_no_other(
    ring: LocalKeyRing, erased: Callable[[UUID], None]
) -> None:
    subject = uuid4()
    for retention_class in (Class.PROFILE, Class.ACTIVITY):
        services.write_document(
            subject_id=subject, retention_class=retention_class, document={"n": 1}
        )
    _lose(subject)
    erased(subject)
    found = audit_keys(now=NOW)
    assert (found.lost, found.erased) == (1, 1)
    assert LostKey.objects.get().retention_class == Class.ACTIVITY


@pytest.mark.parametrize("remove", ["keys", "documents"])
def test_what_was_removed_on_purpose_is_no_loss_and_is_finished(
    ring: LocalKeyRing, remove: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, *_ = _people(3)
    if remove == "keys":
        destroy_keys(subject_id=subject, retention_classes=[PROFILE])
    else:

        def die(**_: object) -> int:
            raise ZeroDivisionError

        monkeypatch.setattr(removal, "delete_documents", die)
        with pytest.raises(ZeroDivisionError):
            destroy_documents(subject_ids=[subject], retention_class=PROFILE)
        monkeypatch.undo()
    RemovedKey.objects.update(removed_at=NOW)
    found = audit_keys(now=NOW)
    assert (found.lost, found.erased) == (0, 1)
    assert len(sql("default", "SELECT 1 FROM blob")) == 3
    assert audit_keys(now=NOW + HOUR).erased == 1
    assert len(sql("default", "SELECT 1 FROM blob")) == 2
    assert audit_keys(now=NOW + DAY).erased == 0
    audit_keys(now=NOW + 31 * DAY)
    assert not RemovedKey.objects.exists()


def test_without_the_ring_nothing_is_concluded(ring: LocalKeyRing) -> None:
    _people(3)
    for path in ring.folder.glob("kek-*"):
        path.rename(path.with_suffix(".away"))
    with pytest.raises(KeysMissing):
        audit_keys(now=NOW)
    assert not LostKey.objects.exists()


def test_keys_under_a_file_that_is_gone_are_lost_until_it_is_back(ring: LocalKeyRing) -> None:
    subjects = _people(3)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    path = ring.folder / "kek-000001.json"
    path.rename(path.with_suffix(".away"))
    assert audit_keys(now=NOW).lost == 3
    path.with_suffix(".away").rename(path)
    assert audit_keys(now=NOW).lost == 0
    assert len(services.read_documents(subject_ids=subjects, retention_class=PROFILE)) == 3


def _removed_yesterday(subjects: list[UUID]) -> None:
    sql(
        "vault",
        "INSERT INTO privacy_removedkey (subject_id, retention_class, removed_at)"
        " SELECT unnest(%s::uuid[]), 1, %s",
        subjects,
        NOW - DAY,
    )


def test_keys_that_move_to_a_new_epoch_during_an_audit_are_not_lost(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a week off, the bells of the audit and of the rotation ring together."""
    subjects = _people(3)
    _removed_yesterday(subjects)
    usual = audit._compare

    def rotate_first(*more: Any) -> None:
        rotate_epoch(now=NOW, reason=Reason.WEEKLY)
        assert rewrap().moved
        usual(*more)

    monkeypatch.setattr(audit, "_compare", rotate_first)
    found = audit_keys(now=NOW)
    assert (found.lost, found.erased, found.documents, found.orphans) == (0, 0, 3, 0)
    assert _is_writing()
    assert len(services.read_documents(subject_ids=subjects, retention_class=PROFILE)) == 3


def test_the_second_look_knows_the_epochs_of_its_moment(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream met an epoch that was away; it is back, and its keys are under a new one."""
    subjects = _people(3)
    _removed_yesterday(subjects)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    path = ring.folder / "kek-000001.json"
    path.rename(ring.folder / "away")
    usual, looked = audit._note_lost, []

    def put_back_first(retention_class: int, found: list[UUID], *more: Any) -> None:
        looked.append(sorted(found))
        (ring.folder / "away").rename(path)
        rotate_epoch(now=NOW, reason=Reason.EXERCISE)
        assert rewrap().moved
        usual(retention_class, found, *more)

    monkeypatch.setattr(audit, "_note_lost", put_back_first)
    found = audit_keys(now=NOW)
    assert looked == [subjects]
    assert (found.lost, found.erased) == (0, 0)
    assert len(services.read_documents(subject_ids=subjects, retention_class=PROFILE)) == 3


def test_a_removal_of_before_excuses_no_key_whose_epoch_is_away(ring: LocalKeyRing) -> None:
    """Somebody was removed and came back: the key is there, its epoch's file is not."""
    subject, *_ = _people(3)
    destroy_documents(subject_ids=[subject], retention_class=PROFILE)
    RemovedKey.objects.update(removed_at=NOW - DAY)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    _write(subject)
    (ring.folder / "kek-000002.json").rename(ring.folder / "away")
    found = audit_keys(now=NOW)
    assert (found.lost, found.erased) == (1, 0)
    assert len(sql("default", "SELECT 1 FROM blob")) == 3
    (ring.folder / "away").rename(ring.folder / "kek-000002.json")
    assert audit_keys(now=NOW).lost == 0
    assert services.read_documents(subject_ids=[subject], retention_class=PROFILE)


def test_a_sweep_excuses_no_loss_after_it(ring: LocalKeyRing) -> None:
    """Swept, then the vault was dumped, then the person came back, then the dump was put back."""
    subject, *_ = _people(3)
    delete_documents(subject_ids=[subject], retention_class=PROFILE)
    audit_keys(now=NOW)
    assert audit_keys(now=NOW + HOUR).swept == 1
    _write(subject)
    rows = _lose(subject)
    found = audit_keys(now=NOW + 3 * HOUR)
    assert (found.lost, found.lost_after_sweep, found.erased) == (1, 1, 0)
    assert not _is_writing()
    assert len(sql("default", "SELECT 1 FROM blob")) == 3
    _put_back(rows)
    found = audit_keys(now=NOW + 4 * HOUR)
    assert (found.lost, found.lost_after_sweep) == (0, 0)
    assert not RemovedKey.objects.exists()  # whoever has a key again was not removed


def test_a_removal_that_was_asked_for_is_one_although_there_was_a_sweep(ring: LocalKeyRing) -> None:
    subject, *_ = _people(3)
    delete_documents(subject_ids=[subject], retention_class=PROFILE)
    audit_keys(now=NOW)
    assert audit_keys(now=NOW + HOUR).swept == 1
    _write(subject)
    destroy_keys(subject_id=subject, retention_classes=[PROFILE])
    assert not RemovedKey.objects.get().is_swept
    assert audit_keys(now=NOW + 2 * HOUR).lost == 0


# --- a loss that nothing repairs -------------------------------------------------------------


def _accepted() -> UUID:
    return agreed(kind=KIND, reference=loss_reference(), now=NOW, life=DAY)


def test_two_people_give_lost_documents_up(ring: LocalKeyRing) -> None:
    subjects = _people(5)
    _lose(*subjects[:2])
    audit_keys(now=NOW)
    accept_losses(approval_id=_accepted(), now=NOW)
    assert _is_writing()
    assert len(sql("default", "SELECT 1 FROM blob WHERE subject_id = ANY(%s)", subjects)) == 3
    assert audit_keys(now=NOW + DAY).lost == 0
    _write(subjects[0])  # the same person again, from the beginning
    assert services.read_documents(subject_ids=subjects[:1], retention_class=PROFILE)


def test_an_agreement_is_to_exactly_these_losses(ring: LocalKeyRing) -> None:
    subjects = _people(5)
    _lose(subjects[0])
    audit_keys(now=NOW)
    approval = _accepted()
    _lose(subjects[1])
    audit_keys(now=NOW)
    with pytest.raises(NotApproved):
        accept_losses(approval_id=approval, now=NOW)
    assert not _is_writing()
    accept_losses(approval_id=_accepted(), now=NOW)
    with pytest.raises(NotApproved):
        accept_losses(approval_id=approval, now=NOW)


def test_rows_under_an_epoch_that_is_gone_are_given_up_with_it(ring: LocalKeyRing) -> None:
    subject, *_ = _people(1)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    (ring.folder / "kek-000001.json").unlink()
    ring._epochs.clear()
    assert audit_keys(now=NOW).lost == 1
    accept_losses(approval_id=_accepted(), now=NOW)
    _write(subject)
    assert services.read_documents(subject_ids=[subject], retention_class=PROFILE)


def test_evidence_that_is_given_up_stays_and_the_next_is_under_a_new_key(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql("default", "CREATE TABLE IF NOT EXISTS some_ledger (subject_id uuid, evidence bytea)")
    try:
        monkeypatch.setattr(
            interlock, "_EVIDENCE", [interlock._Evidence("some_ledger", "evidence")]
        )
        subject, record = uuid4(), uuid4()
        sealed = services.seal_evidence(subject_id=subject, records={record: {"n": 1}})[record]
        sql("default", "INSERT INTO some_ledger VALUES (%s, %s)", subject, sealed)
        assert audit_keys(now=NOW).documents == 1
        _lose(subject)
        assert audit_keys(now=NOW).lost == 1
        accept_losses(approval_id=_accepted(), now=NOW)
        assert audit_keys(now=NOW).accepted == 1
        later = uuid4()
        fresh = services.seal_evidence(subject_id=subject, records={later: {"n": 2}})[later]
        assert DataKey.objects.get(subject_id=subject).generation == 2
        opened = services.open_evidence(subject_id=subject, record_id=later, sealed=fresh)
        assert opened == {"n": 2}
        with pytest.raises(services.Unreadable):
            services.open_evidence(subject_id=subject, record_id=record, sealed=sealed)
        assert audit_keys(now=NOW).accepted == 0
    finally:
        sql("default", "DROP TABLE some_ledger")


# --- orphans ---------------------------------------------------------------------------------


def test_an_orphan_is_noted_first_and_swept_an_hour_later(ring: LocalKeyRing) -> None:
    gone, *_ = _people(5)
    delete_documents(subject_ids=[gone], retention_class=PROFILE)
    found = audit_keys(now=NOW)
    assert (found.orphans, found.swept) == (1, 0)
    assert audit_keys(now=NOW + HOUR - timedelta(seconds=1)).swept == 0
    assert audit_keys(now=NOW + HOUR).swept == 1
    assert DataKey.objects.count() == 4
    assert audit_keys(now=NOW + DAY).orphans == 0
    assert RemovedKey.objects.get().subject_id == gone


def test_a_proof_key_with_evidence_in_the_ledger_is_no_orphan(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = uuid4()
    services.seal_evidence(subject_id=subject, records={uuid4(): {}})
    services.seal_evidence(subject_id=uuid4(), records={uuid4(): {}})
    sql("default", "CREATE TABLE IF NOT EXISTS some_ledger (subject_id uuid, evidence bytea)")
    try:
        sql("default", "INSERT INTO some_ledger VALUES (%s, 'x')", subject)
        monkeypatch.setattr(
            interlock, "_EVIDENCE", [interlock._Evidence("some_ledger", "evidence")]
        )
        audit_keys(now=NOW)
        assert audit_keys(now=NOW + HOUR).swept == 1
        assert DataKey.objects.get().subject_id == subject
    finally:
        sql("default", "DROP TABLE some_ledger")


def test_the_ledger_says_where_its_evidence_is() -> None:
    activity = int(RetentionClass.ACTIVITY)
    assert sorted(interlock._EVIDENCE, key=lambda one: one.table) == [
        interlock._Evidence("campaigns_outgoingmessage", "sealed", activity),
        interlock._Evidence("consent_ledgerevent", "evidence"),
        interlock._Evidence("crm_leadnote", "sealed", activity),
    ]


def test_an_orphan_that_somebody_writes_with_is_none(ring: LocalKeyRing) -> None:
    subject, *_ = _people(2)
    delete_documents(subject_ids=[subject], retention_class=PROFILE)
    audit_keys(now=NOW)
    assert OrphanKey.objects.count() == 1
    _write(subject)
    assert not OrphanKey.objects.exists()
    assert audit_keys(now=NOW + DAY).swept == 0
    assert services.read_documents(subject_ids=[subject], retention_class=PROFILE)


def test_a_writer_under_way_keeps_its_key(ring: LocalKeyRing) -> None:
    """The document is not committed when the sweep looks: the claim is what counts."""
    subject, *_ = _people(2)
    delete_documents(subject_ids=[subject], retention_class=PROFILE)
    audit_keys(now=NOW)
    with transaction.atomic():
        _write(subject)
        swept: list[int] = []

        def sweep() -> None:
            try:
                swept.append(audit_keys(now=NOW + HOUR).swept)
            finally:
                connections.close_all()

        thread = threading.Thread(target=sweep)
        thread.start()
        thread.join()
        assert swept == [0]
    assert services.read_documents(subject_ids=[subject], retention_class=PROFILE)


def test_writers_and_audits_at_once_lose_nothing(ring: LocalKeyRing) -> None:
    subjects = _people(40)
    delete_documents(subject_ids=subjects, retention_class=PROFILE)
    audit_keys(now=NOW)
    failed: list[BaseException] = []

    def write(part: int) -> None:
        try:
            for subject in subjects[part::3]:
                _write(subject)
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(part,)) for part in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        audit_keys(now=NOW + HOUR)
    assert not failed
    assert len(services.read_documents(subject_ids=subjects, retention_class=PROFILE)) == 40
    assert audit_keys(now=NOW + 2 * HOUR).lost == 0


def test_many_orphans_at_once_are_somebodys_decision(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crm of yesterday beside the vault of today: its keys are needed by a crm of today."""
    monkeypatch.setattr(sweeping, "SWEPT_AT_MOST", 3)
    subjects = _people(10)
    delete_documents(subject_ids=subjects[:5], retention_class=PROFILE)
    audit_keys(now=NOW)
    found = audit_keys(now=NOW + HOUR)
    assert (found.swept, found.is_sweep_held_back) == (0, True)
    assert DataKey.objects.count() == 10
    reference = sweep_reference(now=NOW + HOUR)
    assert reference["keys"] == 5
    with pytest.raises(NotApproved):
        sweep_orphans(approval_id=uuid4(), now=NOW + HOUR)
    approval = agreed(kind=SWEEP, reference=reference, now=NOW + HOUR, life=DAY)
    delete_documents(subject_ids=subjects[5:6], retention_class=PROFILE)
    audit_keys(now=NOW + 2 * HOUR)  # what is found since is not what they agreed to
    assert sweep_orphans(approval_id=approval, now=NOW + 4 * HOUR) == 5
    assert DataKey.objects.count() == 5
    with pytest.raises(NotApproved):
        sweep_orphans(approval_id=approval, now=NOW + 4 * HOUR)


def test_an_agreed_sweep_is_void_when_somebody_wrote_with_one_of_the_keys(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "SWEPT_AT_MOST", 1)
    subjects = _people(4)
    delete_documents(subject_ids=subjects, retention_class=PROFILE)
    audit_keys(now=NOW)
    reference = sweep_reference(now=NOW + HOUR)
    approval = agreed(kind=SWEEP, reference=reference, now=NOW + HOUR, life=DAY)
    _write(subjects[0])
    with pytest.raises(NotApproved):
        sweep_orphans(approval_id=approval, now=NOW + HOUR)
    assert DataKey.objects.count() == 4


def test_only_one_audit_at_a_time(ring: LocalKeyRing) -> None:
    with alone():
        failed: list[BaseException] = []

        def run() -> None:
            try:
                audit_keys(now=NOW)
            except AuditRunning as error:
                failed.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert len(failed) == 1
    audit_keys(now=NOW)


def test_an_audit_stays_the_only_one_when_django_connects_anew(ring: LocalKeyRing) -> None:
    with alone():
        connections["vault"].close()
        with pytest.raises(AuditRunning), alone():
            pass
    with alone():
        pass


def test_an_audit_that_lost_its_lock_says_so(ring: LocalKeyRing) -> None:
    with pytest.raises(psycopg.OperationalError), alone():
        sql(
            "vault",
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            " AND objid = %s AND pid <> pg_backend_pid() AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())",
            7_203_002,
        )


def test_the_memory_of_an_audit_does_not_grow_with_the_people(
    ring: LocalKeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "CHUNK", 100)

    def peak() -> int:
        tracemalloc.start()
        audit_keys(now=NOW)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    def fill(count: int) -> None:
        rows = [uuid_utils.compat.uuid7() for _ in range(count)]
        sql(
            "vault",
            "INSERT INTO dek (subject_id, retention_class, generation, kek_epoch, rev_floor,"
            " wrapped) SELECT unnest(%s::uuid[]), 1, 1, 1, 0, ''::bytea",
            rows[: count // 2],
        )
        sql(
            "default",
            "INSERT INTO blob SELECT unnest(%s::uuid[]), 1, 1, ''::bytea",
            rows[count // 2 :],
        )

    fill(600)
    audit_keys(now=NOW)
    small = peak()
    fill(6_000)
    assert peak() < small + 100_000
    assert LostKey.objects.count() == OrphanKey.objects.count() == 3_300


def test_staff_are_told_that_nothing_is_saved(ring: LocalKeyRing) -> None:
    _lose(_people(1)[0])
    audit_keys(now=NOW)
    with override("en"):
        try:
            _write(uuid4())
        except KeysLost:
            answer = failed(RequestFactory().post("/"))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "600"
    assert b"Some keys of our data are missing" in answer.content
