"""Campaigns, their words, and who moved them from state to state."""

from django.db import models


class CampaignState(models.TextChoices):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class CampaignMode(models.TextChoices):
    """A newsletter goes once to an audience; a mail of a sequence to each person in their turn."""

    NEWSLETTER = "newsletter"
    SEQUENCE = "sequence"


class Template(models.Model):
    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=5)
    mjml = models.TextField()
    # The mail as blocks, from which mjml is made; null where it is written as code.
    blocks = models.JSONField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)


class Campaign(models.Model):
    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=120)
    state = models.CharField(
        max_length=12, choices=CampaignState.choices, default=CampaignState.DRAFT
    )
    mode = models.CharField(
        max_length=12, choices=CampaignMode.choices, db_default=CampaignMode.NEWSLETTER
    )
    purpose = models.ForeignKey("consent.Purpose", on_delete=models.PROTECT)
    segment = models.ForeignKey("crm.Segment", null=True, on_delete=models.PROTECT)
    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=200)
    preheader = models.CharField(max_length=200, blank=True)
    sender_name = models.CharField(max_length=120)
    sender_address = models.CharField(max_length=254)
    reply_to = models.CharField(max_length=254, blank=True)
    mjml = models.TextField()
    # The mail as blocks, from which mjml is made; null where it is written as code.
    blocks = models.JSONField(null=True)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    updated_at = models.DateTimeField()
    scheduled_at = models.DateTimeField(null=True)
    launched_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Counted once, at launch; audience = everything that the delivery ledger must account for.
    # Of a sequence's mail: how many were planned so far.
    audience_size = models.PositiveIntegerField(null=True)
    # Anybody may read it in the archive, from its launch on.
    is_public = models.BooleanField(db_default=False)
    # Words for the page when the campaign stopped by itself (relay unreachable, journal behind).
    halted_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="campaign_newest")]


class CampaignVersion(models.Model):
    """The words of a draft in a further language, or of a further variant (0 is the first, "A").

    The first variant in the campaign's own language stands on the campaign itself.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="versions")
    variant = models.PositiveSmallIntegerField(default=0)
    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=200)
    preheader = models.CharField(max_length=200, blank=True)
    mjml = models.TextField()
    # The mail as blocks, from which mjml is made; null where it is written as code.
    blocks = models.JSONField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "variant", "language"], name="campaign_version_once"
            )
        ]


class CompiledContent(models.Model):
    """A frozen mail of a campaign: compiled once at launch, substituted per recipient.

    One per variant and language. Who speaks none of the languages gets the campaign's own.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="contents")
    variant = models.PositiveSmallIntegerField(default=0)
    language = models.CharField(max_length=5)
    html = models.TextField()
    text = models.TextField()
    subject = models.CharField(max_length=200)
    fields = models.JSONField(default=list)
    compiled_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "variant", "language"], name="compiled_content_once"
            )
        ]


class AudienceExclusion(models.Model):
    """How many of the segment were left out at launch, by reason."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="exclusions")
    reason = models.CharField(max_length=32)
    contacts = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "reason"], name="exclusion_reason_once")
        ]


class StateChange(models.Model):
    """Who moved a campaign from one state to another, and when."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    from_state = models.CharField(max_length=12)
    to_state = models.CharField(max_length=12)
    reason = models.CharField(max_length=40, blank=True)
