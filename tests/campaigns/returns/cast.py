"""A message that left, and what comes back of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from campaigns import services
from campaigns.delivery.naming import message_id, return_path
from campaigns.models import Delivery, Return
from campaigns.returns.mail import take_mail
from consent.services import permits
from crm.models import Contact
from tests.campaigns import cast
from tests.campaigns.returns.samples import FORGED, sample


@dataclass
class Sent:
    """One person, and the one message that they were sent."""

    contact_id: UUID
    email: str
    campaign_id: UUID

    @property
    def delivery(self) -> Delivery:
        return Delivery.objects.get(contact_id=self.contact_id, campaign_id=self.campaign_id)

    @property
    def contact(self) -> Contact:
        return Contact.objects.get(id=self.contact_id)

    @property
    def is_permitted(self) -> bool:
        asked = [self.contact_id]
        return bool(permits(subject_ids=asked, purpose_code="newsletter", channel="email"))

    def sample(self, name: str) -> bytes:
        return sample(
            name,
            return_path=return_path(self.delivery),
            message_id=message_id(self.delivery),
            forged=FORGED,
        )

    def comes_back(
        self, name: str, *, at: datetime | None = None, by_envelope: bool = True
    ) -> None:
        recipients = [return_path(self.delivery)] if by_envelope else []
        take_mail(content=self.sample(name), recipients=recipients, now=at or cast.clock())

    def bounces(self, name: str, *, at: datetime | None = None) -> Return:
        before = set(Return.objects.values_list("id", flat=True))
        self.comes_back(name, at=at)
        settle(at)
        return Return.objects.exclude(id__in=before).get()


def sent(email: str = "alice@example.org") -> Sent:
    """Send Alice a campaign, by the relay of the settings."""
    contact = cast.subscriber(email)
    campaign = cast.launched()
    cast.deliver(campaign)
    return Sent(contact, email, campaign)


def another(to: Sent) -> Sent:
    """Send the same person another campaign."""
    campaign = cast.launched()
    cast.deliver(campaign)
    return Sent(to.contact_id, to.email, campaign)


def settle(at: datetime | None = None) -> None:
    services.take_returns(now=at or cast.clock())
