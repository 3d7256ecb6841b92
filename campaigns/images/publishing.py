"""Gives the public side the files of the library: the worker's act, for staff do not reach it."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from campaigns.content.lint import MEDIA_PATH
from campaigns.images.encoding import SMALL
from campaigns.images.library import path_of
from campaigns.models import Image, PublishedImage

_BATCH = 20


def name_hash(name: str) -> bytes:
    """The public table's key: its rows do not tell which addresses exist."""
    return hashlib.sha256(name.encode()).digest()


def _files(image: Image) -> Iterator[PublishedImage]:
    for width, content in ((0, image.large), (SMALL, image.small)):
        if content:
            name = path_of(image, width=width).removeprefix(MEDIA_PATH)
            yield PublishedImage(
                name_hash=name_hash(name), extension=image.extension, content=content
            )


def publish_images(*, now: datetime) -> int:
    """Publish the pictures that are not yet; return how many. Safe twice, from any worker."""
    count = 0
    while batch := list(Image.objects.filter(published_at=None).order_by("created_at")[:_BATCH]):
        files = [file for image in batch for file in _files(image)]
        PublishedImage.objects.bulk_create(files, ignore_conflicts=True)
        ids = [image.id for image in batch]
        count += Image.objects.filter(id__in=ids, published_at=None).update(published_at=now)
    return count


def publish_missing_images(*, now: datetime) -> int:
    """Publish whatever the public side does not have: `intake` may be an older copy of itself."""
    rows = Image.objects.exclude(published_at=None).defer("large", "small")
    missing = []
    for image in rows.iterator(chunk_size=500):
        name = path_of(image).removeprefix(MEDIA_PATH)
        if not PublishedImage.objects.filter(name_hash=name_hash(name)).exists():
            missing.append(image.id)
    Image.objects.filter(id__in=missing).update(published_at=None)
    return publish_images(now=now) if missing else 0
