"""What changed between two texts, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Run:
    """A run of words that stayed ("same"), went ("gone") or came ("new")."""

    kind: str
    text: str


def word_diff(*, old: str, new: str) -> list[Run]:
    """Return the runs in reading order; together "same" and "new" are the new text."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    runs: list[Run] = []
    # Without autojunk: a word that comes often, a comma say, is no less a word.
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            runs.append(Run("same", "".join(before[i1:i2])))
            continue
        if i2 > i1:
            runs.append(Run("gone", "".join(before[i1:i2])))
        if j2 > j1:
            runs.append(Run("new", "".join(after[j1:j2])))
    return runs
