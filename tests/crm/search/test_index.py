"""The index against a naive search of a list: the same people, in the same order."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crm.search import index as index_module
from crm.search.folding import FIELD, record_of, words_of
from crm.search.index import BEGINS, EXACT, NOTHING, WITHIN, Entry, Index

SECONDS = 30.0


def number(n: int) -> bytes:
    return n.to_bytes(16)


def entry(name: str = "", *, email: str = "", company: str = "", rev: int = 1) -> Entry:
    return rev, record_of({"given_name": name, "company": company, "email": email})


def index_of(*names: str) -> Index:
    index = Index()
    index.apply({number(n): entry(name) for n, name in enumerate(names)})
    return index


def find(index: Index, typed: str, *, limit: int = 50) -> list[tuple[int, int]]:
    words = [word.encode() for word in words_of(typed)]
    found = index.find(words, limit=limit, seconds=SECONDS)
    return [(int.from_bytes(each), rank) for each, rank in found.results]


# --- naive -----------------------------------------------------------------------------------


def _begins(field: str, word: str) -> bool:
    at = field.find(word)
    while at >= 0:
        before = field[at - 1] if at else " "
        if before.isascii() and not before.isalnum():
            return True
        at = field.find(word, at + 1)
    return False


def _naive_rank(record: str, words: Sequence[str]) -> int | None:
    fields = record.removeprefix("\n").split(FIELD)
    if not all(any(word in field for field in fields) for word in words):
        return None
    if all("@" in word and word in fields for word in words):
        return EXACT
    begins = all(any(_begins(field, word) for field in fields) for word in words)
    return BEGINS if begins else WITHIN


def naive(entries: dict[bytes, Entry], typed: str) -> list[tuple[bytes, int]]:
    words = words_of(typed)
    ranked = [
        (rank, number)
        for number, (_, record) in entries.items()
        if words and (rank := _naive_rank(record.decode(), words)) is not None
    ]
    newest_first = sorted(ranked, key=lambda one: one[1], reverse=True)
    return [(number, rank) for rank, number in sorted(newest_first, key=lambda one: one[0])]


def all_pages(index: Index, typed: str, *, limit: int) -> list[tuple[bytes, int]]:
    words = [word.encode() for word in words_of(typed)]
    if not words:
        return []
    seen: list[tuple[bytes, int]] = []
    after = None
    while True:
        found = index.find(words, limit=limit, seconds=SECONDS, after=after)
        assert not found.is_cut
        assert len(found.results) <= limit
        seen += found.results
        after = found.following
        if after is None:
            return seen


# A few letters, so that much matches; and some that fold.
_LETTERS = "aabé-. œ@'ж1"
_typed = st.text(_LETTERS, min_size=1, max_size=5)


class AsANaiveSearch(RuleBasedStateMachine):
    """Whatever is put in, replaced and taken out, both find the same."""

    def __init__(self) -> None:
        super().__init__()
        self.index, self.entries = Index(), dict[bytes, Entry]()

    @rule(
        changes=st.dictionaries(
            st.integers(0, 40),
            st.none() | st.tuples(st.text(_LETTERS, max_size=9), st.text("ab@.", max_size=6)),
            max_size=30,
        ),
        rev=st.integers(1, 9),
    )
    def change(self, changes: dict[int, tuple[str, str] | None], rev: int) -> None:
        made = {
            number(n): entry(what[0], email=what[1], rev=rev) if what else None
            for n, what in changes.items()
        }
        self.index.apply(made)
        for each, new in made.items():
            self.entries.pop(each, None)
            if new is not None:
                self.entries[each] = new

    @precondition(lambda self: self.entries)
    @rule(typed=_typed, limit=st.integers(1, 7))
    def search(self, typed: str, limit: int) -> None:
        assert all_pages(self.index, typed, limit=limit) == naive(self.entries, typed)

    @invariant()
    def holds_the_same(self) -> None:
        held = self.index.held(after=b"", until=b"\xff" * 16)
        assert {each: rev for each, (rev, _) in held.items()} == {
            each: rev for each, (rev, _) in self.entries.items()
        }
        assert len(self.index) == len(self.entries)
        some = self.index.held(after=number(10), until=number(20))
        assert some.keys() == {n for n in self.entries if number(10) < n <= number(20)}
        for n in range(41):
            mine = self.entries.get(number(n))
            assert self.index.revision(number(n)) == (mine[0] if mine else None)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that some dozen people fill many."""
    monkeypatch.setattr(index_module, "SHARD_SIZE", 4)


def test_finds_what_a_naive_search_finds() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        AsANaiveSearch, settings=settings(max_examples=60, stateful_step_count=15, deadline=None)
    )


@given(st.lists(st.text(max_size=12), max_size=30), st.text(max_size=6))
@settings(max_examples=100, deadline=None)
def test_any_script_is_searched_alike(names: list[str], typed: str) -> None:
    index = index_of(*names)
    entries = {number(n): entry(name) for n, name in enumerate(names)}
    found = {each for each, _ in all_pages(index, typed, limit=7)}
    assert found == {each for each, _ in naive(entries, typed)}


def test_a_word_that_begins_comes_before_one_within_and_the_newest_first() -> None:
    index = index_of("Martin", "Saint-Martin", "Dumartin", "Martine Roy", "Paul")
    assert find(index, "martin") == [(3, BEGINS), (1, BEGINS), (0, BEGINS), (2, WITHIN)]


def test_the_exact_address_comes_first_however_many_begin_with_it() -> None:
    index = Index()
    index.apply({number(n): entry(email=f"a@b.example{'' if n == 0 else n}") for n in range(100)})
    found = find(index, "A@B.example", limit=3)
    assert found == [(0, EXACT), (99, BEGINS), (98, BEGINS)]


def test_every_word_must_occur_in_whatever_order() -> None:
    index = index_of("Jean Dupont", "Jean Martin", "Anne Dupont")
    assert find(index, "dupont jean") == [(0, BEGINS)]
    assert find(index, "dup ean") == [(0, WITHIN)]
    assert find(index, "dupont pierre") == []


def test_words_do_not_match_across_people_or_fields() -> None:
    index = Index()
    index.apply({number(1): entry("ab", company="cd"), number(2): entry("ef")})
    assert find(index, "bcd") == []
    assert find(index, "def") == []
    assert find(index, "ab cd") == [(1, BEGINS)]


def test_a_document_that_does_not_open_is_counted_and_never_found() -> None:
    index = index_of("Anne")
    index.apply({number(9): (3, NOTHING)})
    assert len(index) == 2
    assert index.held(after=b"", until=b"\xff" * 16)[number(9)] == (3, False)
    assert find(index, "anne") == [(0, BEGINS)]


def test_a_search_that_runs_out_of_time_says_so() -> None:
    index = index_of(*("Anne" for _ in range(50)))
    found = index.find([b"anne"], limit=50, seconds=0.0)
    assert found.is_cut
    assert 0 < len(found.results) < 50


def test_who_is_taken_out_is_in_no_byte_of_what_is_held() -> None:
    index = index_of("Anne", "Canary", "Paul")
    index.apply({number(1): None})
    assert not any(b"canary" in shard.text for shard in index._held[0])


def test_the_index_prints_nobody() -> None:
    index = index_of("Canary")
    assert "anary" not in repr(index) + repr(index._held)
