"""What was counted of a campaign, and which links were followed by people who agreed to that."""

from django.db import models

from campaigns.models.campaigns import Campaign
from campaigns.models.measurement import MeasuredMessage, TrackedLink


class CampaignResult(models.Model):
    """The figures of a launched campaign as they were at `counted_at`; never a person.

    The worker counts, so that no page waits for a million rows. Groups of fewer than ten people
    are folded before they are written here (campaigns/results/cells.py).
    """

    campaign = models.OneToOneField(Campaign, primary_key=True, on_delete=models.CASCADE)
    # The worker counts it from then on: at once where somebody's consent to be measured ended.
    due_at = models.DateTimeField()
    counted_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(default=0)
    # The shape of the figures: those of an older one are counted anew.
    version = models.PositiveSmallIntegerField(default=0)
    figures = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="campaign_result_due")]


class MeasuredClick(models.Model):
    """The day on which a person who agreed to it last followed one link of a message.

    It hangs on the measured message in the database itself (ON DELETE CASCADE): whatever deletes
    that row, whichever way, deletes this one.
    """

    pk = models.CompositePrimaryKey("message_id", "link_id")
    message = models.ForeignKey(MeasuredMessage, on_delete=models.CASCADE, db_constraint=False)
    link = models.ForeignKey(TrackedLink, on_delete=models.CASCADE, db_constraint=False)
    last_click_on = models.DateField()
