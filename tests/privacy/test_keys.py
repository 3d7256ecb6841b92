"""The key ring on disk, and the command that shows it."""

import time
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from privacy import services
from privacy.models import DataKey
from privacy.vault.index_keys import drop_index_key, make_index_key
from privacy.vault.keyring import LINKS_LIVE, REMEMBERED_SECONDS, KeysMissing, LocalKeyRing
from tests.conftest import NOW


def _ring(folder: Path) -> LocalKeyRing:
    ring = LocalKeyRing(folder / "keys")
    ring.found(now=NOW)
    return ring


def test_founding_twice_changes_nothing(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    before = {path.name: path.read_bytes() for path in ring.folder.iterdir()}
    ring.found(now=NOW)
    assert {path.name: path.read_bytes() for path in ring.folder.iterdir()} == before


def test_every_file_is_its_owners_alone(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    assert ring.folder.stat().st_mode & 0o777 == 0o700
    for path in ring.folder.glob("*.*"):
        assert path.stat().st_mode & 0o777 == 0o600, path.name


def test_another_root_opens_nothing(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    other = _ring(tmp_path / "other")
    (ring.folder / "root.key").write_bytes((other.folder / "root.key").read_bytes())
    fresh = LocalKeyRing(ring.folder)
    with pytest.raises(KeysMissing):
        fresh.kek(1)
    with pytest.raises(KeysMissing):
        fresh.derived("link|1")


def test_epochs_cannot_be_exchanged(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    assert ring.add_epoch(now=NOW) == 2
    first, second = (ring.folder / f"kek-00000{n}.json" for n in (1, 2))
    first.write_bytes(second.read_bytes())
    with pytest.raises(KeysMissing):
        LocalKeyRing(ring.folder).kek(1)


def test_a_ring_without_its_root_is_never_made_anew(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    (ring.folder / "root.key").unlink()
    with pytest.raises(KeysMissing, match="put it back"):
        ring.found(now=NOW)


def test_a_running_process_forgets_what_another_one_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = _ring(tmp_path)
    ring.add_epoch(now=NOW)
    for _ in range(2):
        ring.add_fingerprint_epoch(now=NOW)
    for epoch in (2, 3):
        assert make_index_key(ring, above=1, now=NOW) == epoch
    running = LocalKeyRing(ring.folder)
    derived = {epoch: running.derived("bidx|email", index_epoch=epoch) for epoch in (1, 2, 3)}
    prints = {epoch: running.fingerprint_key(epoch) for epoch in (1, 2, 3)}
    assert running.kek(1)
    ring.destroy_epoch(1, note=b"{}")
    ring.drop_fingerprint_epoch(2, now=NOW + LINKS_LIVE)
    drop_index_key(ring, epoch=2, now=NOW)
    assert running.derived("bidx|email", index_epoch=2) == derived[2]  # within the minute
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + REMEMBERED_SECONDS + 1)
    assert running.derived("bidx|email", index_epoch=3) == derived[3]
    assert running.fingerprint_key(3) == prints[3]
    left = repr(vars(running))
    for gone in (derived[2], prints[2]):
        assert repr(gone) not in left
    assert repr(derived[1]) in left
    with pytest.raises(KeysMissing):
        running.derived("bidx|email", index_epoch=2)
    with pytest.raises(KeysMissing):
        running.fingerprint_key(2)
    with pytest.raises(KeysMissing):
        running.kek(1)


def test_a_process_forgets_at_once_what_it_dropped_itself(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    assert make_index_key(ring, above=1, now=NOW) == 2
    ring.derived("bidx|email", index_epoch=2)
    drop_index_key(ring, epoch=2, now=NOW)
    with pytest.raises(KeysMissing):
        ring.derived("bidx|email", index_epoch=2)


def test_derived_keys_differ_by_label_and_are_stable(tmp_path: Path) -> None:
    ring = _ring(tmp_path)
    assert ring.derived("a") == LocalKeyRing(ring.folder).derived("a")
    assert ring.derived("a") != ring.derived("b")
    assert repr(ring) == "LocalKeyRing()"


@pytest.mark.django_db(databases=["default", "vault", "intake"])
@pytest.mark.usefixtures("vault")
def test_the_command_counts_keys_and_names_a_lost_epoch() -> None:
    services.seal_evidence(subject_id=uuid4(), records={uuid4(): {}})
    out = StringIO()
    call_command("keys", "status", stdout=out)
    assert "epoch 1: opens, wraps 1 data keys" in out.getvalue()
    DataKey.objects.update(kek_epoch=9)
    with pytest.raises(CommandError, match=r"\[9\]"):
        call_command("keys", "status", stdout=out)
