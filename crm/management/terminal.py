"""Commands at which a person stands, who is proven at the prompt and never by an argument."""

import getpass
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from crm.approving import prove_person
from crm.models import Account


class TerminalCommand(BaseCommand):
    """Login name, password and code are typed: every process can read arguments."""

    def __init__(
        self,
        *args: Any,
        read_line: Callable[[str], str] = input,
        read_secret: Callable[[str], str] = getpass.getpass,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.read_line, self.read_secret = read_line, read_secret

    def person(self) -> Account:
        """Ask who stands here and return their account; raises NotProven."""
        name = self.read_line("Login name: ").strip()
        password = self.read_secret("Password: ")
        code = self.read_secret("One-time code: ")
        return prove_person(username=name, password=password, code=code, now=timezone.now())
