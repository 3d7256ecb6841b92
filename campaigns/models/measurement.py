"""What is measured of those who agreed to it."""

from django.db import models

from campaigns.models.campaigns import Campaign
from privacy.services import IntakeModel


class TrackedLink(models.Model):
    """A link of a launched campaign, under the random id that measured messages carry."""

    id = models.UUIDField(primary_key=True)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="links")
    position = models.PositiveSmallIntegerField()
    url = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "position"], name="tracked_link_position")
        ]


class MeasuredMessage(models.Model):
    """The day on which a person who agreed to it last opened a message, or followed its links."""

    delivery = models.OneToOneField("Delivery", primary_key=True, on_delete=models.CASCADE)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE)
    contact_id = models.UUIDField(db_index=True)
    last_open_on = models.DateField(null=True)
    last_click_on = models.DateField(null=True)


class PublishedLink(IntakeModel):
    """Where a measured link leads: all that the public side may know of it."""

    link_hash = models.BinaryField(primary_key=True)
    url = models.TextField()
