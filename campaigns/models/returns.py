"""What came back of what was sent."""

from django.db import models
from django.db.models import F, Q

# What ends mailing to somebody: a gate does not let a message pass while one waits.
NO_KINDS = ("complaint", "opt_out")


class Return(models.Model):
    """One message or event that came back: what it is, and about which message. Never its words.

    Words that a person has to look at wait sealed, in a document of the vault under the id of
    this row, whose key is destroyed once somebody has looked; what is nobody's wish and was
    recognised, after thirty days.
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
    # Kept, and somebody asks for something: it is shown first and never destroyed unread.
    is_wish = models.BooleanField(default=False)
    looked_at = models.DateTimeField(null=True)
    looked_by = models.UUIDField(null=True)
    # When what follows from it was done; empty while its message is still being handed over.
    applied_at = models.DateTimeField(null=True)
    # When that was last tried in vain: such a row stands behind those that were not tried yet.
    tried_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                F("tried_at").asc(nulls_first=True),
                "received_at",
                condition=Q(applied_at__isnull=True),
                name="return_due",
            ),
            models.Index(
                fields=["received_at"],
                condition=Q(applied_at__isnull=True, kind__in=NO_KINDS),
                name="return_no_waiting",
            ),
            models.Index(
                fields=["received_at"],
                condition=Q(is_wish=True, looked_at__isnull=True),
                name="return_wish",
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


class WebhookToken(models.Model):
    """A one-time token of a mail service that was used: a request that shows it again is dropped.

    The id is a digest of the service and the token.
    """

    id = models.UUIDField(primary_key=True)
    used_at = models.DateTimeField(db_index=True)
