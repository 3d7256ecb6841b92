"""Notices: what a person was shown, word for word, for ever."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db import transaction

from consent.models import Notice, NoticeKind


class NoticeUnknown(Exception):
    """There is no such notice in that version and language."""


@dataclass(frozen=True)
class NoticeText:
    id: UUID
    code: str
    version: int
    language: str
    text: str
    sha256: bytes


def publish_notice(
    *,
    code: str,
    texts: Mapping[str, str],
    is_substantive: bool,
    kind: str = NoticeKind.DIRECT,
    now: datetime,
) -> int:
    """Publish one text per language as the next version and return its number.

    The same texts again are the same version. Raises ValueError without any text.
    """
    if not texts:
        raise ValueError("A notice needs a text in at least one language.")
    with transaction.atomic(using="default"):
        newest = Notice.objects.filter(code=code).order_by("-version").first()
        version = newest.version if newest else 0
        if newest and _texts(code, version) == dict(texts):
            return version
        Notice.objects.bulk_create(
            Notice(
                id=uuid_utils.compat.uuid7(),
                code=code,
                version=version + 1,
                kind=kind,
                language=language,
                text=text,
                sha256=hashlib.sha256(text.encode()).digest(),
                is_substantive=is_substantive,
                published_at=now,
            )
            for language, text in texts.items()
        )
        return version + 1


def _texts(code: str, version: int) -> dict[str, str]:
    rows = Notice.objects.filter(code=code, version=version)
    return dict(rows.values_list("language", "text"))


def notice(*, code: str, version: int, language: str) -> NoticeText:
    """Return a notice; raises NoticeUnknown."""
    row = Notice.objects.filter(code=code, version=version, language=language).first()
    if row is None:
        raise NoticeUnknown(NoticeUnknown.__doc__)
    return NoticeText(row.id, code, version, language, row.text, bytes(row.sha256))
