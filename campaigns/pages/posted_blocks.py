"""From the fields of a page to a document of blocks, and to what the page shows of it.

A block is the field ``block`` (``b3:heading``, in the order of the mail) and one field per value:
``b3.text``, or ``b4.1.html`` for the second of its columns, of which there are ``b4.cells``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe

from campaigns.content.blocks.document import VERSION, Block, Document, checked
from campaigns.content.blocks.kinds import KINDS, Field, Kind
from campaigns.content.blocks.rich_text import clean_rich

_LONGEST_SUMMARY = 60


def posted_document(data: Any) -> Document:
    """The document that a form holds. Raises BlocksInvalid."""
    look = {name: data[f"look.{name}"] for name in ("accent", "page") if f"look.{name}" in data}
    blocks = [_posted_block(data, *entry.partition(":")[::2]) for entry in data.getlist("block")]
    return checked({"version": VERSION, "look": look, "blocks": blocks})


def _posted_block(data: Any, identity: str, code: str) -> Block:
    block: Block = {"id": identity, "type": code}
    kind = KINDS.get(code)
    if kind is None:
        return block
    block |= _posted_values(data, kind.fields, identity)
    if kind.counts:
        given = data.get(f"{identity}.cells", "")
        count = int(given) if given in {str(each) for each in kind.counts} else 0
        cells = [_posted_values(data, kind.cell, f"{identity}.{at}") for at in range(count)]
        block["cells"] = cells
    return block


def _posted_values(data: Any, fields: Iterable[Field], prefix: str) -> dict[str, str]:
    names = {each.name: f"{prefix}.{each.name}" for each in fields}
    return {name: data[key] for name, key in names.items() if key in data}


@dataclass(frozen=True, slots=True)
class ShownField:
    """A value as the page shows it: `name` is of the form field, `key` an id of the page."""

    field: Field
    name: str
    value: str

    @property
    def markup(self) -> SafeString:
        """Rich text as markup: cleaned here once more, wherever the value came from."""
        return mark_safe(clean_rich(self.value))  # noqa: S308

    @property
    def key(self) -> str:
        return "block-" + self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class ShownBlock:
    block: Block
    kind: Kind
    number: int
    is_open: bool
    fields: Sequence[ShownField]
    cells: Sequence[Sequence[ShownField]] = field(default_factory=list)

    @property
    def identity(self) -> str:
        return str(self.block["id"])

    @property
    def summary(self) -> str:
        """The first words of the block, to find it again when it is closed."""
        parts = [self.block, *self.block.get("cells", [])]
        names = ("text", "title", "heading", "html", "label", "alt", "mjml")
        texts = (part.get(name, "").replace("<", " <") for name in names for part in parts)
        words = (" ".join(strip_tags(text).split()) for text in texts)
        return unescape(next(filter(None, words), ""))[:_LONGEST_SUMMARY]


def shown_blocks(document: Document, opened: Iterable[str]) -> list[ShownBlock]:
    """The blocks for the page; `opened` are the ids of those that show their fields."""
    ids = set(opened)
    return [
        _shown(block, number, block["id"] in ids)
        for number, block in enumerate(document["blocks"], 1)
    ]


def _shown(block: Block, number: int, is_open: bool) -> ShownBlock:
    kind = KINDS[block["type"]]
    fields = _shown_fields(kind.fields, block, block["id"])
    cells = [
        _shown_fields(kind.cell, cell, f"{block['id']}.{at}")
        for at, cell in enumerate(block.get("cells", []))
    ]
    return ShownBlock(block, kind, number, is_open, fields, cells)


def _shown_fields(
    fields: Iterable[Field], values: Mapping[str, str], prefix: str
) -> list[ShownField]:
    return [ShownField(each, f"{prefix}.{each.name}", values[each.name]) for each in fields]
