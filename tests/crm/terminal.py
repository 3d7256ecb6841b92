"""Somebody at a terminal, for the commands at which a person is proven."""

from collections.abc import Iterator
from importlib import import_module
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django_otp.plugins.otp_totp.models import TOTPDevice

from crm.accounts.second_factor import keep_authenticator, new_secret
from crm.models import Account, SecurityEvent
from tests.crm.staff import PASSWORD, code_now, make_account


class Person:
    """Types a name, a password and the code of their telephone."""

    def __init__(self, username: str, role: str) -> None:
        self.account: Account = make_account(username, role)
        self.secret = new_secret()
        keep_authenticator(account=self.account, secret=self.secret)

    def next_code(self) -> str:
        """The code of the telephone now, as if the last act had been long ago.

        A code is accepted once, and codes of later half minutes only as far as the device
        tolerates: so the device forgets, and no test hangs on where in a half minute it began.
        """
        TOTPDevice.objects.filter(user=self.account).update(last_t=-1, drift=0)
        return code_now(self.secret)

    def types(
        self, *words: str, password: str = PASSWORD, code: str = "", command: str = "approvals"
    ) -> str:
        secrets: Iterator[str] = iter([password, code or self.next_code()])
        said = StringIO()
        made = import_module(f"crm.management.commands.{command}").Command(
            read_line=lambda _prompt: self.account.username,
            read_secret=lambda _prompt: next(secrets),
            stdout=said,
        )
        call_command(made, *words)
        return said.getvalue()

    def refused(self, *words: str) -> SecurityEvent:
        """Types a wrong password, and returns what was noted of it."""
        with pytest.raises(CommandError):
            self.types(*words, password="wrong")
        return SecurityEvent.objects.latest("at", "id")
