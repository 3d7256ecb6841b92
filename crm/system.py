"""What operations may know of an installation: numbers, ages and states; nothing about anybody.

The floors above tell their figures here when Django starts, as they do for the shell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

Label = object  # a str, or a lazy translation that becomes one in a template


@dataclass(frozen=True)
class Figure:
    """One line: `is_wrong` is said in red, because somebody has to look."""

    label: Label
    value: Label
    is_wrong: bool = False


@dataclass(frozen=True)
class FigureGroup:
    code: str
    title: Label
    position: int
    provider: Callable[[datetime], Sequence[Figure]]


_GROUPS: dict[str, FigureGroup] = {}


def register_figures(
    *,
    code: str,
    title: Label,
    position: int,
    provider: Callable[[datetime], Sequence[Figure]],
) -> None:
    """Add a group of figures to the page of the system; the same code again replaces it.

    `provider` is asked once per view, must be quick, and may open no document.
    """
    _GROUPS[code] = FigureGroup(code, title, position, provider)


def figures(*, now: datetime) -> list[tuple[FigureGroup, Sequence[Figure]]]:
    """Return every group with its figures at this moment."""
    ordered = sorted(_GROUPS.values(), key=lambda group: group.position)
    return [(group, group.provider(now)) for group in ordered]
