"""No file that the product writes holds a cell that a spreadsheet runs (ASVS 1.2.10)."""

import subprocess
from pathlib import Path

import pytest

from crm.spreadsheets import as_text

ROOT = Path(__file__).resolve().parents[2]
# Each module that writes CSV, looked at: a new one is added here with a test of its cells.
WRITERS = {
    "crm/pages/imports.py",
    "crm/exports/downloading.py",
    "campaigns/pages/results_files.py",
}


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_that_begins_like_a_formula_is_text(sign: str) -> None:
    for rest in ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://evil.example")'):
        assert as_text(sign + rest) == f"'{sign}{rest}"
    assert as_text(f"a{sign}1") == f"a{sign}1"
    assert as_text("") == ""


def test_every_writer_of_csv_is_known() -> None:
    apps = ["privacy", "consent", "crm", "forms_intake", "campaigns", "deploy"]
    found = subprocess.run(
        ["grep", "-rlE", "--include=*.py", r"csv\.(writer|DictWriter)", *apps],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert set(found.stdout.split()) == WRITERS
    for path in WRITERS:
        assert "as_text(" in (ROOT / path).read_text(encoding="utf-8")
