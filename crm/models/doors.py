"""How staff and machines get in: sessions, sign-ins, tokens, and what happens at the door."""

from datetime import timedelta

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import F, Q

from crm.models.accounts import Account


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
