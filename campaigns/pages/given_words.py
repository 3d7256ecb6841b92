"""The words in front of the writer: what the form holds, kept or not, as code and as blocks."""

from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from campaigns.content.blocks.document import BlocksInvalid, Document
from campaigns.content.blocks.kinds import KINDS
from campaigns.content.blocks.mjml import write
from campaigns.content.findings import Finding
from campaigns.pages import mail
from campaigns.pages.mail import Mistake
from campaigns.pages.posted_blocks import posted_document


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenWords:
    """`problems` are what keeps the blocks from being a document at all; then mjml is empty."""

    subject: str
    preheader: str
    mjml: str
    document: Document | None = None
    problems: tuple[str, ...] = ()

    def words(self) -> dict[str, str]:
        return {"mjml": self.mjml, "subject": self.subject, "preheader": self.preheader}


def given_words(given: QueryDict) -> GivenWords:
    """What a form holds that nobody saved yet."""
    lines: dict[str, Any] = {name: given.get(name, "")[:200] for name in ("subject", "preheader")}
    if given.get("mode") != "blocks":
        return GivenWords(mjml=given.get("mjml", "").replace("\r\n", "\n"), **lines)
    try:
        document = posted_document(given)
    except BlocksInvalid as invalid:
        return GivenWords(mjml="", problems=invalid.problems, **lines)
    return GivenWords(mjml=write(document).mjml, document=document, **lines)


def findings_context(words: GivenWords) -> dict[str, Any]:
    """What is wrong with the words, each with its place, and the line of the inbox."""
    found: list[Mistake]
    if words.problems:
        found = [Mistake(Finding(0, 0, "blocks", each)) for each in words.problems]
    else:
        found = mail.mistakes(**words.words())
    if words.document is not None:
        found = _by_block(found, words.document)
    return {
        "mistakes": found,
        "inbox_subject": mail.filled(words.subject),
        "inbox_preheader": mail.filled(words.preheader),
    }


def _by_block(found: list[Mistake], document: Document) -> list[Mistake]:
    """The same, with the block that each line comes from in the place of the line."""
    written = write(document)
    numbers = {block["id"]: at for at, block in enumerate(document["blocks"], 1)}
    kinds = {block["id"]: KINDS[block["type"]] for block in document["blocks"]}
    placed = []
    for each in found:
        owner = "" if each.place else written.owner_of(each.finding.line)
        if owner:
            finding = replace(each.finding, message=_said(each.finding, kinds[owner].code))
            label = f"{numbers[owner]}. {kinds[owner].label}"
            each = Mistake(finding, block=owner, label=label)
        elif not each.place:
            each = replace(each, finding=replace(each.finding, line=0, column=0), excerpt="")
        placed.append(each)
    return placed


def _said(finding: Finding, kind: str) -> str:
    """In words of blocks where the linter speaks of tags."""
    if kind == "raw":
        return finding.message
    texts = {
        "bad-link": _("The link is missing, or starts with something else than https://."),
        "outside-image": _("Choose a picture."),
        "bad-image": _("Choose a picture of this installation: its address starts with /media/."),
    }
    return texts.get(finding.code, finding.message)
