"""What the pages of notices show."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings

from consent.services import (
    NOTICE_ITEMS,
    Basis,
    MissingItem,
    NoNoticeDraft,
    NoticeChoices,
    NoticeProposal,
    NoticeText,
    every_notice,
    notice_choices,
    notice_drafts,
    notice_items,
    notice_proposal,
    notice_wordings,
    records_of_notice,
)
from crm.models import Account
from crm.officer.notice_editor import NoticeEditor
from crm.officer.notice_use import NoticeUse, notice_uses
from crm.officer.notice_words import FACTS, KINDS, SHORT_KINDS
from crm.pages.labels import words

COUNTED = 1000  # beyond, the exact number helps nobody and costs a walk through the ledger


@dataclass(frozen=True)
class NoticeRow:
    """One notice in the list."""

    code: str
    kind: str
    kind_word: Any
    version: int = 0
    revision: int = 0
    languages: list[str] = field(default_factory=list)
    published_at: datetime | None = None
    draft_at: datetime | None = None
    forms: int = 0


@dataclass(frozen=True)
class Act:
    """One publication: a new version or a correction, in one language or several."""

    version: int
    revision: int
    at: datetime | None
    by: str
    wordings: list[NoticeText]
    uses: list[NoticeUse]


def notice_rows() -> list[NoticeRow]:
    """Return every notice and every draft of one: the company's own first."""
    drafts, published = notice_drafts(), _by_code()
    rows = [_row(code, texts, drafts.get(code)) for code, texts in published.items()]
    for code in drafts.keys() - published.keys():
        choices = notice_choices(code=code)
        kind = choices.kind if choices else "direct"
        rows.append(NoticeRow(code, kind, words(SHORT_KINDS, kind), draft_at=drafts[code]))
    return sorted(rows, key=lambda row: (row.kind == "preferences", row.code))


def _by_code() -> dict[str, list[NoticeText]]:
    return {code: list(each) for code, each in groupby(every_notice(), key=lambda one: one.code)}


def _row(code: str, texts: list[NoticeText], draft_at: datetime | None) -> NoticeRow:
    newest = texts[0]
    current = [each for each in texts if each.version == newest.version]
    public = {use.name for use in notice_uses(code=code) if use.is_public}
    return NoticeRow(
        code,
        newest.kind,
        words(SHORT_KINDS, newest.kind),
        newest.version,
        newest.revision,
        _languages(current),
        newest.published_at,
        draft_at,
        len(public),
    )


def _languages(texts: Iterable[NoticeText]) -> list[str]:
    return sorted({each.language for each in texts}, reverse=True)  # French first


def overview_of(*, code: str) -> dict[str, Any] | None:
    """Return what the page of one notice shows; None where there is none."""
    texts = [each for each in every_notice() if each.code == code]
    draft_at = notice_drafts().get(code)
    choices = notice_choices(code=code)
    if choices is None:
        return None
    acts = _acts(code, texts)
    newest = texts[0].version if texts else 0
    return {
        "code": code,
        "kind": choices.kind,
        "kind_word": words(KINDS, choices.kind),
        "draft_at": draft_at,
        "version": newest,
        "shown": _newest(each for each in texts if each.version == newest),
        "acts": acts,
        "behind": [
            use for use in notice_uses(code=code) if use.is_public and use.notice_version < newest
        ],
    }


def _newest(texts: Iterable[NoticeText]) -> list[NoticeText]:
    """The wording in force per language, French first; `texts` come newest first."""
    found: dict[str, NoticeText] = {}
    for each in texts:
        found.setdefault(each.language, each)
    return [found[language] for language in _languages(found.values())]


def _acts(code: str, texts: list[NoticeText]) -> list[Act]:
    uses = notice_uses(code=code)
    names = _names({each.published_by for each in texts if each.published_by})
    return [
        Act(
            version,
            revision,
            wordings[0].published_at,
            names.get(wordings[0].published_by, ""),
            wordings,
            [use for use in uses if use.notice_version == version] if not revision else [],
        )
        for (version, revision), each in groupby(texts, key=lambda one: (one.version, one.revision))
        if (wordings := list(each))
    ]


def _names(ids: Iterable[UUID]) -> dict[UUID | None, str]:
    return dict(Account.objects.filter(id__in=list(ids)).values_list("id", "username"))


def wording_of(wording: NoticeText) -> dict[str, Any]:
    """Return what the page of one wording shows: the text, and who was shown it."""
    same = notice_wordings(code=wording.code, version=wording.version, language=wording.language)
    later = [each for each in same if each.revision > wording.revision]
    uses = [use for use in notice_uses(code=wording.code) if use.notice_version == wording.version]
    records = records_of_notice(notice_id=wording.id, most=COUNTED + 1)
    by = _names([wording.published_by] if wording.published_by else [])
    return {
        "wording": wording,
        "kind_word": words(KINDS, wording.kind),
        "sha256": wording.sha256.hex(),
        "by": by.get(wording.published_by, ""),
        "corrected_by": later[-1] if later else None,
        "uses": uses,
        "records": min(records, COUNTED),
        "has_more_records": records > COUNTED,
    }


@dataclass(frozen=True)
class Item:
    """One thing the law asks for, and what of it is missing."""

    label: Any
    missing: list[MissingItem]


def _checklist(choices: NoticeChoices, missing: list[MissingItem]) -> list[Item]:
    return [
        Item(NOTICE_ITEMS[code], [each for each in missing if each.item == code])
        for code in notice_items(choices)
    ]


def editor_of(*, code: str, editor: NoticeEditor) -> dict[str, Any]:
    """Return what the builder shows: the questions and, once saved, what the draft lacks."""
    context: dict[str, Any] = {
        "code": code,
        "editor": editor,
        "kind_word": words(KINDS, editor.choices.kind),
        "interest_basis": Basis.LEGITIMATE_INTEREST.value,
        "facts": {
            "organisation": settings.ORGANISATION_NAME,
            "address": settings.ORGANISATION_ADDRESS,
            "dpo": settings.DPO_ADDRESS,
        },
    }
    try:
        proposal = notice_proposal(code=code)
    except NoNoticeDraft:
        return context
    editor.missing = proposal.missing
    return {**context, **proposal_of(code=code, proposal=proposal)}


def proposal_of(*, code: str, proposal: NoticeProposal) -> dict[str, Any]:
    uses = [use for use in notice_uses(code=code) if use.is_public]
    return {
        "code": code,
        "proposal": proposal,
        "checklist": _checklist(proposal.choices, proposal.missing),
        "next_version": proposal.version + 1,
        "facts_changed": [words(FACTS, each) for each in proposal.facts],
        "uses": [use for use in uses if use.notice_version == proposal.version],
    }
