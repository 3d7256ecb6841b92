"""The first sign-in of a desk: it works as shown, and is kept for its owner only."""

import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from crm.accounts.second_factor import check_code
from crm.models import Account
from deploy.desk.layout import PORTS, Layout
from deploy.desk.login import code_of
from deploy.desk.welcome import qr_lines, show_sign_in

pytestmark = pytest.mark.django_db


def _accounts(path: Path) -> dict[str, dict[str, Any]]:
    return {one["username"]: one for one in json.loads(path.read_text())["accounts"]}


def test_the_accounts_open_with_what_the_file_says(tmp_path: Path) -> None:
    kept = tmp_path / "first-sign-in.json"
    call_command("desk_accounts", file=kept)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    shown = _accounts(kept)
    assert {name: one["role"] for name, one in shown.items()} == {
        "marketing": "marketing",
        "dpo": "dpo",
        "dsi": "dsi",
    }
    for name, one in shown.items():
        account = Account.objects.get(username=name)
        assert account.check_password(one["password"])
        assert account.role == one["role"]
        assert not account.must_change_password
    code = code_of(shown["marketing"]["secret"], now=time.time())
    assert check_code(account=Account.objects.get(username="marketing"), code=code)


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "first-sign-in.json"
    call_command("desk_accounts", file=kept)
    before = kept.read_text()
    call_command("desk_accounts", file=kept)
    assert kept.read_text() == before
    assert Account.objects.count() == 3


def test_a_run_that_was_cut_short_is_completed(tmp_path: Path) -> None:
    kept = tmp_path / "first-sign-in.json"
    call_command("desk_accounts", file=kept)
    before = _accounts(kept)
    Account.objects.get(username="marketing").delete()
    call_command("desk_accounts", file=kept)
    after = _accounts(kept)
    assert Account.objects.get(username="marketing").check_password(after["marketing"]["password"])
    assert after["dpo"] == before["dpo"]
    assert after["marketing"]["password"] != before["marketing"]["password"]


def test_the_sign_in_can_be_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout = Layout(tmp_path, {name: usual for name, (_setting, usual) in PORTS.items()}, {})
    layout.make_folders()
    call_command("desk_accounts", file=layout.sign_in_file)
    show_sign_in(layout)
    said = capsys.readouterr().out
    for one in _accounts(layout.sign_in_file).values():
        assert one["password"] in said
    assert _accounts(layout.sign_in_file)["marketing"]["secret"] in said


def test_the_code_is_that_of_the_rfc() -> None:
    """RFC 6238 appendix B, the last six digits of its first SHA-1 vector."""
    secret = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    assert code_of(secret, now=59) == "287082"


def test_the_qr_code_fits_a_terminal() -> None:
    address = "otpauth://totp/Accord:marketing?secret=" + "A" * 32
    lines = qr_lines(address)
    assert len({len(line) for line in lines}) == 1
    assert 15 < len(lines) < 30
