"""Who is told of what became of a message, when its worker could not say it itself."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from campaigns.models import LETTER_KINDS, SINGLE_KINDS, Delivery, DeliveryKind
from campaigns.single.sending import single_handed_over
from consent.services import letters_handed_over
from crm.services import publish_events, record_sent


def tell_bounces(messages: Iterable[tuple[int, UUID]], *, at: datetime) -> None:
    """Tell other systems, by the signed webhooks of the house, of messages (delivery, contact) that
    were refused or came back. In the caller's transaction."""
    publish_events(
        kind="delivery.bounced",
        ids=[
            {"delivery_id": str(delivery), "contact_id": str(contact)}
            for delivery, contact in messages
        ],
        at=at,
    )


def tell_sent(delivery_ids: Sequence[int], *, at: datetime) -> None:
    """Do what follows from messages that turned out to be sent: timelines, limits of how often
    somebody is written to, what waits for a letter. Once per message, in the caller's transaction.
    """
    people: dict[UUID, list[UUID]] = defaultdict(list)
    single, letters = [], []
    rows = Delivery.objects.filter(id__in=delivery_ids)
    for kind, campaign_id, contact_id, reference_id in rows.values_list(
        "kind", "campaign_id", "contact_id", "reference_id"
    ):
        if kind == DeliveryKind.NEWSLETTER and campaign_id is not None:
            people[campaign_id].append(contact_id)
        elif kind in SINGLE_KINDS:
            single.append(reference_id)
        elif kind in LETTER_KINDS:
            letters.append(reference_id)
    for campaign_id, contacts in people.items():
        record_sent(campaign_id=campaign_id, contact_ids=contacts, at=at)
    if single:
        single_handed_over(references=single, now=at)
    if letters:
        letters_handed_over(request_ids=letters, now=at)
