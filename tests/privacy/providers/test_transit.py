"""A ring that a key server wraps: the same verbs, no root on the disk, and a death that counts."""

import json
import logging
import shutil
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from pytest_django import Settings

from privacy import services
from privacy.models import RetentionClass
from privacy.vault.key_token import renew_key_token
from privacy.vault.keyring import LINKS_LIVE, LocalKeyRing, key_ring
from privacy.vault.providers.transit import (
    KeyServerForbids,
    KeyServerLacksKey,
    KeyServerRefuses,
    KeyServerSealed,
    KeyServerUnreachable,
    TransitProvider,
)
from privacy.vault.rewrapping import rewrap
from privacy.vault.ring_files import KeysMissing
from tests.conftest import NOW
from tests.privacy.providers.servers import Server
from tests.privacy.providers.transit_server import TransitServer


def _fresh(ring: LocalKeyRing) -> LocalKeyRing:
    """The ring as another process opens it."""
    return LocalKeyRing(ring.folder)


def test_no_root_is_on_the_disk_and_the_keys_come_back(ring: LocalKeyRing) -> None:
    assert sorted(path.name for path in ring.folder.iterdir()) == [
        "index.json",
        "kek-000001.json",
        "lock",
        "transit.json",
    ]
    fresh = _fresh(ring)
    assert fresh.exists()
    assert fresh.kek(1) == ring.kek(1)
    assert fresh.derived("link|1") == ring.derived("link|1")
    written = b"".join(p.read_bytes() for p in ring.folder.iterdir())
    assert ring.kek(1).hex().encode() not in written
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in ring.folder.glob("*.json"))


def test_founding_twice_changes_nothing(ring: LocalKeyRing) -> None:
    before = {path.name: path.read_bytes() for path in ring.folder.iterdir()}
    _fresh(ring).found(now=NOW)
    assert {path.name: path.read_bytes() for path in ring.folder.iterdir()} == before


def test_a_ring_that_lost_its_name_is_never_made_anew(ring: LocalKeyRing) -> None:
    (ring.folder / "transit.json").unlink()
    with pytest.raises(KeysMissing, match=r"no transit\.json: put it back"):
        _fresh(ring).found(now=NOW)


def test_every_key_of_the_ring_has_a_key_of_its_own(keys: Server, ring: LocalKeyRing) -> None:
    before = keys.key_names()
    ring.add_epoch(now=NOW)
    ring.add_fingerprint_epoch(now=NOW)
    name = json.loads((ring.folder / "transit.json").read_text())["ring"]
    assert keys.key_names() - before == {
        f"accord-{name}-kek-000002",
        f"accord-{name}-fingerprint-000002",
    }
    assert {f"accord-{name}-index", f"accord-{name}-kek-000001"} <= before


def test_two_installations_on_one_mount_share_no_key(keys: Server, tmp_path: Path) -> None:
    before = keys.key_names()
    for number in range(2):
        LocalKeyRing(tmp_path / str(number)).found(now=NOW)
    assert len(keys.key_names() - before) == 4


def test_a_destroyed_epoch_makes_every_copy_of_the_folder_worthless(
    keys: Server, ring: LocalKeyRing, tmp_path: Path
) -> None:
    assert ring.add_epoch(now=NOW) == 2
    shutil.copytree(ring.folder, tmp_path / "copy")
    assert LocalKeyRing(tmp_path / "copy").kek(1) == ring.kek(1)
    path = ring.folder / "kek-000001.json"
    ring.destroy(path)
    ring.destroy(path)
    assert not path.exists()
    with pytest.raises(KeyServerLacksKey, match="no such key"):
        LocalKeyRing(tmp_path / "copy").kek(1)
    assert LocalKeyRing(tmp_path / "copy").kek(2) == ring.kek(2)


def test_a_crash_between_the_server_and_the_file_is_finished_by_the_next_try(
    keys: Server, ring: LocalKeyRing
) -> None:
    ring.add_epoch(now=NOW)
    path = ring.folder / "kek-000001.json"
    ring.provider.destroy(stem=path.stem, content=json.loads(path.read_bytes()))
    with pytest.raises(KeyServerLacksKey):
        _fresh(ring).kek(1)
    ring.destroy(path)
    assert not path.exists()


def _of_before_the_move(path: Path) -> None:
    path.write_text(json.dumps({"label": "kek-1", "wrapped": "AAAA"}))


def _damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def _renamed(path: Path) -> None:
    path.write_text(json.dumps({"transit": {"key": "../../sys/seal", "wrapped": "vault:v1:AA"}}))


@pytest.mark.parametrize("change", [_of_before_the_move, _damaged, _renamed, Path.unlink])
def test_whatever_became_of_the_file_its_copies_are_worthless(
    keys: Server, ring: LocalKeyRing, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    ring.add_epoch(now=NOW)
    shutil.copytree(ring.folder, tmp_path / "copy")
    change(ring.folder / "kek-000001.json")
    ring.destroy_epoch(1, note=b"{}")
    assert ring.is_destroyed(1)
    with pytest.raises(KeyServerLacksKey):
        LocalKeyRing(tmp_path / "copy").kek(1)


def test_a_file_of_before_the_move_that_comes_back_is_deleted_again(
    keys: Server, ring: LocalKeyRing
) -> None:
    ring.add_epoch(now=NOW)
    ring.destroy_epoch(1, note=b"{}")
    _of_before_the_move(ring.folder / "kek-000001.json")
    ring.destroy_epoch(1, note=b"{}")
    assert ring.is_destroyed(1)


def test_a_server_that_is_not_ours_destroys_nothing(keys: Server, ring: LocalKeyRing) -> None:
    """It lacks the key as one that destroyed it would: ours opens the current epoch."""
    ring.add_epoch(now=NOW)
    ring.kek(2)  # in memory, which says nothing about the server of now
    keys.make_anew()
    with pytest.raises(KeyServerLacksKey):
        ring.destroy_epoch(1, note=b"{}")
    assert not ring.is_destroyed(1)


@pytest.mark.parametrize("stem", ["kek-000002", "index", "fingerprint-000002"])
def test_files_cannot_be_exchanged(ring: LocalKeyRing, stem: str) -> None:
    ring.add_epoch(now=NOW)
    ring.add_fingerprint_epoch(now=NOW)
    (ring.folder / "kek-000001.json").write_bytes((ring.folder / f"{stem}.json").read_bytes())
    with pytest.raises(KeyServerRefuses, match="does not open this file"):
        _fresh(ring).kek(1)


def test_a_name_that_is_no_key_is_never_asked_for(ring: LocalKeyRing) -> None:
    path = ring.folder / "kek-000001.json"
    content = json.loads(path.read_bytes())
    content["transit"]["key"] = "../../sys/seal"
    path.write_text(json.dumps(content))
    with pytest.raises(KeyServerRefuses):
        _fresh(ring).kek(1)


def test_a_key_of_another_version_of_the_server_still_opens(
    running: Server, ring: LocalKeyRing
) -> None:
    """An administrator may rotate the transit key: what it wrapped before opens as before."""
    name = json.loads((ring.folder / "kek-000001.json").read_bytes())["transit"]["key"]
    client = TransitProvider(ring.folder)._connected()
    client.secrets.transit.rotate_key(name=name, mount_point=running.mount)
    assert _fresh(ring).kek(1) == ring.kek(1)


def test_a_key_that_can_be_exported_is_refused(
    keys: Server, ring: LocalKeyRing, tmp_path: Path
) -> None:
    name = json.loads((ring.folder / "transit.json").read_text())["ring"]
    keys.set_exportable(f"accord-{name}-kek-000001")
    with pytest.raises(KeyServerRefuses, match="can be exported"):
        ring.provider.wrap(stem="kek-000001", label="kek-1", key=bytes(32))


# --- what goes wrong -------------------------------------------------------------------------


def test_a_wrong_token_is_forbidden(ring: LocalKeyRing, settings: Settings) -> None:
    settings.TRANSIT_TOKEN = "s.another"
    with pytest.raises(KeyServerForbids, match="refuses this token"):
        _fresh(ring).kek(1)


def test_another_mount_has_no_such_key(ring: LocalKeyRing, settings: Settings) -> None:
    settings.TRANSIT_MOUNT = "elsewhere"
    # A real server does not tell a stranger what is not there.
    with pytest.raises((KeyServerLacksKey, KeyServerForbids)):
        _fresh(ring).kek(1)


def test_a_sealed_server_says_so_and_what_was_opened_stays_open(
    keys: Server, ring: LocalKeyRing
) -> None:
    if not keys.can_seal:
        return  # a named server belongs to somebody
    key = ring.kek(1)
    keys.seal()
    try:
        with pytest.raises(KeyServerSealed, match="officers must unseal"):
            _fresh(ring).kek(1)
        assert ring.kek(1) == key
        with pytest.raises(KeyServerSealed):
            ring.add_epoch(now=NOW)
        assert ring.epochs() == [1]
    finally:
        keys.unseal()
    assert _fresh(ring).kek(1) == key


def test_nobody_listening_is_unreachable_and_quick(ring: LocalKeyRing, settings: Settings) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.TRANSIT_URL = f"http://127.0.0.1:{probe.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(KeyServerUnreachable, match="does not answer"):
            _fresh(ring).kek(1)
        assert time.monotonic() - started < 5


def test_plain_http_where_tls_is_asked_is_unreachable(
    keys: Server, ring: LocalKeyRing, settings: Settings
) -> None:
    settings.TRANSIT_URL = keys.url.replace("http://", "https://")
    with pytest.raises(KeyServerUnreachable, match="SSLError"):
        _fresh(ring).kek(1)


def test_a_server_that_hangs_is_unreachable(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = TransitServer(mount="transit", token="t")
    settings.KEY_PROVIDER, settings.TRANSIT_URL, settings.TRANSIT_TOKEN = "transit", slow.url, "t"
    monkeypatch.setattr("privacy.vault.providers.transit.TIMEOUT", (1, 0.2))
    ring = LocalKeyRing(tmp_path / "keys")
    try:
        ring.found(now=NOW)
        slow.delay_seconds = 1
        started = time.monotonic()
        with pytest.raises(KeyServerUnreachable, match="ReadTimeout"):
            _fresh(ring).kek(1)
        assert time.monotonic() - started < 0.9
    finally:
        slow.stop()


@pytest.mark.parametrize(
    ("path", "answer", "expected"),
    [
        ("redirect", (307, None), KeyServerUnreachable),
        ("broken", (500, {"errors": ["internal error"]}), KeyServerUnreachable),
        ("gateway", (502, None), KeyServerUnreachable),
        ("too many", (429, {"errors": ["quota"]}), KeyServerUnreachable),
        ("not begun", (501, {"errors": []}), KeyServerSealed),
        ("nonsense", (200, {"data": {"plaintext": "!"}}), KeyServerRefuses),
        ("short", (200, {"data": {"plaintext": "AAAA"}}), KeyServerRefuses),
        ("empty", (200, None), KeyServerRefuses),
        ("no object", (200, {"data": []}), KeyServerRefuses),
    ],
)
def test_every_other_answer_has_an_error_of_its_own(
    tmp_path: Path,
    settings: Settings,
    path: str,
    answer: tuple[int, dict[str, object] | None],
    expected: type[KeysMissing],
) -> None:
    odd = TransitServer(mount="transit", token="t")
    settings.KEY_PROVIDER, settings.TRANSIT_URL, settings.TRANSIT_TOKEN = "transit", odd.url, "t"
    ring = LocalKeyRing(tmp_path / "keys")
    try:
        ring.found(now=NOW)
        odd.asked = lambda *_: answer  # type: ignore[method-assign]
        with pytest.raises(expected):
            _fresh(ring).kek(1)
    finally:
        odd.stop()


def test_no_error_and_no_log_tells_the_token(
    keys: Server, ring: LocalKeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _fresh(ring).kek(1)
    assert keys.token not in caplog.text
    assert keys.token not in repr(ring.provider) + str(vars(ring.provider))


def test_the_token_is_prolonged(keys: Server, ring: LocalKeyRing) -> None:
    seconds = ring.provider.renew()
    assert 3000 < seconds <= 86_400


def test_a_token_that_cannot_be_prolonged_is_said(
    keys: Server, installed: LocalKeyRing, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert renew_key_token()
    installed.provider = TransitProvider(installed.folder)
    settings.TRANSIT_TOKEN = "s.gone"
    assert renew_key_token() is None
    assert "refuses this token" in caplog.text


def test_a_token_that_was_exchanged_in_its_file_is_taken_without_a_restart(
    keys: Server, ring: LocalKeyRing, settings: Settings, tmp_path: Path
) -> None:
    settings.TRANSIT_TOKEN_FILE = str(tmp_path / "token")
    settings.TRANSIT_TOKEN = "s.revoked"
    (tmp_path / "token").write_text("s.revoked\n")
    running = _fresh(ring)
    with pytest.raises(KeyServerForbids):
        running.kek(1)
    (tmp_path / "token").write_text("")  # it is being written
    with pytest.raises(KeyServerForbids):
        running.kek(1)
    (tmp_path / "token").write_text(f"{keys.token}\n")
    assert running.kek(1) == ring.kek(1)
    assert running.provider.renew() > 0


def test_with_files_there_is_no_token_to_prolong(settings: Settings) -> None:
    assert settings.KEY_PROVIDER == "local"
    assert renew_key_token() is None


# --- the product with it ---------------------------------------------------------------------

databases = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)


@databases
@pytest.mark.usefixtures("vault")
def test_documents_of_before_and_after_the_move_open(
    installed: LocalKeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = uuid4()
    services.write_document(
        subject_id=subject, retention_class=RetentionClass.PROFILE, document={"name": "Alice"}
    )
    key_ring.cache_clear()
    found = services.read_documents(subject_ids=[subject], retention_class=RetentionClass.PROFILE)
    assert found == {subject: {"name": "Alice"}}
    call_command("keys", "status")
    said = capsys.readouterr().out
    assert "Wrapped by: transit" in said
    assert "epoch 1: opens" in said


@databases
@pytest.mark.usefixtures("vault")
def test_without_the_server_nothing_is_read_and_forms_are_accepted(
    installed: LocalKeyRing, settings: Settings
) -> None:
    subject = uuid4()
    services.write_document(
        subject_id=subject, retention_class=RetentionClass.PROFILE, document={"name": "Alice"}
    )
    key_ring.cache_clear()
    settings.TRANSIT_URL = "http://127.0.0.1:9"
    with pytest.raises(KeyServerUnreachable):
        services.read_documents(subject_ids=[subject], retention_class=RetentionClass.PROFILE)
    with pytest.raises(KeyServerUnreachable):
        services.find_by_email(emails=["new@example.org"])
    services.drop_envelope(
        kind="submission", context="form", envelope_id=uuid4(), document={"a": "b"}, now=NOW
    )


@databases
@pytest.mark.usefixtures("vault")
def test_without_the_server_no_epoch_is_called_gone(
    installed: LocalKeyRing, settings: Settings
) -> None:
    subject = uuid4()
    services.write_document(
        subject_id=subject, retention_class=RetentionClass.PROFILE, document={"name": "Alice"}
    )
    installed.add_epoch(now=NOW)
    key_ring.cache_clear()
    url, settings.TRANSIT_URL = settings.TRANSIT_URL, "http://127.0.0.1:9"
    with pytest.raises(KeyServerUnreachable):
        rewrap()
    key_ring().provider = TransitProvider(installed.folder)
    settings.TRANSIT_URL = url
    assert rewrap().gone == ()


@databases
@pytest.mark.usefixtures("vault")
def test_fingerprint_keys_rotate_and_are_dropped_in_the_server_too(
    keys: Server, installed: LocalKeyRing, tmp_path: Path
) -> None:
    before = services.fingerprint_emails(emails=["alice@example.org"])[0]
    call_command("keys", "rotate-fingerprints")
    call_command("keys", "rotate-fingerprints")
    after = services.fingerprint_emails(emails=["alice@example.org"])[0]
    assert {each.epoch for each in after.every} == {1, 2, 3}
    assert before.exact in {each.exact for each in after.every}
    shutil.copytree(installed.folder, tmp_path / "copy")
    names = keys.key_names()
    installed.drop_fingerprint_epoch(2, now=NOW + LINKS_LIVE + timedelta(days=3650))
    assert {name.rpartition("-")[2] for name in names - keys.key_names()} == {"000002"}
    (tmp_path / "copy" / "fingerprint-000002.dropped").unlink(missing_ok=True)
    with pytest.raises(KeyServerLacksKey):
        LocalKeyRing(tmp_path / "copy").fingerprint_key(2)
    assert services.fingerprint_emails(emails=["alice@example.org"])[0].every
    assert django_settings.KEY_PROVIDER == "transit"
