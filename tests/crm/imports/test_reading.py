"""A file as people have them: encodings, delimiters, quotes, and what cannot be taken."""

import pytest

from crm.imports.columns import Candidate, detect, read_row
from crm.imports.reading import COLUMNS_MAX, ROWS_MAX, FileRefused, Row, read_table

HEADER = ["E-mail", "Prénom", "Nom", "Société", "Téléphone", "Pays", "Langue", "Étiquettes"]


def rows(content: bytes) -> list[list[str]]:
    return [row.cells for row in read_table(content).rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_files_of_spreadsheets_are_read_as_they_were_written(encoding: str, delimiter: str) -> None:
    lines = [["E-mail", "Prénom"], ["zoé@example.org", "Zoé «œ»"]]
    content = "\r\n".join(delimiter.join(line) for line in lines).encode(encoding)
    table = read_table(content)
    assert table.header == lines[0]
    assert [row.cells for row in table.rows] == lines[1:]


def test_a_row_is_named_by_the_line_on_which_it_begins() -> None:
    table = read_table(b'email;note\na@example.org;"two\nlines"\n\nb@example.org;x\n')
    assert [row.line for row in table.rows] == [2, 5]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        ("email\n\u00e9".encode("utf-16"), "encoding"),
        (b"email\n\x81\xff", "encoding"),
        (b"a@example.org\nb@example.org", "no_columns"),
        (b";".join([b"x"] * (COLUMNS_MAX + 1)), "too_many_columns"),
        (b"email\n" + b"a@example.org\n" * (ROWS_MAX + 1), "too_many_rows"),
        (b'email\n"never closed' + b"x" * 200_000, "quotes"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(content: bytes, why: str) -> None:
    with pytest.raises(FileRefused) as refused:
        list(read_table(content).rows)
    assert refused.value.args == (why,)
    assert str(refused.value.sentence)


def test_columns_are_found_by_their_french_and_english_names() -> None:
    fields = ["email", "given_name", "family_name", "company", "phone", "country", "language"]
    assert detect(HEADER) == {name: n for n, name in enumerate([*fields, "tags"])}
    english = ["Email address", "First name", "Surname", "Company", "Job title", "Shoe size"]
    assert list(detect(english)) == ["email", "given_name", "family_name", "company", "job_title"]


def read(**cells: str) -> Candidate | str:
    mapping = {name: number for number, name in enumerate(cells)}
    return read_row(Row(7, list(cells.values())), mapping, width=len(cells))


def test_a_row_becomes_a_person() -> None:
    found = read(
        email=" Zoe@Example.ORG ",
        given_name="Zoé",
        phone="06 12 34 56 78",
        country="fr",
        language="Anglais",
        tags="Salon 2026, VIP|vip",
    )
    assert isinstance(found, Candidate)
    assert (found.person.email, found.person.phone) == ("zoe@example.org", "+33612345678")
    assert (found.person.country, found.language) == ("FR", "en")
    assert found.tags == ("salon-2026", "vip")


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"email": ""}, "no_address"),
        ({"email": "nobody"}, "invalid_address"),
        ({"email": "a@example.org", "phone": "12"}, "invalid_phone"),
        ({"email": "a@example.org", "country": "France"}, "invalid_country"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(cells: dict[str, str], why: str) -> None:
    assert read(**cells) == why


def test_more_cells_than_columns_are_not_guessed_at() -> None:
    assert read_row(Row(2, ["a@example.org", "x"]), {"email": 0}, width=1) == "columns"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
def test_a_cell_that_looks_like_a_formula_is_text(begin: str) -> None:
    name = f"{begin}HYPERLINK(1)"
    found = read(email="a@example.org", given_name=name)
    assert isinstance(found, Candidate) and found.person.given_name == name


def test_identities_are_never_printed() -> None:
    assert "example.org" not in repr(read(email="a@example.org"))
    assert "example.org" not in repr(Row(1, ["a@example.org"]))
