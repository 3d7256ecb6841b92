"""Notices: what a person was shown, word for word, for ever.

Two acts that are never mixed up. A new version tells people something else: a form uses it once
it is published anew. A correction is a revision of the same version: the same is told in better
words, it holds at once wherever the version is used, and whoever saw the earlier words was told.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from django.db import transaction

from consent.models import LedgerEvent, Notice, NoticeKind

Document = dict[str, Any]


class NoticeUnknown(Exception):
    """There is no such notice in that version and language."""


class FactsDiffer(Exception):
    """What people are told would change: that is a new version, not a correction.

    `facts` names what differs.
    """

    def __init__(self, facts: Sequence[str]) -> None:
        super().__init__(", ".join(facts))
        self.facts = list(facts)


@dataclass(frozen=True)
class NoticeText:
    """One wording of a notice in one language."""

    id: UUID
    code: str
    version: int
    language: str
    text: str
    sha256: bytes
    revision: int = 0
    kind: str = NoticeKind.DIRECT.value
    published_at: datetime | None = None
    published_by: UUID | None = None


def publish_notice(
    *,
    code: str,
    texts: Mapping[str, str],
    is_substantive: bool = True,
    kind: str = NoticeKind.DIRECT.value,
    documents: Mapping[str, Document] | None = None,
    actor_id: UUID | None = None,
    now: datetime,
) -> int:
    """Publish one text per language as the next version and return its number.

    `documents` are what the builder made the texts of. The same again is the same version. Where
    people are told nothing new (not `is_substantive`) it is a correction of the newest version,
    whose number is returned. Raises ValueError without any text, FactsDiffer.
    """
    if not texts:
        raise ValueError("A notice needs a text in at least one language.")
    made_of = documents or {}
    with transaction.atomic(using="default"):
        current = _current(code)
        version = max((row.version for row in current.values()), default=0)
        if current and _says(current) == {each: _both(texts, made_of, each) for each in texts}:
            return version
        if current and not is_substantive:
            correct_notice(code=code, texts=texts, documents=made_of, actor_id=actor_id, now=now)
            return version
        shape = Notice(code=code, version=version + 1, kind=kind, is_substantive=True)
        _write(shape, texts, made_of, actor_id, now)
        return version + 1


def correct_notice(
    *,
    code: str,
    texts: Mapping[str, str],
    documents: Mapping[str, Document] | None = None,
    actor_id: UUID | None = None,
    now: datetime,
) -> int:
    """Put the wording of the newest version right and return the number of the revision.

    Only the languages whose words change get a new wording. Calling twice is safe. Raises
    NoticeUnknown when there is nothing to correct, FactsDiffer when what is told would change.
    """
    made_of = documents or {}
    with transaction.atomic(using="default"):
        current = _current(code)
        if not current:
            raise NoticeUnknown(NoticeUnknown.__doc__)
        if differing := _differences(current, texts, made_of):
            raise FactsDiffer(differing)
        newest = max(row.revision for row in current.values())
        said = _says(current)
        changed = {
            each: text for each, text in texts.items() if said[each] != _both(texts, made_of, each)
        }
        if not changed:
            return newest
        first = next(iter(current.values()))
        shape = Notice(
            code=code,
            version=first.version,
            revision=newest + 1,
            kind=first.kind,
            is_substantive=False,
        )
        _write(shape, changed, made_of, actor_id, now)
        return newest + 1


def differing_facts(*, before: Document, after: Document) -> list[str]:
    """Return the names of the facts that two documents of the builder do not share."""
    old, new = before.get("facts", {}), after.get("facts", {})
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _differences(
    current: Mapping[str, Notice], texts: Mapping[str, str], documents: Mapping[str, Document]
) -> list[str]:
    if not texts.keys() <= current.keys():
        return ["language"]
    found: set[str] = set()
    for language in texts:
        old, new = current[language].document, documents.get(language, {})
        if bool(old) != bool(new):
            found.add("document")  # what is told in one of them cannot be compared with the other
        found.update(differing_facts(before=old, after=new))
    return sorted(found)


def _write(
    shape: Notice,
    texts: Mapping[str, str],
    documents: Mapping[str, Document],
    actor_id: UUID | None,
    now: datetime,
) -> None:
    # Two at once: the constraint on (code, version, revision, language) lets one through.
    Notice.objects.bulk_create(
        Notice(
            id=uuid_utils.compat.uuid7(),
            code=shape.code,
            version=shape.version,
            revision=shape.revision,
            kind=shape.kind,
            is_substantive=shape.is_substantive,
            language=language,
            text=text,
            document=documents.get(language, {}),
            sha256=hashlib.sha256(text.encode()).digest(),
            published_at=now,
            published_by=actor_id,
        )
        for language, text in texts.items()
    )


def _current(code: str, version: int | None = None) -> dict[str, Notice]:
    """The newest wording per language, of one version or of the newest one."""
    rows = Notice.objects.filter(code=code)
    if version is None:
        version = max(rows.values_list("version", flat=True), default=0)
    return {row.language: row for row in rows.filter(version=version).order_by("revision")}


def _both(
    texts: Mapping[str, str], documents: Mapping[str, Document], language: str
) -> tuple[str, Document]:
    return texts[language], documents.get(language, {})


def _says(current: Mapping[str, Notice]) -> dict[str, tuple[str, Document]]:
    return {language: (row.text, row.document) for language, row in current.items()}


def notice(*, code: str, version: int, language: str) -> NoticeText:
    """Return the newest wording of a version; raises NoticeUnknown."""
    return notice_wordings(code=code, version=version, language=language)[0]


def notice_wordings(*, code: str, version: int, language: str) -> list[NoticeText]:
    """Return every wording of a version, newest first: they all told the same.

    Raises NoticeUnknown.
    """
    rows = Notice.objects.filter(code=code, version=version, language=language)
    found = [text_of(row) for row in rows.order_by("-revision")]
    if not found:
        raise NoticeUnknown(NoticeUnknown.__doc__)
    return found


def notice_by_id(*, notice_id: UUID) -> NoticeText:
    """Return the wording that a record names, as it was shown; raises NoticeUnknown."""
    row = Notice.objects.filter(id=notice_id).first()
    if row is None:
        raise NoticeUnknown(NoticeUnknown.__doc__)
    return text_of(row)


def current_notice(*, code: str) -> dict[str, NoticeText]:
    """Return language -> newest wording of the newest version; empty without any."""
    return {language: text_of(row) for language, row in _current(code).items()}


def current_documents(*, code: str) -> dict[str, Document]:
    """Return language -> what the builder made the newest wording of; empty where it did not."""
    return {language: row.document for language, row in _current(code).items() if row.document}


def documents_of(*, code: str, version: int) -> dict[str, Document]:
    """Return language -> what the builder made the newest wording of that version of."""
    rows = _current(code, version)
    return {language: row.document for language, row in rows.items() if row.document}


def every_notice() -> list[NoticeText]:
    """Return every wording of every notice: by code, newest first."""
    rows = Notice.objects.order_by("code", "-version", "-revision", "-language")
    return [text_of(row) for row in rows]


def records_of_notice(*, notice_id: UUID, most: int) -> int:
    """Return how many records of the ledger name this wording, counted up to `most`."""
    return len(LedgerEvent.objects.filter(notice_id=notice_id).values_list("seq")[:most])


def text_of(row: Notice) -> NoticeText:
    return NoticeText(
        row.id,
        row.code,
        row.version,
        row.language,
        row.text,
        bytes(row.sha256),
        row.revision,
        row.kind,
        row.published_at,
        row.published_by,
    )
