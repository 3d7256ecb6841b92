"""Accounts of staff, contacts, organisations, leads, tags, timeline and segments."""

import uuid
from datetime import date, timedelta
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import F, Q
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
    # The last day of whoever leaves, or of a contract: the account ends with it by itself.
    ends_on = models.DateField(null=True, blank=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["role"]
    objects: ClassVar[AccountManager] = AccountManager()

    def is_of_staff_on(self, day: date) -> bool:
        """Say whether the account is open on that day."""
        return self.is_active and (self.ends_on is None or day <= self.ends_on)


class AccountEvent(models.Model):
    """What was done to an account, by whom; from the command line nobody is named."""

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    account_id = models.UUIDField()
    what = models.CharField(max_length=32)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["account_id", "-at", "-id"], name="accountevent_newest")]


class RecoveryCode(models.Model):
    """A one-time code for the day the telephone is lost; kept hashed, spent by a dated row."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    code_hash = models.CharField(max_length=128)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class EnrolmentKey(models.Model):
    """What whoever lost both factors is handed in person: it opens the enrolment of new ones."""

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.CASCADE)
    key_hash = models.CharField(max_length=128)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    failures = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)


class StaffSession(AbstractBaseSession):
    """A session, under the digest of its key and with sealed content: crm/accounts/session_store.

    What stands in clear is what its owner is shown to tell one session from another.
    """

    session_key = models.CharField(max_length=64, primary_key=True)
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE)
    sign_in = models.ForeignKey("SignIn", null=True, on_delete=models.SET_NULL)
    began_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    # A /24 or /48, and a browser's family: gone with the session.
    network = models.CharField(max_length=49, blank=True)
    browser = models.CharField(max_length=40, blank=True)

    @classmethod
    def get_session_store_class(cls) -> type:
        from crm.accounts.session_store import SessionStore  # which needs this class

        return SessionStore


class SignIn(models.Model):
    """One sign-in with both factors, and how long it was in use: kept six months.

    Network and browser are digests that need the installation's key: enough to see that an
    account is used from two places at once, not enough to say from where.
    """

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    # code, recovery_code, passkey, enrolment
    factor = models.CharField(max_length=16)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    network_print = models.CharField(max_length=32)
    browser_print = models.CharField(max_length=32)

    class Meta:
        indexes = [
            models.Index(fields=["account", "began_at"], name="signin_of_account"),
            models.Index(fields=["began_at"], name="signin_oldest"),
        ]


class SecurityEvent(models.Model):
    """What those who watch over the installation must see: ids and codes, kept six months."""

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    # No relation: what happened outlives the account.
    account_id = models.UUIDField(null=True)
    # The name that was tried, existing or not, and the network: digests that need the key.
    name_print = models.CharField(max_length=32, blank=True)
    network_print = models.CharField(max_length=32, blank=True)
    reference = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="securityevent_newest"),
            models.Index(fields=["kind", "name_print", "at"], name="securityevent_by_name"),
            models.Index(fields=["kind", "network_print", "at"], name="securityevent_by_network"),
        ]


TOKEN_LIFE_MAX = timedelta(days=366)


class ApiToken(models.Model):
    """A token of the staff API: it opens less than its account may, from fewer networks."""

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    name = models.CharField(max_length=60)
    # SHA-256 alone: the token is 256 random bits, there is nothing to guess (ASVS 5.0 11.4.2).
    sha256 = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField()
    networks = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_date = models.DateField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at"))
                & Q(expires_at__lte=F("created_at") + TOKEN_LIFE_MAX),
                name="apitoken_lives_a_year_at_most",
            )
        ]


class ApiTokenUse(models.Model):
    """One answer that a token was given; ids only, kept six months."""

    id = models.UUIDField(primary_key=True)
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE)
    at = models.DateTimeField()
    scope = models.CharField(max_length=32)
    # The address's own ids: {"contact_id": "…"}.
    reference = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["token", "-at"], name="apitokenuse_of_token")]


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


class SupportTicket(models.Model):
    """What customer service may see one person for, while it is open."""

    id = models.UUIDField(primary_key=True)
    # The number that the help desk gave it; its form leaves no room for words.
    reference = models.CharField(max_length=20)
    contact_id = models.UUIDField(null=True)
    opened_by = models.UUIDField()
    opened_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    # Nobody, if its time was over.
    closed_by = models.UUIDField(null=True)
    # Addresses that were typed: a ticket is no place to try them out.
    searches = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="ticket_newest"),
            models.Index(fields=["opened_by", "-opened_at", "-id"], name="ticket_of_account"),
            models.Index(
                fields=["closes_at"], condition=Q(closed_at__isnull=True), name="ticket_open"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(reference__regex=r"^[A-Z]{0,8}-?[0-9]{1,8}$"),
                name="ticket_reference_is_a_number",
            ),
            models.CheckConstraint(
                condition=Q(closes_at__gt=models.F("opened_at")), name="ticket_ends"
            ),
        ]
