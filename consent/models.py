"""Purposes, bases, notices, the ledger, permission and suppression."""

from django.db import models
from django.db.models import Q

from privacy.services import IntakeModel


class Channel(models.TextChoices):
    EMAIL = "email"
    PHONE = "phone"
    POST = "post"
    SMS = "sms"


class Basis(models.TextChoices):
    """Lawful bases (GDPR article 6(1)) a purpose can rest on; the value is the DPV-GDPR term."""

    CONSENT = "A6-1-a"
    PRE_CONTRACT = "A6-1-b-enter-into-contract"
    CONTRACT = "A6-1-b-contract-performance"
    LEGITIMATE_INTEREST = "A6-1-f-controller"


class State(models.TextChoices):
    """DPV consent and legitimate-interest states."""

    CONSENT_REQUESTED = "ConsentRequested"
    CONSENT_GIVEN = "ConsentGiven"
    CONSENT_RENEWED = "RenewedConsentGiven"
    CONSENT_REFUSED = "ConsentRefused"
    CONSENT_WITHDRAWN = "ConsentWithdrawn"
    CONSENT_REVOKED = "ConsentRevoked"
    CONSENT_EXPIRED = "ConsentExpired"
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


class Purpose(models.Model):
    """What data is used for. `number` is the two-byte id carried by links in mail."""

    code = models.SlugField(primary_key=True, max_length=40)
    number = models.PositiveSmallIntegerField(unique=True)
    iri = models.CharField(max_length=200)
    title_fr = models.CharField(max_length=120)
    title_en = models.CharField(max_length=120)
    description_fr = models.TextField()
    description_en = models.TextField()
    channels = models.JSONField(default=list)
    # Marketing purposes end with "no to everything"; answering a request does not.
    is_marketing = models.BooleanField()
    retention_days = models.PositiveIntegerField()
    recipients_fr = models.TextField(blank=True)
    recipients_en = models.TextField(blank=True)
    position = models.PositiveSmallIntegerField(default=0)


class BalancingAssessment(models.Model):
    """The legitimate-interest assessment, without which that basis cannot be published."""

    id = models.UUIDField(primary_key=True)
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT)
    version = models.PositiveIntegerField()
    interest = models.TextField()
    necessity = models.TextField()
    balance = models.TextField()
    b2b_relevance = models.TextField()
    conclusion = models.TextField()
    approved_at = models.DateTimeField()
    approved_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["purpose", "version"], name="assessment_version")
        ]


class Notice(models.Model):
    """One language of one version of the text a person is shown; never changed once written."""

    id = models.UUIDField(primary_key=True)
    code = models.SlugField(max_length=40)
    version = models.PositiveIntegerField()
    language = models.CharField(max_length=5)
    text = models.TextField()
    sha256 = models.BinaryField()
    is_substantive = models.BooleanField(default=True)
    published_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "version", "language"], name="notice_version_language"
            ),
            models.CheckConstraint(condition=Q(sha256__length=32), name="notice_sha256_length"),
        ]


class LedgerEvent(models.Model):
    """One event of the append-only ledger (ISO/IEC TS 27560 field names through DPV).

    No role may update or delete a row; the entry hash covers the ciphertext of the evidence, so
    the chain still verifies after the `proof` key of a person is destroyed.
    """

    seq = models.BigAutoField(primary_key=True)
    record_id = models.UUIDField(unique=True)
    schema_version = models.CharField(max_length=120)
    subject_id = models.UUIDField(db_index=True)
    channel = models.CharField(max_length=8, choices=Channel.choices)
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT)
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
    supersedes = models.UUIDField(null=True)
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

    class Meta:
        indexes = [
            models.Index(fields=["purpose", "channel", "state", "subject_id"], name="perm_audience")
        ]


class Suppression(models.Model):
    """A keyed fingerprint of an address that must not be written to; survives erasure."""

    pk = models.CompositePrimaryKey("kind", "fingerprint", "purpose_code")
    kind = models.SmallIntegerField()
    fingerprint = models.BinaryField()
    # Empty: every marketing purpose.
    purpose_code = models.CharField(max_length=40, default="")
    # True for the fingerprint of the address without its +tag.
    is_wide = models.BooleanField(default=False)
    reason = models.CharField(max_length=24)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(fingerprint__length=16), name="suppression_fingerprint_length"
            )
        ]


class SubjectCard(models.Model):
    """The random id under which a person's preference card is known to the public side."""

    card_id = models.UUIDField(primary_key=True)
    subject_id = models.UUIDField(unique=True)
    created_at = models.DateTimeField()
    # Rises with each change of a permission; the public copy follows.
    stale_since = models.DateTimeField(null=True, db_index=True)


class ConfirmationRequest(models.Model):
    """A confirmation asked by mail (double opt-in) for the consents of one submission."""

    id = models.UUIDField(primary_key=True)
    subject_id = models.UUIDField(db_index=True)
    source_id = models.UUIDField(unique=True)
    address_fingerprint = models.BinaryField()
    language = models.CharField(max_length=5)
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["address_fingerprint", "requested_at"], name="confirmation_cap")
        ]


class AppliedDecision(models.Model):
    """A decision (opt-out, preference, confirmation) that took effect; keyed by its envelope."""

    id = models.UUIDField(primary_key=True)
    applied_at = models.DateTimeField()
    outcome = models.CharField(max_length=24)


class PreferenceCard(IntakeModel):
    """What the preference page may show, by the hash of the card id: states only, no identity."""

    card_hash = models.BinaryField(primary_key=True)
    document = models.JSONField()
    updated_at = models.DateTimeField()
