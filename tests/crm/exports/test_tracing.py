"""A leaked file, whole or in parts and however it was changed, says whose download it was."""

import random
from io import StringIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm.exports.marks import find_marks, made_up, new_canary, new_ref
from crm.models import Account, Export, ExportDownload
from tests.crm.exports.cast import DOMAIN, made, person, take
from tests.crm.staff import make_account

pytestmark = [
    pytest.mark.django_db(databases=["default", "vault", "intake"], transaction=True),
    pytest.mark.usefixtures("vault"),
]


@pytest.fixture
def mia() -> Account:
    return make_account("mia")


@pytest.fixture
def export(mia: Account) -> Export:
    for number in range(12):
        person(f"person{number}")
    return made(mia)


def _trace(path: Path) -> str:
    said = StringIO()
    call_command("exports", "trace", str(path), stdout=said)
    return said.getvalue()


def _rows(content: bytes) -> list[bytes]:
    return content.split(b"\r\n")[1:-1]


def test_the_right_one_of_several_downloads_is_named(export: Export, tmp_path: Path) -> None:
    take(export)
    leaked = tmp_path / "leaked.csv"
    leaked.write_bytes(take(export))
    take(export)
    said = _trace(leaked)
    assert f"Export {export.id}, download 2 (" in said
    assert "by mia" in said
    assert "its rows in the file: 14; made-up people: 2" in said
    assert said.count("Export ") == 1


def test_one_row_out_of_it_is_enough(export: Export, tmp_path: Path) -> None:
    rows = _rows(take(export))
    random.Random(7).shuffle(rows)
    leaked = tmp_path / "part.txt"
    leaked.write_bytes(b"somebody posted this: " + rows[0].replace(b'"', b"").lower())
    assert "download 1" in _trace(leaked)


def test_without_the_reference_the_two_who_do_not_exist_name_it(
    export: Export, tmp_path: Path
) -> None:
    take(export)
    rows = _rows(take(export))
    random.Random(8).shuffle(rows)
    addresses = [row.split(b",")[1].strip(b'"') for row in rows]
    leaked = tmp_path / "addresses.txt"
    leaked.write_bytes(b"\n".join(addresses).upper())
    said = _trace(leaked)
    assert "download 2" in said
    assert "its rows in the file: 0; made-up people: 2" in said


def test_a_workbook_and_another_encoding_are_read_too(export: Export, tmp_path: Path) -> None:
    content = take(export)
    workbook = tmp_path / "leaked.xlsx"
    with ZipFile(workbook, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", b"<si><t>" + content + b"</t></si>")
    assert "download 1" in _trace(workbook)
    wide = tmp_path / "wide.csv"
    wide.write_bytes(content.decode().encode("utf-16"))
    assert "download 1" in _trace(wide)


def test_a_file_of_somebody_else_is_nobody_s(export: Export, tmp_path: Path) -> None:
    take(export)
    other = tmp_path / "other.csv"
    other.write_text(f"{new_ref()},a.b.{new_canary()}@{DOMAIN}\r\nalice@example.org\r\n")
    with pytest.raises(CommandError, match="No mark"):
        _trace(other)
    with pytest.raises(CommandError, match="no such file"):
        _trace(tmp_path / "nothing")


def test_marks_are_found_wherever_a_piece_ends(tmp_path: Path) -> None:
    ref, canary = new_ref(), new_canary()
    for shift in range(65_500, 65_560):
        path = tmp_path / "long"
        path.write_bytes(b" " * shift + f"{ref},x.y.{canary}@{DOMAIN} ".encode() + b" " * 70_000)
        found = find_marks(path)
        assert (found.refs, found.canaries) == ({ref: 1}, {canary: 1}), shift


def test_the_two_are_the_same_each_time_and_not_each_other(export: Export) -> None:
    take(export)
    canary = ExportDownload.objects.get().canary
    first, second = made_up(canary=canary, columns=["email", "phone"], domain=DOMAIN)
    assert [first, second] == made_up(canary=canary, columns=["email", "phone"], domain=DOMAIN)
    assert first.cells != second.cells
    assert all(cells.startswith("+3363998") for cells in (first.cells[1], second.cells[1]))
