"""The folder of a log: what it holds, how it grows, what a crash and a stranger leave in it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.transparency.anchor import LogBusy, anchor_writer, newest_note, notes
from privacy.transparency.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    proves_consistency,
    proves_inclusion,
)
from privacy.transparency.notes import Head, NotSigned, Signer
from privacy.transparency.tiles import LogDamaged, TileReader, bundle, tile_path, unbundle

SIGNER = Signer(name="log.example/one", seed=bytes(range(32)))
ORIGIN = SIGNER.verifier.name


def entry(number: int) -> bytes:
    return b"entry %d" % number


def grow(folder: Path, count: int) -> Head:
    with anchor_writer(folder, verifier=SIGNER.verifier) as writer:
        writer.append([entry(number) for number in range(writer.size, writer.size + count)])
        return writer.commit(origin=ORIGIN, sign=SIGNER.sign)[0]


def root_of(size: int) -> bytes:
    frontier = Frontier()
    for number in range(size):
        frontier.append(leaf_hash(entry(number)))
    return frontier.root()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_tiles_are_named_as_the_standard_names_them(tmp_path: Path) -> None:
    path = tile_path(tmp_path, 0, 1234067)
    assert str(path.relative_to(tmp_path)) == "tile/0/x001/x234/067"
    path = tile_path(tmp_path, "entries", 5, 112)
    assert str(path.relative_to(tmp_path)) == "tile/entries/005.p/112"


def test_the_example_of_the_standard(tmp_path: Path) -> None:
    grow(tmp_path, 70_000)
    level = {
        name: {path for path in (tmp_path / "tile" / name).rglob("*") if path.is_file()}
        for name in ("0", "1", "2")
    }
    assert len(level["0"]) == 273 + 1
    assert tile_path(tmp_path, 0, 273, 112) in level["0"]
    assert level["1"] == {tile_path(tmp_path, 1, 0), tile_path(tmp_path, 1, 1, 17)}
    assert level["2"] == {tile_path(tmp_path, 2, 0, 1)}


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_a_log_that_grew_in_steps_is_the_log_made_at_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    stepwise, at_once = tmp_path_factory.mktemp("steps"), tmp_path_factory.mktemp("once")
    heads = [grow(stepwise, count) for count in steps]
    size = sum(steps)
    assert heads[-1] == grow(at_once, size) == Head(ORIGIN, size, root_of(size))
    grown = files(stepwise)
    made = {name: content for name, content in files(at_once).items() if name != "heads.log"}
    assert made == {name: grown[name] for name in made}
    assert [SIGNER.verifier.open(note) for note in notes(stepwise)] == heads


@settings(max_examples=15, deadline=None)
@given(first=st.integers(1, 700), more=st.integers(1, 700), place=st.integers(0, 1399))
def test_proofs_come_from_the_tiles(
    tmp_path_factory: pytest.TempPathFactory, first: int, more: int, place: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    before, after = grow(folder, first), grow(folder, more)
    reader, index = TileReader(folder, after.size), place % after.size
    proof = inclusion_proof(index=index, size=after.size, node=reader.node)
    leaf = leaf_hash(reader.entry(index))
    assert proves_inclusion(index=index, size=after.size, leaf=leaf, proof=proof, root=after.root)
    assert proves_consistency(
        first=before.size,
        second=after.size,
        first_root=before.root,
        second_root=after.root,
        proof=consistency_proof(first=before.size, second=after.size, node=reader.node),
    )
    # A reader that still goes by the head before finds everything of it.
    old = TileReader(folder, before.size)
    assert list(old.entries(0, before.size)) == [entry(number) for number in range(first)]
    assert [old.node(0, number) for number in range(first)] == [
        leaf_hash(entry(number)) for number in range(first)
    ]


def test_a_full_tile_takes_the_place_of_its_partial_ones(tmp_path: Path) -> None:
    for _ in range(3):
        grow(tmp_path, 100)
    names = {name for name in files(tmp_path) if name.startswith("tile/")}
    assert names == {
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    }


def test_a_crash_before_the_head_leaves_no_trace_in_it(tmp_path: Path) -> None:
    grow(tmp_path, 10)
    with (
        pytest.raises(KeyboardInterrupt),
        anchor_writer(tmp_path, verifier=SIGNER.verifier) as writer,
    ):
        writer.append([b"lost"] * 600)
        raise KeyboardInterrupt
    assert newest_note(tmp_path) == (tmp_path / "checkpoint").read_text()
    assert grow(tmp_path, 700) == Head(ORIGIN, 710, root_of(710))


def test_a_crash_between_the_head_and_the_checkpoint_is_made_good(tmp_path: Path) -> None:
    grow(tmp_path, 10)
    old = (tmp_path / "checkpoint").read_text()
    head = grow(tmp_path, 10)
    (tmp_path / "checkpoint").write_text(old)
    with anchor_writer(tmp_path, verifier=SIGNER.verifier) as writer:
        assert writer.size == 20
    assert SIGNER.verifier.open((tmp_path / "checkpoint").read_text()) == head


@pytest.mark.parametrize("cut", [1, 2, 60, 130])
def test_a_note_that_was_cut_short_never_was(tmp_path: Path, cut: int) -> None:
    first = grow(tmp_path, 10)
    grow(tmp_path, 10)
    log = tmp_path / "heads.log"
    log.write_bytes(log.read_bytes()[:-cut])
    assert SIGNER.verifier.open(newest_note(tmp_path) or "") == first
    assert [SIGNER.verifier.open(note) for note in notes(tmp_path)] == [first]
    assert grow(tmp_path, 10).size == 20
    assert len(list(notes(tmp_path))) == 2


def test_a_note_that_was_altered_is_not_taken_for_one_cut_short(tmp_path: Path) -> None:
    grow(tmp_path, 10)
    log = tmp_path / "heads.log"
    log.write_text(log.read_text().replace("\n10\n", "\nten\n"))
    with pytest.raises(LogDamaged):
        grow(tmp_path, 1)
    with pytest.raises(LogDamaged):
        list(notes(tmp_path))
    log.write_text(log.read_text().replace("\nten\n", "\n9\n"))
    with pytest.raises(NotSigned):
        grow(tmp_path, 1)


def test_nothing_is_signed_above_tiles_that_were_altered(tmp_path: Path) -> None:
    grow(tmp_path, 10)
    tile = tile_path(tmp_path, 0, 0, 10)
    tile.write_bytes(bytes(len(tile.read_bytes())))
    with pytest.raises(LogDamaged, match="not those"):
        grow(tmp_path, 1)
    tile.unlink()
    with pytest.raises(LogDamaged, match="cannot be read"):
        grow(tmp_path, 1)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with anchor_writer(tmp_path, verifier=SIGNER.verifier), pytest.raises(LogBusy):
        grow(tmp_path, 1)


def test_a_tile_of_entries_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    entries = [b"", b"a", b"b" * 300]
    assert unbundle(bundle(entries)) == entries
    with pytest.raises(ValueError, match="cut"):
        unbundle(bundle(entries)[:-1])
    with pytest.raises(ValueError, match="65,535"):
        bundle([bytes(65_536)])
    grow(tmp_path, 5)
    path = tile_path(tmp_path, "entries", 0, 5)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LogDamaged, match="not whole"):
        TileReader(tmp_path, 5).entry(2)


def test_only_its_owner_reads_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "anchor"
    grow(folder, 300)
    assert folder.stat().st_mode & 0o077 == 0
    assert not [path for path in folder.rglob("*") if path.is_file() and path.stat().st_mode & 0o77]
