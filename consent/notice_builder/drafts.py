"""Drafts of notices: begun, written, looked at beside what is published, then made public.

A draft is made public by one of two acts: as a new version, or as a correction of the wording.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from consent.decisions import PREFERENCES_NOTICE
from consent.models import Draft, DraftKind, Notice
from consent.notice_builder.checking import MissingItem, missing_items
from consent.notice_builder.choices import (
    LANGUAGES,
    NoticeChoices,
    choices_behind,
    choices_of,
    starting_choices,
)
from consent.notice_builder.composing import compose
from consent.notice_builder.rendering import render
from consent.notice_builder.word_diff import Run, word_diff
from consent.notices import (
    correct_notice,
    current_documents,
    current_notice,
    differing_facts,
    publish_notice,
)

Document = dict[str, Any]


class NoNoticeDraft(LookupError):
    """There is no draft of that notice."""


class NoticeExists(Exception):
    """There is a notice, or a draft of one, of that code already."""


class NoticeIncomplete(Exception):
    """The notice lacks what the law asks for; `missing` names every item."""

    def __init__(self, missing: Sequence[MissingItem]) -> None:
        super().__init__(", ".join(f"{each.item} {each.language}".strip() for each in missing))
        self.missing = list(missing)


@dataclass(frozen=True)
class NoticeProposal:
    """A draft beside what is published: what it says, lacks and changes."""

    choices: NoticeChoices
    texts: dict[str, str]
    missing: list[MissingItem]
    # Zero where nothing is published yet.
    version: int
    # Per language, against the newest wording; empty where nothing is published yet.
    changes: dict[str, list[Run]]
    # The facts that would differ: with any, it can only be a new version.
    facts: list[str]
    is_same: bool

    @property
    def can_be_correction(self) -> bool:
        return bool(self.version) and not (self.facts or self.missing or self.is_same)


def begin_notice(*, code: str, kind: str, actor_id: UUID | None, now: datetime) -> None:
    """Keep the first draft of a new notice, with the words that it starts from.

    Raises NoticeExists, so calling twice is safe.
    """
    with transaction.atomic(using="default"):
        is_taken = code == PREFERENCES_NOTICE or Notice.objects.filter(code=code).exists()
        fresh = {"document": starting_choices(kind=kind).document(), "updated_at": now}
        if is_taken or not _get_or_create(code, fresh, actor_id):
            raise NoticeExists(NoticeExists.__doc__)


def _get_or_create(code: str, fresh: Document, actor_id: UUID | None) -> bool:
    _row, is_new = Draft.objects.get_or_create(
        kind=DraftKind.NOTICE, code=code, defaults={**fresh, "updated_by": actor_id}
    )
    return is_new


def notice_choices(*, code: str) -> NoticeChoices | None:
    """Return the draft, else what the published notice was made of, else where one starts.

    None where there is no notice of that code. A text that the builder did not make cannot be
    taken apart: its next version starts from the ready-made words.
    """
    row = Draft.objects.filter(kind=DraftKind.NOTICE, code=code).first()
    if row is not None:
        return choices_of(document=row.document)
    published = current_notice(code=code)
    if not published:
        return None
    if documents := current_documents(code=code):
        return choices_behind(documents=documents)
    return starting_choices(kind=next(iter(published.values())).kind)


def write_notice(
    *, code: str, choices: NoticeChoices, actor_id: UUID | None, now: datetime
) -> None:
    """Keep a draft, whole or not; what is published is not touched. Calling twice is safe.

    The kind of a notice is decided once: a notice that is there keeps it. Raises NoNoticeDraft when
    there is neither a draft nor a notice of that code.
    """
    with transaction.atomic(using="default"):
        before = notice_choices(code=code)
        if before is None:
            raise NoNoticeDraft(NoNoticeDraft.__doc__)
        kept = replace(choices, kind=before.kind)
        Draft.objects.update_or_create(
            kind=DraftKind.NOTICE,
            code=code,
            defaults={"document": kept.document(), "updated_at": now, "updated_by": actor_id},
        )


def discard_notice_draft(*, code: str) -> None:
    """Throw a draft away; what is published stays. Calling twice is safe."""
    Draft.objects.filter(kind=DraftKind.NOTICE, code=code).delete()


def notice_drafts() -> dict[str, datetime]:
    """Return code -> when it was last written, for every draft of a notice."""
    rows = Draft.objects.filter(kind=DraftKind.NOTICE)
    return dict(rows.order_by("code").values_list("code", "updated_at"))


def notice_proposal(*, code: str) -> NoticeProposal:
    """Return the draft beside what is published. Raises NoNoticeDraft."""
    row = Draft.objects.filter(kind=DraftKind.NOTICE, code=code).first()
    if row is None:
        raise NoNoticeDraft(NoNoticeDraft.__doc__)
    return _proposal(code, choices_of(document=row.document))


def _proposal(code: str, choices: NoticeChoices) -> NoticeProposal:
    documents = {each: compose(choices=choices, language=each) for each in LANGUAGES}
    texts = {each: render(document=document) for each, document in documents.items()}
    published, before = current_notice(code=code), current_documents(code=code)
    facts = {
        name
        for each, document in documents.items()
        for name in differing_facts(before=before.get(each, {}), after=document)
        if published
    }
    return NoticeProposal(
        choices=choices,
        texts=texts,
        missing=missing_items(choices=choices),
        version=next(iter(published.values())).version if published else 0,
        changes={
            each: word_diff(old=published[each].text, new=text)
            for each, text in texts.items()
            if each in published
        },
        facts=sorted(facts),
        is_same={each: one.text for each, one in published.items()} == texts and not facts,
    )


def publish_notice_draft(*, code: str, actor_id: UUID | None, now: datetime) -> int:
    """Publish the draft as the next version and return its number.

    People are told something else: forms use it once they are published anew. Raises NoNoticeDraft
    (so calling twice is safe) and NoticeIncomplete.
    """
    with transaction.atomic(using="default"):
        choices = _locked(code)
        documents = {each: compose(choices=choices, language=each) for each in LANGUAGES}
        version = publish_notice(
            code=code,
            kind=choices.kind,
            texts={each: render(document=document) for each, document in documents.items()},
            documents=documents,
            actor_id=actor_id,
            now=now,
        )
        discard_notice_draft(code=code)
        return version


def correct_notice_by_draft(*, code: str, actor_id: UUID | None, now: datetime) -> int:
    """Put the wording of the newest version right by the draft; return the revision's number.

    It holds at once on every form that uses the version. Raises NoNoticeDraft (so calling twice is
    safe), NoticeIncomplete, NoticeUnknown when nothing is published, FactsDiffer.
    """
    with transaction.atomic(using="default"):
        choices = _locked(code)
        documents = {each: compose(choices=choices, language=each) for each in LANGUAGES}
        revision = correct_notice(
            code=code,
            texts={each: render(document=document) for each, document in documents.items()},
            documents=documents,
            actor_id=actor_id,
            now=now,
        )
        discard_notice_draft(code=code)
        return revision


def _locked(code: str) -> NoticeChoices:
    """The draft, held until the end of the transaction: one act makes it public."""
    rows = Draft.objects.select_for_update().filter(kind=DraftKind.NOTICE, code=code)
    row = rows.first()
    if row is None:
        raise NoNoticeDraft(NoNoticeDraft.__doc__)
    choices = choices_of(document=row.document)
    if missing := missing_items(choices=choices):
        raise NoticeIncomplete(missing)
    return choices
