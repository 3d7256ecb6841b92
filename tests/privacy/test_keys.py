"""The key ring on disk, and the command that shows it."""

from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from privacy import services
from privacy.models import DataKey
from privacy.vault.keyring import KeysMissing, LocalKeyRing
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
