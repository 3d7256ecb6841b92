"""Submissions leave their envelopes: a lead, a contact, and what the person agreed to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from consent.services import Answer, NoticeUnknown, record_answers
from crm.services import Person, receive_lead
from forms_intake.models import FormPurpose, FormVersion, Submission
from forms_intake.projection import CONTROLS, control_name, document_of
from forms_intake.submissions import KIND, Invalid, Stale, reopened, validate
from privacy.services import Drained, OpenedEnvelope, Refused, drain_envelopes

Document = dict[str, Any]
SOURCE = "form"


def promote_waiting(*, now: datetime, limit: int = 200) -> Drained:
    """Take the oldest waiting submissions in; return how many were handled and put aside.

    Idempotent by the envelope's id; several workers may call it at once. What is not a submission
    of a published version is put aside, still sealed. Raises OperationalError if a database is
    gone: nothing is lost then.
    """
    handle = partial(_promote, shown={}, now=now)
    return drain_envelopes(kind=KIND, handle=handle, limit=limit, now=now)


@dataclass(frozen=True)
class _Shown:
    """A version as it was public: frozen, so reading it once serves a whole batch.

    Its notice may be corrected meanwhile. What the batch holds was posted before it was read, so
    the wording that was shown is in it.
    """

    version: FormVersion
    purposes: Sequence[FormPurpose]
    document: Document


def _promote(
    envelope: OpenedEnvelope, *, shown: dict[tuple[str, int], _Shown], now: datetime
) -> None:
    if Submission.objects.filter(id=envelope.id).exists():
        return
    key = _key(envelope)
    if key not in shown:
        shown[key] = _read(*key)
    content = _checked(envelope.document, shown[key].document)
    contact_id = _receive(envelope, content, now)
    _record(envelope, content, shown[key], contact_id, now)
    Submission.objects.create(
        id=envelope.id,
        form_version=shown[key].version,
        contact_id=contact_id,
        language=content["language"],
        received_at=envelope.received_at,
        promoted_at=now,
    )


def _receive(envelope: OpenedEnvelope, content: Document, now: datetime) -> UUID:
    given = {name: value for name, value in content["fields"].items() if name != "message"}
    return receive_lead(
        lead_id=envelope.id,
        person=Person(email_as_typed=content["email_as_typed"], **given),
        message=content["fields"].get("message", ""),
        language=content["language"],
        form_code=content["form"],
        form_version=content["form_version"],
        source=SOURCE,
        received_at=envelope.received_at,
        now=now,
    )


def _record(
    envelope: OpenedEnvelope, content: Document, shown: _Shown, contact_id: UUID, now: datetime
) -> None:
    record_answers(
        subject_id=contact_id,
        email=content["fields"]["email"],
        answers=_answers(shown.purposes, content),
        notice_id=UUID(content["notice"]["id"]),
        language=content["language"],
        form_code=content["form"],
        form_version=content["form_version"],
        source_id=envelope.id,
        event_at=envelope.received_at,
        received_at=envelope.received_at,
        needs_confirmation=shown.version.has_double_opt_in,
        evidence={**content["evidence"], "via": content["via"]},
        now=now,
    )


def _key(envelope: OpenedEnvelope) -> tuple[str, int]:
    number = envelope.document.get("form_version")
    if envelope.document.get("form") != envelope.context or not isinstance(number, int):
        raise Refused("form_mismatch")
    return envelope.context, number


def _read(code: str, number: int) -> _Shown:
    """The version that was shown. A retired one too: it was public when the person posted."""
    version = FormVersion.objects.filter(form_id=code, number=number).first()
    if version is None or version.published_at is None:
        raise Refused("version_unknown")
    try:
        document = document_of(version=version)
    except NoticeUnknown:
        raise Refused("notice_unknown") from None
    return _Shown(version, list(version.purposes.order_by("position")), document)


def _checked(document: Document, published: Document) -> Document:
    try:
        content = validate(document=published, incoming=reopened(sealed=document))
    except Stale:
        raise Refused("notice_stale") from None
    except Invalid:
        raise Refused("invalid_content") from None
    return {**content, "email_as_typed": document["email_as_typed"][:320]}


def _answers(purposes: Sequence[FormPurpose], content: Document) -> list[Answer]:
    ticked = {*content["consents"], *content["objections"]}
    return [
        Answer(
            row.purpose_id,
            row.channel,
            row.basis,
            row.assessment_id,
            control_name(purpose=row.purpose_id, channel=row.channel) in ticked,
            row.control_texts.get(content["language"], "") if row.basis in CONTROLS else "",
        )
        for row in purposes
    ]
