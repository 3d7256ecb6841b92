"""Templates of transactional messages: kept, changed, archived and brought back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns.content.findings import BrokenTemplate, Finding
from campaigns.models import Ground, TransactionalTemplate, TransactionalVersion
from campaigns.single.content import SingleContent
from campaigns.single.templates import FIELDS, constants
from campaigns.transactional.filling import Words, content_of
from campaigns.transactional.variables import Variable, declared, written
from consent.services import Basis, Channel, PurposeText, purposes

# The person of previews.
_SAMPLE = {**{name: f"({name})" for name in FIELDS}, "email": "alice@example.org"}
_BASES: Mapping[str, frozenset[str]] = {
    Ground.REPLY: frozenset({Basis.PRE_CONTRACT.value, Basis.CONTRACT.value}),
    Ground.CONTRACT: frozenset({Basis.CONTRACT.value}),
}


class MarketingPurpose(ValueError):
    """A transactional message is no way round an opt-out: its purpose cannot be marketing."""


class GroundNotOfPurpose(ValueError):
    """The register gives this purpose no such legal basis."""


class RequiredByNothing(ValueError):
    """Only what the law makes us tell may be sent twice rather than never."""


class CodeTaken(ValueError):
    """There is another template with this code, perhaps an archived one."""


class TemplateUnknown(LookupError):
    """There is no such template, or it is archived."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """What a template says and takes."""

    name: str
    purpose: str
    ground: str
    is_required: bool = False
    variables: Sequence[Variable] = field(default=())
    versions: Sequence[Words] = field(default=())


def allowed_purposes(*, language: str) -> list[PurposeText]:
    """Return the purposes that a template may have: in use, by mail, and no marketing."""
    return [
        each
        for each in purposes(language=language)
        if not each.is_marketing and Channel.EMAIL in each.channels
    ]


def check(design: Design) -> None:
    """Raise MarketingPurpose, GroundNotOfPurpose, RequiredByNothing or BrokenTemplate."""
    found = {each.code: each for each in allowed_purposes(language="en")}.get(design.purpose)
    if found is None:
        raise MarketingPurpose(MarketingPurpose.__doc__)
    # What the law makes us tell may belong to any purpose of ours: 6(1)(c) is no basis of forms.
    bases = _BASES.get(design.ground)
    if bases is not None and found.bases and not bases & set(found.bases):
        raise GroundNotOfPurpose(GroundNotOfPurpose.__doc__)
    if design.is_required and design.ground != Ground.LEGAL_OBLIGATION:
        raise RequiredByNothing(RequiredByNothing.__doc__)
    if not design.versions:
        raise BrokenTemplate([Finding(0, 0, "no-version", _("Write it in one language at least."))])
    for words in design.versions:
        if not words.subject.strip() or bool(words.text.strip()) == bool(words.mjml.strip()):
            text = _("Each language needs a subject, and either a text or MJML.")
            raise BrokenTemplate([Finding(0, 0, "not-whole", text)])
        preview(words, design.variables)


def preview(words: Words, variables: Sequence[Variable]) -> SingleContent:
    """Return the message with made-up values. Raises BrokenTemplate."""
    samples = {each.name: each.sample() for each in variables}
    values = written(variables, samples, language=words.language)
    return content_of(words, variables, {**_SAMPLE, **constants(), **values})


def transactional_templates() -> list[TransactionalTemplate]:
    """Return the templates that are not archived, by name."""
    rows = TransactionalTemplate.objects.filter(archived_at=None).order_by("name", "id")
    return list(rows.select_related("purpose").prefetch_related("versions"))


def transactional_template(*, template_id: UUID) -> TransactionalTemplate:
    """Return a template with its versions; raises TemplateUnknown."""
    return _living(id=template_id)


def template_by_code(*, code: str) -> TransactionalTemplate:
    """Return what may be sent under a code; raises TemplateUnknown."""
    return _living(code=code)


def _living(**which: object) -> TransactionalTemplate:
    rows = TransactionalTemplate.objects.filter(archived_at=None, **which)
    found = rows.prefetch_related("versions").first()
    if found is None:
        raise TemplateUnknown(TemplateUnknown.__doc__)
    return found


def create_transactional_template(
    *, code: str, design: Design, actor_id: UUID, now: datetime
) -> UUID:
    """Keep a template. The same code again is refused.

    Raises CodeTaken, and what `check` raises.
    """
    check(design)
    row = TransactionalTemplate(
        id=uuid_utils.compat.uuid7(), code=code, created_at=now, **_columns(design, actor_id, now)
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _keep_versions(row.id, design.versions)
    except IntegrityError:
        if not TransactionalTemplate.objects.filter(code=code).exists():
            raise
        raise CodeTaken(CodeTaken.__doc__) from None
    return row.id


def change_transactional_template(
    *, template_id: UUID, design: Design, actor_id: UUID, now: datetime
) -> None:
    """Replace a template; what was accepted keeps its words. The same again changes nothing.

    Raises TemplateUnknown, and what `check` raises.
    """
    check(design)
    living = TransactionalTemplate.objects.filter(id=template_id, archived_at=None)
    with transaction.atomic():
        if not living.update(**_columns(design, actor_id, now)):
            raise TemplateUnknown(TemplateUnknown.__doc__)
        TransactionalVersion.objects.filter(template=template_id).delete()
        _keep_versions(template_id, design.versions)


def _columns(design: Design, actor_id: UUID, now: datetime) -> dict[str, object]:
    return {
        "name": design.name,
        "purpose_id": design.purpose,
        "ground": design.ground,
        "is_required": design.is_required,
        "variables": [each.document() for each in design.variables],
        "updated_at": now,
        "updated_by": actor_id,
    }


def _keep_versions(template_id: UUID, versions: Sequence[Words]) -> None:
    TransactionalVersion.objects.bulk_create(
        TransactionalVersion(
            template_id=template_id,
            language=words.language,
            subject=words.subject,
            text=words.text,
            mjml=words.mjml,
        )
        for words in versions
    )


def archive_transactional_template(*, template_id: UUID, now: datetime) -> None:
    """Let nothing more be sent under its code; safe to repeat. What was accepted still leaves."""
    TransactionalTemplate.objects.filter(id=template_id, archived_at=None).update(archived_at=now)


def restore_transactional_template(*, template_id: UUID) -> None:
    """Put an archived template back; safe to repeat."""
    TransactionalTemplate.objects.filter(id=template_id).update(archived_at=None)


def variables_of(row: TransactionalTemplate) -> list[Variable]:
    return declared(row.variables)
