"""The file of one epoch is away: what is under others opens, is searched, and a "no" is taken."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from privacy import services
from privacy.models import RetentionClass
from privacy.vault.epochs import Reason, rotate_epoch
from privacy.vault.keyring import EpochMissing, KeysMissing, LocalKeyRing
from tests.conftest import NOW
from tests.privacy.keys.people import sql

pytestmark = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)
PROFILE = RetentionClass.PROFILE
Documents = dict[UUID, dict[str, object]]


def _people(name: str) -> Documents:
    documents: Documents = {uuid4(): {"name": name} for _ in range(3)}
    services.write_documents(documents=documents, retention_class=PROFILE)
    return documents


@contextmanager
def _away(ring: LocalKeyRing, name: str) -> Iterator[None]:
    path = ring.folder / name
    path.rename(ring.folder / "away")
    ring._epochs.clear()
    yield
    (ring.folder / "away").rename(path)


@pytest.fixture
def old(ring: LocalKeyRing) -> Documents:
    """People whose keys are under the first epoch, where the second is the current one."""
    documents = _people("old")
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    return documents


def test_a_page_shows_those_who_open(
    ring: LocalKeyRing, old: Documents, caplog: pytest.LogCaptureFixture
) -> None:
    new = _people("new")
    with _away(ring, "kek-000001.json"):
        read = services.read_documents(subject_ids=[*old, *new], retention_class=PROFILE)
        assert read == new
        assert caplog.text.count("Epoch 1 is missing") == 1
    read = services.read_documents(subject_ids=[*old, *new], retention_class=PROFILE)
    assert read == old | new


def test_the_stream_of_the_search_gives_those_who_open(
    ring: LocalKeyRing, old: Documents, caplog: pytest.LogCaptureFixture
) -> None:
    new = _people("new")
    with _away(ring, "kek-000001.json"):
        assert dict(services.stream_documents(retention_class=PROFILE)) == new
        met = {each.subject_id for each in services.stream_revisions(retention_class=PROFILE)}
        assert met == {*old, *new}
    assert caplog.text.count("Epoch 1 is missing") == 2  # once a stream
    assert dict(services.stream_documents(retention_class=PROFILE)) == old | new


def test_a_file_that_is_damaged_is_missing_too(ring: LocalKeyRing, old: Documents) -> None:
    new = _people("new")
    (ring.folder / "kek-000001.json").write_text("{")
    ring._epochs.clear()
    assert services.read_documents(subject_ids=[*old, *new], retention_class=PROFILE) == new


def test_nothing_is_written_over_what_waits_for_its_file(
    ring: LocalKeyRing, old: Documents
) -> None:
    subject = next(iter(old))
    before = sql("vault", "SELECT subject_id, wrapped FROM dek ORDER BY 1")
    with _away(ring, "kek-000001.json"), pytest.raises(EpochMissing, match="Epoch 1"):
        services.write_document(subject_id=subject, retention_class=PROFILE, document={})
    assert sql("vault", "SELECT subject_id, wrapped FROM dek ORDER BY 1") == before
    services.write_document(subject_id=subject, retention_class=PROFILE, document={"name": "x"})


def test_a_no_is_taken_without_its_evidence(
    ring: LocalKeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    subject, first, second = uuid4(), uuid4(), uuid4()
    sealed = services.seal_evidence(subject_id=subject, records={first: {"a": 1}})[first]
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    with _away(ring, "kek-000001.json"):
        assert services.seal_evidence(subject_id=subject, records={second: {"a": 2}}) == {}
        with pytest.raises(services.Unreadable):
            services.open_evidence(subject_id=subject, record_id=first, sealed=sealed)
    opened = services.open_evidence(subject_id=subject, record_id=first, sealed=sealed)
    assert opened == {"a": 1}


@pytest.mark.parametrize("name", ["root.key", "kek-000002.json"])
def test_when_the_ring_itself_does_not_open_nothing_is_concluded(
    ring: LocalKeyRing, old: Documents, name: str
) -> None:
    """Without the root, or with a newest epoch that does not open, no reading is half a reading."""
    new = _people("new")
    path: Path = ring.folder / name
    content = path.read_bytes()
    path.write_bytes(b"?")
    (ring.folder / "kek-000001.json").rename(ring.folder / "away")
    ring._epochs.clear()
    with pytest.raises(KeysMissing):
        services.read_documents(subject_ids=[*old, *new], retention_class=PROFILE)
    with pytest.raises(KeysMissing):
        list(services.stream_documents(retention_class=PROFILE))
    with pytest.raises(KeysMissing):
        services.seal_evidence(subject_id=uuid4(), records={uuid4(): {}})
    path.write_bytes(content)
    assert services.read_documents(subject_ids=new, retention_class=PROFILE) == new
