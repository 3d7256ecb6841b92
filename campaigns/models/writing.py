"""What a draft was before: states to go back to."""

from django.db import models

from campaigns.models.campaigns import Campaign, CampaignVersion


class DraftState(models.Model):
    """The words of a draft as they were saved once; the newest ones are kept.

    Without a version, they are the campaign's own words.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="states")
    version = models.ForeignKey(CampaignVersion, null=True, on_delete=models.CASCADE)
    began_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    saved_by = models.UUIDField(null=True)
    # Saved by the page while somebody typed: what follows within a minute takes its place.
    is_auto = models.BooleanField(default=False)
    subject = models.CharField(max_length=200, blank=True)
    preheader = models.CharField(max_length=200, blank=True)
    mjml = models.TextField(blank=True)
    blocks = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["campaign", "version", "-saved_at"], name="draft_state_newest")
        ]
