"""manage.py notice: the text a form shows comes from a file."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from consent.services import indirect_notices, notice

pytestmark = pytest.mark.django_db(databases=["default"])


def test_a_notice_is_published_from_files_and_repeated_without_a_new_version(
    tmp_path: Path,
) -> None:
    french, english = tmp_path / "fr.txt", tmp_path / "en.txt"
    french.write_text("Vos données servent à vous répondre.\n", encoding="utf-8")
    english.write_text("Your data serves to answer you.\n", encoding="utf-8")
    for _ in range(2):
        out = StringIO()
        call_command("notice", "site", fr=french, en=english, stdout=out)
        assert out.getvalue() == "site is at version 1 in fr, en.\n"
    shown = notice(code="site", version=1, language="fr")
    assert shown.text == "Vos données servent à vous répondre."


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fr.txt"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=r"fr\.txt"):
        call_command("notice", "site", fr=path)


def test_no_file_at_all_says_what_to_write() -> None:
    with pytest.raises(CommandError, match="--fr"):
        call_command("notice", "site")


def test_a_notice_for_imported_people_says_that_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "fr.txt"
    path.write_text("Vos données viennent d’un salon.\n", encoding="utf-8")
    call_command("notice", "fair", fr=path, indirect=True, stdout=StringIO())
    assert indirect_notices() == [("fair", 1)]
