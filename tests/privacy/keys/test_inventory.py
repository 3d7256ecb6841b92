"""The inventory names every key that there is, and no byte of one."""

import ast
import json
from base64 import b64encode
from collections.abc import Iterator
from fnmatch import fnmatch
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import call_command
from pytest_django import Settings

from privacy.key_inventory import DERIVED, key_inventory
from privacy.models import DataKey, SealingKeyPair
from privacy.services import RetentionClass, write_documents
from privacy.vault.destruction import destroy_epoch
from privacy.vault.epochs import Reason, rotate_epoch
from privacy.vault.keyring import LocalKeyRing
from privacy.vault.rewrapping import rewrap
from privacy.vault.secrets_at_rest import SCOPES, seal_secret
from tests.conftest import NOW
from tests.privacy.keys.people import agreed_destruction

ROOT = Path(__file__).resolve().parents[3]
FLOORS = ("privacy", "consent", "crm", "forms_intake", "campaigns", "deploy")
databases = pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True)


def _pattern(node: ast.expr) -> str:
    """A label as it is written, with a star where it is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            "*" if isinstance(v, ast.FormattedValue) else _pattern(v) for v in node.values
        )
    return "*"


def _labels(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name in ("derived_key", "derived"):
            yield _pattern(node.args[0])


def _is_listed(label: str) -> bool:
    # Both may have a place to fill in: a listed one has it for the star, the used one as a star.
    listed = [one.label.replace("{}", "1") for one in DERIVED]
    return label != "*" and any(fnmatch(one, label) for one in listed)


# The two functions themselves, the inventory, which opens each to see whether it does, and what
# derives a key for each of its SCOPES.
_DOORS = {
    "privacy/vault/keyring.py",
    "privacy/key_inventory.py",
    "privacy/vault/secrets_at_rest.py",
}


def test_every_derived_label_in_the_source_is_in_the_inventory() -> None:
    used = {
        (str(path.relative_to(ROOT)), label)
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*.py")
        for label in _labels(path.read_text(encoding="utf-8"))
    }
    assert len(used) >= 7
    unlisted = {(path, label) for path, label in used if not _is_listed(label)}
    assert {one for one in unlisted if one[0] not in _DOORS or one[1] != "*"} == set()


def test_each_kind_of_secret_at_rest_is_in_the_inventory() -> None:
    assert SCOPES
    assert all(_is_listed(f"{scope}|1") for scope in SCOPES)
    with pytest.raises(ValueError, match="another"):
        seal_secret(scope="another", place=b"", secret=b"")


def test_a_label_that_nobody_listed_would_be_found() -> None:
    assert list(_labels('derived_key(f"new|{epoch}")')) == ["new|*"]
    assert not _is_listed("new|*")
    assert not _is_listed("new|1")
    assert not _is_listed("*")
    assert _is_listed("bidx|*|*")


def _text(form: str) -> str:
    out = StringIO()
    call_command("keys", "inventory", "--format", form, stdout=out)
    return out.getvalue()


@databases
def test_the_inventory_follows_the_life_of_epochs(ring: LocalKeyRing) -> None:
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rotate_epoch(now=NOW, reason=Reason.EXERCISE)
    rewrap()
    destroy_epoch(epoch=1, approval_id=agreed_destruction(epoch=1, now=NOW), now=NOW)
    states = {record.name: record.state for record in key_inventory(now=NOW)}
    assert states["key-encryption key, epoch 1"] == "destroyed"
    assert states["key-encryption key, epoch 2"] == "deactivated"
    assert states["key-encryption key, epoch 3"] == "active"
    assert states["root key"] == "active"
    (ring.folder / "root.key").unlink()
    ring._epochs.clear()
    states = {record.name: record.state for record in key_inventory(now=NOW)}
    assert states["root key"] == states["key-encryption key, epoch 3"] == "NOT THERE"


@databases
def test_the_settings_and_the_floors_above_are_in_it(
    ring: LocalKeyRing, settings: Settings, tmp_path: Path
) -> None:
    settings.DKIM_KEY_PATH = str(tmp_path / "dkim.pem")
    records = {record.name: record for record in key_inventory(now=NOW)}
    assert records["DKIM key accord"].state == "NOT THERE"
    (tmp_path / "dkim.pem").write_text("x")
    records = {record.name: record for record in key_inventory(now=NOW)}
    assert records["DKIM key accord"].state == "active"
    assert "Django secret" in records
    assert "password of accord_owner for vault" in records
    assert "0 authenticator secrets" in records
    assert any(name.startswith("sealing key pair ") for name in records)
    for record in records.values():
        assert all(str(value) for value in vars(record).values()), record.name


@databases
@pytest.mark.parametrize("form", ["json", "markdown"])
def test_never_a_byte_of_a_key(ring: LocalKeyRing, settings: Settings, form: str) -> None:
    write_documents(documents={uuid4(): {"n": 1}}, retention_class=RetentionClass.PROFILE)
    said = _text(form)
    secret = [
        settings.SECRET_KEY.encode(),
        *(d["PASSWORD"].encode() for d in settings.DATABASES.values()),
        *(path.read_bytes() for path in ring.folder.glob("*.*")),
        ring.kek(1),
        *(ring.derived(one.label) for one in DERIVED),
        *(bytes(pair.private_wrapped) for pair in SealingKeyPair.objects.all()),
        *(bytes(key.wrapped) for key in DataKey.objects.all()),
    ]
    for one in secret:
        for form_of_it in (one.decode(errors="ignore"), one.hex(), b64encode(one).decode()):
            for start in range(0, max(1, len(form_of_it) - 12), 4):
                piece = form_of_it[start : start + 12]
                assert len(piece) < 12 or piece not in said or piece in _FRAMES


# What a file of the ring says in clear.
_FRAMES = '{\n "label": "kek-1",\n "created_at": "2026-11-23T09:00:00+00:00",\n "wrapped": '


@databases
def test_both_forms_say_the_same(ring: LocalKeyRing) -> None:
    listed = json.loads(_text("json"))
    lines = _text("markdown").splitlines()
    assert len(lines) == len(listed) + 2
    assert {line.count(" | ") for line in lines if "\\|" not in line} == {12, 0}
    assert all(record["name"].replace("|", "\\|") in "\n".join(lines) for record in listed)
