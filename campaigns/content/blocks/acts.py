"""What is done to a document of blocks: each act returns a new document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.content.blocks.document import Block, Document
from campaigns.content.blocks.kinds import KINDS, Field


class NoSuchBlock(LookupError):
    """There is no block of that id, or no such kind or act."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A block that was taken out, and where it stood: enough to put it back."""

    block: Block
    place: int


def empty_block(kind_code: str, identity: str) -> Block:
    """A new block with its initial words in the active language. Raises NoSuchBlock."""
    kind = KINDS.get(kind_code)
    if kind is None:
        raise NoSuchBlock(kind_code)
    block: Block = {"id": identity, "type": kind_code, **_initial(kind.fields)}
    if kind.counts:
        block["cells"] = [_initial(kind.cell) for _ in range(kind.counts[0])]
    return block


def _initial(fields: tuple[Field, ...]) -> dict[str, str]:
    return {field.name: field.initial for field in fields}


def free_id(document: Document) -> str:
    """An id that no block of the document has."""
    numbers = [int(block["id"][1:]) for block in document["blocks"]]
    return f"b{max(numbers, default=0) + 1}"


def place_of(document: Document, identity: str) -> int:
    """Where a block stands, from 0. Raises NoSuchBlock."""
    for place, block in enumerate(document["blocks"]):
        if block["id"] == identity:
            return place
    raise NoSuchBlock(identity)


def _with(document: Document, blocks: list[Block]) -> Document:
    return {**document, "blocks": blocks}


def insert(document: Document, block: Block, place: int) -> Document:
    blocks = document["blocks"]
    at = min(max(place, 0), len(blocks))
    return _with(document, [*blocks[:at], block, *blocks[at:]])


def move(document: Document, identity: str, steps: int) -> Document:
    """Raises NoSuchBlock. At an end it stays where it is."""
    at = place_of(document, identity)
    blocks = [each for each in document["blocks"] if each["id"] != identity]
    to = min(max(at + steps, 0), len(blocks))
    return _with(document, [*blocks[:to], document["blocks"][at], *blocks[to:]])


def duplicate(document: Document, identity: str) -> Document:
    """A copy right behind the block, under an id of its own. Raises NoSuchBlock."""
    at = place_of(document, identity)
    return insert(document, _copy(document["blocks"][at], free_id(document)), at + 1)


def _copy(block: Block, identity: str) -> Block:
    cells: dict[str, Any] = (
        {"cells": [{**cell} for cell in block["cells"]]} if "cells" in block else {}
    )
    return {**block, **cells, "id": identity}


def remove(document: Document, identity: str) -> tuple[Document, Removed]:
    """Raises NoSuchBlock."""
    at = place_of(document, identity)
    blocks = document["blocks"]
    return _with(document, [*blocks[:at], *blocks[at + 1 :]]), Removed(blocks[at], at)


def put_back(document: Document, removed: Removed) -> Document:
    """Where it stood, under its id or, if that is taken meanwhile, a free one."""
    taken = {block["id"] for block in document["blocks"]}
    identity = removed.block["id"]
    block = removed.block if identity not in taken else _copy(removed.block, free_id(document))
    return insert(document, block, removed.place)


def set_cells(document: Document, identity: str, count: int) -> Document:
    """Another number of columns: what is over is dropped, what is missing is empty.

    Raises NoSuchBlock, also for a kind that has no cells or not so many.
    """
    at = place_of(document, identity)
    block: Mapping[str, Any] = document["blocks"][at]
    kind = KINDS[block["type"]]
    if count not in kind.counts:
        raise NoSuchBlock(identity)
    cells = [*block["cells"], *[_initial(kind.cell) for _ in range(count)]][:count]
    blocks = [*document["blocks"]]
    blocks[at] = {**block, "cells": cells}
    return _with(document, blocks)
