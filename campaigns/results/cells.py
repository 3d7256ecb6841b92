"""Groups that are too small to be shown: nobody is to be recognised in a figure."""

from collections.abc import Iterable
from dataclasses import dataclass

# A group of fewer people than this is not shown by itself.
LEAST = 10
OTHERS = "*"


@dataclass(frozen=True, slots=True)
class Cell:
    """A group of people who agree to be measured: how many, and how many opened and clicked."""

    which: str
    people: int
    opened: int
    clicked: int

    def __add__(self, other: "Cell") -> "Cell":
        return Cell(
            OTHERS,
            self.people + other.people,
            self.opened + other.opened,
            self.clicked + other.clicked,
        )


def fold(cells: Iterable[Cell]) -> list[Cell]:
    """Return the groups, largest first, with every small one in "others", which comes last.

    The others are at least ten too: else the next larger group goes with them, because the total
    is shown and what is missing from it could be computed. Fewer than ten in all: nothing.
    """
    ordered = sorted(cells, key=lambda cell: (-cell.people, cell.which))
    large = [cell for cell in ordered if cell.people >= LEAST]
    small = ordered[len(large) :]
    while small and large and sum(cell.people for cell in small) < LEAST:
        small.append(large.pop())
    if sum(cell.people for cell in small) < LEAST:
        return large
    return [*large, sum(small, Cell(OTHERS, 0, 0, 0))]
