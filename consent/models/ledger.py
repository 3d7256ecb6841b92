"""The ledger, what it adds up to, and the signed heads of its log."""

from django.db import models
from django.db.models import Q

from consent.models.catalogue import BalancingAssessment, Basis, Channel, Notice, Purpose


class State(models.TextChoices):
    """DPV consent and legitimate-interest states."""

    CONSENT_REQUESTED = "ConsentRequested"
    CONSENT_GIVEN = "ConsentGiven"
    CONSENT_RENEWED = "RenewedConsentGiven"
    CONSENT_REFUSED = "ConsentRefused"
    CONSENT_WITHDRAWN = "ConsentWithdrawn"
    CONSENT_REVOKED = "ConsentRevoked"
    CONSENT_EXPIRED = "ConsentExpired"
    INTEREST_UNINFORMED = "LegitimateInterestUninformed"
    INTEREST_INFORMED = "LegitimateInterestInformed"
    INTEREST_NOT_OBJECTED = "LegitimateInterestNotObjected"
    INTEREST_OBJECTED = "LegitimateInterestObjected"
    NOTICE_SHOWN = "NoticeCommunicated"


PERMITTING_STATES = (
    State.CONSENT_GIVEN,
    State.CONSENT_RENEWED,
    State.INTEREST_NOT_OBJECTED,
)
NO_STATES = (
    State.CONSENT_WITHDRAWN,
    State.CONSENT_REFUSED,
    State.CONSENT_REVOKED,
    State.CONSENT_EXPIRED,
    State.INTEREST_OBJECTED,
)


class LedgerEvent(models.Model):
    """One event of the append-only ledger (ISO/IEC TS 27560 field names through DPV).

    No role may update or delete a row; the entry hash covers the ciphertext of the evidence, so
    the chain still verifies after the `proof` key of a person is destroyed.
    """

    seq = models.BigAutoField(primary_key=True)
    # How the entry hash is made of the row: docs/formats/ledger.md.
    layout = models.SmallIntegerField(default=1)
    record_id = models.UUIDField(unique=True)
    schema_version = models.CharField(max_length=120)
    subject_id = models.UUIDField(db_index=True)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT)
    purpose_version = models.PositiveIntegerField(null=True)
    basis = models.CharField(max_length=40, choices=Basis.choices)
    assessment = models.ForeignKey(BalancingAssessment, null=True, on_delete=models.PROTECT)
    event_state = models.CharField(max_length=40, choices=State.choices)
    event_type = models.CharField(max_length=40)
    event_at = models.DateTimeField()
    received_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    indicated_by = models.CharField(max_length=12)  # subject, controller, authority
    method = models.CharField(max_length=24)
    form_code = models.CharField(max_length=64, blank=True)
    form_version = models.PositiveIntegerField(null=True)
    notice = models.ForeignKey(Notice, null=True, on_delete=models.PROTECT)
    notice_sha256 = models.BinaryField(null=True)
    language = models.CharField(max_length=5)
    control_text_sha256 = models.BinaryField(null=True)
    # The record that says which notice the person was shown before this answer.
    shown_record = models.UUIDField(null=True)
    supersedes = models.UUIDField(null=True)
    # Where the data of an imported person comes from (GDPR 14(2)(f)), and with which import.
    source = models.CharField(max_length=120, blank=True)
    import_batch = models.UUIDField(null=True)
    # The id of what brought the event (submission, decision): a second delivery changes nothing.
    source_id = models.UUIDField()
    actor_id = models.UUIDField(null=True)
    evidence = models.BinaryField(null=True)
    entry_hash = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source_id", "subject_id", "purpose", "channel", "event_state"],
                name="ledger_event_once",
            ),
            # GDPR 6(1)(f): no legitimate interest without its assessment.
            models.CheckConstraint(
                condition=~Q(basis=Basis.LEGITIMATE_INTEREST) | Q(assessment__isnull=False),
                name="ledger_interest_has_assessment",
            ),
            # GDPR 7(1): no permission without the notice that was shown.
            models.CheckConstraint(
                condition=~Q(event_state__in=PERMITTING_STATES) | Q(notice_sha256__isnull=False),
                name="ledger_permission_has_notice",
            ),
        ]
        indexes = [
            # Who said no after a campaign (consent_noes): few of many rows.
            models.Index(
                fields=["purpose", "channel", "event_at"],
                condition=Q(event_state__in=[State.CONSENT_WITHDRAWN, State.INTEREST_OBJECTED]),
                name="ledger_noes",
            )
        ]


class Permission(models.Model):
    """What the ledger adds up to, per (subject, purpose, channel)."""

    pk = models.CompositePrimaryKey("subject_id", "purpose_id", "channel")
    subject_id = models.UUIDField()
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    state = models.CharField(max_length=40, choices=State.choices)
    basis = models.CharField(max_length=40, choices=Basis.choices)
    since = models.DateTimeField()
    event = models.ForeignKey(LedgerEvent, on_delete=models.PROTECT)
    # The newest event that was folded in, whether it changed anything or not: an event that is
    # older than it came late, and the whole history is folded again.
    folded_at = models.DateTimeField()
    folded_seq = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["purpose", "channel", "state", "subject_id"], name="perm_audience")
        ]


class Seal(models.Model):
    """A signed head of the ledger's log: everything up to `last_seq` is in its tree."""

    tree_size = models.BigIntegerField(primary_key=True)
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField(unique=True)
    root = models.BinaryField()
    checkpoint = models.TextField()
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(root__length=32), name="seal_root_length")
        ]
