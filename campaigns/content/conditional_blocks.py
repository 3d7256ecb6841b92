"""Finds the conditional blocks of a source, and puts a mark before and after each of them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser

from campaigns.content.conditions import (
    ATTRIBUTE,
    TAGS,
    BadCondition,
    Condition,
    Fence,
    read_condition,
)

_WRITTEN = re.compile(rf"\s+{ATTRIBUTE}\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Block:
    """A conditional element: where it starts, where its first tag ends, and where it ends."""

    start: int
    inside: int
    end: int
    condition: Condition


class _Finder(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self._source = source
        self._lines = [0]
        for line in source.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._open: list[tuple[str, int, int, str | None]] = []
        self.blocks: list[Block] = []

    def _tag_span(self) -> tuple[int, int]:
        line, column = self.getpos()
        start = self._lines[line - 1] + column
        return start, start + len(self.get_starttag_text() or "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in TAGS:
            self._open.append((tag, *self._tag_span(), dict(attrs).get(ATTRIBUTE)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in TAGS:
            start, end = self._tag_span()
            self._keep(start, end, end, dict(attrs).get(ATTRIBUTE))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            _tag, start, inside, words = self._open.pop()
            end = self._source.index(">", self._tag_span()[0]) + 1
            self._keep(start, inside, end, words)

    def _keep(self, start: int, inside: int, end: int, words: str | None) -> None:
        if words is None:
            return
        try:
            self.blocks.append(Block(start, inside, end, read_condition(words)))
        except BadCondition:
            return  # The linter names it, and nothing is compiled.


def blocks_of(source: str) -> list[Block]:
    """Every conditional block of a template without comments, in the order of the text."""
    finder = _Finder(source)
    finder.feed(source)
    finder.close()
    return sorted(finder.blocks, key=lambda block: (block.start, -block.end))


def fenced(source: str, word_of: Callable[[Fence], str]) -> str:
    """The source with a word of ``word_of`` before and after each block, for the engine to leave
    where it stands: what is raw gets no markup of Outlook's around it."""
    edits: list[tuple[int, int, str]] = []
    for block in blocks_of(source):
        opening = _WRITTEN.sub("", source[block.start : block.inside], count=1)
        before = f"<mj-raw>{word_of(Fence(block.condition))}</mj-raw>"
        edits.append((block.start, block.inside, before + opening))
        after = f"<mj-raw>{word_of(Fence())}</mj-raw>"
        if block.end == block.inside:  # it closes itself
            edits[-1] = (block.start, block.inside, before + opening + after)
        else:
            edits.append((block.end, block.end, after))
    pieces, at = [], 0
    for start, end, text in sorted(edits):
        pieces += [source[at:start], text]
        at = end
    return "".join([*pieces, source[at:]])
