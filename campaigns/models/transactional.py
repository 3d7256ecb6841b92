"""Messages that other systems ask to be sent: their templates, and what was asked."""

from django.db import models
from django.db.models import F, Q


class Ground(models.TextChoices):
    """Why a message needs no consent (GDPR 6(1)); the gate judges by it. None is marketing."""

    REPLY = "reply"  # (b), steps at the request of the person: a lead of theirs
    CONTRACT = "contract"  # (b), performance of a contract with them
    LEGAL_OBLIGATION = "legal_obligation"  # (c), what the law makes us tell them


class TransactionalTemplate(models.Model):
    """What may be sent under a code, for which purpose, and which values it takes."""

    id = models.UUIDField(primary_key=True)
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    purpose = models.ForeignKey("consent.Purpose", on_delete=models.PROTECT)
    ground = models.CharField(max_length=20)
    # Sent again, under the same Message-ID, where nobody knows whether it arrived.
    is_required = models.BooleanField(db_default=False)
    # [{"name", "kind", "is_required"}], in the order they were declared.
    variables = models.JSONField(default=list)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    updated_by = models.UUIDField(null=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ground__in=Ground.values), name="transactionaltemplate_ground"
            ),
            # Twice rather than never is for what the law makes us tell, and for nothing else.
            models.CheckConstraint(
                condition=Q(is_required=False) | Q(ground=Ground.LEGAL_OBLIGATION),
                name="transactionaltemplate_required_by_law",
            ),
            models.CheckConstraint(
                condition=Q(updated_at__gte=F("created_at")), name="transactionaltemplate_dates"
            ),
        ]


class TransactionalVersion(models.Model):
    """The words of a template in one language: plain text, or MJML."""

    template = models.ForeignKey(
        TransactionalTemplate, on_delete=models.CASCADE, related_name="versions"
    )
    language = models.CharField(max_length=5)
    subject = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    mjml = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["template", "language"], name="transactionalversion_once"
            ),
            models.CheckConstraint(
                condition=Q(text="") ^ Q(mjml=""), name="transactionalversion_one_body"
            ),
        ]


class TransactionalMessage(models.Model):
    """That a message was asked for, by whom, and on what ground. Its words are in OutgoingMessage.

    The id is made of the account and its Idempotency-Key, so the same key is the same row.
    """

    id = models.UUIDField(primary_key=True)
    account_id = models.UUIDField()
    token_id = models.UUIDField()
    template = models.ForeignKey(TransactionalTemplate, on_delete=models.PROTECT)
    ground = models.CharField(max_length=20)
    is_required = models.BooleanField()
    # A keyed digest of what was asked: the same key with another body is refused.
    body_mark = models.BinaryField()
    # A number of the system that asks, for itself; no address fits in it.
    reference = models.CharField(max_length=64, blank=True)
    accepted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ground__in=Ground.values), name="transactionalmessage_ground"
            ),
            models.CheckConstraint(
                condition=Q(body_mark__length=16), name="transactionalmessage_mark_length"
            ),
        ]
