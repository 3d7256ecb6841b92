"""The links of a launched campaign: frozen with its mail, published for the redirect to find."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from django.conf import settings

from campaigns.content.merge import Segments
from campaigns.measurement import CLICK, OPEN
from campaigns.measurement.measured_mail import PICTURE_FIELD, link_field, trackable_links
from campaigns.models import PublishedLink, TrackedLink
from privacy.services import MeasureLink, make_measure_link

_BATCH = 1000


class FrozenLink(NamedTuple):
    id: UUID
    url: str


def link_hash(link_id: UUID) -> bytes:
    """The public table's key: its rows do not tell which links exist."""
    return hashlib.sha256(link_id.bytes).digest()


def freeze_links(*, campaign_id: UUID, pages: Sequence[Segments]) -> None:
    """Give each link of a campaign's mails its random id; in the transaction of the launch.

    The same address in two variants or languages is one link.
    """
    urls = dict.fromkeys(url for html in pages for url in trackable_links(html))
    TrackedLink.objects.filter(campaign_id=campaign_id).delete()
    TrackedLink.objects.bulk_create(
        TrackedLink(id=uuid4(), campaign_id=campaign_id, position=position, url=url)
        for position, url in enumerate(urls)
    )


def frozen_links(campaign_id: UUID) -> list[FrozenLink]:
    """Return the links of a launched campaign in their order."""
    rows = TrackedLink.objects.filter(campaign_id=campaign_id).order_by("position")
    return [FrozenLink(row.id, row.url) for row in rows]


def publish(links: Sequence[FrozenLink]) -> None:
    """Make links known to the public side; before the first message that carries them leaves.

    Calling twice is safe. A row stays when its campaign is gone: the mail is still in the inbox.
    """
    PublishedLink.objects.bulk_create(
        [PublishedLink(link_hash=link_hash(link.id), url=link.url) for link in links],
        ignore_conflicts=True,
    )


def publish_missing_links() -> None:
    """Publish whatever the public side does not have: `intake` may be an older copy of itself."""
    rows = TrackedLink.objects.values_list("id", "url").iterator(chunk_size=_BATCH)
    batch: list[FrozenLink] = []
    for row in rows:
        batch.append(FrozenLink(*row))
        if len(batch) == _BATCH:
            publish(batch)
            batch.clear()
    publish(batch)


def values_of(*, card_id: UUID, delivery_id: int, links: Sequence[FrozenLink]) -> Mapping[str, str]:
    """The addresses that one person's measured message carries."""
    opened = make_measure_link(scope=OPEN, link=MeasureLink(card_id, delivery_id))
    values = {PICTURE_FIELD: f"{settings.PUBLIC_URL}/o/{opened}.gif"}
    for position, link in enumerate(links):
        token = make_measure_link(scope=CLICK, link=MeasureLink(card_id, delivery_id, link.id))
        values[link_field(position)] = f"{settings.PUBLIC_URL}/l/{token}"
    return values
