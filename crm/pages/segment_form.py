"""From a posted form of the segment builder to its rows, after the button that was pressed.

A button says what it does and where: `rule:r.1` adds a rule to the group r.1, `group:r.1` a group,
`remove:`, `up:` and `down:` are of a row. A row that is moved goes as one reads: into a group that
it meets, and out of one at its ends, so that every place can be reached with two buttons.
"""

import re

from django.http import QueryDict

from crm.pages.segment_builder import NEW_FACT, ROOT, GroupRow, Offer, RuleRow
from crm.segments.rules import DEPTH_MAX, FACTS, MATCHES, OPERATORS

_FIELD = re.compile(r"(r(?:\.[0-9]{1,3}){0,8})\.(fact|match)")
Row = RuleRow | GroupRow


def from_post(post: QueryDict) -> GroupRow:
    """Return the rows that were posted, renumbered, after the button that was pressed."""
    posted = _Posted(post)
    root = posted.group(ROOT)
    verb, _colon, place = post.get("do", "").partition(":")
    _press(root, verb, place, posted.offer)
    _renumber(root, ROOT)
    return root


class _Posted:
    """The fields of one posted form, by place."""

    def __init__(self, post: QueryDict) -> None:
        self.post = post
        self.offer = Offer()
        self.children: dict[str, list[tuple[int, str, str]]] = {}
        for name in post:
            found = _FIELD.fullmatch(name)
            if found and found[1] != ROOT:
                parent, _dot, place = found[1].rpartition(".")
                self.children.setdefault(parent, []).append((int(place), found[1], found[2]))

    def group(self, path: str) -> GroupRow:
        match = self.post.get(f"{path}.match", "all")
        group = GroupRow(path, match if match in MATCHES else "all")
        for _place, part, what in sorted(self.children.get(path, [])):
            group.parts.append(self.rule(part) if what == "fact" else self.group(part))
        return group

    def rule(self, path: str) -> RuleRow:
        fact = self.post.get(f"{path}.fact", "")
        fact = fact if fact in FACTS else NEW_FACT
        allowed = OPERATORS[FACTS[fact].kind]
        operator = self.post.get(f"{path}.is", "")
        row = RuleRow(path, fact, operator if operator in allowed else allowed[0], [], self.offer)
        # Another fact or another kind of operator was chosen: the old value means nothing to it.
        if self.post.get(f"{path}.was", row.shape) == row.shape:
            row.raw = [text for text in self.post.getlist(f"{path}.value") if text]
        return row


def _renumber(group: GroupRow, path: str) -> None:
    group.path = path
    for place, part in enumerate(group.parts):
        if isinstance(part, GroupRow):
            _renumber(part, f"{path}.{place}")
        else:
            part.path = f"{path}.{place}"


# --- the buttons -----------------------------------------------------------------------------


def _press(root: GroupRow, verb: str, place: str, offer: Offer) -> None:
    groups = {one.path: one for one in (root, *root.rows()) if isinstance(one, GroupRow)}
    if verb in ("rule", "group") and place in groups:
        _add(groups[place], verb, offer)
    parent = groups.get(place.rpartition(".")[0])
    row = next((part for part in parent.parts if part.path == place), None) if parent else None
    if parent is None or row is None:
        return
    if verb == "remove":
        parent.parts.remove(row)
        parent.takes_focus = True
    if verb in ("up", "down"):
        above = groups.get(parent.path.rpartition(".")[0])
        row.focus = verb
        _move(row, parent, above, step=-1 if verb == "up" else 1)


def _add(group: GroupRow, what: str, offer: Offer) -> None:
    if what == "rule":
        group.parts.append(_new_rule(offer))
    elif group.can_nest:
        group.parts.append(GroupRow("", "any", [_new_rule(offer)]))


def _new_rule(offer: Offer) -> RuleRow:
    """Return an empty rule, which takes the keyboard."""
    return RuleRow("", NEW_FACT, OPERATORS[FACTS[NEW_FACT].kind][0], [], offer, is_new=True)


def _move(row: Row, parent: GroupRow, above: GroupRow | None, *, step: int) -> None:
    here = parent.parts.index(row)
    there = here + step
    if not 0 <= there < len(parent.parts):
        if above is None:
            return
        parent.parts.remove(row)
        above.parts.insert(above.parts.index(parent) + (step > 0), row)
        return
    neighbour = parent.parts[there]
    parent.parts.remove(row)
    if isinstance(neighbour, GroupRow) and parent.depth + _height(row) < DEPTH_MAX:
        neighbour.parts.insert(0 if step > 0 else len(neighbour.parts), row)
    else:
        parent.parts.insert(there, row)


def _height(row: Row) -> int:
    """How many groups deep a row is in itself: 0 for a rule."""
    if isinstance(row, RuleRow):
        return 0
    return 1 + max((_height(part) for part in row.parts), default=0)
