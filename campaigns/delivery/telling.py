"""Other systems are told of messages that did not arrive, by the signed webhooks of the house."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from crm.services import publish_events


def tell_bounces(messages: Iterable[tuple[int, UUID]], *, at: datetime) -> None:
    """Tell of messages (delivery, contact) that were refused or came back, in the caller's
    transaction."""
    publish_events(
        kind="delivery.bounced",
        ids=[
            {"delivery_id": str(delivery), "contact_id": str(contact)}
            for delivery, contact in messages
        ],
        at=at,
    )
