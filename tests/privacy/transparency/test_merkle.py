"""The tree against published answers, against the RFC's own recursion, and against mutation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.transparency.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    consistency_proof,
    frontier_at,
    inclusion_proof,
    leaf_hash,
    node_hash,
    proves_consistency,
    proves_inclusion,
)

# The reference inputs of Certificate Transparency, and what RFC 6962 makes of the first n of them.
ENTRIES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAF_0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
PAIR_0 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
PAIR_1 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
PAIR_2 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
PAIR_3 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
FOUR_0 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
FOUR_1 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"

INCLUSION = [
    (0, 1, []),
    (0, 8, [LEAF_1, PAIR_1, FOUR_1]),
    (5, 8, [LEAF_4, PAIR_3, FOUR_0]),
    (2, 3, [PAIR_0]),
    (1, 5, [LEAF_0, PAIR_1, LEAF_4]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [LEAF_1, PAIR_1, FOUR_1]),
    (6, 8, [PAIR_2, PAIR_3, FOUR_0]),
    (2, 5, [PAIR_1, LEAF_4]),
]


def rfc_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, as it is written there."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(rfc_root(leaves[:half]), rfc_root(leaves[half:]))


def nodes(leaves: list[bytes]) -> Node:
    def node(level: int, index: int) -> bytes:
        end = (index + 1) << level
        assert end <= len(leaves), "asked for a subtree that is not full"
        return rfc_root(leaves[index << level : end])

    return node


def made(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(2, "big")) for number in range(size)]


def root_after(leaves: list[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def test_the_published_roots() -> None:
    leaves = [leaf_hash(entry) for entry in ENTRIES]
    assert [root_after(leaves[:size]).hex() for size in range(9)] == ROOTS


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_the_published_inclusion_proofs(index: int, size: int, proof: list[str]) -> None:
    leaves = [leaf_hash(entry) for entry in ENTRIES]
    found = inclusion_proof(index=index, size=size, node=nodes(leaves))
    assert [each.hex() for each in found] == proof
    root = bytes.fromhex(ROOTS[size])
    assert proves_inclusion(index=index, size=size, leaf=leaves[index], proof=found, root=root)


@pytest.mark.parametrize(("first", "second", "proof"), CONSISTENCY)
def test_the_published_consistency_proofs(first: int, second: int, proof: list[str]) -> None:
    leaves = [leaf_hash(entry) for entry in ENTRIES]
    found = consistency_proof(first=first, second=second, node=nodes(leaves))
    assert [each.hex() for each in found] == proof
    assert proves_consistency(
        first=first,
        second=second,
        first_root=bytes.fromhex(ROOTS[first]),
        second_root=bytes.fromhex(ROOTS[second]),
        proof=found,
    )


SIZES = st.integers(1, 300)


@given(size=st.integers(0, 300), split=st.integers(0, 300))
def test_growing_is_the_same_as_starting_again(size: int, split: int) -> None:
    leaves = made(size)
    grown = frontier_at(min(split, size), nodes(leaves))
    for leaf in leaves[grown.size :]:
        grown.append(leaf)
    assert (grown.size, grown.root()) == (size, rfc_root(leaves))


@given(size=SIZES, place=st.integers(0, 299))
def test_every_leaf_has_a_proof_that_leads_to_the_root(size: int, place: int) -> None:
    leaves, index = made(size), place % size
    proof = inclusion_proof(index=index, size=size, node=nodes(leaves))
    assert len(proof) <= size.bit_length()
    assert proves_inclusion(
        index=index, size=size, leaf=leaves[index], proof=proof, root=rfc_root(leaves)
    )


def _mutated(proof: list[bytes], how: str, place: int, bit: int) -> list[bytes]:
    if how == "cut" and proof:
        return [*proof[: place % len(proof)], *proof[place % len(proof) + 1 :]]
    if how == "flip" and proof:
        chosen = place % len(proof)
        flipped = int.from_bytes(proof[chosen], "big") ^ (1 << bit)
        return [*proof[:chosen], flipped.to_bytes(32, "big"), *proof[chosen + 1 :]]
    return [*proof, leaf_hash(b"one more")]


MUTATIONS = {
    "how": st.sampled_from(["cut", "flip", "longer"]),
    "part": st.integers(0, 20),
    "bit": st.integers(0, 255),
}


@given(size=SIZES, place=st.integers(0, 299), **MUTATIONS)
def test_no_mutated_inclusion_proof_leads_there(
    size: int, place: int, how: str, part: int, bit: int
) -> None:
    leaves, index = made(size), place % size
    proof = inclusion_proof(index=index, size=size, node=nodes(leaves))
    root = rfc_root(leaves)
    assert not proves_inclusion(
        index=index,
        size=size,
        leaf=leaves[index],
        proof=_mutated(proof, how, part, bit),
        root=root,
    )
    other = leaf_hash(b"another entry")
    assert not proves_inclusion(index=index, size=size, leaf=other, proof=proof, root=root)


@given(size=SIZES, place=st.integers(0, 299), other=st.integers(-1, 300))
def test_no_leaf_is_proved_at_another_place(size: int, place: int, other: int) -> None:
    leaves, index = made(size), place % size
    proof = inclusion_proof(index=index, size=size, node=nodes(leaves))
    is_proved = proves_inclusion(
        index=other, size=size, leaf=leaves[index], proof=proof, root=rfc_root(leaves)
    )
    assert is_proved == (other == index)


@given(first=SIZES, more=st.integers(0, 100), **MUTATIONS)
def test_a_longer_tree_shows_that_it_begins_with_the_shorter_one(
    first: int, more: int, how: str, part: int, bit: int
) -> None:
    leaves = made(first + more)
    known = {
        "first": first,
        "second": first + more,
        "first_root": rfc_root(leaves[:first]),
        "second_root": rfc_root(leaves),
    }
    proof = consistency_proof(first=first, second=first + more, node=nodes(leaves))
    assert proves_consistency(**known, proof=proof)  # type: ignore[arg-type]
    mutated = _mutated(proof, how, part, bit)
    assert not proves_consistency(**known, proof=mutated)  # type: ignore[arg-type]
    rewritten = {**known, "first_root": leaf_hash(b"what we said before")}
    assert not proves_consistency(**rewritten, proof=proof)  # type: ignore[arg-type]


def test_what_is_not_there_has_no_proof() -> None:
    leaves = made(4)
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(index=4, size=4, node=nodes(leaves))
    with pytest.raises(ValueError, match="smaller tree"):
        consistency_proof(first=0, second=4, node=nodes(leaves))
    with pytest.raises(ValueError, match="one root for each bit"):
        Frontier(3, leaves[:1])
