"""The journal: on disk first, chained, and applied before anything goes on."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from privacy import services
from privacy.journal import Journal, JournalBroken, JournalUnreachable, journal
from privacy.models import JournalApplied
from privacy.services import JournalEvent
from tests.conftest import NOW

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]
APPLIED: list[JournalEvent] = []


@pytest.fixture(autouse=True)
def replay() -> Iterator[None]:
    APPLIED.clear()
    services.register_replay("test", APPLIED.append)
    yield


def _record() -> int:
    with services.journal_writer(now=NOW) as writer:
        return writer.record(kind="test", subject_id=uuid4(), fields={"purpose": "newsletter"})


def test_an_event_is_applied_with_its_transaction() -> None:
    before = services.journal_head().seq
    assert _record() == before + 1
    assert services.is_journal_applied()
    assert APPLIED == []  # its own writer gave it effect, nothing was replayed


def test_a_body_that_fails_leaves_the_journal_ahead_and_the_next_writer_applies_it() -> None:
    with pytest.raises(ZeroDivisionError), services.journal_writer(now=NOW) as writer:
        writer.record(kind="test", subject_id=None, fields={})
        raise ZeroDivisionError
    assert not services.is_journal_applied()
    _record()
    assert services.is_journal_applied()
    assert [event.kind for event in APPLIED] == ["test"]


def test_a_database_put_back_from_a_backup_hears_what_it_missed() -> None:
    mark = JournalApplied.objects.get()
    written = [_record(), _record()]
    mark.save()  # what a restore does
    assert not services.is_journal_applied()
    _record()
    assert [event.seq for event in APPLIED] == written


def test_a_database_of_another_journal_may_not_write() -> None:
    JournalApplied.objects.update(journal_id=uuid4())
    with pytest.raises(JournalUnreachable, match="another database"):
        _record()


def _own(folder: Path) -> Journal:
    ours = Journal(folder)
    ours.found(instance_id=uuid4(), now=NOW)
    with ours.locked():
        for number in range(3):
            ours.append("test", None, {"n": str(number)}, NOW)
    return ours


def test_a_frame_that_a_crash_cut_short_is_removed_by_the_next_writer(tmp_path: Path) -> None:
    ours = _own(tmp_path)
    with ours.path.open("ab") as file:
        file.write(b"\0\0\1\0half a frame")
    again = Journal(tmp_path)
    assert again.head().seq == 3
    with again.locked():
        again.append("test", None, {}, NOW)
    assert Journal(tmp_path).head().seq == 4


@pytest.mark.parametrize("place", [5, 200, -40])
def test_a_changed_byte_is_noticed(tmp_path: Path, place: int) -> None:
    ours = _own(tmp_path)
    content = bytearray(ours.path.read_bytes())
    content[place] ^= 1
    ours.path.write_bytes(content)
    with pytest.raises(JournalBroken):
        Journal(tmp_path).head()


def test_a_journal_that_became_shorter_is_noticed(tmp_path: Path) -> None:
    ours = _own(tmp_path)
    ours.path.write_bytes(ours.path.read_bytes()[:-60])
    with pytest.raises(JournalBroken):
        ours.head()


def test_an_unreachable_journal_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreachable):
        Journal(tmp_path / "nowhere").head()


def test_a_journal_that_is_gone_is_never_made_anew_over_a_database_in_use() -> None:
    path = journal().path
    kept = path.rename(path.with_suffix(".away"))
    try:
        with pytest.raises(JournalUnreachable, match="put it back"):
            services.found_installation(now=NOW)
    finally:
        kept.rename(path)
