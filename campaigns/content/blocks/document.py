"""The document of a mail written as blocks, format version 1: docs/content.md.

Whatever comes in (a form, a database, a starter) goes through `checked`, which cleans every value
and says what is wrong with the shape. A document may be unfinished: that is the linter's to say,
of the MJML that it becomes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from campaigns.content.blocks.kinds import KINDS, Field, Kind, Shape
from campaigns.content.blocks.rich_text import clean_line, clean_link, clean_rich

VERSION = 1
MOST_BLOCKS = 60
Block = dict[str, Any]
Document = dict[str, Any]

DEFAULT_LOOK: Mapping[str, str] = {"accent": "#0b5c8a", "page": "#eef1f5"}
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_ID = re.compile(r"b[0-9]{1,6}")
_CODE_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class BlocksInvalid(ValueError):
    """The document is not one of blocks; `problems` say where, in the active language."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)


def checked(given: object) -> Document:
    """Return the document as it is kept: every field present, every value clean.

    Raises BlocksInvalid with everything that is wrong. Checking twice changes nothing.
    """
    if not isinstance(given, Mapping):
        raise BlocksInvalid([_("The mail is not a document of blocks.")])
    problems: list[str] = []
    if given.get("version") != VERSION:
        problems.append(_("This version of the format of blocks is not known."))
    unknown = sorted(map(str, set(given) - {"version", "look", "blocks"}))
    problems += [_("“%(name)s” is not part of a document.") % {"name": name} for name in unknown]
    look = _look(given.get("look", {}), problems)
    blocks = given.get("blocks")
    if not isinstance(blocks, list):
        raise BlocksInvalid([*problems, _("The blocks are missing.")])
    if len(blocks) > MOST_BLOCKS:
        problems.append(
            _("A mail holds at most %(count)s blocks. Split it in two.") % {"count": MOST_BLOCKS}
        )
    kept = [_block(each, number, problems) for number, each in enumerate(blocks, 1)]
    ids = [each["id"] for each in kept if each]
    if len(ids) != len(set(ids)):
        problems.append(_("Two blocks have the same id."))
    if problems:
        raise BlocksInvalid(problems[:20])
    return {"version": VERSION, "look": look, "blocks": kept}


def _look(given: object, problems: list[str]) -> dict[str, str]:
    look = dict(DEFAULT_LOOK)
    if not isinstance(given, Mapping) or set(given) - set(DEFAULT_LOOK):
        problems.append(_("The look of a mail is two colours: “accent” and “page”."))
        return look
    for name, value in given.items():
        if not isinstance(value, str) or not _COLOUR.fullmatch(value.lower()):
            problems.append(
                _("The colour “%(name)s” is written like #1a2b3c.") % {"name": str(name)}
            )
        else:
            look[str(name)] = value.lower()
    return look


def _block(given: object, number: int, problems: list[str]) -> Block:
    where = _("Block %(number)s") % {"number": number}

    def say(problem: str) -> None:
        problems.append(f"{where}: {problem}")

    kind = KINDS.get(str(given.get("type"))) if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or kind is None:
        say(_("there is no such kind of block."))
        return {}
    identity = given.get("id")
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        say(_("its id is not written like “b1”."))
    known = {field.name for field in kind.fields} | ({"cells"} if kind.counts else set())
    _refuse_others(given, known | {"id", "type"}, say)
    block: Block = {"id": identity, "type": kind.code, **_values(kind.fields, given, say)}
    if kind.counts:
        block["cells"] = _cells(kind, given.get("cells"), say)
    return block


def _refuse_others(given: Mapping[Any, Any], known: set[str], say: Callable[[str], None]) -> None:
    for name in sorted(map(str, set(given) - known)):
        say(_("“%(name)s” is not part of it.") % {"name": name[:40]})


def _cells(kind: Kind, given: object, say: Callable[[str], None]) -> list[dict[str, str]]:
    if not isinstance(given, list) or len(given) not in kind.counts:
        say(_("it has %(counts)s columns.") % {"counts": " / ".join(map(str, kind.counts))})
        return []
    cells = []
    for each in given:
        values = each if isinstance(each, Mapping) else {}
        _refuse_others(values, {field.name for field in kind.cell}, say)
        cells.append(_values(kind.cell, values, say))
    return cells


def _values(
    fields: Sequence[Field], given: Mapping[Any, Any], say: Callable[[str], None]
) -> dict[str, str]:
    values = {}
    for field in fields:
        value = given.get(field.name, field.choices[0][0] if field.choices else "")
        if not isinstance(value, str):
            say(_("“%(label)s” is not text.") % {"label": field.label})
        elif len(value) > field.longest:
            text = _("“%(label)s” is longer than %(longest)s characters.")
            say(text % {"label": field.label, "longest": field.longest})
        elif field.choices and value not in dict(field.choices):
            say(_("“%(label)s” is none of its choices.") % {"label": field.label})
        else:
            values[field.name] = _clean(field.shape, value)
    return values


def _clean(shape: Shape, value: str) -> str:
    if shape == Shape.RICH:
        return clean_rich(value)
    if shape == Shape.CODE:
        return _CODE_CONTROLS.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    if shape in (Shape.LINK, Shape.PICTURE):
        return clean_link(value)
    return clean_line(value)


def words_of(document: Document) -> list[str]:
    """Every text somebody typed into the document."""
    texts = []
    for block in document["blocks"]:
        for part in [block, *block.get("cells", [])]:
            texts += [v for k, v in part.items() if isinstance(v, str) and k not in ("id", "type")]
    return texts
