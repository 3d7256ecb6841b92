"""The Merkle tree of RFC 9162 section 2.1 (the same as in RFC 6962): pure functions, no storage.

A tree of n leaves is known by its frontier: the roots of the full subtrees that n is made of, from
the left (the largest) to the right. Everything else is read through `Node`: the root of the full
subtree of 2**level leaves that stands at `index` among its equals.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256().digest()
Node = Callable[[int, int], bytes]
Span = tuple[int, int]


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    # The 1 in front: no inner node can pass for a leaf (RFC 9162 2.1.1).
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier:
    """A tree that takes leaves one by one, in constant memory but for the logarithm."""

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        self.size = size
        self.roots = list(roots)
        if len(self.roots) != size.bit_count():
            raise ValueError("A frontier has one root for each bit of its size.")

    def append(self, leaf: bytes) -> None:
        """Take one more leaf hash: one inner hash on average, whatever the size."""
        level = self.size
        while level & 1:
            leaf = node_hash(self.roots.pop(), leaf)
            level >>= 1
        self.roots.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        return fold_right(self.roots)


def fold_right(roots: Sequence[bytes]) -> bytes:
    """Return the root above the roots of a frontier."""
    if not roots:
        return EMPTY_ROOT
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def frontier_at(size: int, node: Node) -> Frontier:
    """Return the frontier of the first `size` leaves."""
    return Frontier(size, [node(level, index) for level, index in _full_subtrees(0, size)])


def root_of(span: Span, node: Node) -> bytes:
    """Return the root over a span of leaves that begins where a subtree of its size may."""
    return fold_right([node(level, index) for level, index in _full_subtrees(*span)])


def _full_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _split(size: int) -> int:
    """Return the largest power of two below `size`: the leaves of the left half."""
    return 1 << ((size - 1).bit_length() - 1)


# --- proofs -----------------------------------------------------------------------------------


def inclusion_proof(*, index: int, size: int, node: Node) -> list[bytes]:
    """Return the hashes from a leaf up to the root of `size` leaves (RFC 9162 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError("There is no such leaf in a tree of that size.")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return [root_of(span, node) for span in reversed(spans)]


def consistency_proof(*, first: int, second: int, node: Node) -> list[bytes]:
    """Return what shows that the tree of `first` leaves is the start of `second` (2.1.4.1)."""
    if not 0 < first <= second:
        raise ValueError("A proof of consistency goes from a smaller tree that has leaves.")
    spans: list[Span] = []
    start, end, is_known = 0, second, True
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start, is_known = middle, False
    if not is_known:
        spans.append((start, end))
    return [root_of(span, node) for span in reversed(spans)]


def proves_inclusion(
    *, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    """Return whether the proof leads from this leaf at this place to this root (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(each, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, each)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def proves_consistency(
    *, first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether the proof shows the first tree to be the start of the second (2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first.bit_count() == 1 else list(proof)
    if not path:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(each, old), node_hash(each, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, each)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root
