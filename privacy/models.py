"""Tables of the shared core: vault (keys and tokens), blobs, journal mark, sealed envelopes."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length

# The sizes of ciphertexts and digests are constraints in the tables.
models.BinaryField.register_lookup(Length)


class RetentionClass(models.IntegerChoices):
    """One data key per (subject, class): a class is erased as a whole, on its own date."""

    PROFILE = 1, "profile"
    ACTIVITY = 2, "activity"
    PROOF = 3, "proof"


class TokenKind(models.IntegerChoices):
    EMAIL = 1, "email"
    PHONE = 2, "phone"


class VaultModel(models.Model):
    accord_database = "vault"

    class Meta:
        abstract = True


class IntakeModel(models.Model):
    accord_database = "intake"

    class Meta:
        abstract = True


# --- vault -----------------------------------------------------------------------------------


class VaultInstance(VaultModel):
    """One row: binds every ciphertext to this installation."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    instance_id = models.UUIDField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="vaultinstance_one_row")]


class DataKey(VaultModel):
    """A random data key, wrapped under a key-encryption-key epoch."""

    pk = models.CompositePrimaryKey("subject_id", "retention_class")
    subject_id = models.UUIDField()
    retention_class = models.SmallIntegerField()
    generation = models.IntegerField(default=1)
    kek_epoch = models.IntegerField(db_index=True)
    # The lowest revision of the blob that may be read: a rolled-back blob is refused.
    rev_floor = models.BigIntegerField(default=1)
    wrapped = models.BinaryField()

    class Meta:
        db_table = "dek"


class IndexToken(VaultModel):
    """A keyed 64-bit token of an e-mail address or a phone number, for exact look-ups."""

    pk = models.CompositePrimaryKey("kind", "epoch", "token", "subject_id")
    kind = models.SmallIntegerField()
    epoch = models.SmallIntegerField()
    token = models.BigIntegerField()
    subject_id = models.UUIDField(db_index=True)

    class Meta:
        db_table = "bidx"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "epoch", "token"],
                condition=Q(kind=TokenKind.EMAIL),
                name="bidx_one_subject_per_email",
            )
        ]


class SealingKeyPair(VaultModel):
    id = models.IntegerField(primary_key=True)
    public = models.BinaryField()
    private_wrapped = models.BinaryField()
    kek_epoch = models.IntegerField()
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)


# --- crm -------------------------------------------------------------------------------------


class Blob(models.Model):
    """An encrypted document of one subject and retention class."""

    pk = models.CompositePrimaryKey("subject_id", "retention_class")
    subject_id = models.UUIDField()
    retention_class = models.SmallIntegerField()
    rev = models.BigIntegerField()
    body = models.BinaryField()

    class Meta:
        db_table = "blob"


class JournalApplied(models.Model):
    """One row: how far the privacy journal has taken effect in this database."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    journal_id = models.UUIDField()
    instance_id = models.UUIDField()
    applied_seq = models.BigIntegerField(default=0)
    applied_hash = models.BinaryField(default=bytes(32))

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="journalapplied_one_row")]


class Approval(models.Model):
    """What one person may not do alone: who asked for it, who agreed, and whether it was done.

    A trigger keeps the question as it was asked and lets it be decided, and used, once only.
    """

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=32)
    # Ids and numbers that say exactly what is asked for, never words about a person.
    reference = models.JSONField()
    requested_by = models.UUIDField()
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    is_approved = models.BooleanField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["-requested_at"],
                condition=Q(decided_at__isnull=True),
                name="approval_waiting",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(decided_by=models.F("requested_by")), name="approval_by_another"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None, decided_at=None, is_approved=None)
                | Q(decided_by__isnull=False, decided_at__isnull=False, is_approved__isnull=False),
                name="approval_decided_whole",
            ),
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(is_approved=True), name="approval_used_if_given"
            ),
        ]


# --- intake ----------------------------------------------------------------------------------


class SealingPublicKey(IntakeModel):
    id = models.IntegerField(primary_key=True)
    public = models.BinaryField()
    # The public side has no other way to know the installation that it seals for.
    instance_id = models.UUIDField()
    created_at = models.DateTimeField()


class Envelope(IntakeModel):
    """What the public side writes and cannot read back: sealed to a key that it does not hold."""

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=16)
    context = models.CharField(max_length=64)
    seal_key = models.IntegerField()
    sealed = models.BinaryField()
    received_at = models.DateTimeField()
    quarantined_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=32, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sealed__length__gte=64) & Q(sealed__length__lte=16384),
                name="envelope_sealed_size",
            )
        ]
        indexes = [
            models.Index(
                fields=["kind", "received_at"],
                condition=Q(quarantined_at__isnull=True),
                name="envelope_waiting",
            )
        ]
