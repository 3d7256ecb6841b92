"""manage.py notice: the text a form shows comes from a file."""

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from consent.services import indirect_notices, notice

pytestmark = pytest.mark.django_db(databases=["default"])
FRENCH = f"Vos données servent à vous répondre. {settings.DPO_ADDRESS}, réclamation à la CNIL."
ENGLISH = f"Your data serves to answer you. {settings.DPO_ADDRESS}, complaint to the CNIL."


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    paths = {"fr": tmp_path / "fr.txt", "en": tmp_path / "en.txt"}
    paths["fr"].write_text(f"{FRENCH}\n", encoding="utf-8")
    paths["en"].write_text(f"{ENGLISH}\n", encoding="utf-8")
    return paths


def _call(**options: object) -> str:
    out = StringIO()
    call_command("notice", "site", stdout=out, **options)
    return out.getvalue()


def test_a_notice_is_published_from_files_and_repeated_without_a_new_version(
    files: dict[str, Path],
) -> None:
    for _ in range(2):
        assert _call(**files) == "site is at version 1 in fr, en.\n"
    assert notice(code="site", version=1, language="fr").text == FRENCH


def test_a_typo_is_a_revision_of_the_same_version(files: dict[str, Path]) -> None:
    with pytest.raises(CommandError, match="never published"):
        _call(typo=True, **files)
    _call(**files)
    files["fr"].write_text(FRENCH.replace("servent à", "nous servent à"), encoding="utf-8")
    assert _call(typo=True, **files) == "site has revision 1 of its wording in fr, en.\n"
    shown = notice(code="site", version=1, language="fr")
    assert (shown.revision, "nous servent" in shown.text) == (1, True)


def test_a_language_more_is_no_typo(files: dict[str, Path]) -> None:
    _call(fr=files["fr"])
    with pytest.raises(CommandError, match="not a correction"):
        _call(typo=True, **files)


@pytest.mark.parametrize(
    ("lost", "said"), [(settings.DPO_ADDRESS, "data protection officer"), ("CNIL", "the CNIL")]
)
def test_a_text_without_whom_to_turn_to_is_refused_unless_it_is_meant(
    files: dict[str, Path], lost: str, said: str
) -> None:
    files["en"].write_text(ENGLISH.replace(lost, "…"), encoding="utf-8")
    with pytest.raises(CommandError, match=rf"text in en lacks.*{said}.*--as-is"):
        _call(**files)
    assert "version 1" in _call(as_is=True, **files)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fr.txt"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=r"fr\.txt"):
        _call(fr=path)


def test_no_file_at_all_says_what_to_write() -> None:
    with pytest.raises(CommandError, match="--fr"):
        call_command("notice", "site")


def test_a_notice_for_imported_people_says_that_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "fr.txt"
    path.write_text("Vos données viennent d’un salon.\n", encoding="utf-8")
    call_command("notice", "fair", fr=path, kind="indirect", as_is=True, stdout=StringIO())
    assert indirect_notices() == [("fair", 1)]
