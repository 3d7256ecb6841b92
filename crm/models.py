"""Accounts of staff, contacts, organisations, leads, tags, timeline, segments and exports."""

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    MARKETING = "marketing", _("Marketing")
    SALES = "sales", _("Sales")
    COMMUNICATION = "communication", _("Communication")
    SUPPORT = "support", _("Customer service")
    DPO = "dpo", _("Data protection officer")
    DSI = "dsi", _("Information systems")
    ADMINISTRATOR = "administrator", _("Administrator of accounts")
    OPERATIONS = "operations", _("Operations")


class AccountManager(BaseUserManager["Account"]):
    def create_account(self, *, username: str, password: str, role: str) -> "Account":
        account = self.model(username=username, role=role)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def get_by_natural_key(self, username: str | None) -> "Account":
        return self.get(username=username)


class Account(AbstractBaseUser, PermissionsMixin):
    """A member of staff. The login name is a pseudonym; the person's name is in the vault."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=16, choices=Role.choices)
    language = models.CharField(max_length=5, default="fr")
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["role"]
    objects: ClassVar[AccountManager] = AccountManager()


class RecoveryCode(models.Model):
    """A one-time code for the day the telephone is lost; kept hashed, spent by a dated row."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    code_hash = models.CharField(max_length=128)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Organisation(models.Model):
    """A company. Its name is in the vault: a sole trader's company name is a person's name.

    So are its account and card numbers, fax, address and notes: one document, under its own id.
    """

    id = models.UUIDField(primary_key=True)
    country = models.CharField(max_length=2, blank=True)
    # In clear: retention counts from it.
    contract_ends_on = models.DateField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="organisation_newest")]


class NumberShown(models.Model):
    """Somebody saw account and card numbers of an organisation in full: who, when and why."""

    id = models.UUIDField(primary_key=True)
    organisation_id = models.UUIDField()
    account_id = models.UUIDField()
    shown_at = models.DateTimeField()
    reason = models.CharField(max_length=16)

    class Meta:
        indexes = [models.Index(fields=["organisation_id", "-shown_at"], name="numbershown_of_one")]


class Contact(models.Model):
    """The pseudonymous skeleton of a person: facets for segments; identity is in the vault."""

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    language = models.CharField(max_length=5)
    country = models.CharField(max_length=2, blank=True)
    # new, engaged, customer, former, unreachable
    status = models.CharField(max_length=16, default="new")
    source = models.CharField(max_length=64)
    is_professional = models.BooleanField(default=True)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.SET_NULL)
    has_email = models.BooleanField()
    has_phone = models.BooleanField()
    # The person's own last act (a form, a click, a reply): an open is not an act.
    last_act_at = models.DateTimeField()
    restricted_at = models.DateTimeField(null=True)
    # The address bounced for good: nothing is sent until it is corrected.
    unreachable_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="contact_newest"),
            models.Index(fields=["last_act_at"], name="contact_last_act"),
        ]


class Tag(models.Model):
    slug = models.SlugField(primary_key=True, max_length=40)
    title = models.CharField(max_length=60)


class ContactTag(models.Model):
    pk = models.CompositePrimaryKey("contact_id", "tag_id")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE)
    tagged_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tag", "contact"], name="contacttag_by_tag")]


class Lead(models.Model):
    """One arrival of a person through a form; its id is the submission's."""

    id = models.UUIDField(primary_key=True)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    form_code = models.CharField(max_length=64)
    form_version = models.PositiveIntegerField()
    received_at = models.DateTimeField()
    # new, in_progress, answered, closed
    state = models.CharField(max_length=16, default="new")
    assigned_to = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL)
    has_message = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="lead_newest"),
            models.Index(fields=["state", "-received_at", "-id"], name="lead_by_state"),
            models.Index(fields=["form_code", "contact"], name="lead_by_form"),
        ]


class TimelineEntry(models.Model):
    """What happened with a contact: kinds and ids, never words about the person."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    reference = models.JSONField(default=dict)
    actor_id = models.UUIDField(null=True)

    class Meta:
        indexes = [models.Index(fields=["contact", "-at"], name="timeline_of_contact")]


class Segment(models.Model):
    """A saved rule tree over facets, tags, forms, dates and past campaigns."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    rules = models.JSONField()
    created_by = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(archived_at__isnull=True), name="segment_name"
            )
        ]


class ContactCampaign(models.Model):
    """A campaign a contact was sent: written by campaigns through the door, read by segments."""

    pk = models.CompositePrimaryKey("contact_id", "campaign_id")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    campaign_id = models.UUIDField()
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["campaign_id", "contact"], name="contactcampaign_campaign")]


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


class ContactMerge(models.Model):
    """Two contacts were one person: which was kept, and who said so."""

    id = models.UUIDField(primary_key=True)
    kept_id = models.UUIDField(db_index=True)
    absorbed_id = models.UUIDField(unique=True)
    merged_at = models.DateTimeField()
    merged_by = models.UUIDField(null=True)


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
    refused_at = models.DateTimeField(null=True)
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
