"""Messages that left measured, and what was seen of them: rows as the delivery leaves them."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from campaigns.models import Campaign, Delivery, DeliveryKind, DeliveryState, MeasuredMessage
from tests.conftest import NOW

Seen = Mapping[str, tuple[date | None, date | None]]


def make_deliveries(campaigns: Sequence[str], seen: Mapping[UUID, Seen]) -> None:
    for number in campaigns:
        Campaign.objects.create(
            id=number,
            name=number,
            purpose_id="newsletter",
            language="fr",
            subject="s",
            sender_name="s",
            sender_address="s@example.org",
            mjml="",
            created_at=NOW,
            updated_at=NOW,
            launched_at=NOW,
        )
    for contact, of_campaigns in seen.items():
        for number, (opened, clicked) in of_campaigns.items():
            delivery = _delivery(contact, number, is_measured=True)
            if opened:
                MeasuredMessage.objects.create(
                    delivery=delivery,
                    campaign_id=number,
                    contact_id=contact,
                    last_open_on=opened,
                    last_click_on=clicked,
                )
        # What left unmeasured, or has not left, says nothing.
        for number in set(campaigns) - of_campaigns.keys():
            _delivery(contact, number, is_measured=False)


def _delivery(contact: UUID, campaign: str, *, is_measured: bool) -> Delivery:
    return Delivery.objects.create(
        campaign_id=campaign,
        contact_id=contact,
        kind=DeliveryKind.NEWSLETTER,
        reference_id=campaign,
        state=DeliveryState.SENT,
        due_at=NOW,
        planned_at=NOW,
        is_measured=is_measured,
    )
