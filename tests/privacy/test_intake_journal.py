"""The intake journal: every frame whole, every answered one on disk, whatever the threads do."""

import os
import threading
from pathlib import Path

import pytest

from privacy.intake_journal import IntakeJournal


def test_frames_of_many_threads_are_all_there_and_whole(tmp_path: Path) -> None:
    journal, path = IntakeJournal(), tmp_path / "a.log"
    frames = [f"<{number:04d}>".encode() for number in range(200)]

    def write(share: list[bytes]) -> None:
        for frame in share:
            journal.sync(journal.append(path, frame))

    threads = [threading.Thread(target=write, args=(frames[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    content = path.read_bytes()
    assert sorted(content[at : at + 6] for at in range(0, len(content), 6)) == frames


def test_one_sync_serves_all_that_were_written_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, path = IntakeJournal(), tmp_path / "a.log"
    syncs: list[int] = []
    monkeypatch.setattr(os, "fdatasync", syncs.append)
    tickets = [journal.append(path, b"frame") for _ in range(5)]
    for ticket in reversed(tickets):
        journal.sync(ticket)
    assert len(syncs) == 1


def test_a_failed_sync_fails_everybody_it_was_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, path = IntakeJournal(), tmp_path / "a.log"
    first, second = journal.append(path, b"one"), journal.append(path, b"two")

    def fail(_handle: int) -> None:
        raise OSError("disk")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="disk"):
        journal.sync(second)
    monkeypatch.undo()
    with pytest.raises(OSError, match="could not be synced"):
        journal.sync(first)
    journal.sync(journal.append(path, b"three"))


def test_a_new_day_or_a_file_that_was_moved_away_is_followed(tmp_path: Path) -> None:
    journal, path = IntakeJournal(), tmp_path / "folder" / "a.log"
    journal.sync(journal.append(path, b"one"))
    path.rename(path.with_suffix(".old"))
    journal.sync(journal.append(path, b"two"))
    journal.sync(journal.append(path.with_name("b.log"), b"three"))
    found = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert found == {"a.old": b"one", "a.log": b"two", "b.log": b"three"}
