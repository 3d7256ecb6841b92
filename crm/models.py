"""Accounts of staff, contacts, organisations, leads, tags, timeline and segments."""

import uuid
from typing import ClassVar

import psycopg
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import connections, models
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


class AccountManager(BaseUserManager["Account"]):
    def create_account(self, *, username: str, password: str, role: str) -> "Account":
        account = self.model(username=username, role=role)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def get_by_natural_key(self, username: str | None) -> "Account":
        """Return the account of a name as somebody typed it; raises DoesNotExist.

        People type their address or their password there, and Django writes values into the text
        of a statement, which a server that logs slow ones keeps. Bound by the server the name is a
        parameter, which `log_parameter_max_length=0` leaves out.
        """
        connection = connections[self.db]
        connection.ensure_connection()
        with psycopg.Cursor(connection.connection) as cursor:
            cursor.execute("SELECT id FROM crm_account WHERE username = %s", [username])
            row = cursor.fetchone()
        if row is None:
            raise self.model.DoesNotExist
        return self.get(pk=row[0])


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
    """A company. Its name is in the vault: a sole trader's company name is a person's name."""

    id = models.UUIDField(primary_key=True)
    country = models.CharField(max_length=2, blank=True)
    created_at = models.DateTimeField()


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
