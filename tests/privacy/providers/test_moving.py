"""The ring goes from files to the key server and back: no key changes, and no crash loses one."""

import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from privacy.vault import moving
from privacy.vault.index_keys import make_index_key
from privacy.vault.keyring import LocalKeyRing
from privacy.vault.moving import label_of, move_ring
from privacy.vault.providers import provider
from privacy.vault.ring_files import KeysMissing, as_bytes, read, replace
from tests.conftest import NOW
from tests.privacy.providers.servers import Server

Keys = dict[str, bytes]


class Crash(BaseException):
    """The process ends here."""


def _open(folder: Path, name: str) -> Keys:
    """Every key that a process with this setting would read."""
    ring = LocalKeyRing(folder, wraps=provider(folder, name=name))
    assert ring.exists()
    keys = {f"kek-{epoch}": ring.kek(epoch) for epoch in ring.epochs()}
    keys |= {f"fingerprint-{e}": ring.fingerprint_key(e) for e in ring.fingerprint_epochs()}
    return keys | {f"index-{e}": ring.derived("x", index_epoch=e) for e in (1, 2)}


def _opens(folder: Path, name: str) -> Keys | None:
    try:
        return _open(folder, name)
    except (KeysMissing, AssertionError):
        return None


@pytest.fixture
def folder(keys: Server, settings: Settings, tmp_path: Path) -> Path:
    """A ring in files with keys of every kind."""
    settings.KEY_PROVIDER = "local"
    ring = LocalKeyRing(tmp_path / "keys")
    ring.found(now=NOW)
    ring.add_epoch(now=NOW)
    ring.add_fingerprint_epoch(now=NOW)
    assert make_index_key(ring, above=1, now=NOW) == 2
    return ring.folder


def test_there_and_back_no_key_changes(folder: Path) -> None:
    before = _open(folder, "local")
    assert move_ring(folder, to="transit", now=NOW) == 5
    assert not (folder / "root.key").exists()
    assert _open(folder, "transit") == before
    with pytest.raises(KeysMissing, match="ACCORD_KEY_PROVIDER=transit"):
        LocalKeyRing(folder).kek(1)
    assert move_ring(folder, to="local", now=NOW) == 5
    assert not (folder / "transit.json").exists()
    assert _open(folder, "local") == before
    with pytest.raises(KeysMissing, match="ACCORD_KEY_PROVIDER=local"):
        LocalKeyRing(folder, wraps=provider(folder, name="transit")).kek(1)


def test_what_was_in_files_can_only_be_opened_by_the_server(folder: Path) -> None:
    move_ring(folder, to="transit", now=NOW)
    assert all(b'"transit"' in path.read_bytes() for path in moving.ring_keys(folder))
    assert not [path for path in moving.ring_keys(folder) if b'"wrapped": "A' in path.read_bytes()]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in moving.ring_keys(folder))


def test_moving_twice_is_moving_once(folder: Path) -> None:
    move_ring(folder, to="transit", now=NOW)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    move_ring(folder, to="transit", now=NOW)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def _crash_at(step: int, monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> bool:
    """Do the work until its `step`th change of the folder; return whether it came so far."""
    done = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def change(*args: object, **kwargs: object) -> object:
            nonlocal done
            if done == step:
                raise Crash
            done += 1
            return real(*args, **kwargs)

        return change

    with monkeypatch.context() as patch:
        patch.setattr(moving, "replace", counted(replace))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        for where in ("local", "transit"):
            name = f"privacy.vault.providers.{where}.write_once"
            patch.setattr(name, counted(replace))
        try:
            work()
        except Crash:
            return True
    return False


@pytest.mark.parametrize("to", ["transit", "local"])
def test_a_crash_at_any_step_leaves_a_complete_ring_and_the_next_try_ends_it(
    folder: Path, to: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = _open(folder, "local")
    if to == "local":
        move_ring(folder, to="transit", now=NOW)
    crashes = 0
    for step in range(100):
        copy = tmp_path / f"copy-{step}"
        shutil.copytree(folder, copy)
        if not _crash_at(step, monkeypatch, lambda: move_ring(copy, to=to, now=NOW)):  # noqa: B023
            break
        crashes += 1
        opened = [found for name in ("local", "transit") if (found := _opens(copy, name))]
        assert opened, step
        assert all(found == before for found in opened)
        move_ring(copy, to=to, now=NOW)
        assert _open(copy, to) == before
    assert crashes >= 10


def test_a_server_that_fails_in_the_middle_leaves_the_files_as_they_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _open(folder, "local")
    target = provider(folder, name="transit")
    wrap, asked = target.wrap, []

    def failing(*, stem: str, label: str, key: bytes) -> dict[str, object]:
        asked.append(stem)
        if len(asked) == 3:
            raise KeysMissing("The key server does not answer.")
        return wrap(stem=stem, label=label, key=key)

    monkeypatch.setattr(type(target), "wrap", lambda _self, **words: failing(**words))
    with pytest.raises(KeysMissing):
        move_ring(folder, to="transit", now=NOW)
    assert _open(folder, "local") == before


def test_a_key_made_in_the_middle_of_a_move_is_moved_by_the_next_try(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _crash_at(4, monkeypatch, lambda: move_ring(folder, to="transit", now=NOW))
    ring = LocalKeyRing(folder)
    assert ring.add_epoch(now=NOW) == 3
    before = _open(folder, "local")
    move_ring(folder, to="transit", now=NOW)
    assert _open(folder, "transit") == before


def test_two_different_keys_in_one_file_are_never_stripped(folder: Path, tmp_path: Path) -> None:
    other = LocalKeyRing(tmp_path / "other")
    other.found(now=NOW)
    target = provider(folder, name="transit")
    target.begin()
    target.complete(now=NOW)
    path = folder / "kek-000001.json"
    content = read(path) | target.wrap(stem=path.stem, label="kek-1", key=bytes(32))
    replace(path, as_bytes(content))
    with pytest.raises(KeysMissing, match="two different keys"):
        move_ring(folder, to="transit", now=NOW)
    assert (folder / "root.key").exists()


@pytest.mark.parametrize("empty", ["no folder", "no files"])
def test_where_there_is_no_ring_nothing_is_made(keys: Server, tmp_path: Path, empty: str) -> None:
    folder = tmp_path / "nothing"
    if empty == "no files":
        folder.mkdir()
    with pytest.raises(KeysMissing):
        move_ring(folder, to="transit", now=NOW)
    assert not (folder / "transit.json").exists()


def test_the_label_of_a_file_is_the_one_that_the_reader_expects() -> None:
    named = {"index": "index", "kek-000007": "kek-7", "fingerprint-000012": "fingerprint-12"}
    assert {stem: label_of(Path(f"{stem}.json")) for stem in named} == named


def test_the_command_moves_and_says_what_to_do(folder: Path, settings: Settings) -> None:
    settings.KEYS_DIR = folder
    out = StringIO()
    call_command("keys", "move", "--to", "transit", stdout=out)
    assert "5 keys are wrapped by transit now." in out.getvalue()
    assert "Set ACCORD_KEY_PROVIDER=transit" in out.getvalue()
    settings.TRANSIT_TOKEN = ""
    with pytest.raises(CommandError, match="ACCORD_TRANSIT_TOKEN"):
        call_command("keys", "move", "--to", "transit", stdout=out)
