"""No figure is about a person: small groups are put together, and shares say how sure they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.results.cells import LEAST, OTHERS, Cell, fold
from campaigns.results.intervals import Share


def _cells(*sizes: int) -> list[Cell]:
    return [Cell(chr(97 + at), size, size // 2, size // 3) for at, size in enumerate(sizes)]


def test_large_groups_stand_by_themselves_the_largest_first() -> None:
    assert [cell.which for cell in fold(_cells(10, 30, 20))] == ["b", "c", "a"]


def test_small_groups_are_one() -> None:
    assert fold(_cells(30, 6, 5)) == [Cell("a", 30, 15, 10), Cell(OTHERS, 11, 5, 3)]


def test_a_small_rest_takes_the_next_group_with_it() -> None:
    """Else it would be the total without the groups that are shown."""
    assert fold(_cells(30, 12, 9)) == [Cell("a", 30, 15, 10), Cell(OTHERS, 21, 10, 7)]
    assert fold(_cells(10, 4)) == [Cell(OTHERS, 14, 7, 4)]


def test_of_fewer_than_ten_in_all_nothing_is_said() -> None:
    assert fold(_cells(5, 4)) == []
    assert fold([]) == []


@given(st.lists(st.integers(1, 60), max_size=26))
def test_no_group_is_small_and_nobody_is_lost(sizes: list[int]) -> None:
    folded = fold(_cells(*sizes))
    assert all(cell.people >= LEAST for cell in folded)
    assert sum(cell.people for cell in folded) == (sum(sizes) if sum(sizes) >= LEAST else 0)
    # What is not shown by itself is never the difference of what is.
    shown = {cell.which for cell in folded}
    hidden = [cell.people for cell in _cells(*sizes) if cell.which not in shown]
    assert not hidden or not folded or sum(hidden) >= LEAST


@pytest.mark.parametrize(
    ("events", "people", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: Wilson's interval.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_that_were_published(
    events: int, people: int, low: float, high: float
) -> None:
    found = Share(events, people).interval
    assert found is not None
    assert found == pytest.approx((low, high), abs=5e-5)


def test_of_nobody_there_is_no_share() -> None:
    assert (Share(0, 0).rate, Share(0, 0).interval) == (None, None)
