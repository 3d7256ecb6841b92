"""The image library of the team: keep, describe, archive, and find where a picture is in use."""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from campaigns.content.lint import MEDIA_PATH
from campaigns.doorbells import ring_images
from campaigns.images.encoding import SMALL, TYPES, reencode
from campaigns.models import Brand, Campaign, Image, SavedBlock, Template

PAGE_SIZE = 48
# Beside a block there is less room.
CHOICE_SIZE = 12
_MOST_USES = 50


class NoAlternative(ValueError):
    """A picture needs words for those who do not see it, or is marked as decoration; not both."""


@dataclass(frozen=True, slots=True)
class Use:
    """Where a picture stands: a kind (`campaign`, `template`, `block`, `brand`), id and name."""

    kind: str
    id: UUID
    name: str


def path_of(image: Image, *, width: int = 0) -> str:
    """Where a picture is served, as a template writes it; `width` 600 for the small one."""
    suffix = f"-{SMALL}" if width == SMALL and image.width > SMALL else ""
    return f"{MEDIA_PATH}{image.token}{suffix}.{image.extension}"


def shelf() -> QuerySet[Image]:
    """The pictures that may be chosen, the newest first, without their bytes."""
    return Image.objects.filter(archived_at=None).defer("large", "small").order_by(
        "-created_at", "-id"
    )  # fmt: skip


def add_image(
    *,
    uploaded: bytes,
    name: str,
    alt: str,
    is_decorative: bool,
    actor_id: UUID | None,
    now: datetime,
) -> UUID:
    """Keep an uploaded picture, made anew, and publish it; return its id.

    The same file twice is one picture, which comes back if it was archived and keeps the words it
    had. Raises BadImage and NoAlternative.
    """
    _check_alternative(alt, is_decorative)
    digest = hashlib.sha256(uploaded).digest()
    known = Image.objects.filter(digest=digest).values_list("id", flat=True).first()
    if known:
        restore_image(image_id=known)
        return known
    made = reencode(uploaded)
    image_id = uuid_utils.compat.uuid7()
    with transaction.atomic():
        Image.objects.bulk_create(
            [
                Image(
                    id=image_id,
                    token=secrets.token_urlsafe(16),
                    extension=made.extension,
                    name=name,
                    alt=alt,
                    is_decorative=is_decorative,
                    digest=digest,
                    width=made.width,
                    height=made.height,
                    large=made.large,
                    small=made.small,
                    created_at=now,
                    created_by=actor_id,
                )
            ],
            ignore_conflicts=True,  # a colleague was quicker with the same file
        )
        transaction.on_commit(ring_images, robust=True)
    return Image.objects.values_list("id", flat=True).get(digest=digest)


def _check_alternative(alt: str, is_decorative: bool) -> None:
    if bool(alt.strip()) == is_decorative:
        raise NoAlternative


def describe_image(*, image_id: UUID, name: str, alt: str, is_decorative: bool) -> None:
    """Replace the name and the words of a picture. Mails keep the words they have.

    Raises NoAlternative and Image.DoesNotExist. Safe twice.
    """
    _check_alternative(alt, is_decorative)
    rows = Image.objects.filter(id=image_id)
    if not rows.update(name=name, alt=alt, is_decorative=is_decorative):
        raise Image.DoesNotExist


def archive_image(*, image_id: UUID, now: datetime) -> None:
    """Take a picture off the shelf. It is served on: mails that hold it are in people's boxes.

    Safe twice.
    """
    Image.objects.filter(id=image_id, archived_at=None).update(archived_at=now)


def restore_image(*, image_id: UUID) -> None:
    """Put a picture back on the shelf. Safe twice."""
    Image.objects.filter(id=image_id).update(archived_at=None)


def uses_of(image: Image) -> list[Use]:
    """Return where a picture stands, the newest first, at most fifty of a kind."""
    found: list[Use] = []
    holders: Sequence[tuple[str, QuerySet[Campaign] | QuerySet[Template] | QuerySet[SavedBlock]]]
    holders = (
        ("campaign", Campaign.objects.order_by("-created_at")),
        ("template", Template.objects.order_by("name")),
        ("block", SavedBlock.objects.order_by("name")),
    )
    for kind, rows in holders:
        here = rows.filter(mjml__contains=image.token).values_list("id", "name")
        found += [Use(kind, number, name) for number, name in here[:_MOST_USES]]
    brands = Brand.objects.filter(logo=image).values_list("id", "name")
    return [*found, *(Use("brand", number, name) for number, name in brands)]


def with_pictures(html: str) -> str:
    """A page for the staff side with its own pictures written into it.

    A preview is a sandbox without cookies, and the staff side fetches nothing from the public one.
    """
    start = f"{settings.PUBLIC_URL}{MEDIA_PATH}"
    names = {piece.split('"')[0].split("'")[0].split(")")[0] for piece in html.split(start)[1:]}
    tokens = {name[:22] for name in names}
    for image in Image.objects.filter(token__in=tokens) if tokens else ():
        is_small = f"{start}{image.token}-{SMALL}" in html and image.small
        data = b64encode(bytes(image.small if is_small else image.large)).decode()
        source = f"data:{TYPES[image.extension]};base64,{data}"
        for width in (0, SMALL):
            html = html.replace(f"{settings.PUBLIC_URL}{path_of(image, width=width)}", source)
    return html
