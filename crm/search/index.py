"""The text of everybody, in memory, and how it is searched.

Records stand in shards, in the order of the subjects' ids: one run of bytes each, which
`bytes.rfind` walks at the speed of memory, newest first. A shard is never changed: a new one takes
its place, so that a search that is under way reads on in the old one and nobody waits for a lock.
One thread writes, any number search.
"""

import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from crm.search.folding import FIELD, RECORD

SHARD_SIZE = 4096
_EDGES = frozenset((FIELD + RECORD).encode())
_WORD = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyz") | frozenset(range(0x80, 0x100))
EXACT, BEGINS, WITHIN = 0, 1, 2
NOTHING = RECORD.encode()  # a document that does not open: counted, never found

Entry = tuple[int, bytes]  # revision, record


@dataclass(frozen=True, repr=False, slots=True)
class Shard:
    """Some thousand records. No repr: it is full of names."""

    ids: "_Ids"
    revisions: "array[int]"
    starts: "array[int]"
    text: bytes
    unreadable: int

    @classmethod
    def of(cls, entries: Sequence[tuple[bytes, Entry]]) -> "Shard":
        starts = array("I", [0])
        for _, (_, record) in entries:
            starts.append(starts[-1] + len(record))
        return cls(
            _Ids(b"".join(number for number, _ in entries)),
            array("Q", (rev for _, (rev, _) in entries)),
            starts,
            b"".join(record for _, (_, record) in entries),
            sum(record == NOTHING for _, (_, record) in entries),
        )

    def entries(self) -> Iterator[tuple[bytes, Entry]]:
        bounds = pairwise(self.starts)
        for number, rev, (start, end) in zip(self.ids, self.revisions, bounds, strict=True):
            yield number, (rev, self.text[start:end])

    def size(self) -> int:
        return len(self.text) + 28 * len(self.revisions)


class _Ids(Sequence[bytes]):
    """Ids of 16 bytes, end to end: a list of objects would weigh more than the names."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def __len__(self) -> int:
        return len(self._packed) // 16

    def __getitem__(self, at: int) -> bytes:  # type: ignore[override]
        if not 0 <= at < len(self):
            raise IndexError(at)
        return self._packed[16 * at : 16 * at + 16]

    @property
    def last(self) -> bytes:
        return self._packed[-16:]

    def __iter__(self) -> Iterator[bytes]:
        return (self._packed[at : at + 16] for at in range(0, len(self._packed), 16))


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place behind a result."""

    rank: int
    number: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """Ids with their ranks, best first; `is_cut` when time ran out before everything was seen."""

    results: Sequence[tuple[bytes, int]]
    following: Cursor | None = None
    is_cut: bool = False


class _Search:
    """One search under way: at most one more than the limit of each rank."""

    def __init__(self, words: Sequence[bytes], limit: int, after: Cursor | None) -> None:
        self.words, self.limit = words, limit
        self.ranked: tuple[list[bytes], ...] = ([], [], [])
        self._after = (after.rank, after.number) if after else (EXACT, b"\xff" * 17)
        at = words[0].find(b"@") if len(words) == 1 else 0
        may_be_exact = 0 < at < len(words[0]) - 3  # there is a domain behind it
        self._best = self.ranked[EXACT if may_be_exact else BEGINS]

    def take(self, number: bytes, rank: int) -> bool:
        """Keep a match, if it is to be shown; return whether nothing that comes can be better."""
        rank_shown, number_shown = self._after
        is_new = rank > rank_shown or (rank == rank_shown and number < number_shown)
        place = self.ranked[rank]
        if is_new and len(place) <= self.limit:
            place.append(number)
        # Each rank is met newest first.
        return len(self._best) > self.limit

    def found(self, *, is_cut: bool) -> Found:
        flat = [(number, rank) for rank, place in enumerate(self.ranked) for number in place]
        shown = flat[: self.limit]
        if len(flat) <= self.limit:
            return Found(shown, None, is_cut)
        return Found(shown, Cursor(shown[-1][1], shown[-1][0]), is_cut)


class Index:
    """Everybody's text, searched by any part of it."""

    def __init__(self) -> None:
        # Shards and the first id of each, replaced together.
        self._held: tuple[list[Shard], list[bytes]] = ([], [])

    # --- reading --------------------------------------------------------------------------

    def __len__(self) -> int:
        return sum(len(shard.revisions) for shard in self._held[0])

    def size(self) -> int:
        """Return about how many bytes are held."""
        return sum(shard.size() for shard in self._held[0])

    def unreadable(self) -> int:
        """Return of how many the document does not open."""
        return sum(shard.unreadable for shard in self._held[0])

    def held(self, *, after: bytes, until: bytes) -> dict[bytes, tuple[int, bool]]:
        """Return id -> (revision, whether it is readable) of those in (after, until]."""
        shards, firsts = self._held
        found: dict[bytes, tuple[int, bool]] = {}
        for shard in shards[max(0, bisect_right(firsts, after) - 1) : bisect_right(firsts, until)]:
            low, high = bisect_right(shard.ids, after), bisect_right(shard.ids, until)
            for at in range(low, high):
                is_readable = shard.starts[at + 1] - shard.starts[at] > len(NOTHING)
                found[shard.ids[at]] = shard.revisions[at], is_readable
        return found

    def revision(self, number: bytes) -> int | None:
        """Return the revision that is held of a subject; None if there is none."""
        shards, firsts = self._held
        shard = shards[max(0, bisect_right(firsts, number) - 1)] if shards else None
        at = bisect_left(shard.ids, number) if shard else 0
        if shard is None or at == len(shard.ids) or shard.ids[at] != number:
            return None
        return shard.revisions[at]

    def find(
        self, words: Sequence[bytes], *, limit: int, seconds: float, after: Cursor | None = None
    ) -> Found:
        """Return who has all the words: exact address, words that begin so, then any part.

        Within a rank the newest first, by the ids, which are in the order of time.
        """
        deadline = time.monotonic() + seconds
        search = _Search(words, limit, after)
        for shard in reversed(self._held[0]):
            if _search_shard(shard, search):
                break
            if time.monotonic() > deadline:
                return search.found(is_cut=True)
        return search.found(is_cut=False)

    # --- writing --------------------------------------------------------------------------

    def clear(self) -> None:
        self._held = ([], [])

    def apply(self, changes: Mapping[bytes, Entry | None]) -> None:
        """Put in, replace, or (None) take out; only one thread may call."""
        shards, firsts = self._held
        ordered = sorted(changes)
        if not ordered:
            return
        if not shards or (
            ordered[0] > shards[-1].ids.last and len(shards[-1].ids) >= SHARD_SIZE // 2
        ):  # as when loading: nothing that stands is touched
            made = _shards_of([(n, e) for n in ordered if (e := changes[n]) is not None])
            self._replace([*shards, *made])
            return
        touched: dict[int, list[bytes]] = {}
        for number in ordered:
            touched.setdefault(max(0, bisect_right(firsts, number) - 1), []).append(number)
        after: list[Shard] = []
        for at, shard in enumerate(shards):
            if at not in touched:
                after.append(shard)
                continue
            entries = dict(shard.entries())
            for number in touched[at]:
                _put(entries, number, changes[number])
            if after and len(after[-1].revisions) + len(entries) <= SHARD_SIZE // 2:
                entries = {**dict(after.pop().entries()), **entries}
            after += _shards_of(sorted(entries.items()))
        self._replace(after)

    def _replace(self, shards: list[Shard]) -> None:
        self._held = (shards, [shard.ids[0] for shard in shards])


def _put(entries: dict[bytes, Entry], number: bytes, entry: Entry | None) -> None:
    if entry is None:
        entries.pop(number, None)
    else:
        entries[number] = entry


def _shards_of(entries: Sequence[tuple[bytes, Entry]]) -> list[Shard]:
    parts = max(1, round(len(entries) / SHARD_SIZE))
    size = -(-len(entries) // parts)
    return [Shard.of(entries[at : at + size]) for at in range(0, len(entries), size or 1)]


def _search_shard(shard: Shard, search: _Search) -> bool:
    """Take what matches, newest first; return whether the search is over."""
    text, starts = shard.text, shard.starts
    driver, others = search.words[0], search.words[1:]
    end = len(text)
    while (at := text.rfind(driver, 0, end)) >= 0:
        record = bisect_right(starts, at) - 1
        end, high = starts[record], starts[record + 1]
        rank = _rank_of_word(text, end, high, driver)
        for word in others:
            if text.find(word, end, high) < 0:
                break
            rank = max(rank, _rank_of_word(text, end, high, word))
        else:
            if search.take(shard.ids[record], rank):
                return True
    return False


def _rank_of_word(text: bytes, low: int, high: int, word: bytes) -> int:
    """EXACT where the word is a whole field with an @, BEGINS where it begins a word."""
    best = WITHIN
    at = text.find(word, low, high)
    while at >= 0:
        if text[at - 1] not in _WORD:
            best = BEGINS
            behind = at + len(word)
            is_field = text[at - 1] in _EDGES and (behind == high or text[behind] in _EDGES)
            if is_field and b"@" in word:
                return EXACT
        at = text.find(word, at + 1, high)
    return best
