"""What the public side may read of campaigns."""

from django.db import models

from privacy.services import IntakeModel


class PublishedIssue(IntakeModel):
    """A campaign as anybody may read it, once per language it was written in.

    No merge field was filled in, nothing in it is measured, and it says nothing of who got it.
    """

    pk = models.CompositePrimaryKey("campaign_id", "language")
    campaign_id = models.UUIDField()
    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=200)
    summary = models.CharField(max_length=200, blank=True)
    html = models.TextField()
    text = models.TextField()
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["language", "-sent_at", "-campaign_id"], name="issue_newest")
        ]
