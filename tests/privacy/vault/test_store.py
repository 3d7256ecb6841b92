"""Subjects and documents on the real databases: order of writes, races, roll-backs."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction

from privacy import services
from privacy.services import RetentionClass, Unreadable
from privacy.vault import interlock, store
from privacy.vault.store import destroy_keys

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
PROFILE = RetentionClass.PROFILE


def _read(subject: UUID) -> dict[str, object] | None:
    return services.read_documents(subject_ids=[subject], retention_class=PROFILE).get(subject)


def _write(subject: UUID, **document: object) -> int:
    return services.write_document(
        subject_id=subject, retention_class=PROFILE, document=dict(document)
    )


def _in_threads(count: int, work: Callable[[int], None]) -> None:
    def run(number: int) -> None:
        try:
            work(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_sixteen_enrolments_of_one_address_agree_on_one_subject() -> None:
    found: list[UUID] = []
    _in_threads(16, lambda _n: found.append(services.enrol(email=" Alice@Example.ORG").subject_id))
    assert len(found) == 16
    assert len(set(found)) == 1
    assert services.find_by_email(emails=["alice@example.org", "bob@example.org"]) == {
        "alice@example.org": found[0]
    }


def test_a_document_comes_back_and_rises_by_one_revision() -> None:
    subject = uuid4()
    assert _write(subject, name="Élodie") == 1
    assert _write(subject, name="Élodie", company="Lumen") == 2
    assert _read(subject) == {"name": "Élodie", "company": "Lumen"}
    assert _read(uuid4()) is None


def test_sixteen_changes_at_once_are_all_kept() -> None:
    subject = uuid4()
    _write(subject, notes=[])

    def add(number: int) -> None:
        services.change_document(
            subject_id=subject,
            retention_class=PROFILE,
            change=lambda before: {"notes": sorted([*before["notes"], number])},
        )

    _in_threads(16, add)
    assert _read(subject) == {"notes": list(range(16))}


def test_a_key_that_was_made_between_two_looks_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process writes key and document after we saw neither key, and before the rest."""
    documents: dict[UUID, dict[str, Any]] = {uuid4(): {"n": number} for number in range(3)}
    late = {uuid4(): {"n": 3}}
    look = interlock.new_generations

    def meanwhile(*asked: Any) -> list[int]:
        monkeypatch.undo()
        services.write_documents(documents=documents, retention_class=PROFILE)
        return look(*asked)

    monkeypatch.setattr(store, "new_generations", meanwhile)
    services.write_documents(documents={**documents, **late}, retention_class=PROFILE)
    read = services.read_documents(subject_ids=[*documents, *late], retention_class=PROFILE)
    assert read == {**documents, **late}


def test_a_transaction_that_rolls_back_leaves_the_document_readable() -> None:
    subject = uuid4()
    _write(subject, name="before")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        _write(subject, name="after")
        raise ZeroDivisionError
    assert _read(subject) == {"name": "before"}
    assert _write(subject, name="again") == 2


def _sql(alias: str, statement: str, *values: Any) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, list(values))


def test_an_older_revision_put_back_whole_is_refused() -> None:
    subject = uuid4()
    _write(subject, name="old")
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT body FROM blob WHERE subject_id = %s", [subject])
        row = cursor.fetchone()
    _write(subject, name="new")
    assert row is not None
    _sql("default", "UPDATE blob SET rev = 1, body = %s WHERE subject_id = %s", row[0], subject)
    assert _read(subject) is None
    with pytest.raises(Unreadable):
        _write(subject, name="over it")


@pytest.mark.parametrize("with_keys", [False, True])
def test_another_persons_row_does_not_open_here(with_keys: bool) -> None:
    alice, bob = uuid4(), uuid4()
    _write(alice, name="Alice")
    _write(bob, name="Bob")
    _sql("default", "DELETE FROM blob WHERE subject_id = %s", alice)
    _sql("default", "UPDATE blob SET subject_id = %s WHERE subject_id = %s", alice, bob)
    if with_keys:
        _sql("vault", "DELETE FROM dek WHERE subject_id = %s", alice)
        _sql("vault", "UPDATE dek SET subject_id = %s WHERE subject_id = %s", alice, bob)
    assert _read(alice) is None


def test_without_its_key_a_document_is_gone_for_good() -> None:
    subject = services.enrol(email="dana@example.org").subject_id
    _write(subject, name="Dana")
    assert destroy_keys(subject_id=subject, retention_classes=[PROFILE]) == 1
    assert destroy_keys(subject_id=subject, retention_classes=[PROFILE]) == 0
    assert _read(subject) is None
    assert services.find_by_email(emails=["dana@example.org"]) == {}


def test_the_stream_gives_everyone_who_opens_once() -> None:
    documents = {uuid4(): {"n": number} for number in range(50)}
    services.write_documents(documents=documents, retention_class=PROFILE)
    lost = next(iter(documents))
    destroy_keys(subject_id=lost, retention_classes=[PROFILE])
    streamed = list(services.stream_documents(retention_class=PROFILE))
    assert dict(streamed) == {key: value for key, value in documents.items() if key != lost}
    assert len(streamed) == 49


def test_evidence_is_bound_to_its_record() -> None:
    subject, record = uuid4(), uuid4()
    sealed = services.seal_evidence(subject_id=subject, records={record: {"ip": "::1"}})[record]
    opened = services.open_evidence(subject_id=subject, record_id=record, sealed=sealed)
    assert opened == {"ip": "::1"}
    with pytest.raises(Unreadable):
        services.open_evidence(subject_id=subject, record_id=uuid4(), sealed=sealed)


def test_reading_a_thousand_documents_takes_two_queries(
    django_assert_num_queries: Callable[..., object],
) -> None:
    documents = {uuid4(): {"n": number} for number in range(1000)}
    services.write_documents(documents=documents, retention_class=PROFILE)
    with django_assert_num_queries(1), django_assert_num_queries(1, using="vault"):  # type: ignore[attr-defined]
        read = services.read_documents(subject_ids=documents, retention_class=PROFILE)
    assert read == documents
