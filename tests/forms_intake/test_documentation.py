"""The reference for developers names everything that the API can answer."""

import re
from pathlib import Path

from forms_intake import fields, submissions
from forms_intake.fields import FIELDS
from forms_intake.public import body
from forms_intake.public.refusals import REFUSALS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "forms-api.md").read_text()
# They belong to the page and are never an answer of the API.
OF_THE_PAGE = {"too_quick", "show_again"}


def test_every_error_is_in_the_table_with_its_status() -> None:
    rows = dict(re.findall(r"^\| \d+ \| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE))
    for refusal in REFUSALS.values():
        if refusal.code not in OF_THE_PAGE:
            assert f"| {refusal.status} | `{refusal.code}` |" in PAGE
    known = {refusal.code for refusal in REFUSALS.values()} | {"not_found"}
    assert rows.keys() == known - OF_THE_PAGE


def test_every_code_of_a_field_is_named() -> None:
    sources = "".join(
        Path(str(module.__file__)).read_text() for module in (fields, submissions, body)
    )
    codes = set(re.findall(r'InvalidField\(\s*"(\w+)"', sources))
    codes |= set(re.findall(r'FieldError\([^,]+, "(\w+)"', sources)) - {"shape"}
    assert len(codes) >= 12
    assert not {code for code in codes if f"`{code}`" not in PAGE}


def test_every_field_and_member_is_described() -> None:
    for name in [*FIELDS, *body.MEMBERS]:
        assert f"`{name}`" in PAGE, name
