"""Tables of the shared core: vault (keys and tokens), blobs, journal mark, sealed envelopes."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
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


class IndexEpoch(VaultModel):
    """A key of the index and how far its rotation is; without any row, the first one is alone.

    While `retired_at` is empty every address is written under it and asked about.
    """

    epoch = models.SmallIntegerField(primary_key=True)
    started_at = models.DateTimeField()
    # How far everybody's addresses are written anew, and when they all were.
    walked_to = models.UUIDField(null=True)
    walked = models.BigIntegerField(default=0)
    filled_at = models.DateTimeField(null=True)
    # Addresses that the epoch before has and this one lacks, and when they were counted.
    lacking = models.BigIntegerField(null=True)
    counted_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    emptied_at = models.DateTimeField(null=True)


class SealingKeyPair(VaultModel):
    id = models.IntegerField(primary_key=True)
    public = models.BinaryField()
    private_wrapped = models.BinaryField()
    kek_epoch = models.IntegerField()
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)


class KeyEpoch(VaultModel):
    """A key-encryption-key epoch beside its file in the ring; its number is never used again."""

    class Reason(models.TextChoices):
        FOUNDING = "founding", "the ring was founded"
        WEEKLY = "weekly", "the current one was a week old"
        ERASURE = "erasure", "somebody's erasure is urgent"
        COMPROMISE = "compromise", "a copy of keys may be in wrong hands"
        DEPARTURE = "departure", "somebody who held keys has left"
        EXERCISE = "exercise", "an exercise"

    number = models.IntegerField(primary_key=True)
    reason = models.CharField(max_length=16, choices=Reason.choices)
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    # Since when nothing is known to be wrapped under it: what a destruction waits for.
    emptied_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)
    # What the destruction is finished from, whenever a crash came between its steps.
    approval_id = models.UUIDField(null=True)
    file_sha256 = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(retired_at__gte=models.F("made_at")),
                name="keyepoch_retired_after_made",
            ),
            # Not by their dates: a clock that ran ahead may have written the first of them.
            models.CheckConstraint(
                condition=Q(destroyed_at__isnull=True) | Q(retired_at__isnull=False),
                name="keyepoch_destroyed_if_retired",
            ),
        ]


class _KeyNote(VaultModel):
    """Something that is known of one subject's key of one class."""

    pk = models.CompositePrimaryKey("subject_id", "retention_class")
    subject_id = models.UUIDField()
    retention_class = models.SmallIntegerField()

    class Meta:
        abstract = True


class OrphanKey(_KeyNote):
    """A data key that an audit found without a document; a writer who uses it drops the note."""

    noted_at = models.DateTimeField()


class RemovedKey(_KeyNote):
    """A data key that was destroyed on purpose a short while ago: its absence is not a loss."""

    removed_at = models.DateTimeField(db_index=True)
    # Concluded from a missing document, not asked for by anybody: it excuses nothing.
    is_swept = models.BooleanField(default=False, db_default=False)


class LostKey(_KeyNote):
    """A document whose key is gone although nobody erased it. Unaccepted ones stop all writing."""

    noted_at = models.DateTimeField()
    # Null until the journal was asked whether it was an erasure.
    confirmed_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(confirmed_at__isnull=False),
                name="lostkey_accepted_if_confirmed",
            )
        ]
        indexes = [
            models.Index(
                fields=["confirmed_at"],
                condition=Q(confirmed_at__isnull=False, accepted_at__isnull=True),
                name="lostkey_alarm",
            )
        ]


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


class AccessRecord(models.Model):
    """Documents that an account was given, or was refused: who, whom, why, when; never what.

    A trigger refuses every change, and lets a line go once it is a year old.
    """

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    reader_id = models.UUIDField()
    why = models.CharField(max_length=64)
    # An id or a code of what it was for: a ticket, a request. Never words about a person.
    reference = models.CharField(max_length=64, blank=True)
    retention_class = models.SmallIntegerField()
    subject_ids = ArrayField(models.UUIDField())
    is_refused = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["reader_id", "-at", "-id"], name="accessrecord_of_reader"),
            models.Index(
                fields=["reference", "-at", "-id"],
                condition=~Q(reference=""),
                name="accessrecord_of_reference",
            ),
            # A person is found as soon as the line is written: no pending list to search.
            GinIndex(fields=["subject_ids"], name="accessrecord_of_subject", fastupdate=False),
        ]


class ReadMeter(models.Model):
    """How many people an account read in one hour, and how often it was stopped."""

    pk = models.CompositePrimaryKey("reader_id", "hour")
    reader_id = models.UUIDField()
    hour = models.DateTimeField()
    opened = models.IntegerField()
    listed = models.IntegerField()
    refused = models.IntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["-hour"], condition=Q(refused__gt=0), name="readmeter_stopped")
        ]


class KeyDestruction(models.Model):
    """The attestation that a key was destroyed: written once, kept as evidence (GDPR 5(2))."""

    class Kind(models.TextChoices):
        EPOCH = "epoch", "key-encryption-key epoch"
        SEALING = "sealing", "private sealing key"

    pk = models.CompositePrimaryKey("kind", "number")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    number = models.IntegerField()
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField()
    destroyed_at = models.DateTimeField()
    # Rows that still needed the key when it was destroyed.
    rows_left = models.BigIntegerField(default=0)
    file_sha256 = models.BinaryField(null=True)
    approval_id = models.UUIDField(null=True)
    requested_by = models.UUIDField(null=True)
    approved_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rows_left=0), name="keydestruction_nothing_left"),
            models.CheckConstraint(
                condition=~Q(kind="epoch")
                | Q(requested_by__isnull=False, approved_by__isnull=False),
                name="keydestruction_two_people",
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
