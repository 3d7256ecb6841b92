"""A file of people, as it was uploaded, into numbered rows of cells."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# A file beyond these is cut into several by whoever sends it: what is received is held in memory
# until it is sealed, and looked at by people before it counts (OWASP ASVS 5.2.1).
ROWS_MAX, COLUMNS_MAX, CELL_MAX = 50_000, 60, 1_000
_DELIMITERS = ";,\t"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

WHY: dict[str, Promise] = {
    "empty": _("The file is empty."),
    "encoding": _(
        "The characters of the file are neither UTF-8 nor Windows-1252. Save it again as CSV UTF-8."
    ),
    "no_columns": _("The first line must name the columns, parted by semicolons or commas."),
    "too_many_columns": _("The file has too many columns: keep those that you need."),
    "too_many_rows": _("The file has more than 50,000 lines: cut it into several."),
    "quotes": _("The file cannot be read as CSV: a quotation mark is open and is not closed."),
}


class FileRefused(ValueError):
    """The file cannot be read; the argument is a word of WHY."""

    @property
    def sentence(self) -> Promise:
        return WHY[str(self.args[0])]


@dataclass(frozen=True, repr=False)
class Row:
    """The cells of one row and the number of its first line, as an editor shows it. No repr."""

    line: int
    cells: list[str]


@dataclass(frozen=True, repr=False)
class Table:
    header: list[str]
    rows: Iterator[Row]


def read_table(content: bytes) -> Table:
    """Return the header and, as they are asked for, the rows; raises FileRefused, also later."""
    if not content.strip():
        raise FileRefused("empty")
    text = io.TextIOWrapper(io.BytesIO(content), encoding=_encoding(content), newline="")
    first = text.readline()
    text.seek(0)
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    rows = _rows(reader)
    header = next(rows, Row(1, [])).cells
    if not any(header) or (len(header) == 1 and "@" in header[0]):
        raise FileRefused("no_columns")
    if len(header) > COLUMNS_MAX:
        raise FileRefused("too_many_columns")
    return Table(header, _at_most(rows, ROWS_MAX))


def _encoding(content: bytes) -> str:
    if content.startswith(_UTF_16) or b"\0" in content:
        raise FileRefused("encoding")
    for name in ("utf-8-sig", "cp1252"):
        try:
            content.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    raise FileRefused("encoding")


def _rows(reader: Any) -> Iterator[Row]:
    """Every row that holds something; an empty line is nothing."""
    before = 0
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            if any(cell.strip() for cell in cells):
                yield Row(line, [cell.strip()[:CELL_MAX] for cell in cells])
    except csv.Error:
        raise FileRefused("quotes") from None


def _at_most(rows: Iterator[Row], limit: int) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number >= limit:
            raise FileRefused("too_many_rows")
        yield row
