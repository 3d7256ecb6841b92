"""The delivery ledger."""

from django.db import models
from django.db.models import Q

from campaigns.models.campaigns import Campaign


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
    # The rest of the audience of an A/B test, until one of its variants is chosen.
    HELD = 10, "held"


OPEN_STATES = (
    DeliveryState.QUEUED,
    DeliveryState.CLAIMED,
    DeliveryState.HANDING,
    DeliveryState.IN_DOUBT,
    DeliveryState.HELD,
)


class DeliveryKind(models.IntegerChoices):
    NEWSLETTER = 1, "newsletter"
    CONFIRMATION = 2, "confirmation"
    TEST = 3, "test"
    INFORMATION = 4, "information"
    OPTED_OUT = 5, "opted_out"
    REPLY = 6, "reply"
    TRANSACTIONAL = 7, "transactional"


# What a person must be sent whatever they agreed to; no campaign stands behind it.
LETTER_KINDS = (DeliveryKind.CONFIRMATION, DeliveryKind.INFORMATION, DeliveryKind.OPTED_OUT)
# One message to one person, with words of its own (campaigns/single); no campaign either.
SINGLE_KINDS = (DeliveryKind.REPLY, DeliveryKind.TRANSACTIONAL)


class Delivery(models.Model):
    """One message to one contact: the truth about what was handed over."""

    campaign = models.ForeignKey(Campaign, null=True, on_delete=models.CASCADE)
    contact_id = models.UUIDField()
    kind = models.SmallIntegerField(choices=DeliveryKind.choices)
    # Which of the campaign's variants the person gets: 0 is the first.
    variant = models.PositiveSmallIntegerField(db_default=0)
    # 1 is the launch; a later round takes up who was missed.
    round = models.PositiveSmallIntegerField(db_default=1)
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
    # The relay that it was last handed to: whose log may be asked about it.
    relay = models.CharField(max_length=40, blank=True, db_default="")
    planned_at = models.DateTimeField()
    handing_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reference_id", "contact_id", "kind"], name="delivery_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[*LETTER_KINDS, *SINGLE_KINDS], campaign__isnull=True)
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
            models.Index(
                fields=["due_at", "id"],
                condition=Q(state=DeliveryState.IN_DOUBT),
                name="delivery_in_doubt",
            ),
            # Letters and single messages are claimed by their kind, every two seconds.
            models.Index(
                fields=["kind", "due_at", "id"],
                condition=Q(state=DeliveryState.QUEUED, campaign__isnull=True),
                name="delivery_queued_by_kind",
            ),
            models.Index(fields=["campaign", "state"], name="delivery_by_state"),
            models.Index(fields=["contact_id"], name="delivery_of_contact"),
            # Whose reading of a campaign may be asked for at all: segments ask it of everybody.
            models.Index(
                fields=["campaign", "contact_id"],
                condition=Q(is_measured=True),
                name="delivery_measured",
            ),
            # What a provider's API took: its events name its own id.
            models.Index(
                fields=["evidence"],
                condition=Q(evidence__startswith="api:"),
                name="delivery_of_provider",
            ),
        ]
