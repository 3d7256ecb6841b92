"""Accounts of staff: who they are, what was done to them."""

import uuid
from datetime import date
from typing import ClassVar

import psycopg
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import connections, models
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
