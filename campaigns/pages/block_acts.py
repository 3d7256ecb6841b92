"""What is done to the blocks of a mail that is being written: each act comes with the whole form.

Nothing is kept on the way: the page holds the document, an act returns its next state.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.content.blocks import acts
from campaigns.content.blocks.acts import NoSuchBlock, Removed
from campaigns.content.blocks.document import VERSION, BlocksInvalid, Document, checked
from campaigns.content.blocks.kinds import KINDS
from campaigns.pages import WRITERS
from campaigns.pages.posted_blocks import posted_document, shown_blocks
from crm.services import staff_page

_LANGUAGES = ("fr", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A document after an act, and what the page says and shows of it."""

    document: Document
    opened: list[str]
    said: str = ""
    # The id of the page that gets the focus.
    focus: str = ""
    removed: Removed | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def context(self) -> dict[str, Any]:
        removed = self.removed
        return {
            "blocks": shown_blocks(self.document, self.opened),
            "look": self.document["look"],
            "kinds": KINDS.values(),
            "said": self.said,
            "focus": self.focus,
            "removed": removed and json.dumps({"block": removed.block, "place": removed.place}),
            "removed_label": removed and KINDS[removed.block["type"]].label,
        }


@require_POST
@staff_page(*WRITERS)
def mail_blocks(request: HttpRequest) -> HttpResponse:
    """A fragment: the blocks of the form after one act (`do`). 422 where there is nothing to do it
    to; then the page keeps what it has."""
    try:
        done = acted(request.POST)
    except (BlocksInvalid, NoSuchBlock, ValueError):
        return HttpResponse(status=422)
    context = {**done.context(), "is_live": True}
    return render(request, "campaigns/_blocks.html", context)


def acted(given: QueryDict) -> Done:
    """Raises BlocksInvalid, NoSuchBlock and ValueError."""
    document = posted_document(given)
    act, _colon, rest = given.get("do", "").partition(":")
    opened = given.getlist("open")
    language = given.get("language", "")
    with translation.override(language if language in _LANGUAGES else translation.get_language()):
        fresh = _fresh(act, rest, document)
    if fresh is not None:
        return _added(document, fresh, int(rest.partition(":")[2]), opened)
    if act in ("up", "down"):
        return _moved(document, rest, -1 if act == "up" else 1, opened)
    if act == "undo":
        return _undone(document, given.get("removed", ""), opened)
    return _changed(document, act, rest, opened)


def _fresh(act: str, rest: str, document: Document) -> dict[str, Any] | None:
    if act != "add":
        return None
    return acts.empty_block(rest.partition(":")[0], acts.free_id(document))


def _added(document: Document, block: dict[str, Any], place: int, opened: list[str]) -> Done:
    kind = KINDS[block["type"]]
    first = [*kind.fields, *kind.cell][:1]
    prefix = f"block-{block['id']}-" + ("0-" if kind.counts else "")
    focus = prefix + first[0].name if first else f"{block['id']}-up"
    return Done(
        document=acts.insert(document, block, place),
        opened=[*opened, block["id"]],
        said=_("%(kind)s added at place %(place)s.") % {"kind": kind.label, "place": place + 1},
        focus=focus,
    )


def _moved(document: Document, identity: str, steps: int, opened: list[str]) -> Done:
    before = acts.place_of(document, identity)
    after = acts.move(document, identity, steps)
    place, count = acts.place_of(after, identity), len(after["blocks"])
    names = {"kind": _label(after, place), "place": place + 1, "count": count}
    text = _("%(kind)s moved to place %(place)s of %(count)s.")
    if place == before:
        text = _("%(kind)s is the first block.") if steps < 0 else _("%(kind)s is the last block.")
    pressed = f"{identity}-{'up' if steps < 0 else 'down'}"
    return Done(document=after, opened=opened, said=text % names, focus=pressed)


def _label(document: Document, place: int) -> str:
    return str(KINDS[document["blocks"][place]["type"]].label)


def _undone(document: Document, removed: str, opened: list[str]) -> Done:
    given = json.loads(removed)
    if not isinstance(given, dict) or not isinstance(given.get("place"), int):
        raise NoSuchBlock(removed)
    (block,) = checked({"version": VERSION, "blocks": [given.get("block")]})["blocks"]
    after = acts.put_back(document, Removed(block, given["place"]))
    place = min(max(given["place"], 0), len(document["blocks"]))
    identity = after["blocks"][place]["id"]
    said = _("%(kind)s is back.") % {"kind": _label(after, place)}
    return Done(document=after, opened=[*opened, identity], said=said, focus=f"{identity}-up")


def _changed(document: Document, act: str, rest: str, opened: list[str]) -> Done:
    identity, _colon, number = rest.partition(":")
    if act == "none":
        return Done(document=document, opened=opened, said=_("The order is changed."))
    label = _label(document, acts.place_of(document, identity))
    if act == "copy":
        copy = acts.free_id(document)
        said = _("%(kind)s duplicated.") % {"kind": label}
        return Done(
            document=acts.duplicate(document, identity), opened=[*opened, copy], said=said,
            focus=f"{copy}-up",
        )  # fmt: skip
    if act == "cells":
        after = acts.set_cells(document, identity, int(number))
        said = _("%(count)s columns.") % {"count": number}
        return Done(document=after, opened=opened, said=said)
    if act == "delete":
        after, removed = acts.remove(document, identity)
        said = _("%(kind)s deleted. It can be put back.") % {"kind": label}
        return Done(document=after, opened=opened, said=said, removed=removed, focus="blocks-undo")
    raise NoSuchBlock(act)
