"""Templates, campaigns, their frozen audience and the delivery ledger."""

from django.db import models
from django.db.models import Q

from privacy.services import IntakeModel


class CampaignState(models.TextChoices):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class DeliveryState(models.IntegerChoices):
    """queued -> claimed -> handing -> sent, bounced or unknown; see docs/delivery.md."""

    QUEUED = 1, "queued"
    CLAIMED = 2, "claimed"
    HANDING = 3, "handing"
    IN_DOUBT = 4, "in_doubt"
    SENT = 5, "sent"
    SKIPPED = 6, "skipped"
    FAILED = 7, "failed"
    BOUNCED = 8, "bounced"
    UNKNOWN = 9, "unknown"


OPEN_STATES = (
    DeliveryState.QUEUED,
    DeliveryState.CLAIMED,
    DeliveryState.HANDING,
    DeliveryState.IN_DOUBT,
)


class DeliveryKind(models.IntegerChoices):
    NEWSLETTER = 1, "newsletter"
    CONFIRMATION = 2, "confirmation"
    TEST = 3, "test"
    INFORMATION = 4, "information"
    OPTED_OUT = 5, "opted_out"


# What a person must be sent whatever they agreed to; no campaign stands behind it.
LETTER_KINDS = (DeliveryKind.CONFIRMATION, DeliveryKind.INFORMATION, DeliveryKind.OPTED_OUT)


class Template(models.Model):
    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=5)
    mjml = models.TextField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)


class Campaign(models.Model):
    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=120)
    state = models.CharField(
        max_length=12, choices=CampaignState.choices, default=CampaignState.DRAFT
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
    created_at = models.DateTimeField()
    created_by = models.UUIDField(null=True)
    updated_at = models.DateTimeField()
    scheduled_at = models.DateTimeField(null=True)
    launched_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Counted once, at launch; audience = everything that the delivery ledger must account for.
    audience_size = models.PositiveIntegerField(null=True)
    # Words for the page when the campaign stopped by itself (relay unreachable, journal behind).
    halted_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="campaign_newest")]


class CompiledContent(models.Model):
    """The frozen mail of a campaign: compiled once at launch, substituted per recipient."""

    campaign = models.OneToOneField(Campaign, primary_key=True, on_delete=models.CASCADE)
    html = models.TextField()
    text = models.TextField()
    subject = models.CharField(max_length=200)
    fields = models.JSONField(default=list)
    compiled_at = models.DateTimeField()


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


class Delivery(models.Model):
    """One message to one contact: the truth about what was handed over."""

    campaign = models.ForeignKey(Campaign, null=True, on_delete=models.CASCADE)
    contact_id = models.UUIDField()
    kind = models.SmallIntegerField(choices=DeliveryKind.choices)
    # What a letter answers (a confirmation request); the campaign's id for newsletters.
    reference_id = models.UUIDField()
    state = models.SmallIntegerField(choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    worker = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=32, blank=True)
    # The relay's answer without the address: code, enhanced code, queue id.
    evidence = models.CharField(max_length=120, blank=True)
    # The ledger event that permitted the message when it passed its gate.
    justification_seq = models.BigIntegerField(null=True)
    # The message carries a pixel and measured links, because its person agreed to that.
    is_measured = models.BooleanField(db_default=False)
    planned_at = models.DateTimeField()
    handing_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reference_id", "contact_id", "kind"], name="delivery_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=LETTER_KINDS, campaign__isnull=True)
                | Q(kind__in=[DeliveryKind.NEWSLETTER, DeliveryKind.TEST], campaign__isnull=False),
                name="delivery_letter_or_campaign",
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "due_at", "id"],
                condition=Q(state=DeliveryState.QUEUED),
                name="delivery_queued",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=[DeliveryState.CLAIMED, DeliveryState.HANDING]),
                name="delivery_leased",
            ),
            models.Index(fields=["campaign", "state"], name="delivery_by_state"),
            models.Index(fields=["contact_id"], name="delivery_of_contact"),
        ]
