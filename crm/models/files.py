"""What comes in by a file and what leaves by one: imports and exports."""

from django.db import models
from django.db.models import Q


class ImportBatch(models.Model):
    """People whose data came from elsewhere: where from, and by which notice they are told."""

    id = models.UUIDField(primary_key=True)
    # Words of the company: the source that article 14(2)(f) makes us name.
    source = models.CharField(max_length=120)
    file_sha256 = models.BinaryField()
    purpose = models.ForeignKey("consent.Purpose", on_delete=models.PROTECT)
    channel = models.CharField(max_length=8)
    notice_code = models.SlugField(max_length=40)
    notice_version = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    created_by = models.UUIDField()
    # The account of the rows, once it is done: read = new + known + refused.
    rows_read = models.PositiveIntegerField(default=0)
    rows_new = models.PositiveIntegerField(default=0)
    rows_known = models.PositiveIntegerField(default=0)
    # [{"line": 7, "reason": "invalid_address"}, ...]: never the row itself.
    refusals = models.JSONField(default=list)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at"], name="import_newest")]


class Export(models.Model):
    """A file of people who may be reached for a purpose: who wants it, why, and for how long.

    What it is about is kept as it was asked; the rows wait sealed in documents of their own, whose
    keys are destroyed with the file. A row here outlives its file: it says that there was one.
    """

    id = models.UUIDField(primary_key=True)
    requested_by = models.UUIDField()
    requested_at = models.DateTimeField()
    # all, segment or tag; whom that means is frozen as rules.
    scope = models.CharField(max_length=8)
    scope_id = models.CharField(max_length=40, blank=True)
    rules = models.JSONField()
    purpose = models.ForeignKey("consent.Purpose", on_delete=models.PROTECT)
    channel = models.CharField(max_length=8)
    reason = models.CharField(max_length=16)
    columns = models.JSONField()
    has_bom = models.BooleanField()
    keep_days = models.PositiveSmallIntegerField()
    # Never more people than were asked for, and agreed to.
    most_rows = models.PositiveIntegerField()
    # The second person's, where one is needed.
    approval_id = models.UUIDField(null=True)
    # Nobody agreed, or it could not be made however often it was tried.
    refused_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    # How far the worker is: the last contact looked at, the parts and the rows that are sealed.
    looked_at_id = models.UUIDField(null=True)
    parts = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    # {"objected": 12, ...}: who was left out and why, in numbers.
    left_out = models.JSONField(default=dict)
    made_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-requested_at", "-id"], name="export_newest"),
            models.Index(fields=["requested_by", "-requested_at", "-id"], name="export_newest_own"),
            models.Index(
                fields=["id"], condition=Q(destroyed_at__isnull=True), name="export_alive"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(keep_days__gte=1) & Q(keep_days__lte=30), name="export_kept_a_month"
            ),
            models.CheckConstraint(
                condition=Q(rows__lte=models.F("most_rows")), name="export_no_more_than_asked"
            ),
            models.CheckConstraint(
                condition=Q(made_at=None, expires_at=None)
                | Q(made_at__isnull=False, expires_at__isnull=False),
                name="export_made_expires",
            ),
        ]


class ExportDownload(models.Model):
    """One download of an export: its marks, which a leaked file still has, and what left."""

    export = models.ForeignKey(Export, on_delete=models.PROTECT, related_name="downloads")
    number = models.PositiveSmallIntegerField()
    account_id = models.UUIDField()
    started_at = models.DateTimeField()
    ref = models.CharField(max_length=12, unique=True)
    canary = models.CharField(max_length=8, unique=True)
    # Of what left the house; empty where the download was broken off.
    finished_at = models.DateTimeField(null=True)
    rows = models.PositiveIntegerField(null=True)
    # Rows of the file that were left out of this download: a no came in between.
    dropped = models.PositiveIntegerField(null=True)
    sha256 = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["export", "number"], name="exportdownload_number"),
            models.CheckConstraint(
                condition=Q(number__gte=1) & Q(number__lte=5), name="exportdownload_five"
            ),
        ]
