"""A file of the ring is there whole or not at all, whatever happens while it is written."""

import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from privacy.vault.keyring import LocalKeyRing
from privacy.vault.ring_files import replace, write_once
from tests.conftest import NOW

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def _full_disk() -> Iterator[None]:
    """No file of this process grows beyond ten bytes: its writes fail in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def ring(tmp_path: Path) -> LocalKeyRing:
    made = LocalKeyRing(tmp_path / "keys")
    made.found(now=NOW)
    return made


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_full_disk_leaves_no_torn_epoch(ring: LocalKeyRing) -> None:
    before = _names(ring.folder)
    with _full_disk(), pytest.raises(OSError, match="File too large"):
        ring.add_epoch(now=NOW)
    assert _names(ring.folder) == before
    assert LocalKeyRing(ring.folder).kek(ring.current_epoch()) == ring.kek(1)
    assert ring.add_epoch(now=NOW) == 2


def test_a_full_disk_leaves_no_torn_note_of_a_destruction(ring: LocalKeyRing) -> None:
    ring.add_epoch(now=NOW)
    with _full_disk(), pytest.raises(OSError, match="File too large"):
        ring.destroy_epoch(1, note=b"{}" * 100)
    assert ring.destroyed_epochs() == {}
    assert ring.epochs() == [1, 2]
    ring.destroy_epoch(1, note=b"{}")
    assert ring.is_destroyed(1)


def test_a_full_disk_leaves_what_was_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_once(path, b"before")
    with _full_disk(), pytest.raises(OSError, match="File too large"):
        replace(path, b"after" * 100)
    assert path.read_bytes() == b"before"
    assert _names(tmp_path) == {"file"}


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_once(path, b"first")
    with pytest.raises(FileExistsError):
        write_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
    assert _names(tmp_path) == {"file"}


def test_of_many_who_write_one_file_one_does_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    gate, refused = threading.Barrier(8), []

    def write(number: int) -> None:
        gate.wait()
        try:
            write_once(path, bytes([number]) * 100_000)
        except FileExistsError:
            refused.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    content = path.read_bytes()
    assert len(refused) == 7
    assert content == content[:1] * 100_000
    assert content[0] not in refused


_KILLED = """
import os, signal, sys
from pathlib import Path
from privacy.vault import ring_files
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "before the name":
    os.link = die
else:
    Path.unlink = die
ring_files.write_once(Path(sys.argv[1]), b"whole")
"""


@pytest.mark.parametrize("where", ["before the name", "between the names"])
def test_what_a_killed_process_left_goes_with_the_file(ring: LocalKeyRing, where: str) -> None:
    """Half or whole, it is a wrapped key: it must not outlive the epoch's destruction."""
    path = ring.folder / "kek-000002.json"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(path), where], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.exists() == (where == "between the names")
    assert [name for name in _names(ring.folder) if name.startswith(".kek-000002")]
    ring.destroy(path)
    assert not [name for name in _names(ring.folder) if "kek-000002" in name]
