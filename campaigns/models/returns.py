"""What came back of what was sent."""

from django.db import models
from django.db.models import Q


class Return(models.Model):
    """One message or event that came back: what it is, and about which message. Never its words.

    Words that a person has to look at wait sealed, in a document of the vault under the id of
    this row, whose key is destroyed once somebody has looked, or after thirty days.
    """

    id = models.UUIDField(primary_key=True)
    received_at = models.DateTimeField()
    # mail, or the name of the service whose webhook told it
    source = models.CharField(max_length=16)
    # campaigns.returns.kinds
    kind = models.CharField(max_length=16)
    why = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=12, blank=True)
    # return_path, message_id, campaign (by its Feedback-ID alone), gone, none, forged
    attribution = models.CharField(max_length=12)
    delivery_id = models.BigIntegerField(null=True)
    campaign_id = models.UUIDField(null=True)
    contact_id = models.UUIDField(null=True)
    is_kept = models.BooleanField(default=False)
    looked_at = models.DateTimeField(null=True)
    looked_by = models.UUIDField(null=True)
    # When what follows from it was done; empty while its message is still being handed over.
    applied_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["received_at"], condition=Q(applied_at__isnull=True), name="return_waiting"
            ),
            models.Index(
                fields=["-received_at", "-id"], condition=Q(is_kept=True), name="return_to_look_at"
            ),
            models.Index(fields=["-received_at", "-id"], name="return_newest"),
            models.Index(fields=["campaign_id", "kind"], name="return_of_campaign"),
            models.Index(fields=["contact_id"], name="return_of_contact"),
        ]


class ReturnPart(models.Model):
    """A part of a message that did not fit into one envelope; the part itself is sealed."""

    message_id = models.UUIDField()
    number = models.PositiveSmallIntegerField()
    of = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=16)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message_id", "number"], name="return_part_once"),
            models.CheckConstraint(condition=Q(number__lt=models.F("of")), name="return_part_of"),
        ]


class SoftBounce(models.Model):
    """How much speaks against an address: a weight that halves with time (docs/returns.md)."""

    contact_id = models.UUIDField(primary_key=True)
    weight = models.FloatField()
    counted_at = models.DateTimeField()
