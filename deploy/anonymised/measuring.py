"""Measures the original: counts in cells of at least ten people, and nothing else.

Reads crm alone. No word that anybody typed is taken: tags, sources and forms become numbers by
their rank, and of purposes only those that every installation begins with keep their name.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connections

from deploy.anonymised.treatments import made_tables

# A cell of fewer is joined to the biggest of its kind. Ten: twice what the European Medicines
# Agency and most statistical offices ask of a published table at least (five).
CELL_MIN = 10
VERSION = 1
# What every installation begins with; a name that the company made up is not carried over.
KNOWN_PURPOSES = (
    *("reply_to_request", "newsletter", "targeted_promotion", "phone_prospecting"),
    *("service_information", "email_measurement"),
)
_SQL = Path(__file__).parent / "sql"
Shape = dict[str, Any]


class TooFew(ValueError):
    """There are fewer than ten people: any number about them would be about one of them."""


def measure(*, now: datetime) -> Shape:
    """Return the shape, ready for JSON. Raises TooFew. Changes nothing."""
    volumes = {table: _one(f'SELECT count(*) FROM "{table}"') for table in made_tables()}  # noqa: S608  # our own names
    if volumes["crm_contact"] < CELL_MIN:
        raise TooFew(TooFew.__doc__)
    return {
        "version": VERSION,
        "volumes": volumes,
        **{name: _cells(name, now) for name in _QUERIES},
        "campaigns": _campaigns(now),
    }


_QUERIES = (
    *("people", "reach", "sources", "came", "acted", "tags", "histories", "leads_each"),
    *("leads", "suppressions", "letters", "entries", "organisations", "wishes"),
)


# Where a person may have many rows, the query says of how many people a cell is.
_OF_ROWS = frozenset({"leads", "letters", "entries"})
# What every contact needs, where no cell of it is big enough to cross.
_DEFAULTS: dict[str, list[Any]] = {
    "people": ["fr", "FR", "new"],
    "reach": [True, False, False, False, False],
    "sources": [1],
    "came": [0],
    "acted": [0],
}


def _cells(name: str, now: datetime) -> list[list[Any]]:
    """Return what a query counts, as lists of its words and their count."""
    rows = _rows((_SQL / f"{name}.sql").read_text(encoding="utf-8"), now)
    counted = [(row[:-2], *row[-2:]) if name in _OF_ROWS else (row[:-1], row[-1]) for row in rows]
    found = [[_plain(key), count] for key, count in without_small_cells(counted)]
    if not found and name in _DEFAULTS:
        return [[_DEFAULTS[name], 1]]
    return found


def without_small_cells(cells: Iterable[tuple[Any, ...]]) -> list[tuple[Any, int]]:
    """Join every cell of fewer than CELL_MIN people to the biggest one; the sum stays what it was.

    A cell is its key, its rows, and of how many people they are where that is not the same. Sorted,
    so that the order tells nothing. Where all are small none crosses: the biggest would still be
    the trait of a few, and the copy then has no rows of that kind.
    """
    ordered = sorted(cells, key=lambda cell: (-cell[1], repr(cell[0])))
    kept = [cell for cell in ordered if cell[-1] >= CELL_MIN]
    if not kept:
        return []
    rest = sum(cell[1] for cell in ordered) - sum(cell[1] for cell in kept)
    first, *others = kept
    return [(first[0], first[1] + rest), *((cell[0], cell[1]) for cell in others)]


def _campaigns(now: datetime) -> list[Shape]:
    """Return each campaign as its purpose, its age and what became of its messages."""
    found: dict[int, Shape] = {}
    for number, purpose, months, state, reason, count in _rows(
        (_SQL / "campaigns.sql").read_text(encoding="utf-8"), now
    ):
        known = purpose if purpose in KNOWN_PURPOSES else "newsletter"
        one = found.setdefault(number, {"purpose": known, "months": months, "cells": []})
        if count:
            one["cells"].append(((state, reason), count))
    for one in found.values():
        joined = without_small_cells(one["cells"])
        one["cells"] = [[_plain(key), count] for key, count in joined]
    return list(found.values())


def _plain(part: Any) -> Any:
    return [_plain(each) for each in part] if isinstance(part, tuple) else part


def _rows(statement: str, now: datetime) -> list[tuple[Any, ...]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement, {"now": now, "known": list(KNOWN_PURPOSES)})
        return [tuple(_hashable(part) for part in row) for row in cursor.fetchall()]


def _hashable(part: Any) -> Any:
    return tuple(_hashable(each) for each in part) if isinstance(part, list) else part


def _one(statement: str) -> int:
    with connections["default"].cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
