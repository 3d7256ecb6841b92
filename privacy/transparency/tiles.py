"""The tiles of a log (C2SP tlog-tiles): its hashes and entries in files of 256 each.

A tile of level L holds hashes of the tree's level 8 * L; one of 256 is full and never changes. The
last one of a level may be partial and then carries its width in its name.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from privacy.transparency.merkle import HASH_SIZE, node_hash

WIDTH_BITS = 8
WIDTH = 1 << WIDTH_BITS
ENTRIES = "entries"
_MAX_ENTRY = 0xFFFF
_KEPT_TILES = 64  # of 8 KiB: a proof reads one a level, the proofs of a batch share most of them
T = TypeVar("T", int, str)


class LogDamaged(Exception):
    """The folder of the log is not whole: put back its newest copy."""


def tile_path(folder: Path, level: int | str, index: int, width: int = WIDTH) -> Path:
    """Return where a tile stands: 1234067 is x001/x234/067, and .p/<width> behind a partial one."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[place : place + 3] for place in range(0, len(digits), 3)]
    path = folder / "tile" / str(level)
    for group in groups[:-1]:
        path /= f"x{group}"
    return path / groups[-1] if width == WIDTH else path / f"{groups[-1]}.p" / str(width)


def bundle(entries: list[bytes]) -> bytes:
    """Return the bytes of a tile of entries: each behind its length in two bytes."""
    if any(len(entry) > _MAX_ENTRY for entry in entries):
        raise ValueError("An entry has at most 65,535 bytes.")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(content: bytes) -> list[bytes]:
    """Return the entries of a tile; raises ValueError if they do not fill it exactly."""
    entries, place = [], 0
    while place < len(content):
        start = place + 2
        place = start + int.from_bytes(content[place:start], "big")
        entries.append(content[start:place])
    if place != len(content):
        raise ValueError("A tile of entries is cut.")
    return entries


def fold(hashes: list[bytes]) -> bytes:
    """Return the root of a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [
            node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]


class Edge:
    """The unfinished tile of each level, as leaves are added."""

    def __init__(self, size: int = 0, rows: list[list[bytes]] | None = None) -> None:
        self.size = size
        self.rows = rows or []

    def append(self, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Take a leaf hash; yield (level, index, bytes) of the tiles that it has filled."""
        self.size += 1
        level, each = 0, leaf
        while True:
            if level == len(self.rows):
                self.rows.append([])
            row = self.rows[level]
            row.append(each)
            if len(row) < WIDTH:
                return
            index = (self.size >> (WIDTH_BITS * (level + 1))) - 1
            yield level, index, b"".join(row)
            each = fold(row)
            self.rows[level] = []
            level += 1

    def partial(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield (level, index, width, bytes) of the tiles that are begun."""
        for level, row in enumerate(self.rows):
            if row:
                yield level, self.size >> (WIDTH_BITS * (level + 1)), len(row), b"".join(row)


class TileReader:
    """A log of a known size, read from its folder. Raises LogDamaged where a file is not whole."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.size = size
        self._kept: dict[tuple[int | str, int], list[bytes]] = {}

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a full subtree of 2**level leaves (merkle.Node)."""
        tile_level, height = divmod(level, WIDTH_BITS)
        start = index << height
        hashes = self.hashes(tile_level, start >> WIDTH_BITS)
        place = start % WIDTH
        return fold(hashes[place : place + (1 << height)])

    def hashes(self, level: int, index: int) -> list[bytes]:
        """Return the hashes of a tile, as far as the log's size goes."""
        return self._keep(level, index, self._hashes)

    def edge(self) -> Edge:
        """Return the right edge, to go on from there."""
        rows = []
        level = 0
        while (count := self.size >> (WIDTH_BITS * level)) > 0:
            rows.append(self.hashes(level, count // WIDTH)[:] if count % WIDTH else [])
            level += 1
        return Edge(self.size, rows)

    def entry(self, index: int) -> bytes:
        """Return the entry of a leaf."""
        return self.bundle(index // WIDTH)[index % WIDTH]

    def bundle(self, index: int) -> list[bytes]:
        """Return the entries of one tile, as far as the log's size goes."""
        return self._keep(ENTRIES, index, self._bundle)

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the entries from `start` to before `end`, in their order."""
        for index in range(start // WIDTH, -(-end // WIDTH)):
            first = index * WIDTH
            yield from self.bundle(index)[max(0, start - first) : end - first]

    def _keep(self, level: T, index: int, read: Callable[[T, int], list[bytes]]) -> list[bytes]:
        if (level, index) not in self._kept:
            if len(self._kept) >= _KEPT_TILES:
                self._kept.pop(next(iter(self._kept)))
            self._kept[level, index] = read(level, index)
        return self._kept[level, index]

    def _hashes(self, level: int, index: int) -> list[bytes]:
        width = self._width(level, index)
        content = self._read(level, index, width)[: width * HASH_SIZE]
        if len(content) != width * HASH_SIZE:
            raise LogDamaged(f"{tile_path(self.folder, level, index)} is too short.")
        return [content[place : place + HASH_SIZE] for place in range(0, len(content), HASH_SIZE)]

    def _bundle(self, level: str, index: int) -> list[bytes]:
        width = self._width(0, index)
        try:
            entries = unbundle(self._read(level, index, width))[:width]
        except ValueError:
            entries = []
        if len(entries) != width:
            raise LogDamaged(f"{tile_path(self.folder, level, index, width)} is not whole.")
        return entries

    def _width(self, level: int, index: int) -> int:
        width = min(WIDTH, (self.size >> (WIDTH_BITS * level)) - index * WIDTH)
        if width <= 0 or index < 0:
            raise IndexError("The log has no such tile.")
        return width

    def _read(self, level: int | str, index: int, width: int) -> bytes:
        # A partial tile may be gone once the full one is there, which begins with the same bytes.
        for path in (
            tile_path(self.folder, level, index, width),
            tile_path(self.folder, level, index),
        ):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError:
                break
        raise LogDamaged(f"{tile_path(self.folder, level, index, width)} cannot be read.")
