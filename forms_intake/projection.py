"""What the public side may know of a form: one complete document per published version.

The public process reads this table and no other of ours, so the document holds every word that it
shows and everything that it checks.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connections, transaction

from consent.services import Basis, NoticeText, PurposeText, notice_wordings, purposes
from forms_intake.fields import FIELDS, Field
from forms_intake.models import FormPurpose, FormVersion, PublishedForm

Document = dict[str, Any]
# One projection at a time: an older reading must not be written over a newer one.
_LOCK = 7_304_118
# A ticked box says yes to consent, and no to legitimate interest.
CONTROLS = {Basis.CONSENT.value: "consent", Basis.LEGITIMATE_INTEREST.value: "objection"}


def control_name(*, purpose: str, channel: str) -> str:
    """Return the name by which a submission speaks of a box."""
    return f"{purpose}:{channel}"


def document_of(*, version: FormVersion) -> Document:
    """Return the complete document of a version; raises NoticeUnknown."""
    languages = sorted(version.texts, reverse=True)  # French first
    known = {
        language: {each.code: each for each in purposes(language=language)}
        for language in languages
    }
    return {
        "code": version.form_id,
        "version": version.number,
        "languages": languages,
        "texts": version.texts,
        "fields": [_field(FIELDS[each["name"]], each["is_required"]) for each in version.fields],
        "purposes": [
            _purpose(row, {language: known[language][row.purpose_id] for language in languages})
            for row in version.purposes.order_by("position")
        ],
        "notices": {language: _notice(version, language) for language in languages},
        "origins": version.allowed_origins,
        "redirect_url": version.redirect_url,
        "has_double_opt_in": version.has_double_opt_in,
        "has_proof_of_work": version.has_proof_of_work,
        "minimum_fill_seconds": version.minimum_fill_seconds,
    }


def _field(field: Field, is_required: bool) -> Document:
    return {
        "name": field.name,
        "is_required": is_required,
        "kind": field.kind,
        "autocomplete": field.autocomplete,
        "max_length": field.max_length,
        "labels": dict(field.labels),
    }


def _purpose(row: FormPurpose, texts: Mapping[str, PurposeText]) -> Document:
    return {
        "purpose": row.purpose_id,
        "number": next(iter(texts.values())).number,
        "channel": row.channel,
        "basis": row.basis,
        "assessment": str(row.assessment_id) if row.assessment_id else None,
        "titles": {language: text.title for language, text in texts.items()},
        "descriptions": {language: text.description for language, text in texts.items()},
        "control": CONTROLS.get(row.basis),
        "name": control_name(purpose=row.purpose_id, channel=row.channel),
        "control_texts": row.control_texts,
    }


def _notice(version: FormVersion, language: str) -> Document:
    wordings = notice_wordings(
        code=version.notice_code, version=version.notice_version, language=language
    )
    shown, *earlier = wordings
    return {
        **_wording(shown),
        "code": shown.code,
        "text": shown.text,
        # Whoever was shown one of these was told the same, in words that were put right since.
        "earlier": [_wording(each) for each in earlier],
    }


def _wording(shown: NoticeText) -> Document:
    return {
        "id": str(shown.id),
        "version": shown.version,
        "revision": shown.revision,
        "language": shown.language,
        "sha256": shown.sha256.hex(),
    }


def project_forms(*, now: datetime) -> int:
    """Make the public side's copy equal to what is published; return how many rows changed.

    Calling twice is safe, also from two workers at once. Raises NoticeUnknown.
    """
    with transaction.atomic(using="intake"):
        with connections["intake"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        versions = FormVersion.objects.filter(published_at__isnull=False, retired_at__isnull=True)
        wanted = {each.form_id: each for each in versions}
        held = {row.code: row for row in PublishedForm.objects.all()}
        changed = [
            row
            for row in (_row(each) for each in wanted.values())
            if row.code not in held or _differs(row, held[row.code])
        ]
        _write(changed)
        gone = PublishedForm.objects.filter(code__in=held.keys() - wanted.keys()).delete()[0]
    _stamp(wanted.values(), now)
    return len(changed) + gone


def _row(version: FormVersion) -> PublishedForm:
    if version.published_at is None:
        raise ValueError("Only what is published is projected.")
    return PublishedForm(
        code=version.form_id,
        version=version.number,
        document=document_of(version=version),
        published_at=version.published_at,
    )


def _differs(row: PublishedForm, held: PublishedForm) -> bool:
    return (row.version, row.document) != (held.version, held.document)


def _write(rows: Iterable[PublishedForm]) -> None:
    PublishedForm.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["version", "document", "published_at"],
    )


def _stamp(versions: Iterable[FormVersion], now: datetime) -> None:
    """Staff see from when on the public side shows a version; the first moment counts."""
    shown = [version.id for version in versions if version.projected_at is None]
    FormVersion.objects.filter(id__in=shown, projected_at__isnull=True).update(projected_at=now)


def published_codes() -> list[str]:
    """Return the codes of the forms that the public side shows now."""
    return list(PublishedForm.objects.order_by("code").values_list("code", flat=True))
