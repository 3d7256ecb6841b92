"""Templates of answers: words to begin from, filled in for the person when one is begun."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.conf import settings

from campaigns.content.findings import BrokenTemplate, Finding
from campaigns.content.merge import Context, Slot, cut, placeholders
from campaigns.models import ReplyTemplate

# What staff may see of a person themselves, and no link: an answer has none to fill in.
FIELDS = frozenset(
    {"first_name", "last_name", "full_name", "company", "email", "sender_name", "privacy_contact"}
)


class ReplyTemplateUnknown(LookupError):
    """There is no such template, or it is archived."""


class NothingToFillIn(ValueError):
    """Merge fields without a value for this person; the argument names the fields."""


def check(*, subject: str, text: str) -> None:
    """Raise BrokenTemplate for what is not a merge field of an answer."""
    if "\n" in subject or "\r" in subject:
        raise BrokenTemplate([Finding(1, 1, "subject-lines", "")])
    placeholders(subject, FIELDS)
    placeholders(text, FIELDS)


def filled(source: str, values: Mapping[str, str], *, is_header: bool = False) -> str:
    """Return a text for one person. Raises BrokenTemplate and NothingToFillIn.

    Values are never parsed again: braces in somebody's name stay what they are.
    """
    found = placeholders(source, FIELDS)
    missing = sorted({p.field for p in found if not values.get(p.field) and not p.fallback})
    if missing:
        raise NothingToFillIn(", ".join(missing))
    context = Context.HEADER if is_header else Context.PLAIN
    pieces = cut(source, found)
    said = [Slot(p.field, p.fallback, context).escaped(values) for p in found]
    return pieces[0] + "".join(a + b for a, b in zip(said, pieces[1:], strict=True))


def constants() -> dict[str, str]:
    return {
        "sender_name": settings.SENDER_NAME,
        "privacy_contact": settings.DPO_ADDRESS,
    }


def reply_templates() -> list[ReplyTemplate]:
    """Return the templates that are not archived, by name."""
    return list(ReplyTemplate.objects.filter(archived_at=None).order_by("name", "id"))


def reply_template(*, template_id: UUID) -> ReplyTemplate:
    """Return a template to begin from; raises ReplyTemplateUnknown."""
    found = ReplyTemplate.objects.filter(id=template_id, archived_at=None).first()
    if found is None:
        raise ReplyTemplateUnknown(ReplyTemplateUnknown.__doc__)
    return found


def create_reply_template(
    *, name: str, language: str, subject: str, text: str, now: datetime
) -> UUID:
    """Keep a template; twice keeps two. Raises BrokenTemplate."""
    check(subject=subject, text=text)
    row = ReplyTemplate.objects.create(
        id=uuid_utils.compat.uuid7(),
        name=name,
        language=language,
        subject=subject,
        text=text,
        created_at=now,
        updated_at=now,
    )
    return row.id


def change_reply_template(
    *, template_id: UUID, name: str, language: str, subject: str, text: str, now: datetime
) -> None:
    """Replace a template; what was sent keeps its words. Raises as the verbs above."""
    check(subject=subject, text=text)
    live = ReplyTemplate.objects.filter(id=template_id, archived_at=None)
    if not live.update(name=name, language=language, subject=subject, text=text, updated_at=now):
        raise ReplyTemplateUnknown(ReplyTemplateUnknown.__doc__)


def archive_reply_template(*, template_id: UUID, now: datetime) -> None:
    """Take a template out of the list; safe to repeat."""
    ReplyTemplate.objects.filter(id=template_id, archived_at=None).update(archived_at=now)


def restore_reply_template(*, template_id: UUID) -> None:
    """Put an archived template back; safe to repeat."""
    ReplyTemplate.objects.filter(id=template_id).update(archived_at=None)
