"""Tags of many contacts at once, for what runs by itself."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connections, transaction
from django.utils.text import slugify

from crm.contacts import NotATag
from crm.happenings import tell
from crm.models import ContactTag, Tag
from crm.timeline import add_timeline

_TAG = """
INSERT INTO crm_contacttag (contact_id, tag_id, tagged_at)
SELECT c.id, %s, %s FROM crm_contact c WHERE c.id = ANY(%s::uuid[]) ORDER BY c.id
ON CONFLICT DO NOTHING RETURNING contact_id
"""


def make_tag(*, title: str) -> str:
    """Return the code of a tag, made if it is new. Raises NotATag; safe twice."""
    slug = slugify(title)[:40].strip("-")
    if not slug:
        raise NotATag(NotATag.__doc__)
    Tag.objects.get_or_create(slug=slug, defaults={"title": title.strip()[:60]})
    return slug


def tag_many(*, contact_ids: Sequence[UUID], slug: str, now: datetime) -> None:
    """Put a tag that exists on contacts; who is gone or has it is left alone. Safe twice."""
    with transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute(_TAG, [slug, now, list(contact_ids)])
            fresh = [row[0] for row in cursor.fetchall()]
        if fresh:
            add_timeline(contact_ids=fresh, kind="tagged", reference={"tag": slug}, at=now)
            tell(kind="tagged", contact_ids=fresh, code=slug, at=now)


def untag_many(*, contact_ids: Sequence[UUID], slug: str, now: datetime) -> None:
    """Take a tag off contacts. Safe twice."""
    with transaction.atomic():
        rows = ContactTag.objects.filter(contact__in=contact_ids, tag=slug)
        had = list(rows.values_list("contact_id", flat=True))
        rows.delete()
        add_timeline(contact_ids=had, kind="untagged", reference={"tag": slug}, at=now)
