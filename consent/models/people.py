"""What is kept of a person besides the ledger: refusals, wishes, letters, cards."""

from django.db import models
from django.db.models import Q

from consent.models.catalogue import Notice, Purpose
from privacy.services import IntakeModel


class MailingPreference(models.Model):
    """How often a person wants to hear from us, and until when not at all."""

    subject_id = models.UUIDField(primary_key=True)
    # At most one marketing message in so many days; null: no limit of theirs.
    every_days = models.PositiveSmallIntegerField(null=True)
    paused_until = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()
    source_id = models.UUIDField()


class Suppression(models.Model):
    """A keyed fingerprint of an address that must not be written to; survives erasure."""

    pk = models.CompositePrimaryKey("kind", "fingerprint", "purpose_code")
    kind = models.SmallIntegerField()
    fingerprint = models.BinaryField()
    # The key that made the fingerprint: an erased person's cannot be made anew under another.
    epoch = models.SmallIntegerField(default=1)
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


class SuppressionRekeying(models.Model):
    """How far suppressions have been written anew under a newer key, walking those we know."""

    epoch = models.SmallIntegerField(primary_key=True)
    # The last subject of the walk; null: nobody yet.
    after = models.UUIDField(null=True)
    rewritten = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)


class SubjectCard(models.Model):
    """The random id under which a person's preference card is known to the public side."""

    card_id = models.UUIDField(primary_key=True)
    subject_id = models.UUIDField(db_index=True)
    created_at = models.DateTimeField()
    # Rises with each change of a permission; the public copy follows.
    stale_since = models.DateTimeField(null=True, db_index=True)
    # The card of somebody who was merged with this subject: it is in the links of old messages.
    is_alias = models.BooleanField(db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject_id"], condition=Q(is_alias=False), name="card_own_once"
            )
        ]


class ConfirmationRequest(models.Model):
    """A confirmation asked by mail (double opt-in) for the consents of one submission."""

    id = models.UUIDField(primary_key=True)
    subject_id = models.UUIDField(db_index=True)
    source_id = models.UUIDField(unique=True)
    address_fingerprint = models.BinaryField()
    domain_fingerprint = models.BinaryField(null=True)
    language = models.CharField(max_length=5)
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["address_fingerprint", "requested_at"], name="confirmation_cap"),
            models.Index(fields=["domain_fingerprint", "requested_at"], name="confirmation_domain"),
        ]


class LetterRequest(models.Model):
    """A required letter other than a confirmation: what it is about, and for whom."""

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=16)  # information, opted_out
    subject_id = models.UUIDField(db_index=True)
    source_id = models.UUIDField()
    address_fingerprint = models.BinaryField(null=True)
    notice = models.ForeignKey(Notice, null=True, on_delete=models.PROTECT)
    purpose = models.ForeignKey(Purpose, null=True, on_delete=models.PROTECT)
    language = models.CharField(max_length=5)
    requested_at = models.DateTimeField()
    handed_over_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "source_id", "subject_id"], name="letter_request_once"
            )
        ]
        indexes = [
            models.Index(fields=["address_fingerprint", "requested_at"], name="letter_request_cap")
        ]


class AppliedDecision(models.Model):
    """A decision (opt-out, preference, confirmation) that took effect; keyed by its envelope."""

    id = models.UUIDField(primary_key=True)
    applied_at = models.DateTimeField()
    outcome = models.CharField(max_length=24)


class PreferenceCard(IntakeModel):
    """What the preference page may show, by the hash of the card id: states only, no identity.

    Notices that cards point at are rows of their own (consent/card_documents.py).
    """

    card_hash = models.BinaryField(primary_key=True)
    document = models.JSONField()
    updated_at = models.DateTimeField()


class PublicReceipt(IntakeModel):
    """A receipt that a person asked for, under the hash of the key in its address; for a day."""

    key_hash = models.BinaryField(primary_key=True)
    document = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
