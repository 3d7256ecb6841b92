"""The rules of the house that no linter knows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connections

from deploy.router import TrustZoneRouter, database_of

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("privacy", "consent", "crm", "forms_intake", "campaigns", "deploy")
SOURCES = [
    path
    for floor in FLOORS
    for path in (ROOT / floor).rglob("*.py")
    if "migrations" not in path.parts
]


def test_no_file_outgrows_its_name() -> None:
    long = {str(p): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 400}
    assert not long


def test_no_drawer_without_a_name() -> None:
    forbidden = {"utils.py", "helpers.py", "common.py", "manager.py", "data.py", "info.py"}
    assert not [str(path) for path in SOURCES if path.name in forbidden]


def test_no_relation_spans_two_databases() -> None:
    spanning = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation
        and isinstance(field.related_model, type)
        and database_of(model) != database_of(field.related_model)
    ]
    assert not spanning


@pytest.mark.django_db(databases=["default", "vault", "intake"])
def test_each_table_is_in_its_own_database_only() -> None:
    router = TrustZoneRouter()
    present = {alias: set(connections[alias].introspection.table_names()) for alias in connections}
    for model in apps.get_models():
        home = router.db_for_read(model)
        where = {alias for alias, tables in present.items() if model._meta.db_table in tables}
        assert where == {home}, model


def _start(process: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**clean, "ACCORD_PROCESS": process, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_secret_refuses_to_start_and_says_what_to_write() -> None:
    done = _start("staff")
    assert done.returncode != 0
    assert "Set ACCORD_SECRET_KEY (or ACCORD_SECRET_KEY_FILE)" in done.stderr


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 60)
    assert _start("public", ACCORD_SECRET_KEY_FILE=str(secret)).returncode == 0


def test_the_public_process_has_no_session_no_account_and_no_staff_address() -> None:
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "assert s.ROOT_URLCONF == 'deploy.urls_public';"
        "assert not [m for m in s.MIDDLEWARE if 'session' in m.lower() or 'auth' in m.lower()];"
        "assert s.DATABASES['default']['ENGINE'] == s.DATABASES['vault']['ENGINE'] =="
        " 'django.db.backends.dummy'"
    )
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ACCORD_")}
    environment = {**clean, "ACCORD_PROCESS": "public", "ACCORD_SECRET_KEY": "x" * 60}
    environment["DJANGO_SETTINGS_MODULE"] = "deploy.settings"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    sources = "".join(path.read_text() for path in SOURCES)
    read = {name.removesuffix("_FILE") for name in re.findall(r'"(ACCORD_[A-Z_]+)"', sources)}
    built = {"ACCORD_CRM_DSN", "ACCORD_VAULT_DSN", "ACCORD_INTAKE_DSN"}
    built |= {"ACCORD_PUBLIC_PORT", "ACCORD_STAFF_PORT"}
    page = (ROOT / "docs" / "settings.md").read_text()
    documented = set(re.findall(r"\| `(ACCORD_[A-Z_]+)` \|", page))
    assert documented == read | built
