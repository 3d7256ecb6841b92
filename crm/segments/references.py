"""Segments in the rules of other segments: their rules stand in the place of their number.

A chain of segments that leads back to one of them is refused here as well as when it is saved: a
question about members always ends.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from crm.models import Segment
from crm.segments.facts import SEGMENT
from crm.segments.rules import Group, InvalidRules, Rule, parse

# Rules of all segments that stand in one, and how long a chain of them may be.
EXPANDED_MAX, CHAIN_MAX = 400, 4


@dataclass(frozen=True)
class Named:
    """Another segment, as it stands in a rule."""

    id: str
    name: str
    group: "Whole"


@dataclass(frozen=True)
class Reference:
    """A rule about other segments, with what these say."""

    rule: Rule
    segments: tuple[Named, ...]


@dataclass(frozen=True)
class Whole:
    """A group in which every segment that it names is opened up."""

    match: str
    parts: tuple["Whole | Reference | Rule", ...]


Saved = Mapping[str, tuple[str, Group]]


def numbers_in(group: Group) -> Iterator[str]:
    """Yield the number of every segment that the rules of a tree name."""
    for part in group.parts:
        if isinstance(part, Group):
            yield from numbers_in(part)
        elif part.fact is SEGMENT and isinstance(part.value, tuple):
            yield from part.value


def reachable_from(group: Group) -> dict[str, tuple[str, Group]]:
    """Return (name, rules) of every segment that a tree names, and that these name, by number.

    One query for each step of the chain. Raises InvalidRules for a chain that is too long.
    """
    found: dict[str, tuple[str, Group]] = {}
    wanted = set(numbers_in(group))
    for _step in range(CHAIN_MAX):
        if not wanted:
            return found
        rows = Segment.objects.filter(id__in=wanted).values_list("id", "name", "rules")
        fresh = {str(number): (name, parse(rules)) for number, name, rules in rows}
        found |= fresh
        wanted = {n for _name, tree in fresh.values() for n in numbers_in(tree)} - found.keys()
    if wanted:
        raise InvalidRules("", _("Segments are named by segments too many times in a row."))
    return found


def whole(rules: Mapping[str, Any] | None, *, saved: Saved | None = None) -> Whole:
    """Return the checked tree with every named segment opened up. Raises InvalidRules.

    `saved` are the segments that may be named, if they were read already.
    """
    group = parse(rules)
    return _Opener(reachable_from(group) if saved is None else saved).group(group, "", ())


# How a named segment is asked about, as the match of the groups that stand in its place.
_MATCH_OF = {"one_of": "any", "all_of": "all", "not_one_of": "none"}


def opened(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same rules with every named segment's own in the place of its number.

    What is made of them no longer changes with those segments. Raises InvalidRules.
    """
    named = reachable_from(parse(rules))
    whole(rules)  # refuses what leads back to itself
    rows = Segment.objects.filter(id__in=list(named)).values_list("id", "rules")
    return _opened_node(rules, {str(number): each for number, each in rows})


def _opened_node(node: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
    if node.get("fact") == SEGMENT.name:
        parts = [_opened_node(saved[number], saved) for number in node["value"]]
        return {"match": _MATCH_OF[node["is"]], "rules": parts}
    if "rules" in node:
        return {**node, "rules": [_opened_node(part, saved) for part in node["rules"]]}
    return dict(node)


def refuse_circle(*, segment_id: UUID | None, rules: Mapping[str, Any]) -> None:
    """Raise InvalidRules when these rules, saved as that segment, would lead back to it."""
    group = parse(rules)
    saved = reachable_from(group)
    _Opener(saved).group(group, "", () if segment_id is None else (str(segment_id),))


class _Opener:
    """Opens the segments of one tree; it counts the rules as it goes."""

    def __init__(self, saved: Saved) -> None:
        self.saved = saved
        self.rules = 0

    def group(self, group: Group, path: str, chain: tuple[str, ...]) -> Whole:
        self._count(path)
        parts = enumerate(group.parts)
        return Whole(group.match, tuple(self._part(p, _step(path, n), chain) for n, p in parts))

    def _part(
        self, part: Group | Rule, path: str, chain: tuple[str, ...]
    ) -> Whole | Reference | Rule:
        if isinstance(part, Group):
            return self.group(part, path, chain)
        self._count(path)
        if part.fact is not SEGMENT or not isinstance(part.value, tuple):
            return part
        return Reference(part, tuple(self._named(one, path, chain) for one in part.value))

    def _named(self, number: str, path: str, chain: tuple[str, ...]) -> Named:
        if number in chain:
            raise InvalidRules(f"{path}.value", _("This segment would lead back to itself."))
        if number not in self.saved:
            raise InvalidRules(f"{path}.value", _("There is no such segment."))
        name, group = self.saved[number]
        try:
            return Named(number, name, self.group(group, "", (*chain, number)))
        except InvalidRules as wrong:
            # What is wrong inside of another segment is told at the rule that names it.
            raise InvalidRules(f"{path}.value", wrong.reason) from None

    def _count(self, path: str) -> None:
        self.rules += 1
        if self.rules > EXPANDED_MAX:
            raise InvalidRules(
                path, _("With the segments that it names, these are too many rules.")
            )


def _step(path: str, place: int) -> str:
    return f"{path}.rules.{place}" if path else f"rules.{place}"


def leaves(group: Whole) -> Iterable[Rule]:
    """Yield every rule that is asked of a contact, those of the named segments too."""
    for part in group.parts:
        if isinstance(part, Rule):
            yield part
        elif isinstance(part, Whole):
            yield from leaves(part)
        else:
            for named in part.segments:
                yield from leaves(named.group)
