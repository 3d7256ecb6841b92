"""Somebody at a terminal, for the commands at which a person is proven."""

from collections.abc import Iterator
from importlib import import_module
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm.accounts.second_factor import keep_authenticator, new_secret
from crm.models import Account, SecurityEvent
from tests.crm.staff import PASSWORD, code_now, make_account


class Person:
    """Types a name, a password and the code of their telephone."""

    def __init__(self, username: str, role: str) -> None:
        self.account: Account = make_account(username, role)
        self.secret = new_secret()
        keep_authenticator(account=self.account, secret=self.secret)
        self.used = 0

    def types(
        self, *words: str, password: str = PASSWORD, code: str = "", command: str = "approvals"
    ) -> str:
        # A code is accepted once: the next act has the code of another thirty seconds.
        secrets: Iterator[str] = iter([password, code or code_now(self.secret, steps=self.used)])
        self.used += 1 if not code else 0
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
