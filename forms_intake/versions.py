"""Versions of forms: written as drafts, frozen by publication, ended by the next or by retiring.

The ledger points at a version for ever: what it said, asked and promised is never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.services import Basis, current_assessment
from forms_intake.models import Form, FormPurpose, FormVersion


@dataclass(frozen=True)
class PurposeChoice:
    """A purpose of a form: on which basis, and the words beside its box in each language."""

    purpose_code: str
    channel: str
    basis: str
    control_texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FormDraft:
    """What a person writes of a form; texts are {"fr": {title, intro, submit, thanks}, ...}."""

    texts: dict[str, dict[str, str]]
    fields: list[dict[str, object]]
    notice_code: str
    notice_version: int
    purposes: Sequence[PurposeChoice]
    allowed_origins: list[str] = field(default_factory=list)
    redirect_url: str = ""
    has_double_opt_in: bool = True
    has_proof_of_work: bool = False
    minimum_fill_seconds: int = 3
    audience: str = "professionals"


@dataclass(frozen=True)
class Reason:
    """Why a form cannot be published, for a program and for a person."""

    code: str
    sentence: str | Promise


class NotPublishable(Exception):
    """The form cannot be published as it is; `reasons` say what to put right."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = list(reasons)


class FormExists(Exception):
    """There is a form of that code already."""


class NoSuchForm(LookupError):
    """There is no form of that code."""


class AlreadyPublished(Exception):
    """The version was published before: it is frozen."""


NO_ASSESSMENT = Reason(
    "no_assessment",
    _("A purpose that rests on legitimate interest needs its balancing assessment first."),
)


def create_form(*, code: str, name: str, draft: FormDraft, now: datetime) -> UUID:
    """Keep a new form with its first draft and return the version's id.

    Raises FormExists (so calling twice is safe), and NotPublishable when a legitimate interest
    has no balancing assessment: such a draft cannot even be kept.
    """
    with transaction.atomic(using="default"):
        _form, is_new = Form.objects.get_or_create(
            code=code, defaults={"name": name, "created_at": now}
        )
        if not is_new:
            raise FormExists(FormExists.__doc__)
        return _save(code, draft, now)


def save_version(*, code: str, draft: FormDraft, now: datetime) -> UUID:
    """Replace the draft of a form, or begin the next one, and return the version's id.

    What was published is never touched. Calling twice is safe. Raises NoSuchForm, and
    NotPublishable when a legitimate interest has no balancing assessment.
    """
    with transaction.atomic(using="default"):
        if not Form.objects.select_for_update().filter(code=code).exists():
            raise NoSuchForm(NoSuchForm.__doc__)
        return _save(code, draft, now)


def rename_form(*, code: str, name: str) -> None:
    """Change the name that staff see. Safe twice; raises NoSuchForm."""
    if not Form.objects.filter(code=code).update(name=name):
        raise NoSuchForm(NoSuchForm.__doc__)


def _save(code: str, draft: FormDraft, now: datetime) -> UUID:
    newest = FormVersion.objects.filter(form_id=code).order_by("-number").first()
    is_draft = newest is not None and newest.published_at is None
    version = newest if newest and is_draft else FormVersion(id=uuid_utils.compat.uuid7())
    if not is_draft:
        version.form_id = code
        version.number = newest.number + 1 if newest else 1
        version.created_at = now
    for name in FormDraft.__dataclass_fields__:
        if name != "purposes":
            setattr(version, name, getattr(draft, name))
    version.save(force_update=is_draft, force_insert=not is_draft)
    version.purposes.all().delete()
    FormPurpose.objects.bulk_create(_purposes(version, draft.purposes))
    return version.id


def _purposes(version: FormVersion, choices: Sequence[PurposeChoice]) -> list[FormPurpose]:
    return [
        FormPurpose(
            form_version=version,
            purpose_id=choice.purpose_code,
            channel=choice.channel,
            basis=choice.basis,
            assessment_id=_assessment(choice),
            control_texts=choice.control_texts,
            position=position,
        )
        for position, choice in enumerate(choices)
    ]


def _assessment(choice: PurposeChoice) -> UUID | None:
    """The newest assessment: GDPR 6(1)(f) asks for the balance before the processing."""
    if choice.basis != Basis.LEGITIMATE_INTEREST:
        return None
    found = current_assessment(purpose_code=choice.purpose_code)
    if found is None:
        raise NotPublishable([NO_ASSESSMENT])
    return found


def retire_form(*, code: str, now: datetime) -> None:
    """Take a form off the public side; what was already posted is still received.

    Calling twice is safe. Raises NoSuchForm.
    """
    with transaction.atomic(using="default"):
        if not Form.objects.filter(code=code).exists():
            raise NoSuchForm(NoSuchForm.__doc__)
        FormVersion.objects.filter(
            form_id=code, published_at__isnull=False, retired_at__isnull=True
        ).update(retired_at=now)
        Form.objects.filter(code=code, archived_at__isnull=True).update(archived_at=now)
