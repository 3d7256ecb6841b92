"""What the data protection officer writes: purposes, assessments, rules and notices."""

from django.db import models
from django.db.models import Q


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


class Purpose(models.Model):
    """What data is used for, as it is now. `number` is the two-byte id carried by links in mail.

    Every published state of it is kept in PurposeVersion; a draft that was never published has no
    `published_at` and nothing may use it.
    """

    code = models.SlugField(primary_key=True, max_length=40)
    number = models.PositiveSmallIntegerField(unique=True)
    iri = models.CharField(max_length=200)
    # Further DPV terms that the purpose is an instance of.
    more_iris = models.JSONField(default=list)
    # What is used for it, in terms of DPV's personal data vocabulary.
    data_categories = models.JSONField(default=list)
    # The lawful bases that a form may choose for it.
    bases = models.JSONField(default=list)
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
    version = models.PositiveIntegerField(default=1)
    published_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)


class PurposeVersion(models.Model):
    """One published state of a purpose, word for word: records of the ledger name it for ever."""

    id = models.UUIDField(primary_key=True)
    purpose = models.ForeignKey(Purpose, on_delete=models.PROTECT)
    version = models.PositiveIntegerField()
    document = models.JSONField()
    sha256 = models.BinaryField()
    published_at = models.DateTimeField()
    published_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["purpose", "version"], name="purpose_version_once"),
            models.CheckConstraint(condition=Q(sha256__length=32), name="purpose_sha256_length"),
        ]


class DraftKind(models.TextChoices):
    PURPOSE = "purpose"
    ASSESSMENT = "assessment"
    NOTICE = "notice"


class Draft(models.Model):
    """What the data protection officer is writing; publishing it makes an immutable row."""

    pk = models.CompositePrimaryKey("kind", "code")
    kind = models.CharField(max_length=12, choices=DraftKind.choices)
    code = models.SlugField(max_length=40)
    document = models.JSONField()
    updated_at = models.DateTimeField()
    updated_by = models.UUIDField(null=True)


class LegalRule(models.Model):
    """A rule of law that the product applies as a setting, with its source; the newest holds."""

    id = models.UUIDField(primary_key=True)
    code = models.SlugField(max_length=60)
    value = models.CharField(max_length=40)
    source = models.TextField()
    decided_at = models.DateTimeField()
    decided_by = models.UUIDField(null=True)

    class Meta:
        indexes = [models.Index(fields=["code", "-decided_at"], name="legal_rule_newest")]


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
    # What a person in that situation would expect, and what is done to protect them.
    expectations = models.TextField(blank=True)
    safeguards = models.TextField(blank=True)
    # prevails, prevails_with_safeguards, does_not_prevail: the last one is no basis.
    outcome = models.CharField(max_length=24, default="prevails_with_safeguards")
    # professionals, consumers, anyone
    audience = models.CharField(max_length=16, default="professionals")
    review_on = models.DateField(null=True)
    approved_at = models.DateTimeField()
    approved_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["purpose", "version"], name="assessment_version")
        ]


class NoticeKind(models.TextChoices):
    DIRECT = "direct"  # GDPR article 13: the person gives the data
    INDIRECT = "indirect"  # GDPR article 14: somebody else did
    PREFERENCES = "preferences"  # what stands on the page of choices


class Notice(models.Model):
    """One language of one version of the text a person is shown; never changed once written.

    A change of what people are told is a new version. A correction of its wording is a revision
    of the same version: whoever was shown the earlier wording was told the same.
    """

    id = models.UUIDField(primary_key=True)
    code = models.SlugField(max_length=40)
    version = models.PositiveIntegerField()
    revision = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=12, choices=NoticeKind.choices, default=NoticeKind.DIRECT)
    language = models.CharField(max_length=5)
    text = models.TextField()
    # The builder's sections that the text was made of; empty for a text written elsewhere.
    document = models.JSONField(default=dict)
    sha256 = models.BinaryField()
    # Of revision 0: what people are told changed. A revision is never substantive.
    is_substantive = models.BooleanField(default=True)
    published_at = models.DateTimeField()
    published_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "version", "revision", "language"], name="notice_wording_language"
            ),
            models.CheckConstraint(
                condition=Q(revision=0) | Q(is_substantive=False), name="notice_revision_is_wording"
            ),
            models.CheckConstraint(condition=Q(sha256__length=32), name="notice_sha256_length"),
        ]
