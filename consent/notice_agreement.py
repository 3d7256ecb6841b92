"""Whether a notice and the purposes of what shows it say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consent.models import Notice, NoticeKind, Purpose
from consent.notices import documents_of

Document = dict[str, Any]


@dataclass(frozen=True)
class PurposeUse:
    """A purpose as a form is about to use it."""

    purpose_code: str
    basis: str


@dataclass(frozen=True)
class NoticeDisagreement:
    """What the notice says otherwise: kind, purpose, basis, retention or recipients."""

    about: str
    purpose_code: str = ""


def notice_disagreements(
    *, code: str, version: int, uses: Sequence[PurposeUse]
) -> list[NoticeDisagreement]:
    """Return where a notice does not cover the purposes of a form; empty when it does.

    A text that the builder did not make cannot be compared, except in what kind of notice it is.
    A purpose that changed since then disagrees too: people would be told what is no longer true.
    """
    kind = Notice.objects.filter(code=code, version=version).values_list("kind", flat=True).first()
    if kind is not None and kind != NoticeKind.DIRECT:
        return [NoticeDisagreement("kind")]
    used = [use.purpose_code for use in uses]
    rows = {row.code: row for row in Purpose.objects.filter(code__in=used)}
    found = [
        NoticeDisagreement(about, use.purpose_code)
        for language, document in documents_of(code=code, version=version).items()
        for use in uses
        if (about := _against(document["facts"], language, use, rows.get(use.purpose_code)))
    ]
    return list(dict.fromkeys(found))


def _against(facts: Document, language: str, use: PurposeUse, purpose: Purpose | None) -> str:
    code = use.purpose_code
    if purpose is None or code not in facts["bases"]:
        return "purpose"
    if facts["bases"][code] != use.basis:
        return "basis"
    if facts["retention"][code] != purpose.retention_days:
        return "retention"
    recipients = purpose.recipients_fr if language == "fr" else purpose.recipients_en
    return "" if facts["recipients"]["of"].get(code, "") == recipients.strip() else "recipients"
